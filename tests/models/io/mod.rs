//! The driver of queues as it is, on other ground.

use std::time::Instant;

pub mod sync {
    pub(crate) use loom::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
    pub(crate) use loom::sync::{Mutex, MutexGuard};
    pub(crate) use std::sync::PoisonError;

    /// One that lets the others wait while the first makes it.
    #[derive(Debug)]
    pub struct OnceLock<T: 'static>(Mutex<Option<&'static T>>);

    impl<T> OnceLock<T> {
        pub fn new() -> Self {
            Self(Mutex::new(None))
        }

        pub fn get_or_init(&self, make: impl FnOnce() -> T) -> &T {
            self.0.lock().unwrap().get_or_insert_with(|| Box::leak(Box::new(make())))
        }
    }

    /// Loom's does not know of `const`.
    macro_rules! of_one_thread {
        ($(#[$about:meta])* static $name:ident: $type:ty = const $init:block;) => {
            loom::thread_local! { $(#[$about])* static $name: $type = $init; }
        };
    }
    pub(crate) use of_one_thread as thread_local;
}
#[path = "../../../src/io/queue/mod.rs"]
pub mod queue;
pub mod sys;
#[path = "../../../src/io/wait.rs"]
mod wait;
#[path = "../../../src/io/wants.rs"]
mod wants;

pub use wait::{poll_deadline, seat};
pub use wants::{Seat, Wants};

/// Not only inside models.
pub fn now() -> Instant {
    Instant::now()
}
