//! A list or map made of what a transaction sees, made again once that has changed.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::value::Value;

/// What was made last, and the count of changes at which it was.
#[derive(Debug, Default)]
pub(crate) struct Snapshot(Option<(u64, Arc<Value>)>);

impl Snapshot {
    /// Whether nothing has changed since it was made.
    pub(crate) fn is_fresh(&self, changes: u64) -> bool {
        matches!(self.0, Some((made, _)) if made == changes)
    }

    /// Takes what was made at `changes`.
    pub(crate) fn put(&mut self, changes: u64, value: Arc<Value>) {
        self.0 = Some((changes, value));
    }

    /// What was put there.
    pub(crate) fn value(&self) -> Result<&Arc<Value>> {
        let made = self.0.as_ref().map(|(_, value)| value);
        made.ok_or_else(|| Error::Panic("a snapshot that was just made is not there".into()))
    }
}
