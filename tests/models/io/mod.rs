//! The driver of queues as it is, on other ground.

pub mod sync {
    pub(crate) use loom::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
    pub(crate) use loom::sync::{Mutex, MutexGuard};
    pub(crate) use std::sync::PoisonError;

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
pub use wants::{Seat, Wants, now};
