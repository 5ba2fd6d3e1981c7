//! The embedded store.

mod fault;

pub use fault::{Fault, FaultKind, FaultOps};

use std::time::Duration;

use super::{Key, LoadItem, Loaded, Store, StoreOptions, Token, WriteItem, Written};
use crate::error::{Error, Result};
use fault::Faults;

#[derive(Debug)]
pub(super) struct Memory {
    item_limit: usize,
    faults: Faults,
}

impl Memory {
    pub(super) fn new(options: &StoreOptions) -> Self {
        Self { item_limit: options.item_limit(), faults: Faults::default() }
    }
    pub(super) fn load(&self, _: &Store, items: &[LoadItem]) -> Vec<Result<Loaded>> {
        items.iter().map(|_| Ok(Loaded::Absent)).collect()
    }
    pub(super) fn write(&self, _: &Store, items: &[WriteItem]) -> Vec<Written> {
        items.iter().map(|_| Written::Failed(Error::Unsupported("being written".into()))).collect()
    }
    pub(super) fn versions(&self, _: &Store, keys: &[Key]) -> Vec<Result<Option<Token>>> {
        keys.iter().map(|_| Ok(None)).collect()
    }
    pub(super) fn flush(&self, _: &Store) {}
    pub(super) fn record_limit(&self, _: &Key) -> usize {
        self.item_limit
    }
    pub(super) fn drop_record(&self, _: &Store, _: &Key) -> bool {
        false
    }
    pub(super) fn make_idle(&self, _: &Store, _: &Key, _: Duration) -> bool {
        false
    }
    pub(super) fn faults(&self) -> &Faults {
        &self.faults
    }
}
