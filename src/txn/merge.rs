//! Three-way merging: what a transaction changed, and what that makes of a record that somebody else may have changed.
//!
//! The unit is the key of a package (contract 5.2). Values are compared by their stored bytes, which are the same if
//! and only if the values are.

#![allow(clippy::option_option, reason = "whether a field was changed, and to what, which may be nothing")]

use std::borrow::Cow;
use std::collections::BTreeSet;

use smallvec::SmallVec;

use crate::container::Policy;
use crate::error::{Error, Result};
use crate::record::{self, Corrupt, EntrySource, Header, Package, PkgSource, Record, Scalar, encodes_to};
use crate::session::pkg::{Change, Env, Pkg};
use crate::store::Payload;
use crate::value::{MAX_ENTRIES, Text, Value};

/// What a transaction changed in one package, compared with what it loaded.
#[derive(Debug)]
struct PkgChanges {
    name: Text,
    /// Whether the package was deleted: then it is kept only for its keys.
    deleted: bool,
    /// What was loaded of it.
    base: Option<Package>,
    /// The keys that differ, sorted.
    keys: SmallVec<[(Text, Change); 1]>,
}

/// What a transaction changed in one session, compared with what it loaded.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    pkgs: SmallVec<[PkgChanges; 1]>,
    own_timeout_ms: Option<Option<u64>>,
    deadline_ms: Option<Option<i64>>,
}

impl Changes {
    /// Takes note of what changed in one package.
    pub(crate) fn add_pkg(&mut self, pkg: &mut Pkg, env: &Env<'_>) -> Result<()> {
        if !pkg.is_touched() {
            return Ok(());
        }
        pkg.load(env)?;
        let table = pkg.table();
        let mut keys: SmallVec<[(Text, Change); 1]> = SmallVec::new();
        for (key, change) in pkg.overlay() {
            let loaded = table.and_then(|table| table.raw(table.find(key)?));
            let differs = match change {
                Change::Set(value) => !loaded.is_some_and(|raw| encodes_to(value, raw)),
                Change::Delete => loaded.is_some(),
                Change::Add { delta, .. } => *delta != 0,
            };
            if differs {
                keys.push((key.clone(), change.clone()));
            }
        }
        if pkg.is_hidden() {
            let overlay: BTreeSet<&str> = pkg.overlay().map(|(key, _)| key.as_str()).collect();
            let loaded = table.iter().flat_map(|table| table.entries().map(|(key, _)| key));
            keys.extend(loaded.filter(|key| !overlay.contains(key)).map(|key| (Text::new(key), Change::Delete)));
            keys.sort_by(|(a, _), (b, _)| a.cmp(b));
        }
        // A package that was deleted and got its old keys again is what it was, unless it has none.
        let is_gone = pkg.is_deleted() && table.is_some_and(Package::is_empty);
        if !keys.is_empty() || is_gone {
            let base = table.cloned();
            self.pkgs.push(PkgChanges { name: pkg.name().clone(), deleted: pkg.is_deleted(), base, keys });
        }
        Ok(())
    }

    /// Takes note of timeout and deadline, as they were and as they are.
    pub(crate) fn add_head(&mut self, timeout_ms: [Option<u64>; 2], deadline_ms: [Option<i64>; 2]) {
        let [was, is] = timeout_ms;
        self.own_timeout_ms = (was != is).then_some(is);
        let [was, is] = deadline_ms;
        self.deadline_ms = (was != is).then_some(is);
    }

    /// Whether nothing changed.
    pub(crate) fn is_empty(&self) -> bool {
        self.pkgs.is_empty() && self.own_timeout_ms.is_none() && self.deadline_ms.is_none()
    }

    /// The session's own timeout, if it was changed.
    pub(crate) fn own_timeout_ms(&self) -> Option<Option<u64>> {
        self.own_timeout_ms
    }

    /// The deadline, if it was changed.
    pub(crate) fn deadline_ms(&self) -> Option<Option<i64>> {
        self.deadline_ms
    }

    /// The bytes of `basis` under another header; without a basis, of an empty session.
    pub(crate) fn copy(basis: Option<&Record>, header: &Header) -> Result<Payload> {
        let sources: Vec<_> = basis.into_iter().flat_map(carried).collect();
        record::encode(header, &sources, basis.map(Record::blob))
    }

