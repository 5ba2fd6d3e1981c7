//! A server that failed is set aside: left alone for a pause, then tried by one caller, while all others are told at once.
//!
//! So a dead server costs nobody a wait, and a hung one costs the whole process one wait for each pause. Nothing runs in
//! the background: whoever comes first after a pause tries. This is the arithmetic of it; `pool` keeps it, for each
//! process that a fork made, and `server` tells it what happened.

use std::time::{Duration, Instant};

use crate::error::Error;
use crate::io;

/// The pause after a failure that cost no time. Each further failure doubles it.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// How a server stands.
#[derive(Debug, Default)]
pub(super) struct Standing {
    shut: Option<Shut>,
    /// How often in turn it failed.
    setbacks: u32,
    /// When it was last seen to be well.
    well: Option<Instant>,
}

/// A server that is set aside.
#[derive(Debug)]
struct Shut {
    since: Instant,
    next: Instant,
    cause: Error,
    /// Whether somebody is trying now.
    is_trying: bool,
}

/// A failure.
#[derive(Debug, Clone, Copy)]
pub(super) struct Failure {
    /// When what failed began.
    pub(super) began: Instant,
    /// What it cost, if it failed because time was over, and whether the server had all the time that it is given.
    pub(super) lost: Option<(Duration, bool)>,
}

/// Who may connect.
#[derive(Debug)]
pub(super) enum Gate {
    /// Anybody: the server is well, as far as is known.
    Open,
    /// This caller, and nobody else until it has said what came of it.
    Try,
    /// Nobody now.
    Shut(Error),
}

impl Standing {
    /// Whether the caller may connect. With `insists` it does not wait for the end of the pause, only for its turn.
    pub(super) fn ask(&mut self, insists: bool) -> Gate {
        let Some(shut) = &mut self.shut else { return Gate::Open };
        let now = Instant::now();
        if shut.is_trying || !insists && now < shut.next {
            return Gate::Shut(shut.refusal(now));
        }
        shut.is_trying = true;
        Gate::Try
    }

    /// The one who tried gives up without a result.
    pub(super) fn give_up(&mut self) {
        if let Some(shut) = &mut self.shut {
            shut.is_trying = false;
        }
    }

    /// Ends the pause.
    pub(super) fn hurry(&mut self) {
        if let Some(shut) = &mut self.shut {
            shut.next = Instant::now();
        }
    }

    /// It told what it is; for how long it was set aside.
    pub(super) fn opened(&mut self) -> Option<Duration> {
        // By the clock of the operation, as what it does next will begin.
        self.well = Some(io::now());
        self.shut.take().map(|shut| shut.since.elapsed())
    }

    /// It answered everything that it was asked.
    pub(super) fn answered(&mut self) {
        if self.shut.is_none() {
            self.setbacks = 0;
        }
    }

    /// It failed, in the hands of the one who tries or in those of others who began before; whether that is news: it was
    /// not set aside before. No pause is longer than `longest`; `chance` is a random number.
    pub(super) fn failed(
        &mut self,
        failure: Failure,
        cause: &Error,
        is_try: bool,
        longest: Duration,
        chance: u64,
    ) -> bool {
        // Others may have waited for as long: one outage is one setback. And it may be well again by now.
        if !is_try && (self.shut.is_some() || self.well.is_some_and(|well| failure.began < well)) {
            return false;
        }
        let now = Instant::now();
        let pause = match failure.lost {
            // Who had little time for it says little about the server: it is left alone for as long as was lost.
            Some((lost, false)) => lost,
            Some((lost, true)) => self.next_pause(lost),
            None => self.next_pause(FIRST_PAUSE),
        };
        let next = now + jittered(pause.min(longest), chance);
        let is_news = self.shut.is_none();
        let since = self.shut.as_ref().map_or(now, |shut| shut.since);
        self.shut = Some(Shut { since, next, cause: cause.clone(), is_trying: false });
        is_news
    }

    fn next_pause(&mut self, first: Duration) -> Duration {
        let pause = first.saturating_mul(1 << self.setbacks.min(16));
        self.setbacks = self.setbacks.saturating_add(1);
        pause
    }
}

impl Shut {
    /// What callers are told meanwhile.
    fn refusal(&self, now: Instant) -> Error {
        let since = seconds(now.saturating_duration_since(self.since));
        let next = match self.next.saturating_duration_since(now) {
            left if self.is_trying || left.is_zero() => "being tried now".to_owned(),
            left => format!("tried again in {}", seconds(left)),
        };
        let errno = match &self.cause {
            Error::Timeout(_) => libc::ETIMEDOUT,
            cause => cause.errno(),
        };
        Error::Unavailable { message: format!("{} (set aside for {since}, {next})", self.cause).into(), errno }
    }
}

fn seconds(duration: Duration) -> String {
    let millis = duration.as_millis();
    format!("{}.{} s", millis / 1_000, millis % 1_000 / 100)
}

