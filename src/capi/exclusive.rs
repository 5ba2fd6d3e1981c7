//! One call at a time: what makes a second thread, or a callback that calls back, a misuse instead of a data race.
//!
//! An [`Exclusive`] lives in a box that C holds the address of. Whoever is inside owns its content; freeing it
//! meanwhile marks it doomed, and whoever is inside frees it on the way out.

#![warn(unsafe_op_in_unsafe_fn)]

use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, Weak};

use crate::error::{Error, Result};
use crate::io::sys::fork_generation;

const IDLE: u8 = 0;
const BUSY: u8 = 1;
/// Freed while busy: no one else may enter, and the one inside frees it.
const DOOMED: u8 = 2;

/// Content that one call at a time may use, in the process that made it.
pub(super) struct Exclusive<T> {
    state: AtomicU8,
    poisoned: AtomicBool,
    born: u64,
    /// What to do when it is freed while an operation of a queue is inside.
    on_free: Mutex<Option<(Weak<dyn OnFree>, u64)>>,
    content: UnsafeCell<T>,
}

/// Where an operation runs that is inside.
pub(super) trait OnFree: Send + Sync {
    /// Asks the operation to end.
    fn freed(&self, operation: u64);
}

impl<T> Exclusive<T> {
    /// Puts content, which may know its own address, into a box of its own, to be freed by [`Exclusive::free`].
    pub(super) fn boxed(make: impl FnOnce(NonNull<Self>) -> T) -> NonNull<Self> {
        let place = NonNull::from(Box::leak(Box::new(MaybeUninit::<Self>::uninit()))).cast();
        let content = Self {
            state: AtomicU8::new(IDLE),
            poisoned: AtomicBool::new(false),
            born: fork_generation(),
            on_free: Mutex::new(None),
            content: UnsafeCell::new(make(place)),
        };
        // SAFETY: `place` is a box for one of these, and nobody else's yet.
        unsafe { place.write(content) }
        place
    }

    /// Enters, or says why not: forked since, somebody inside, or poisoned.
    ///
    /// # Safety
    /// `this` is from [`Exclusive::boxed`] and was not freed before this call began.
    pub(super) unsafe fn enter(this: NonNull<Self>) -> Result<Inside<T>> {
        // SAFETY: alive, and only its atomics and constants are touched until we own the content.
        let shared = unsafe { this.as_ref() };
        if shared.born != fork_generation() {
            return Err(Error::Misuse("transaction was begun before a fork, in the parent process".into()));
        }
        if shared.state.compare_exchange(IDLE, BUSY, Ordering::Acquire, Ordering::Relaxed).is_err() {
            return Err(Error::Misuse("transaction is in use by another call".into()));
        }
        let inside = Inside { this };
        if shared.poisoned.load(Ordering::Relaxed) {
            return Err(Error::Panic("transaction hit a defect of this library earlier and can only be freed".into()));
        }
        Ok(inside)
    }

    /// Frees it, now or when the call that is inside leaves.
    ///
    /// # Safety
    /// As [`Exclusive::enter`]; no call begins after this one.
    pub(super) unsafe fn free(this: NonNull<Self>) {
        // SAFETY: alive until dropped below. A busy one is left to its owner in the same step that sees it busy: the
        // state only ever goes from IDLE to BUSY and back until DOOMED, so the loop ends with one of the two.
        let state = unsafe { &this.as_ref().state };
        loop {
            if state.compare_exchange(IDLE, DOOMED, Ordering::Acquire, Ordering::Relaxed).is_ok() {
                // SAFETY: it was idle, and whoever finds it doomed does not touch it.
                return unsafe { drop(Box::from_raw(this.as_ptr())) };
            }
            let on_free = {
                // SAFETY: alive: whoever is inside does not free what is not doomed.
                let shared = unsafe { this.as_ref() };
                // In a child whoever held the lock may not exist.
                if shared.born == fork_generation() { shared.on_free().clone() } else { None }
            };
            // In a forked child the one inside may be a thread that does not exist here: then this is a leak, which
            // beats freeing under the feet of the thread that forked from inside.
            if state.compare_exchange(BUSY, DOOMED, Ordering::AcqRel, Ordering::Relaxed) != Err(IDLE) {
                if let Some((queue, operation)) = on_free
                    && let Some(queue) = queue.upgrade()
                {
                    queue.freed(operation);
                }
                return;
            }
        }
    }

