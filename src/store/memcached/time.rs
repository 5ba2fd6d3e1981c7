//! Times as memcached counts them: whole seconds, relative up to 30 days, absolute beyond, nothing after 2038.
//!
//! A record that is to live for a time is given W, that time in whole seconds and one more: the server's second may be
//! nearly over when the count begins, and nobody's session may end early (contract 4.1). A store whose clock was moved
//! forward adds the move to what it sends and takes it off what it reads, so that nothing else needs to know of it.

use std::time::{Duration, Instant};

use crate::io::now;

/// Times to live over this many seconds are read by memcached as absolute Unix times.
const MAX_RELATIVE: u64 = 60 * 60 * 24 * 30;
/// Later times are answered as if they were stored, and are gone at once.
const MAX_ABSOLUTE: u64 = 2_147_483_647;
/// An absolute time that is long past: what is stored with it is gone at once, and what it replaces with it.
const OVER: u32 = 60 * 60 * 24 * 30 + 1;

/// A server's own clock, as it told it when a connection was made: absolute times are compared with this one.
#[derive(Debug, Clone, Copy)]
pub(super) struct ServerClock {
    unix: u64,
    /// From before the server was asked.
    at: Instant,
}

impl ServerClock {
    pub(super) fn new(unix: u64, at: Instant) -> Self {
        Self { unix, at }
    }

    /// The server's second now, or the next one.
    fn now(self) -> u64 {
        self.unix.saturating_add(whole(now().saturating_duration_since(self.at)))
    }

    /// The time to live that is sent for `ttl`, where the store's clock was moved by `moved`; 0 is never.
    pub(super) fn sent_for(self, ttl: Option<Duration>, moved: Duration) -> u32 {
        match ttl {
            None => 0,
            Some(Duration::ZERO) => OVER,
            Some(ttl) => self.in_seconds(life(ttl).saturating_add(whole(moved))),
        }
    }

    /// What is sent for a time to live of this many seconds, at least one: 0 would be never.
    pub(super) fn in_seconds(self, seconds: u64) -> u32 {
        wire(seconds, || self.now())
    }

    /// The same, but an absolute time is a second early rather than late.
    pub(super) fn within_seconds(self, seconds: u64) -> u32 {
        wire(seconds, || self.unix.saturating_add(now().saturating_duration_since(self.at).as_secs()))
    }

    /// What `t`, the seconds that the server says are left, means where the store's clock was moved by `moved`.
    pub(super) fn meaning_of(self, t: i64, moved: Duration) -> Life {
        let Ok(seconds) = u64::try_from(t) else { return Life::Endless };
        // What was to live longer than the server can count: when it was last renewed cannot be told, only that it is
        // kept for as long as can be.
        if self.now().saturating_add(seconds) >= MAX_ABSOLUTE - 2 {
            return Life::Endless;
        }
        match Duration::from_secs(seconds).checked_sub(moved) {
            Some(left) if !left.is_zero() => Life::Left(left),
            _ => Life::Over,
        }
    }
}

/// How long a record has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    /// It never expires.
    Endless,
    /// This long.
    Left(Duration),
    /// No longer: by the moved clock it has expired, though the server still has it.
    Over,
}

/// How long a record has been idle that was last renewed for `max` and has `left` left; `None` if it has more left than
/// it would have been given.
pub(super) fn idle(left: Duration, max: Duration) -> Option<Duration> {
    let given = Duration::from_secs(life(max));
    // An absolute time may be a second late, because the server's clock is read only when a connection is made.
    (left <= given.saturating_add(Duration::from_secs(1))).then(|| given.saturating_sub(left))
}

fn wire(seconds: u64, now: impl FnOnce() -> u64) -> u32 {
    let wire = if seconds <= MAX_RELATIVE { seconds.max(1) } else { now().saturating_add(seconds) };
    u32::try_from(wire.min(MAX_ABSOLUTE)).unwrap_or(u32::MAX)
}

/// W: how many seconds a record is given that is to live for `ttl`.
fn life(ttl: Duration) -> u64 {
    whole(ttl).saturating_add(1)
}

/// Whole seconds, rounded up.
fn whole(duration: Duration) -> u64 {
    duration.as_secs().saturating_add(u64::from(duration.subsec_nanos() > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Duration = Duration::ZERO;

    fn clock() -> ServerClock {
        ServerClock::new(1_800_000_000, Instant::now() + Duration::from_secs(60))
    }

    fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    // Time to live: W, and 30 days compared after adding the 1.
    #[test]
    fn what_is_sent_is_never_less_than_what_was_asked_and_never_never() {
        assert_eq!(clock().sent_for(None, NONE), 0);
        assert_eq!(clock().sent_for(Some(NONE), secs(100)), 2_592_001);
        assert_eq!(clock().sent_for(Some(Duration::from_millis(1)), NONE), 2);
        assert_eq!(clock().sent_for(Some(secs(3_600)), NONE), 3_601);
        assert_eq!(clock().sent_for(Some(secs(2_591_999)), NONE), 2_592_000);
        assert_eq!(clock().sent_for(Some(secs(2_592_000)), NONE), 1_802_592_001);
        assert_eq!(clock().in_seconds(0), 1);
    }

    // Contract 4.2: a date past 2038 works.
    #[test]
    fn nothing_is_sent_that_memcached_would_drop_at_once() {
        assert_eq!(clock().sent_for(Some(Duration::MAX), Duration::MAX), 2_147_483_647);
        assert_eq!(clock().meaning_of(2_147_483_647 - 1_800_000_000, NONE), Life::Endless);
        assert_eq!(clock().meaning_of(i64::MAX, NONE), Life::Endless);
    }

    #[test]
    fn a_moved_clock_is_added_and_taken_off() {
        assert_eq!(clock().sent_for(Some(secs(10)), secs(100)), 111);
        assert_eq!(clock().meaning_of(111, secs(100)), Life::Left(secs(11)));
        assert_eq!(clock().meaning_of(111, secs(111)), Life::Over);
        assert_eq!(clock().meaning_of(111, secs(1_000)), Life::Over);
        assert_eq!(clock().meaning_of(-1, secs(1_000)), Life::Endless);
    }

    #[test]
    fn idle_is_what_is_missing_from_the_time_that_was_given() {
        assert_eq!(idle(secs(11), secs(10)), Some(NONE));
        assert_eq!(idle(secs(4), secs(10)), Some(secs(7)));
        assert_eq!(idle(secs(12), secs(10)), Some(NONE));
        assert_eq!(idle(secs(13), secs(10)), None);
        assert_eq!(idle(secs(1), Duration::from_millis(500)), Some(secs(1)));
    }
}
