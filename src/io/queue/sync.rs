//! What the hand-off is made of; the model of it in the tests brings its own.

pub(super) use crate::io::sync::{AtomicUsize, Mutex, MutexGuard, Ordering};
