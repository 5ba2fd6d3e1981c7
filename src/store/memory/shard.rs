//! A table behind a lock, and what others may know of it without the lock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::table::Table;

/// Aligned so that two shards never share a cache line.
#[derive(Debug)]
#[repr(align(128))]
pub(super) struct Shard {
    table: Mutex<Table>,
    /// Tick of the table's oldest entry; `MAX` if it is empty.
    oldest: AtomicU64,
    /// Microseconds of the clock before which no alarm is due; `MAX` if there is none.
    due: AtomicU64,
}

impl Shard {
    pub(super) fn new() -> Self {
        Self { table: Mutex::new(Table::new()), oldest: AtomicU64::new(u64::MAX), due: AtomicU64::new(u64::MAX) }
    }

    /// Works on the table, and publishes what became of it.
    pub(super) fn with<R>(&self, work: impl FnOnce(&mut Table) -> R) -> R {
        // No step of a table can panic and leave it torn, so what a panicked thread left is as good as any.
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let result = work(&mut table);
        self.oldest.store(table.oldest_tick().unwrap_or(u64::MAX), Ordering::Release);
        self.due.store(table.earliest_expiry().map_or(u64::MAX, microseconds), Ordering::Release);
        result
    }

    /// When its oldest entry was used; `None` if it is empty.
    pub(super) fn oldest_tick(&self) -> Option<u64> {
        Some(self.oldest.load(Ordering::Acquire)).filter(|&tick| tick != u64::MAX)
    }

    /// Whether an alarm is due.
    pub(super) fn is_due(&self, now: Duration) -> bool {
        self.due.load(Ordering::Acquire) <= microseconds(now)
    }
}

/// Rounded down, so that a time that is due is never missed; one that looks due too early is looked at in vain.
fn microseconds(time: Duration) -> u64 {
    // MAX means never.
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX).min(u64::MAX - 1)
}
