//! How threads hand work to the one that is at it, so that none waits for another and nothing is left lying.
//!
//! Whoever has something for the core leaves it and tries to take the core; if another thread has it, that one looks
//! again after it has let go. Both halves are needed, on every path: the one who leaves something sees the core taken
//! only while its holder has not looked for the last time. A thread that waits for the core goes first: it takes what was
//! left when it gets there, and would else never get there while others keep leaving things.

use super::sync::{AtomicUsize, Mutex, MutexGuard, Ordering};

/// A core that one thread at a time works on, and what the others left for it.
#[derive(Debug)]
pub(super) struct Handoff<I, C> {
    inbound: Mutex<Vec<I>>,
    core: Mutex<C>,
    /// How many threads wait for the core.
    waiting: AtomicUsize,
}

impl<I, C> Handoff<I, C> {
    pub(super) fn new(core: C) -> Self {
        Self { inbound: Mutex::new(Vec::new()), core: Mutex::new(core), waiting: AtomicUsize::new(0) }
    }

    /// Leaves `item` for the core. `work` is what is done with what was left, here or, as theirs, by whoever has the
    /// core. Never waits for the core.
    pub(super) fn give(&self, item: I, work: impl FnMut(&mut C, Vec<I>)) {
        lock(&self.inbound).push(item);
        self.settle(work);
    }

    /// Waits for the core and works on it: `first` gets what was left, `work` what comes meanwhile.
    pub(super) fn with<R>(&self, first: impl FnOnce(&mut C, Vec<I>) -> R, work: impl FnMut(&mut C, Vec<I>)) -> R {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let mut core = lock(&self.core);
        // Before taking what was left: whoever leaves something after that must not rely on us.
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        let inbound = self.take();
        let answer = first(&mut core, inbound);
        drop(core);
        self.settle(work);
        answer
    }

    /// Works until nothing is left, or until somebody else has the core, or waits for it, who will see to it.
    fn settle(&self, mut work: impl FnMut(&mut C, Vec<I>)) {
        while !lock(&self.inbound).is_empty() && self.waiting.load(Ordering::SeqCst) == 0 {
            let Some(mut core) = try_lock(&self.core) else { return };
            let inbound = self.take();
            work(&mut core, inbound);
        }
    }

    fn take(&self) -> Vec<I> {
        std::mem::take(&mut *lock(&self.inbound))
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