    fn on_free(&self) -> MutexGuard<'_, Option<(Weak<dyn OnFree>, u64)>> {
        self.on_free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to the content, until dropped.
pub(super) struct Inside<T> {
    this: NonNull<Exclusive<T>>,
}

impl<T> Inside<T> {
    /// From now on only freeing works.
    pub(super) fn poison(&self) {
        // SAFETY: alive while we are inside.
        unsafe { self.this.as_ref() }.poisoned.store(true, Ordering::Relaxed);
    }

    /// Sets which operation is to end if it is freed while we are inside; `None` when that is over.
    pub(super) fn set_on_free(&self, on_free: Option<(Weak<dyn OnFree>, u64)>) {
        // SAFETY: alive while we are inside.
        let before = std::mem::replace(&mut *unsafe { self.this.as_ref() }.on_free(), on_free);
        drop(before);
    }

    /// Whether it was freed since we entered, so that nothing of it may be lent any more.
    pub(super) fn is_doomed(&self) -> bool {
        // SAFETY: alive while we are inside.
        unsafe { self.this.as_ref() }.state.load(Ordering::Relaxed) == DOOMED
    }
}

impl<T> Deref for Inside<T> {
    type Target = T;
    fn deref(&self) -> &T {
        // SAFETY: alive while we are inside, and nobody else is.
        unsafe { &*self.this.as_ref().content.get() }
    }
}

impl<T> DerefMut for Inside<T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: alive while we are inside, and nobody else is.
        unsafe { &mut *self.this.as_ref().content.get() }
    }
}

impl<T> Drop for Inside<T> {
    fn drop(&mut self) {
        // SAFETY: alive while we are inside.
        let state = unsafe { &self.this.as_ref().state };
        if state.compare_exchange(BUSY, IDLE, Ordering::Release, Ordering::Acquire).is_err() {
            // SAFETY: doomed: it was freed while we were inside, and left to us.
            unsafe { drop(Box::from_raw(self.this.as_ptr())) }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;

    /// Counts how often it was dropped.
    struct Counted(Arc<AtomicUsize>);

    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn counted() -> (NonNull<Exclusive<Counted>>, Arc<AtomicUsize>) {
        let drops = Arc::new(AtomicUsize::new(0));
        (Exclusive::boxed(|_| Counted(Arc::clone(&drops))), drops)
    }

    #[test]
    fn a_second_call_is_refused_while_the_first_is_inside() {
        let (cell, _) = counted();
        // SAFETY: not freed before the end of this test.
        unsafe {
            let first = Exclusive::enter(cell).unwrap();
            assert!(matches!(Exclusive::enter(cell), Err(Error::Misuse(_))));
            drop(first);
            assert!(Exclusive::enter(cell).is_ok());
            Exclusive::free(cell);
        }
    }

    #[test]
    fn freeing_during_a_call_takes_effect_when_the_call_ends() {
        let (cell, drops) = counted();
        // SAFETY: freed while inside, and not used after that call ends.
        unsafe {
            let inside = Exclusive::enter(cell).unwrap();
            assert!(!inside.is_doomed());
            Exclusive::free(cell);
            assert_eq!(drops.load(Ordering::Relaxed), 0);
            assert!(inside.is_doomed());
            assert!(matches!(Exclusive::enter(cell), Err(Error::Misuse(_))));
            drop(inside);
        }
        assert_eq!(drops.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_poisoned_one_can_only_be_freed() {
        let (cell, drops) = counted();
        // SAFETY: freed last.
        unsafe {
            Exclusive::enter(cell).unwrap().poison();
            assert!(matches!(Exclusive::enter(cell), Err(Error::Panic(_))));
            Exclusive::free(cell);
        }
        assert_eq!(drops.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn threads_that_race_never_meet_inside() {
        struct Shared(NonNull<Exclusive<u64>>);
        // SAFETY: what is under test: the address may go to any thread.
        unsafe impl Sync for Shared {}

        let cell = Shared(Exclusive::boxed(|_| 0));
        let entered: u64 = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        let cell = &cell;
                        (0..10_000u64)
                            // SAFETY: freed after the scope.
                            .filter(|_| match unsafe { Exclusive::enter(cell.0) } {
                                Ok(mut inside) => {
                                    *inside += 1;
                                    true
                                }
                                Err(_) => false,
                            })
                            .count() as u64
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        // SAFETY: the threads are done.
        unsafe {
            assert_eq!(*Exclusive::enter(cell.0).unwrap(), entered);
            Exclusive::free(cell.0);
        }
    }
}
