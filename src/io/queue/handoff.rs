//! How threads hand work to the one that is at it, so that none waits for another and nothing is left lying.
//!
//! Whoever has something for the core leaves it and tries to take the core; if another thread has it, that one looks
//! again after it has let go. Both halves are needed, on every path: the one who leaves something sees the core taken
//! only while its holder has not looked for the last time. A thread that waits for the core goes first: it takes what was
//! left when it gets there, and would else never get there while others keep leaving things.

use std::vec::Drain;

use super::sync::{AtomicUsize, Mutex, MutexGuard, Ordering};

/// Room for so many items is kept for the next ones.
const KEPT: usize = 1024;

/// A core that one thread at a time works on, and what the others left for it.
#[derive(Debug)]
pub(super) struct Handoff<I, C> {
    inbound: Mutex<Vec<I>>,
    core: Mutex<Held<I, C>>,
    /// How many threads wait for the core.
    waiting: AtomicUsize,
}

/// The core, and the room into which its holder takes what was left: the two rooms take turns.
#[derive(Debug)]
struct Held<I, C> {
    core: C,
    taken: Vec<I>,
}

impl<I, C> Handoff<I, C> {
    pub(super) fn new(core: C) -> Self {
        let held = Held { core, taken: Vec::new() };
        Self { inbound: Mutex::new(Vec::new()), core: Mutex::new(held), waiting: AtomicUsize::new(0) }
    }

    /// Leaves `item` for the core. `work` is what is done with what was left, here or, as theirs, by whoever has the
    /// core. Never waits for the core.
    pub(super) fn give(&self, item: I, mut work: impl FnMut(&mut C, Drain<'_, I>)) {
        let free = if self.waiting.load(Ordering::SeqCst) == 0 { try_lock(&self.core) } else { None };
        match free {
            // At once, behind what was left before: the usual case, which leaves nothing for itself to find.
            Some(mut held) => self.take(&mut held, Some(item), &mut work),
            None => lock(&self.inbound).push(item),
        }
        self.settle(work);
    }

    /// Waits for the core and works on it: `first` gets what was left, `work` what comes meanwhile.
    pub(super) fn with<R>(
        &self,
        first: impl FnOnce(&mut C, Drain<'_, I>) -> R,
        work: impl FnMut(&mut C, Drain<'_, I>),
    ) -> R {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let mut held = lock(&self.core);
        // Before taking what was left: whoever leaves something after that must not rely on us.
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        let answer = self.take(&mut held, None, first);
        drop(held);
        self.settle(work);
        answer
    }

    /// Works until nothing is left, or until somebody else has the core, or waits for it, who will see to it.
    fn settle(&self, mut work: impl FnMut(&mut C, Drain<'_, I>)) {
        while !lock(&self.inbound).is_empty() && self.waiting.load(Ordering::SeqCst) == 0 {
            let Some(mut held) = try_lock(&self.core) else { return };
            self.take(&mut held, None, &mut work);
        }
    }

    /// Takes what was left, and `last`, and works on it.
    fn take<R>(
        &self,
        Held { core, taken }: &mut Held<I, C>,
        last: Option<I>,
        work: impl FnOnce(&mut C, Drain<'_, I>) -> R,
    ) -> R {
        std::mem::swap(&mut *lock(&self.inbound), taken);
        taken.extend(last);
        let answer = work(core, taken.drain(..));
        taken.shrink_to(KEPT);
        answer
    }
}

/// A panic while it was held is the holder's business: what is behind the lock is whole between two steps.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn try_lock<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    match mutex.try_lock() {
        Ok(guard) => Some(guard),
        Err(std::sync::TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(std::sync::TryLockError::WouldBlock) => None,
    }
}
