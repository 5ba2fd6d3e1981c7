//! The locks of the hand-off; the model of it in the tests brings its own.

pub(super) use std::sync::{Mutex, MutexGuard};
