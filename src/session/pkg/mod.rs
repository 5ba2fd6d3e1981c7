//! A package in a transaction: what was loaded, and an overlay of changes by key over it.
//!
//! The loaded bytes are never touched. `overlay` is what the transaction did, `change` does it,
//! `read` looks through both.

mod change;
mod overlay;
mod read;

use std::sync::Arc;

use hashbrown::HashMap;

pub(crate) use self::overlay::{Change, Contents, Slot};
use crate::error::Result;
use crate::record::{Package, Record};
use crate::session::Place;
use crate::session::snapshot::Snapshot;
use crate::txn::undo::UndoLog;
use crate::value::{Text, Value};

/// One package of an open session.
#[derive(Debug)]
pub(crate) struct Pkg {
    name: Text,
    /// The place in the loaded record's table, if it was stored.
    at: Option<usize>,
    /// The loaded table, once it was checked.
    table: Option<Package>,
    contents: Contents,
    present_logged: u64,
    /// Counts the changes, so that snapshots know when they are stale.
    changes: u64,
    /// Values decoded out of the loaded table, by their place in it.
    decoded: HashMap<usize, Arc<Value>, foldhash::fast::RandomState>,
    /// Whether anything of the loaded bytes, or decoded out of them, was lent.
    is_lent: bool,
    keys: Snapshot,
    content: Snapshot,
}

/// What a package needs of its session and transaction.
pub(crate) struct Env<'a> {
    /// What was loaded.
    pub(crate) record: Option<&'a Record>,
    /// Where that was, for errors about stored bytes.
    pub(crate) place: &'a Place,
    /// Where changes are logged, and as whose.
    pub(crate) undo: &'a mut UndoLog,
    pub(crate) session: usize,
    pub(crate) pkg: usize,
    /// Keeps what was lent for as long as the transaction.
    pub(crate) kept: &'a mut Vec<Arc<Value>>,
}

impl Pkg {
    /// A package of the loaded record, or, without a place in it, one that is not there yet.
    pub(crate) fn new(name: Text, at: Option<usize>) -> Self {
        Self {
            name,
            at,
            table: None,
            contents: Contents { present: at.is_some(), ..Contents::default() },
            present_logged: 0,
            changes: 0,
            decoded: HashMap::default(),
            is_lent: false,
            keys: Snapshot::default(),
            content: Snapshot::default(),
        }
    }

    pub(crate) fn name(&self) -> &Text {
        &self.name
    }

    /// Whether the package is there for this transaction.
    pub(crate) fn is_present(&self) -> bool {
        self.contents.present
    }

    /// Whether anything was done to the content of this package.
    pub(crate) fn is_touched(&self) -> bool {
        self.contents.hidden || !self.contents.overlay.is_empty()
    }

    /// Whether it was stored before, and deleted since.
    pub(crate) fn is_deleted(&self) -> bool {
        self.contents.deleted
    }

    /// Gives back what is not lent, in a session that is no longer one of the transaction; whether that is all.
    pub(crate) fn let_go(&mut self) -> bool {
        self.contents = Contents::default();
        (self.keys, self.content) = (Snapshot::default(), Snapshot::default());
        if !self.is_lent {
            self.table = None;
            self.decoded = HashMap::default();
        }
        !self.is_lent
    }

    /// Every key that this transaction changed, with the change, in order; not those that clearing took away.
    pub(crate) fn overlay(&self) -> impl Iterator<Item = (&Text, &Change)> {
        self.contents.overlay.iter().map(|(key, slot)| (key, &slot.change))
    }

    /// Whether clearing, deleting or replacing hides what was loaded.
    pub(crate) fn is_hidden(&self) -> bool {
        self.contents.hidden
    }

    /// The loaded table, checked at its first use (contract 6.5); `None` if the package was not stored.
    pub(crate) fn load(&mut self, env: &Env<'_>) -> Result<Option<&Package>> {
        if let (None, Some(at), Some(record)) = (&self.table, self.at, env.record) {
            self.table = Some(record.pkg(at).map_err(|corrupt| env.place.corrupt(&corrupt))?);
        }
        Ok(self.table.as_ref())
    }

    /// The loaded table, if it was checked already.
    pub(crate) fn table(&self) -> Option<&Package> {
        self.table.as_ref()
    }
}
