//! The clocks of a session: idle timeout, absolute deadline, and the last access that is reported.

use std::time::Duration;

use crate::container::Options;
use crate::planted::{Bug, is_planted};
use crate::record::Header;
use crate::store::{Clock, Left, Store};

/// The idle timeout of a stored session in milliseconds, 0 is never: its own, or the container's.
///
/// The container's counts as it was at the commit (contract 2.3), or as it is now if that is longer, so that raising
/// it never ends a session early.
fn timeout_ms(header: &Header, options: &Options) -> u64 {
    match header.own_timeout_ms {
        Some(own) => own,
        None if header.timeout_ms == 0 || options.timeout_ms == 0 => 0,
        None => header.timeout_ms.max(options.timeout_ms),
    }
}

/// Whether a stored session that was loaded without error is no more, because it was idle for too long or is past its
/// deadline.
pub(crate) fn is_expired(header: &Header, left: Option<Left>, store: &Store, options: &Options) -> bool {
    if is_past_deadline(header, store.clock()) {
        return true;
    }
    let timeout = Duration::from_millis(timeout_ms(header, options));
    !timeout.is_zero() && idle(header, left, store, options) >= timeout + store.grain()
}

/// Whether a stored session is past its absolute deadline.
pub(crate) fn is_past_deadline(header: &Header, clock: &Clock) -> bool {
    header.deadline_ms.is_some_and(|deadline| clock.now_ms() >= deadline) && !is_planted(Bug::Deadline)
}

/// How long ago a stored session was last opened or written.
///
/// What is left of its time to live tells it, if one knows what it was given. That was the longest timeout of the
/// container, of now or of the last commit: where both are possible, the one that makes the visitor idle for less.
fn idle(header: &Header, left: Option<Left>, store: &Store, options: &Options) -> Duration {
    let Some(left) = left else { return Duration::ZERO };
    [options.max_timeout_ms(), header.max_timeout_ms]
        .into_iter()
        .filter(|ms| *ms != 0)
        .filter_map(|ms| store.idle(left, Duration::from_millis(ms)))
        .min()
        .unwrap_or_default()
}

/// The time to live that a stored session needs beyond what the container renews with: `Some(None)` is for ever.
#[allow(clippy::option_option, reason = "whether, and for how long, which may be for ever")]
pub(crate) fn longer_life(header: &Header, options: &Options, clock: &Clock) -> Option<Option<Duration>> {
    let renewal = options.renewal()?;
    match (timeout_ms(header, options), header.deadline_ms) {
        (0, None) => Some(None),
        (0, Some(deadline)) => {
            let left = u64::try_from(deadline.saturating_sub(clock.now_ms())).unwrap_or(0);
            Some(Some(Duration::from_millis(left).max(renewal)))
        }
        (timeout, _) => Some(Duration::from_millis(timeout)).filter(|timeout| *timeout > renewal).map(Some),
    }
}

/// Whether a session loaded `age` ago may have expired in the meantime, so that one has to look before writing it.
pub(crate) fn may_have_expired(header: &Header, age: Duration, options: &Options, clock: &Clock) -> bool {
    let timeout = timeout_ms(header, options);
    is_past_deadline(header, clock) || timeout != 0 && age >= Duration::from_millis(timeout)
}

/// The last access to report for a session opened at `now_ms` whose record says `stored_ms`: it moves only by more
/// than the resolution (contract 4.3).
pub(crate) fn reported_access_ms(stored_ms: i64, now_ms: i64, resolution_ms: u64) -> i64 {
    let lag = now_ms.saturating_sub(stored_ms);
    match u64::try_from(lag) {
        Ok(lag) if lag <= resolution_ms => stored_ms,
        // Also a record from the future, written where the clock is wrong.
        _ => now_ms,
    }
}