/// Between three quarters and five quarters of `pause`, so that many processes do not try at once.
fn jittered(pause: Duration, chance: u64) -> Duration {
    let share = u32::try_from(chance >> 48).unwrap_or(0);
    pause / 4 * 3 + (pause / 2 / (1 << 16)).saturating_mul(share)
}

#[cfg(test)]
#[allow(clippy::panic, reason = "tests")]
mod tests {
    use super::*;

    const LONGEST: Duration = Duration::from_secs(10);
    /// The chance that changes no pause.
    const MIDDLE: u64 = 1 << 63;

    fn refused() -> Error {
        Error::Unavailable { message: "refused".into(), errno: libc::ECONNREFUSED }
    }

    fn at_once() -> Failure {
        Failure { began: Instant::now(), lost: None }
    }

    /// How long the pause is that has just begun.
    fn pause(standing: &Standing) -> u128 {
        let Some(shut) = &standing.shut else { return 0 };
        // To the nearest hundredth of a second: a little of it is over.
        (shut.next.saturating_duration_since(Instant::now()).as_millis() + 5) / 10 * 10
    }

    #[test]
    fn pauses_grow_up_to_the_longest_and_begin_anew_after_an_answer() {
        let mut standing = Standing::default();
        for expected in [100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000] {
            standing.failed(at_once(), &refused(), true, LONGEST, MIDDLE);
            assert_eq!(pause(&standing), expected);
        }
        standing.opened();
        standing.failed(at_once(), &refused(), true, LONGEST, MIDDLE);
        assert_eq!(pause(&standing), 10_000, "it did not answer");
        standing.opened();
        standing.answered();
        standing.failed(at_once(), &refused(), true, LONGEST, MIDDLE);
        assert_eq!(pause(&standing), 100);
    }

    #[test]
    fn what_cost_time_is_paused_for_no_less() {
        let waited = |ms, in_full| Failure { began: Instant::now(), lost: Some((Duration::from_millis(ms), in_full)) };
        let mut standing = Standing::default();
        for (failure, expected) in [(waited(1_000, true), 1_000), (waited(1_000, true), 2_000), (waited(50, false), 50)]
        {
            standing.failed(failure, &refused(), true, LONGEST, MIDDLE);
            assert_eq!(pause(&standing), expected);
        }
        standing.failed(waited(1_000, true), &refused(), true, LONGEST, MIDDLE);
        assert_eq!(pause(&standing), 4_000, "who had little time did not count");
    }

    #[test]
    fn pauses_are_a_quarter_shorter_or_longer_by_chance() {
        let pause = Duration::from_secs(4);
        assert_eq!(jittered(pause, 0), Duration::from_secs(3));
        assert_eq!(jittered(pause, MIDDLE).as_millis(), 3_999);
        assert_eq!(jittered(pause, u64::MAX).as_millis(), 4_999);
        assert!(jittered(Duration::MAX / 2, u64::MAX) > Duration::MAX / 2, "no pause is too long");
    }

    #[test]
    fn one_tries_after_the_pause_and_the_others_are_told() {
        let mut standing = Standing::default();
        assert!(matches!(standing.ask(false), Gate::Open));
        assert!(standing.failed(at_once(), &refused(), false, Duration::ZERO, 0));
        assert!(matches!(standing.ask(false), Gate::Try));
        let Gate::Shut(error) = standing.ask(true) else { panic!("a second one tries") };
        assert_eq!(error.to_string(), "refused (set aside for 0.0 s, being tried now)");
        assert_eq!(error.errno(), libc::ECONNREFUSED);
        standing.give_up();
        assert!(matches!(standing.ask(false), Gate::Try));
        assert!(!standing.failed(at_once(), &refused(), true, LONGEST, MIDDLE));
        let Gate::Shut(error) = standing.ask(false) else { panic!("tried within the pause") };
        assert_eq!(error.to_string(), "refused (set aside for 0.0 s, tried again in 0.1 s)");
        assert!(matches!(standing.ask(true), Gate::Try), "who insists does not wait for the pause");
        standing.give_up();
        standing.hurry();
        assert!(matches!(standing.ask(false), Gate::Try), "the pause is over");
        assert!(standing.opened().is_some());
        assert!(matches!(standing.ask(false), Gate::Open));
    }

    #[test]
    fn failures_that_began_before_it_was_well_again_do_not_count() {
        let mut standing = Standing::default();
        let late = at_once();
        standing.failed(at_once(), &refused(), false, LONGEST, MIDDLE);
        assert!(!standing.failed(at_once(), &refused(), false, LONGEST, MIDDLE), "it is set aside already");
        assert_eq!(standing.setbacks, 1);
        standing.opened();
        assert!(!standing.failed(late, &refused(), false, LONGEST, MIDDLE));
        assert!(matches!(standing.ask(false), Gate::Open));
    }

    #[test]
    fn a_timeout_has_its_number() {
        let mut standing = Standing::default();
        standing.failed(at_once(), &Error::Timeout("late".into()), false, LONGEST, MIDDLE);
        let Gate::Shut(error) = standing.ask(false) else { panic!("open") };
        assert_eq!(error.errno(), libc::ETIMEDOUT);
    }
}
