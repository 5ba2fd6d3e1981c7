//! What a transaction did to a package: changes by key, over what was loaded or in its place.
//!
//! The loaded content itself is `record`'s, and whether a key is in it the caller says.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::value::{Text, Value};

/// What happened to one key in this transaction.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    /// Set to a value.
    Set(Arc<Value>),
    /// Deleted; stays as a mark, because a delta after it is a set.
    Delete,
    /// Added to: `delta` is what is merged, `seen` what this transaction reads.
    Add { delta: i64, seen: Arc<Value> },
}

impl Change {
    /// What the key has by it; `None` if it is deleted.
    pub(crate) fn value(&self) -> Option<&Value> {
        self.shared().map(|value| &**value)
    }

    /// The same, to be kept.
    pub(super) fn shared(&self) -> Option<&Arc<Value>> {
        match self {
            Self::Set(value) | Self::Add { seen: value, .. } => Some(value),
            Self::Delete => None,
        }
    }
}

/// A change and the epoch in which it was last logged.
#[derive(Debug, Clone)]
pub(crate) struct Slot {
    pub(super) change: Change,
    pub(super) logged: u64,
    /// Whether the value was lent, and is kept for that.
    pub(super) lent: bool,
}

/// What clearing, deleting or replacing a package replaces as a whole.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    /// Whether the package is there for this transaction; a handle to one that is not reads as empty.
    pub(super) present: bool,
    /// Whether the loaded content is hidden, because the package was cleared, deleted or replaced.
    pub(super) hidden: bool,
    /// Whether it was deleted: then being stored before does not keep it.
    pub(super) deleted: bool,
    pub(super) overlay: BTreeMap<Text, Slot>,
    /// How many keys of the overlay are there that were not loaded, and how many loaded ones it deletes: what is hidden
    /// counts as not loaded. Counted, so that asking for the length in a loop costs no walk each time.
    pub(super) added: usize,
    pub(super) deleted_keys: usize,
    /// The epoch in which all of this was last logged, and with it each key.
    pub(super) logged: u64,
}

impl Contents {
    /// What was done to `key`, if anything.
    pub(super) fn change(&self, key: &str) -> Option<&Change> {
        self.overlay.get(key).map(|slot| &slot.change)
    }

    /// Keeps count of the keys when what the overlay has for `key` becomes `new`; `is_loaded`: the loaded content has
    /// the key, and is not hidden.
    pub(super) fn count(&mut self, key: &str, new: Option<&Change>, is_loaded: bool) {
        let counts = |change: &Change| matches!(change, Change::Delete) == is_loaded;
        let was_counted = self.change(key).is_some_and(counts);
        let counter = if is_loaded { &mut self.deleted_keys } else { &mut self.added };
        if was_counted {
            *counter = counter.saturating_sub(1);
        }
        if new.is_some_and(counts) {
            *counter += 1;
        }
    }

    /// The same with the loaded content hidden and marks of deletion for all that the overlay has.
    pub(super) fn emptied(&self) -> Self {
        let mark = |slot: &Slot| Slot { change: Change::Delete, logged: slot.logged, lent: false };
        Self {
            present: self.present,
            hidden: true,
            deleted: self.deleted,
            overlay: self.overlay.iter().map(|(key, slot)| (key.clone(), mark(slot))).collect(),
            added: 0,
            deleted_keys: 0,
            logged: self.logged,
        }
    }
}
