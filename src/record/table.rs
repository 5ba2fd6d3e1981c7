//! A table of names and items in one run of bytes: the packages of a record, the keys of a package.
//!
//! `count`, then for each entry where its name and its item end, all of fixed width, then all names with a NUL
//! behind each, then all items. Entry i is found without scanning, a name by halving, and the names are one run of
//! UTF-8 that is checked in one go.

use super::{Corrupt, work};
use crate::error::{Error, Result};
use crate::store::PayloadWriter;
use crate::value::{MAX_ENTRIES, MAX_KEY_LEN, check_key};

const COUNT: usize = 4;
const ENTRY: usize = 8;

/// Where things are in a table that was checked. It holds positions only: its bytes are handed to each call.
#[derive(Debug, Clone, Copy)]
pub(super) struct Table {
    count: usize,
    ends: usize,
    names: usize,
    items: usize,
}

impl Table {
    /// Checks the table that fills `bytes[start..end]`. Nothing is allocated, no item is looked into.
    pub(super) fn check(bytes: &[u8], start: usize, end: usize) -> Result<Self, Corrupt> {
        let table = bytes.get(start..end).ok_or(Corrupt::new("table outside the record"))?;
        let (count, rest) = table.split_first_chunk::<COUNT>().ok_or(Corrupt::new("table without a count"))?;
        let count = u32::from_le_bytes(*count) as usize;
        if count > MAX_ENTRIES {
            return Err(Corrupt::new("table of more entries than the limit"));
        }
        let (ends, rest) =
            rest.split_at_checked(count * ENTRY).ok_or(Corrupt::new("table truncated in its offsets"))?;
        let (names_len, items_len) = ends.last_chunk().map_or((0, 0), |last| split_ends(*last));
        let (names, items) = rest.split_at_checked(names_len).ok_or(Corrupt::new("names outside their table"))?;
        if items.len() != items_len {
            return Err(Corrupt::new("table longer or shorter than its entries"));
        }
        if std::str::from_utf8(names).is_err() {
            return Err(Corrupt::new("name that is not UTF-8"));
        }
        check_entries(ends, names)?;
        work::table(COUNT + ends.len() + names.len());
        let ends_at = start + COUNT;
        let names_at = ends_at + ends.len();
        Ok(Self { count, ends: ends_at, names: names_at, items: names_at + names_len })
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// Name `i` and the NUL behind it.
    pub(super) fn name_with_nul<'b>(&self, bytes: &'b [u8], i: usize) -> Option<&'b str> {
        std::str::from_utf8(self.name_bytes(bytes, i)?).ok()
    }

    /// Start and end of item `i`.
    pub(super) fn item(&self, bytes: &[u8], i: usize) -> Option<(usize, usize)> {
        let (_, end) = self.end_of(bytes, i)?;
        Some((self.items + self.start_of(bytes, i)?.1, self.items + end))
    }

    /// Each name with its item, in their order. The names are taken for text all at once.
    pub(super) fn entries<'b>(&self, bytes: &'b [u8]) -> impl Iterator<Item = (&'b str, &'b [u8])> {
        let names = bytes.get(self.names..self.items).and_then(|names| str::from_utf8(names).ok()).unwrap_or_default();
        let items = bytes.get(self.items..).unwrap_or_default();
        let ends = bytes.get(self.ends..self.names).unwrap_or_default();
        let (mut name_start, mut item_start) = (0, 0);
        ends.as_chunks::<ENTRY>().0.iter().filter_map(move |entry| {
            let (name_end, item_end) = split_ends(*entry);
            let name = names.get(name_start..name_end)?.strip_suffix('\0')?;
            let item = items.get(item_start..item_end)?;
            (name_start, item_start) = (name_end, item_end);
            Some((name, item))
        })
    }

    /// The entry of `name`, by halving.
    pub(super) fn find(&self, bytes: &[u8], name: &str) -> Option<usize> {
        let (mut low, mut high) = (0, self.count);
        while low < high {
            let middle = low + (high - low) / 2;
            let (_nul, found) = self.name_bytes(bytes, middle)?.split_last()?;
            match found.cmp(name.as_bytes()) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Equal => return Some(middle),
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }

    fn name_bytes<'b>(&self, bytes: &'b [u8], i: usize) -> Option<&'b [u8]> {
        let (end, _) = self.end_of(bytes, i)?;
        bytes.get(self.names + self.start_of(bytes, i)?.0..self.names + end)
    }

    fn start_of(&self, bytes: &[u8], i: usize) -> Option<(usize, usize)> {
        i.checked_sub(1).map_or(Some((0, 0)), |before| self.end_of(bytes, before))
    }

    fn end_of(&self, bytes: &[u8], i: usize) -> Option<(usize, usize)> {
        if i >= self.count {
            return None;
        }
        bytes.get(self.ends + i * ENTRY..)?.first_chunk().map(|entry| split_ends(*entry))
    }
}