    /// The bytes of what these changes, made to `base`, make of `basis`; `None` if they leave it as it is.
    ///
    /// `base` is what the transaction had loaded, `basis` what stands now. `header` is complete but for timeout and
    /// deadline, in which it says what `basis` has, or a new session would have.
    pub(crate) fn apply(
        &self,
        base: Option<&Record>,
        basis: Option<&Record>,
        mut header: Header,
        base_deadline_ms: Option<i64>,
        policy: Policy,
    ) -> Result<Option<Payload>, Refusal> {
        let base_timeout_ms = base.and_then(|record| record.header().own_timeout_ms);
        let mut changed =
            merge_field("timeout", self.own_timeout_ms, base_timeout_ms, &mut header.own_timeout_ms, policy)?;
        changed |= merge_field("deadline", self.deadline_ms, base_deadline_ms, &mut header.deadline_ms, policy)?;

        let is_base = match (base, basis) {
            (Some(base), Some(basis)) => base.header().stamp == basis.header().stamp,
            _ => false,
        };
        let mut edited: SmallVec<[PkgEdit<'_>; 1]> = SmallVec::with_capacity(self.pkgs.len());
        for pkg in &self.pkgs {
            let edit = PkgEdit::resolve(pkg, is_base, basis, policy)?;
            changed |= edit.changes_anything();
            edited.push(edit);
        }
        if !changed {
            return Ok(None);
        }
        edited.sort_unstable_by_key(|edit| edit.name);
        let mut sources: SmallVec<[_; 1]> = SmallVec::new();
        let mut edits = edited.iter().peekable();
        for (name, source) in basis.into_iter().flat_map(carried) {
            while let Some(edit) = edits.next_if(|edit| edit.name < name) {
                sources.extend(edit.source()?.map(|source| (edit.name, source)));
            }
            match edits.next_if(|edit| edit.name == name) {
                Some(edit) => sources.extend(edit.source()?.map(|source| (name, source))),
                None => sources.push((name, source)),
            }
        }
        for edit in edits {
            sources.extend(edit.source()?.map(|source| (edit.name, source)));
        }
        Ok(Some(record::encode(&header, &sources, basis.map(Record::blob))?))
    }
}

/// Why changes cannot be applied.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// For a reason that is complete.
    Error(Error),
    /// Because bytes cannot be read; the caller says whose.
    Corrupt(Corrupt),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl From<Corrupt> for Refusal {
    fn from(corrupt: Corrupt) -> Self {
        Self::Corrupt(corrupt)
    }
}

/// What is to be done to one package of what stands now.
struct PkgEdit<'a> {
    name: &'a str,
    deleted: bool,
    stands: Option<Cow<'a, Package>>,
    /// Sorted by key.
    keys: SmallVec<[KeyEdit<'a>; 1]>,
}

/// A key and its new value, `None` to delete it.
type KeyEdit<'a> = (&'a str, Option<Cow<'a, Value>>);

impl<'a> PkgEdit<'a> {
    fn resolve(pkg: &'a PkgChanges, is_base: bool, basis: Option<&Record>, policy: Policy) -> Result<Self, Refusal> {
        let was = pkg.base.as_ref();
        let (name, deleted) = (pkg.name.as_str(), pkg.deleted);
        if is_base {
            // Each of them differs from what was loaded, or it would not be here.
            let keys = pkg.keys.iter().map(|(key, change)| (key.as_str(), change.value().map(Cow::Borrowed))).collect();
            return Ok(Self { name, deleted, stands: was.map(Cow::Borrowed), keys });
        }
        Self::merge(pkg, basis, policy)
    }

