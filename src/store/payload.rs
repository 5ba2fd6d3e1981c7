//! The bytes of a record on their way to a store: its own, and between them long stretches of one that was loaded.
//!
//! Most of a large session is what it was. Those bytes are not copied into the new record but sent from where they were
//! received: of a session of 200 KB that saves the copy, and the pages that the system would have to find for it.

use std::fmt;
use std::ops::Range;

use super::Blob;

/// A stretch that is shorter is copied: that costs less than sending one more piece.
const WORTH_LENDING: usize = 4 << 10;

/// The bytes of one record to be stored. Cloning copies references.
#[derive(Clone)]
pub struct Payload {
    own: Blob,
    /// What stands between the own bytes, in order.
    lent: Vec<Lent>,
    len: usize,
}

/// A stretch of a loaded record.
#[derive(Debug, Clone)]
struct Lent {
    /// How many of the own bytes stand before it.
    at: usize,
    from: Blob,
    range: Range<usize>,
}

impl Payload {
    /// How many bytes it is.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it is no bytes at all.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Its bytes if nothing of them is lent, as of nearly every small one.
    pub fn whole(&self) -> Option<&[u8]> {
        self.lent.is_empty().then_some(&*self.own)
    }

    /// Its bytes, piece by piece; none is empty.
    pub fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        let ends = self.lent.iter().map(|lent| lent.at).chain([self.own.len()]);
        let lent = self.lent.iter().map(|lent| lent.from.get(lent.range.clone()).unwrap_or_default());
        let mut begin = 0;
        let own = ends.map(move |end| self.own.get(std::mem::replace(&mut begin, end)..end).unwrap_or_default());
        own.zip(lent.chain([<&[u8]>::default()])).flat_map(|(own, lent)| [own, lent]).filter(|piece| !piece.is_empty())
    }

    /// The same in one piece, to be kept: copied if anything is lent, so that what was loaded is not kept with it.
    pub fn to_blob(&self) -> Blob {
        if self.lent.is_empty() { self.own.clone() } else { Blob::new(self.pieces().collect::<Vec<_>>().concat()) }
    }
}

impl From<Blob> for Payload {
    fn from(own: Blob) -> Self {
        Self { len: own.len(), own, lent: Vec::new() }
    }
}

impl fmt::Debug for Payload {
    // As of a blob: never what is in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({} bytes)", self.len)
    }
}

/// Puts a payload together.
#[derive(Debug)]
pub struct PayloadWriter<'a> {
    own: Vec<u8>,
    lent: Vec<Lent>,
    lent_len: usize,
    /// Where long stretches may be left, and the one that came last, which may go on.
    lender: Option<&'a Blob>,
    last: Range<usize>,
}

impl<'a> PayloadWriter<'a> {
    /// For `len` bytes, of which `own_len()` are not from `lender`.
    pub fn new(len: usize, own_len: impl FnOnce() -> usize, lender: Option<&'a Blob>) -> Self {
        let lender = lender.filter(|_| len >= WORTH_LENDING);
        let own = Vec::with_capacity(if lender.is_some() { own_len() } else { len });
        Self { own, lent: Vec::new(), lent_len: 0, lender, last: 0..0 }
    }

    /// How many bytes there are so far.
    pub fn len(&self) -> usize {
        self.own.len() + self.lent_len + self.last.len()
    }

    /// Whether there are none yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The own bytes, to append to.
    pub fn own(&mut self) -> &mut Vec<u8> {
        self.settle();
        &mut self.own
    }

    /// The own bytes up to here, to change in place what stands there already.
    pub fn own_so_far(&mut self) -> &mut [u8] {
        &mut self.own
    }

    /// Appends `bytes`, which may be the lender's.
    pub fn carry(&mut self, bytes: &[u8]) {
        let Some(range) = self.lender.and_then(|lender| lender.range_of(bytes)) else {
            return self.own().extend_from_slice(bytes);
        };
        if range.start != self.last.end {
            self.settle();
            self.last.start = range.start;
        }
        self.last.end = range.end;
    }

    /// Lends or copies the stretch that came last, now that it is known where it ends.
    fn settle(&mut self) {
        let range = std::mem::take(&mut self.last);
        let Some(lender) = self.lender.filter(|_| !range.is_empty()) else { return };
        if range.len() >= WORTH_LENDING {
            self.lent_len += range.len();
            self.lent.push(Lent { at: self.own.len(), from: lender.clone(), range });
        } else {
            self.own.extend_from_slice(lender.get(range).unwrap_or_default());
        }
    }

    /// The payload.
    pub fn finish(mut self) -> Payload {
        self.settle();
        Payload { len: self.len(), own: Blob::new(self.own), lent: self.lent }
    }
}
