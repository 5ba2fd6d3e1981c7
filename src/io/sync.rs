//! What state is made of that threads share: the standard library's. The models in the tests, which run the code in every
//! order in which threads can meet, bring their own.

pub(crate) use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
pub(crate) use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
pub(crate) use std::thread_local;
