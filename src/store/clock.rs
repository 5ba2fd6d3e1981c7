//! A store's clock: the system's, and how far it was moved forward.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, UNIX_EPOCH};

use crate::error::{Error, Result};
use crate::io;

/// The clock of a store, shared by all its handles. Moving it simulates time for everything in the store
/// (contract 4.6).
#[derive(Debug)]
pub struct Clock {
    origin: Instant,
    /// Microseconds: enough for half a million years in one atomic.
    offset: AtomicU64,
}

impl Clock {
    /// A clock that was not moved.
    pub fn new() -> Self {
        Self { origin: Instant::now(), offset: AtomicU64::new(0) }
    }

    /// Unix milliseconds: the system's time and the offset.
    pub fn now_ms(&self) -> i64 {
        // A system clock before 1970 is negative, as Unix time is.
        let system = match io::system_now().duration_since(UNIX_EPOCH) {
            Ok(since) => milliseconds(since),
            Err(before) => milliseconds(before.duration()).saturating_neg(),
        };
        system.saturating_add(milliseconds(self.offset()))
    }

    /// Time since the store was opened, and the offset: never goes back, whatever happens to the system's time.
    /// Only differences between two readings of one clock mean something.
    pub fn mono(&self) -> Duration {
        io::now().saturating_duration_since(self.origin).saturating_add(self.offset())
    }

    /// How far the clock was moved in all.
    pub fn offset(&self) -> Duration {
        Duration::from_micros(self.offset.load(Ordering::Acquire))
    }

    /// Moves the clock forward by `step`, of which less than a microsecond is dropped; `Range`, and no change, beyond
    /// half a million years in all.
    pub fn advance(&self, step: Duration) -> Result<()> {
        let too_far = || Error::Range("the clock cannot be moved that far".into());
        let step = u64::try_from(step.as_micros()).map_err(|_| too_far())?;
        self.offset
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |offset| offset.checked_add(step))
            .map(|_| ())
            .map_err(|_| too_far())
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
