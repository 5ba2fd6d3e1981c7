//! The stores that are open in this process: by what they are, so that the same one is not opened twice, and by the
//! names that they were registered under, so that one part of a program finds what another opened.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Weak;

use super::Store;
use super::handle::Core;
use crate::error::{Error, Result};
use crate::io::fork::Lock;

const MAX_NAME_CHARS: usize = 100;

struct Registry {
    open: BTreeMap<String, Weak<Core>>,
    named: BTreeMap<String, Store>,
}

// Stores that are taken out are dropped after the lock: the last handle of a store drops all that it holds.
static REGISTRY: Lock<Registry> = Lock::new(Registry { open: BTreeMap::new(), named: BTreeMap::new() });

/// The open store of `identity`, or else a new one.
pub(super) fn open(identity: &str, make: impl FnOnce() -> Store) -> Store {
    let (store, _of_the_parent) = REGISTRY.with(|registry| {
        let found = registry.open.get(identity).and_then(Store::upgrade);
        match found {
            Some(store) if store.is_of_this_process() => (store, None),
            other => {
                let store = make();
                registry.open.retain(|_, core| core.strong_count() > 0);
                registry.open.insert(identity.to_owned(), store.downgrade());
                (store, other)
            }
        }
    });
    store
}

/// Keeps `store` open under `name`. A store that a fork made unusable gives its name up.
pub(super) fn register(name: &str, store: &Store) -> Result<()> {
    if name.chars().count() > MAX_NAME_CHARS {
        return Err(Error::Argument(format!("name of a store of more than {MAX_NAME_CHARS} characters").into()));
    }
    let registered = REGISTRY.with(|registry| match registry.named.entry(name.to_owned()) {
        Entry::Occupied(entry) if entry.get() != store && entry.get().is_of_this_process() => None,
        Entry::Occupied(mut entry) => Some(Some(entry.insert(store.clone()))),
        Entry::Vacant(entry) => {
            entry.insert(store.clone());
            Some(None)
        }
    });
    match registered {
        Some(_replaced) => Ok(()),
        None => Err(Error::Argument(format!("another store is registered as {name:?}").into())),
    }
}

pub(super) fn find(name: &str) -> Option<Store> {
    REGISTRY.with(|registry| registry.named.get(name).cloned())
}

pub(super) fn unregister(name: &str) -> bool {
    REGISTRY.with(|registry| registry.named.remove(name)).is_some()
}
