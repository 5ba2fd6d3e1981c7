//! What the hand-off is made of; the model of it in the tests brings its own.

pub(super) use std::sync::atomic::{AtomicUsize, Ordering};
pub(super) use std::sync::{Mutex, MutexGuard};
