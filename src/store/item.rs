//! What goes into and comes out of a store: batches of items, one result for each.

use std::ops::{Deref, Range};
use std::sync::Arc;
use std::time::Duration;

use smallvec::SmallVec;

use super::Payload;
use crate::error::{Error, Message};
use crate::joined::joined;

/// One result for each item of a batch, in their order. A batch nearly always has one item.
pub type Results<T> = SmallVec<[T; 1]>;

/// The bytes of one record, shared without copying.
#[derive(Clone)]
pub struct Blob {
    bytes: Arc<Vec<u8>>,
    /// Where the record begins: it may stand behind the line that it was received with.
    begin: usize,
}

impl Blob {
    /// Takes `bytes` over. What was reserved for much more than they are is given back: a store counts their length.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self::behind(0, bytes)
    }

    /// The same without the first `begin` bytes.
    pub(super) fn behind(begin: usize, mut bytes: Vec<u8>) -> Self {
        if bytes.capacity() - bytes.len() > bytes.len() / 4 {
            bytes.shrink_to_fit();
        }
        Self { bytes: Arc::new(bytes), begin }
    }

    /// Where in these bytes `part` stands, if it is borrowed from them.
    pub(super) fn range_of(&self, part: &[u8]) -> Option<Range<usize>> {
        let begin = part.as_ptr().addr().checked_sub(self.as_ptr().addr())?;
        let end = begin.checked_add(part.len())?;
        (end <= self.len()).then_some(begin..end)
    }
}

impl Deref for Blob {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        self.bytes.get(self.begin..).unwrap_or_default()
    }
}

impl PartialEq for Blob {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Blob {}

impl std::fmt::Debug for Blob {
    // Stored values must not end up in logs: the length is all that is shown.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Blob({} bytes)", self.len())
    }
}

/// The key of a record in the store, `<prefix>/<container>/<digest>`; made by `session::id`, never from a raw id.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Key(Arc<str>);

impl Key {
    /// Takes a complete key.
    pub fn new(key: &str) -> Self {
        Self(Arc::from(key))
    }

    /// Takes a complete key in parts.
    pub(crate) fn joined(parts: &[&str]) -> Self {
        Self(joined(parts))
    }

    /// The key as it goes over the wire.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The digest of the session id: what errors may name.
    pub fn digest(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }
}

/// A version of a record, as the store that gave it knows it: good for one compare-and-swap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// The compare-and-swap number.
    pub cas: u64,
    /// Which process, and which unbroken life of it, gave the number; 0 on `memory://`.
    pub epoch: u64,
}

/// Time left before a record expires, in the terms of the store that gave it; see `Store::idle`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left(pub Duration);

/// One record to load.
#[derive(Debug, Clone)]
pub struct LoadItem {
    /// Which record.
    pub key: Key,
    /// Time to live to renew it with in the same round trip; `None` reads without renewing.
    pub renew: Option<Duration>,
}

/// What a load found.
#[derive(Debug, Clone)]
pub enum Loaded {
    /// Nothing is stored there, or it expired.
    Absent,
    /// A record.
    Found {
        /// Its bytes.
        blob: Blob,
        /// Its version.
        token: Token,
        /// What was left before the renewal; `None` if it never expires.
        left: Option<Left>,
    },
}

/// One record to write.
#[derive(Debug, Clone)]
pub struct WriteItem {
    /// Which record.
    pub key: Key,
    /// What to do.
    pub action: Action,
    /// Time to live; `None` never expires.
    pub ttl: Option<Duration>,
}

/// What a write does.
#[derive(Debug, Clone)]
pub enum Action {
    /// Store only if nothing is there.
    Create(Payload),
    /// Store only if the version is still this one.
    Replace(Payload, Token),
    /// Store whatever is there.
    Put(Payload),
    /// Change the time to live only.
    Touch,
}

impl Action {
    /// The bytes to store.
    pub fn payload(&self) -> Option<&Payload> {
        match self {
            Self::Create(payload) | Self::Replace(payload, _) | Self::Put(payload) => Some(payload),
            Self::Touch => None,
        }
    }
}

/// What became of one write.
#[derive(Debug, Clone)]
pub enum Written {
    /// Applied; the new version (of a touch: unchanged, so whatever the store can tell).
    Done(Token),
    /// Not applied: another version stands there.
    Changed,
    /// Not applied: nothing stands there.
    Absent,
    /// The server refused; it may have dropped what was stored, so look before naming the outcome.
    Refused(Message),
    /// Definitely not applied.
    Failed(Error),
    /// Sent and not answered: applied or not.
    Unknown(Error),
}