    /// The same where somebody else changed the session since it was loaded.
    #[cold]
    fn merge(pkg: &'a PkgChanges, basis: Option<&Record>, policy: Policy) -> Result<Self, Refusal> {
        let was = pkg.base.as_ref();
        let (name, deleted) = (pkg.name.as_str(), pkg.deleted);
        let stands = match basis.and_then(|basis| Some((basis, basis.find(&pkg.name)?))) {
            Some((basis, at)) => Some(basis.pkg(at)?),
            None => None,
        };
        let mut keys = SmallVec::with_capacity(pkg.keys.len());
        for (key, change) in &pkg.keys {
            let find = |table: Option<&Package>| table.and_then(|table| table.find(key));
            let theirs_at = find(stands.as_ref());
            let base_raw = raw(was, find(was));
            let theirs_raw = raw(stands.as_ref(), theirs_at);
            let is_untouched = base_raw == theirs_raw;
            let conflict = || -> Result<(), Refusal> {
                if policy == Policy::Mine || policy == Policy::Overwrite {
                    return Ok(());
                }
                let (pkg, key) = (shorten(&pkg.name), shorten(key));
                Err(Error::Conflict(format!("another transaction changed key {key:?} of package {pkg:?}").into())
                    .into())
            };
            let edit = match change {
                Change::Set(value) => {
                    if theirs_raw.is_some_and(|raw| encodes_to(value, raw)) {
                        continue;
                    }
                    if !is_untouched {
                        conflict()?;
                    }
                    Some(Cow::Borrowed(&**value))
                }
                Change::Delete => {
                    if theirs_raw.is_none() {
                        continue;
                    }
                    if !is_untouched {
                        conflict()?;
                    }
                    None
                }
                Change::Add { seen, .. } if is_untouched || policy == Policy::Overwrite => Some(Cow::Borrowed(&**seen)),
                Change::Add { delta, seen } => {
                    let theirs = match (&stands, theirs_at) {
                        (Some(table), Some(at)) => match table.scalar(at)? {
                            Scalar::Int(theirs) => Some(theirs),
                            _ => None,
                        },
                        _ => None,
                    };
                    if let Some(theirs) = theirs {
                        Some(Cow::Owned(Value::Int(add(theirs, *delta, &pkg.name, key)?)))
                    } else {
                        conflict()?;
                        Some(Cow::Borrowed(&**seen))
                    }
                }
            };
            keys.push((key.as_str(), edit));
        }
        Ok(Self { name, deleted, stands: stands.map(Cow::Owned), keys })
    }

    fn changes_anything(&self) -> bool {
        !self.keys.is_empty() || self.deleted && self.stands.as_ref().is_some_and(|stands| stands.is_empty())
    }

    /// The whole package as it is to be stored; `None` if it is not to be there.
    fn source(&self) -> Result<Option<PkgSource<'_>>> {
        let room = self.stands.as_ref().map_or(0, |stands| stands.len()) + self.keys.len();
        let mut entries = Vec::with_capacity(room);
        let mut edits = self.keys.iter().peekable();
        if let Some(stands) = &self.stands {
            for (key, raw) in stands.entries() {
                while let Some(edit) = edits.next_if(|(edited, _)| *edited < key) {
                    push(&mut entries, edit);
                }
                match edits.next_if(|(edited, _)| *edited == key) {
                    Some(edit) => push(&mut entries, edit),
                    None => entries.push((key, EntrySource::Raw(raw))),
                }
            }
        }
        for edit in edits {
            push(&mut entries, edit);
        }
        if entries.len() > MAX_ENTRIES {
            return Err(Error::TooLarge(format!("package of more than {MAX_ENTRIES} entries").into()));
        }
        if entries.is_empty() && (self.deleted || self.stands.is_none()) {
            return Ok(None);
        }
        Ok(Some(PkgSource::Entries(entries)))
    }
}

/// The packages of a record as they are.
fn carried(record: &Record) -> impl Iterator<Item = (&str, PkgSource<'_>)> {
    record.entries().map(|(name, bytes)| (name, PkgSource::Raw(bytes)))
}

fn push<'a>(entries: &mut Vec<(&'a str, EntrySource<'a>)>, edit: &'a KeyEdit<'a>) {
    if let (key, Some(value)) = edit {
        entries.push((key, EntrySource::Value(value)));
    }
}

fn raw(table: Option<&Package>, at: Option<usize>) -> Option<&[u8]> {
    table?.raw(at?)
}

fn add(theirs: i64, delta: i64, pkg: &str, key: &str) -> Result<i64> {
    theirs.checked_add(delta).ok_or_else(|| {
        let (pkg, key) = (shorten(pkg), shorten(key));
        Error::Range(
            format!("merging the deltas of key {key:?} of package {pkg:?} leaves the range of 64-bit integers").into(),
        )
    })
}

/// Merges one field of the header like a key; tells whether that changes it.
fn merge_field<T: PartialEq + Copy>(
    name: &str,
    mine: Option<T>,
    base: T,
    theirs: &mut T,
    policy: Policy,
) -> Result<bool, Refusal> {
    let Some(mine) = mine else { return Ok(false) };
    if mine == *theirs {
        return Ok(false);
    }
    if *theirs != base && matches!(policy, Policy::Merge | Policy::Strict) {
        return Err(Error::Conflict(format!("another transaction changed the {name} of the session").into()).into());
    }
    *theirs = mine;
    Ok(true)
}

/// A name that an error can bear.
fn shorten(name: &str) -> &str {
    let mut end = name.len().min(60);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    name.get(..end).unwrap_or_default()
}