/// Checks what a whole table promises of each entry: inside, in order, unique, NUL behind the name, an item.
fn check_entries(ends: &[u8], names: &[u8]) -> Result<(), Corrupt> {
    let (mut name_start, mut item_start) = (0, 0);
    let mut before: Option<&[u8]> = None;
    for entry in ends.as_chunks::<ENTRY>().0 {
        let (name_end, item_end) = split_ends(*entry);
        let with_nul = names.get(name_start..name_end).ok_or(Corrupt::new("offsets of names out of order"))?;
        let Some((0, name)) = with_nul.split_last() else {
            return Err(Corrupt::new("name without a NUL behind it"));
        };
        if name.len() > MAX_KEY_LEN {
            return Err(Corrupt::new("name longer than the limit"));
        }
        if before.is_some_and(|before| before >= name) {
            return Err(Corrupt::new("names out of order or twice"));
        }
        if item_end <= item_start {
            return Err(Corrupt::new("offsets of items out of order"));
        }
        (name_start, item_start, before) = (name_end, item_end, Some(name));
    }
    Ok(())
}

fn split_ends(entry: [u8; ENTRY]) -> (usize, usize) {
    let [n0, n1, n2, n3, i0, i1, i2, i3] = entry;
    (u32::from_le_bytes([n0, n1, n2, n3]) as usize, u32::from_le_bytes([i0, i1, i2, i3]) as usize)
}

/// How many bytes a table takes for entries whose names (without NUL) and items have these lengths.
pub(super) fn table_len(entries: impl Iterator<Item = (usize, usize)>) -> usize {
    entries.fold(COUNT, |sum, (name, item)| sum.saturating_add(ENTRY + 1).saturating_add(name).saturating_add(item))
}

/// What the errors of a table that is written speak of.
pub(super) struct Nouns {
    /// The whole.
    pub(super) table: &'static str,
    /// One name.
    pub(super) name: &'static str,
    /// The entries.
    pub(super) entries: &'static str,
}

/// Appends a table: names first, then its caller appends the items, one after the other.
pub(super) struct TableWriter {
    next_end: usize,
    items: usize,
}

impl TableWriter {
    /// Appends everything up to the first item. The names come sorted, which is checked.
    pub(super) fn begin<'n>(
        nouns: &Nouns,
        names: impl ExactSizeIterator<Item = &'n str> + Clone,
        out: &mut PayloadWriter<'_>,
    ) -> Result<Self> {
        let count = match u32::try_from(names.len()) {
            Ok(count) if names.len() <= MAX_ENTRIES => count,
            _ => {
                let message = format!("{} of more than {MAX_ENTRIES} {}", nouns.table, nouns.entries);
                return Err(Error::TooLarge(message.into()));
            }
        };
        let own = out.own();
        own.extend_from_slice(&count.to_le_bytes());
        let ends = own.len();
        own.resize(ends + names.len() * ENTRY, 0);
        let start = own.len();
        let mut before: Option<&str> = None;
        for (i, name) in names.enumerate() {
            check_key(nouns.name, name)?;
            if before.is_some_and(|before| before >= name) {
                return Err(Error::Panic(format!("{} written with a {} out of order", nouns.table, nouns.name).into()));
            }
            own.extend_from_slice(name.as_bytes());
            own.push(0);
            let end = own.len() - start;
            patch(own, ends + i * ENTRY, end)?;
            before = Some(name);
        }
        Ok(Self { next_end: ends + ENTRY / 2, items: out.len() })
    }

    /// Says that the next item is complete and ends where `out` ends.
    pub(super) fn item_done(&mut self, out: &mut PayloadWriter<'_>) -> Result<()> {
        let end = out.len() - self.items;
        patch(out.own_so_far(), self.next_end, end)?;
        self.next_end += ENTRY;
        Ok(())
    }
}

/// Writes, at `at`, where something ends.
fn patch(own: &mut [u8], at: usize, end: usize) -> Result<()> {
    let end = u32::try_from(end).map_err(|_| Error::TooLarge("record of more than 4 GiB".into()))?;
    if let Some(slot) = own.get_mut(at..).and_then(|rest| rest.first_chunk_mut()) {
        *slot = end.to_le_bytes();
    }
    Ok(())
}
