//! What a fork must not break.
//!
//! A child has one thread: a lock that another thread held at the fork stays locked in it for ever. State of the
//! whole process therefore stands in a [`Lock`], which a fork waits for; state that does not survive a fork is
//! refused by comparing [`generation`] before any lock is taken.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;
use std::time::{Duration, Instant};

/// Held while any [`Lock`] is held, and by a thread that forks.
static GATE: Mutex<()> = Mutex::new(());
static GENERATION: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static HELD: RefCell<Option<MutexGuard<'static, ()>>> = const { RefCell::new(None) };
}

/// How many forks lie between the process that loaded the library and this one, or a number that differs as surely:
/// what was made under another generation belongs to a parent.
///
/// Counts only after [`sys::watch_forks`](super::sys::watch_forks), which opening a store calls.
pub fn generation() -> u64 {
    GENERATION.load(Ordering::Acquire)
}

/// State of the whole process, whole in a child too. For short and rare work: all such locks exclude each other.
#[derive(Debug)]
pub struct Lock<T>(Mutex<T>);

impl<T> Lock<T> {
    /// Takes `state`.
    pub const fn new(state: T) -> Self {
        Self(Mutex::new(state))
    }

    /// Works on the state. `work` must not take another `Lock`, nor call anything that the library did not write: a
    /// callback, or the drop of a caller's value.
    pub fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        let _gate = GATE.lock().unwrap_or_else(PoisonError::into_inner);
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Before a fork: waits until no [`Lock`] is held.
///
/// Not for ever: a signal handler that forks on a thread that holds one would wait for itself. But for longer than a
/// holder can be kept from running on a busy machine.
pub(super) fn prepare() {
    const AT_MOST: Duration = Duration::from_secs(2);
    const BETWEEN: Duration = Duration::from_micros(100);
    // The handlers may have been registered twice.
    if HELD.try_with(|held| held.borrow().is_some()) == Ok(true) {
        return;
    }
    let begun = Instant::now();
    loop {
        match GATE.try_lock() {
            Ok(guard) => return hold(guard),
            Err(TryLockError::Poisoned(poisoned)) => return hold(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) if begun.elapsed() >= AT_MOST => return,
            Err(TryLockError::WouldBlock) => thread::sleep(BETWEEN),
        }
    }
}

fn hold(guard: MutexGuard<'static, ()>) {
    // Fails only while the thread is torn down: then the guard is dropped, and the fork goes on without it.
    let _ = HELD.try_with(|held| *held.borrow_mut() = Some(guard));
}

/// After a fork, in the parent.
pub(super) fn parent() {
    let _ = HELD.try_with(|held| held.borrow_mut().take());
}

/// After a fork, in the child.
pub(super) fn child() {
    GENERATION.fetch_add(1, Ordering::AcqRel);
    parent();
}
