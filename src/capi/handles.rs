//! What a transaction lends to C and keeps at its address until it is freed.

use std::borrow::Borrow;
use std::collections::HashSet;
use std::hash::{Hash, Hasher};
use std::ptr::NonNull;
use std::sync::Arc;

use smallvec::SmallVec;

use super::out::WithNul;
use super::value::with_nul;
use crate::error::Result;

/// Handles of things that are numbered from 0, one for each. The first one, which is the usual case, needs no list.
pub(super) struct Handles<T>(SmallVec<[Option<NonNull<T>>; 1]>);

impl<T> Handles<T> {
    pub(super) fn new() -> Self {
        Self(SmallVec::new())
    }

    /// The handle of number `at`, made if there is none yet.
    pub(super) fn get(&mut self, at: usize, make: impl FnOnce() -> T) -> *mut T {
        let handle = grown(&mut self.0, at, || None);
        handle.get_or_insert_with(|| NonNull::from(Box::leak(Box::new(make())))).as_ptr()
    }
}

/// Entry `at`, with what is missing up to there made by `make`.
pub(super) fn grown<T>(list: &mut SmallVec<[T; 1]>, at: usize, make: impl FnMut() -> T) -> &mut T {
    if list.len() <= at {
        list.resize_with(at + 1, make);
    }
    #[allow(clippy::indexing_slicing, reason = "the lines above")]
    &mut list[at]
}

impl<T> Drop for Handles<T> {
    fn drop(&mut self) {
        for handle in self.0.iter().flatten() {
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
