//! The undo log: what to put back when a transaction is rolled back to a savepoint.
//!
//! A savepoint is a position in the log. Whatever can change carries the *epoch* in which it was last logged; an epoch
//! begins at each savepoint and each rollback, so that a unit is logged at most once between two savepoints, and not
//! at all while there is no savepoint.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, Result};
use crate::session::Head;
use crate::session::pkg::{Contents, Slot};
use crate::txn::index::{Entry, IndexKey};
use crate::value::Text;

/// One thing to put back.
#[derive(Debug)]
pub(crate) enum Undo {
    /// A session was opened: it leaves the transaction.
    Opened { session: usize },
    /// What an id stands for changed.
    Index { key: IndexKey, old: Option<Entry> },
    /// The id, timeout, deadline or destruction of a session changed.
    Head { session: usize, old: Box<Head> },
    /// A key of a package changed; `None`: the overlay had nothing for it.
    Key { session: usize, pkg: usize, key: Text, old: Option<Slot> },
    /// A package was asked for, and so created in the transaction.
    Present { session: usize, pkg: usize, logged: u64 },
    /// A package was cleared, deleted or replaced.
    Contents { session: usize, pkg: usize, old: Box<Contents> },
}

#[derive(Debug)]
struct Savepoint {
    number: u64,
    position: usize,
}

/// The log of one transaction.
#[derive(Debug, Default)]
pub(crate) struct UndoLog {
    entries: Vec<Undo>,
    savepoints: Vec<Savepoint>,
    epoch: u64,
}

impl UndoLog {
    /// Whether a unit that was last logged in epoch `logged` has to be logged before it changes; marks it as logged.
    pub(crate) fn needs(&self, logged: &mut u64) -> bool {
        if self.savepoints.is_empty() || *logged == self.epoch {
            return false;
        }
        *logged = self.epoch;
        true
    }

    /// Whether anything has to be logged at all.
    pub(crate) fn is_active(&self) -> bool {
        !self.savepoints.is_empty()
    }

    /// The current epoch.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Appends one entry.
    pub(crate) fn push(&mut self, undo: Undo) {
        self.entries.push(undo);
    }

    /// Marks the present position; the number is unique in the process.
    pub(crate) fn savepoint(&mut self) -> u64 {
        static NUMBER: AtomicU64 = AtomicU64::new(1);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        self.savepoints.push(Savepoint { number, position: self.entries.len() });
        self.epoch += 1;
        number
    }

    /// Whether `number` can be rolled back to.
    pub(crate) fn is_valid(&self, number: u64) -> bool {
        self.find(number).is_some()
    }

    /// Invalidates the savepoints after `number` and hands out what to put back, the latest first.
    pub(crate) fn unwind(&mut self, number: u64) -> Result<impl Iterator<Item = Undo> + use<>> {
        let (at, position) = self.find(number).ok_or_else(|| {
            Error::Savepoint(format!("savepoint {number} is not, or no longer, one of this transaction").into())
        })?;
        self.savepoints.truncate(at + 1);
        self.epoch += 1;
        Ok(self.entries.split_off(position).into_iter().rev())
    }

    /// Ends all savepoints.
    pub(crate) fn clear(&mut self) {
        self.entries = Vec::new();
        self.savepoints = Vec::new();
    }

    fn find(&self, number: u64) -> Option<(usize, usize)> {
        let at = self.savepoints.binary_search_by_key(&number, |savepoint| savepoint.number).ok()?;
        self.savepoints.get(at).map(|savepoint| (at, savepoint.position))
    }
}
