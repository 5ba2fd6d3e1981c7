//! What a transaction lends to C and keeps at its address until it is freed.

use std::borrow::Borrow;
use std::collections::HashSet;
use std::hash::{Hash, Hasher};
use std::ptr::NonNull;
use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::HashMap;

use super::out::WithNul;
use super::value::with_nul;
use crate::error::Result;

/// Handles, one for each thing that there is a handle of.
pub(super) struct Handles<K, T>(HashMap<K, NonNull<T>, RandomState>);

impl<K: Eq + Hash, T> Handles<K, T> {
    pub(super) fn new() -> Self {
        Self(HashMap::default())
    }

    /// The handle of `key`, made if there is none yet.
    pub(super) fn get(&mut self, key: K, make: impl FnOnce() -> T) -> *mut T {
        self.0.entry(key).or_insert_with(|| NonNull::from(Box::leak(Box::new(make())))).as_ptr()
    }
}

impl<K, T> Drop for Handles<K, T> {
    fn drop(&mut self) {
        for handle in self.0.values() {
            // SAFETY: each is from a box that was leaked above, and is dropped once, here.
            unsafe { drop(Box::from_raw(handle.as_ptr())) }
        }
    }
}

/// Copies, with a NUL, of ids and names that the core holds without one. The same text is lent from the same address.
pub(super) struct TextPool(HashSet<Terminated>);

impl TextPool {
    pub(super) fn new() -> Self {
        Self(HashSet::new())
    }

    /// A copy of `text` with a NUL.
    pub(super) fn lend(&mut self, text: &[u8]) -> Result<WithNul> {
        if let Some(kept) = self.0.get(text) {
            return WithNul::new(&kept.0);
        }
        let copy = Arc::from(with_nul(text));
        let lent = WithNul::new(&copy);
        self.0.insert(Terminated(copy));
        lent
    }
}

/// Bytes with a NUL behind them, known by the bytes before it.
struct Terminated(Arc<[u8]>);

impl Borrow<[u8]> for Terminated {
    fn borrow(&self) -> &[u8] {
        self.0.split_last().map_or(&[], |(_, text)| text)
    }
}

impl Hash for Terminated {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Borrow::<[u8]>::borrow(self).hash(state);
    }
}

impl PartialEq for Terminated {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Terminated {}
