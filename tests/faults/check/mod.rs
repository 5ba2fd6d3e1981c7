//! Whether what all clients were told can have come from a library that keeps its promises.
//!
//! The rules are sound, not complete: they know only when each call began and ended, and take whatever order of what
//! happened between suits the library best. A commit without an answer counts as done, not done, or done later.

mod calls;
mod commits;
mod reads;
mod story;
mod times;
mod world;

use std::collections::BTreeMap;

pub use world::{Commit, Emptied, Fate, World};

use crate::history::{Nanos, Place};

/// What is promised. Each is one test of the harness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Promise {
    /// No read mixes two states: packages agree, and the counter is exactly what was added.
    Whole,
    /// A session shows its own id.
    OwnData,
    /// What is read was committed, or may have been: never refused, aborted, rolled back, or of the future.
    Committed,
    /// A commit is only in the incarnation that it had opened.
    OneIncarnation,
    /// The states of an incarnation follow one another.
    OneHistory,
    /// What was acknowledged is in every later read of the incarnation.
    Kept,
    /// A session that was acknowledged is there until it is destroyed or its server emptied.
    Present,
    /// A destroyed session, and an id that was given up, do not come back.
    StaysDestroyed,
    /// No commit is acknowledged over a session that was destroyed or emptied since it was opened.
    Gone,
    /// Of two commits to a key the later one shows.
    LatestWins,
    /// Different changes of one key, and any change under strict, are a conflict.
    Conflicts,
    /// What was regenerated is there under the new id.
    NewIds,
    /// What is past its deadline, or was idle for too long, is gone.
    Ends,
    /// At the end each counter is what was acknowledged and at most what is unknown.
    Counters,
    /// The report says of each session what the status says of all.
    Reports,
    /// No call fails in a way that no fault explains, and rolling back restores what was.
    Statuses,
    /// Every call returns within its deadline and two seconds.
    Deadlines,
}

impl Promise {
    /// All of them.
    pub const ALL: [Self; 17] = [
        Self::Whole,
        Self::OwnData,
        Self::Committed,
        Self::OneIncarnation,
        Self::OneHistory,
        Self::Kept,
        Self::Present,
        Self::StaysDestroyed,
        Self::Gone,
        Self::LatestWins,
        Self::Conflicts,
        Self::NewIds,
        Self::Ends,
        Self::Counters,
        Self::Reports,
        Self::Statuses,
        Self::Deadlines,
    ];

    /// The promise in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Whole => "no read mixes two states",
            Self::OwnData => "no id shows another's data",
            Self::Committed => "what is read was committed, or may have been",
            Self::OneIncarnation => "no commit is in another incarnation than it opened",
            Self::OneHistory => "the states of an incarnation follow one another",
            Self::Kept => "no acknowledged change is lost",
            Self::Present => "no acknowledged session vanishes but with its server",
            Self::StaysDestroyed => "what was destroyed does not come back",
            Self::Gone => "no commit over what was destroyed or emptied",
            Self::LatestWins => "of two commits to a key the later one shows",
            Self::Conflicts => "what has to be a conflict is one",
            Self::NewIds => "a session lives on under its new id",
            Self::Ends => "what is past its time is gone",
            Self::Counters => "counters end as acknowledged, and at most the unknown",
            Self::Reports => "reports agree with statuses",
            Self::Statuses => "no call fails for no reason",
            Self::Deadlines => "every call returns within its deadline and 2 s",
        }
    }
}

/// A promise that was not kept.
#[derive(Debug, Clone)]
pub struct Violation {
    pub promise: Promise,
    pub at: Nanos,
    /// Which session, if it is about one.
    pub place: Option<Place>,
    pub text: String,
}

/// What was checked how often, and what came of it.
#[derive(Debug, Default)]
pub struct Findings {
    pub checks: BTreeMap<Promise, u64>,
    pub violations: Vec<Violation>,
}

impl Findings {
    /// Counts a check that ended well or not; the text is made only where it did not.
    fn check(
        &mut self,
        promise: Promise,
        place: Option<&Place>,
        at: Nanos,
        is_kept: bool,
        text: impl FnOnce() -> String,
    ) {
        *self.checks.entry(promise).or_default() += 1;
        if !is_kept {
            self.violations.push(Violation { promise, at, place: place.cloned(), text: text() });
        }
    }

    /// Adds those of another round.
    pub fn add(&mut self, other: Self) {
        for (promise, checks) in other.checks {
            *self.checks.entry(promise).or_default() += checks;
        }
        self.violations.extend(other.violations);
    }
}

/// Checks everything; the violations come in the order of time.
pub fn check(world: &World) -> Findings {
    let mut findings = Findings::default();
    calls::check(world, &mut findings);
    commits::check(world, &mut findings);
    reads::check(world, &mut findings);
    times::check(world, &mut findings);
    findings.violations.sort_by_key(|violation| violation.at);
    findings
}

/// What happened to a session around a violation, a line each, in the order of time.
pub fn story(world: &World, violation: &Violation) -> String {
    story::tell(world, violation)
}
