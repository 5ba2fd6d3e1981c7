//! One run: a commit polled step by step, what is done to it on the way, and whether its answer is true.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Once;
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use lovely_session::container::Policy;
use lovely_session::error::{Error, Status};
use lovely_session::io::{Wants, blocking};
use lovely_session::store::{self, FaultKind, FaultOps};
use lovely_session::txn::{Outcome, Transaction, TxnOption};

use crate::world::{BASE, ELSEWHERE, LATE, MINE, Meddling, NEW, S, Snapshot, T, THEIRS, Work, World};

/// A fault for the `skip`th item that is asked for in a step, or for all from then on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fault {
    pub(crate) step: usize,
    pub(crate) kind: FaultKind,
    pub(crate) skip: u64,
    pub(crate) lasting: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Run {
    pub(crate) work: Work,
    pub(crate) policy: Policy,
    pub(crate) recreate: bool,
    pub(crate) prepare: bool,
    pub(crate) meddling: Vec<(usize, Meddling)>,
    pub(crate) faults: Vec<Fault>,
}

/// What came of a run.
struct Seen {
    answer: Result<(), Error>,
    /// Before the first step and after each.
    snapshots: Vec<Snapshot>,
    done: Vec<Meddling>,
    steps: usize,
}

/// Does runs, and keeps what is wrong: it is usually wrong in thousands of them.
#[derive(Default)]
pub(crate) struct Explorer {
    /// What, the first run that showed it, and how many did.
    wrong: BTreeMap<String, (Run, usize)>,
    runs: usize,
}

impl Explorer {
    /// Does one run; whether it got as far as everything that was to happen in it.
    pub(crate) fn run(&mut self, run: &Run) -> bool {
        self.runs += 1;
        quiet(true);
        let done = catch_unwind(AssertUnwindSafe(|| run_and_judge(run)));
        quiet(false);
        done.unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or_default();
            let what = format!("{text} [{:?}]", run.work);
            self.wrong.entry(what).or_insert((run.clone(), 0)).1 += 1;
            true
        })
    }

    /// Does the runs that `variants` makes for one step after the other, until none gets that far.
    pub(crate) fn step_by_step(&mut self, variants: impl Fn(usize) -> Vec<Run>) {
        for step in 0..20 {
            let mut any = false;
            for run in variants(step) {
                any |= self.run(&run);
            }
            if !any {
                return;
            }
        }
    }

    /// Panics with all that was wrong.
    pub(crate) fn finish(self) {
        println!("{} runs", self.runs);
        let tell = |(what, (run, n)): (&String, &(Run, usize))| format!("{n} runs: {what}\n    first: {run:?}\n");
        let all: String = self.wrong.iter().map(tell).collect();
        assert!(all.is_empty(), "of {} runs:\n{all}", self.runs);
    }
}

/// Keeps panics of this thread from being printed: the explorer tells of them at its end.
fn quiet(on: bool) {
    thread_local! {
        static QUIET: Cell<bool> = const { Cell::new(false) };
    }
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let loud = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !QUIET.get() {
                loud(info);
            }
        }));
    });
    QUIET.set(on);
}

fn run_and_judge(run: &Run) -> bool {
    let mut world = World::new(run.policy, run.recreate);
    let mut late = world.begin_late(run.work);
    let mut txn = world.begin(run.work);
    let is_lasting = run.faults.iter().any(|fault| fault.lasting);
    txn.set_option(TxnOption::CommitTimeout, if is_lasting { 15 } else { 60_000 }).unwrap();
    let begun = Instant::now();
    let mut seen = Seen { answer: Ok(()), snapshots: vec![world.snapshot()], done: Vec::new(), steps: 0 };
    if run.prepare {
        seen.answer = blocking::run(txn.prepare()).unwrap();
    }
    if seen.answer.is_ok() {
        seen.answer = step_through(run, &mut world, &mut txn, &mut seen);
    }
    let steps = run.meddling.iter().map(|(step, _)| *step).chain(run.faults.iter().map(|fault| fault.step));
    if seen.steps > 0 && steps.max().is_none_or(|step| step >= seen.steps) {
        return false;
    }
    assert!(!is_lasting || begun.elapsed() < Duration::from_secs(30), "it did not end in time");
    judge(run, &seen, &txn);
    let late = blocking::run(late.commit()).unwrap();
    judge_late(run, &seen, &late, &world.snapshot());
    true
}

fn step_through(run: &Run, world: &mut World, txn: &mut Transaction, seen: &mut Seen) -> Result<(), Error> {
    let store = world.container.store().clone();
    let mut commit = pin!(txn.commit());
    let mut wants = Wants::new();
    let mut step = 0;
    loop {
        for (_, meddling) in run.meddling.iter().filter(|(at, _)| *at == step) {
            if world.meddle(*meddling, run.work) {
                seen.done.push(*meddling);
                seen.snapshots.push(world.snapshot());
            }
        }
        for fault in &run.faults {
            let is_now = fault.step == step || fault.lasting && fault.step < step;
            if is_now {
                let (kind, count) = (fault.kind, u64::from(!fault.lasting));
                let scripted = store::Fault { kind, ops: FaultOps::ALL, skip: fault.skip, count };
                store.script_fault(scripted).unwrap();
            }
        }
        store.script_pauses(true).unwrap();
        let polled = wants.poll(commit.as_mut());
        store.script_pauses(false).unwrap();
        store.clear_faults().unwrap();
        seen.snapshots.push(world.snapshot());
        seen.steps = step + 1;
        if let Poll::Ready(answer) = polled {
            return answer;
        }
        if let Some(until) = wants.until() {
            thread::sleep(until.saturating_duration_since(Instant::now()));
        }
        step += 1;
        assert!(step < 10_000, "it does not end");
    }
}

/// Commits while somebody else is faster at every step; the answer, and what stands then.
pub(crate) fn outrun(work: Work, timeout: Duration) -> (Result<(), Error>, Snapshot) {
    let world = World::new(Policy::Merge, false);
    let mut txn = world.begin(work);
    txn.set_option(TxnOption::CommitTimeout, timeout.as_millis().try_into().unwrap()).unwrap();
    let store = world.container.store().clone();
    let mut commit = pin!(txn.commit());
    let mut wants = Wants::new();
    for step in 0..1_000_000 {
        world.bump(work.id(), step);
        store.script_pauses(true).unwrap();
        let polled = wants.poll(commit.as_mut());
        store.script_pauses(false).unwrap();
        if let Poll::Ready(answer) = polled {
            return (answer, world.snapshot());
        }
        if let Some(until) = wants.until() {
            thread::sleep(until.saturating_duration_since(Instant::now()));
        }
    }
    panic!("it does not end");
}

/// Whether the answer and the report are true.
fn judge(run: &Run, seen: &Seen, txn: &Transaction) {
    let work = run.work;
    let is_disturbed = !seen.done.is_empty() || !run.faults.is_empty();
    let is_lasting = run.faults.iter().any(|fault| fault.lasting);
    if let Err(error) = &seen.answer {
        assert!(is_disturbed, "fails for no reason: {error}");
    }
    let may_be_lost = run.faults.iter().any(|fault| matches!(fault.kind, FaultKind::Timeout | FaultKind::LostAnswer));
    for entry in txn.report() {
        let id = std::str::from_utf8(&entry.id).unwrap();
        match entry.outcome {
            Outcome::Stored => assert_eq!(entry.status, Status::Ok, "{entry:?}"),
            Outcome::NotStored => {
                assert!(seen.answer.is_err(), "{entry:?}");
                judge_not_stored(run, seen, id, entry.status);
            }
            Outcome::Unknown => {
                assert_eq!(entry.status, Status::Unknown);
                // Time can also run out between the two writes of a move.
                assert!(may_be_lost || work.moves() && is_lasting, "unknown, and nothing was unanswered: {entry:?}");
                let has_time = run.faults.len() < 2 && !is_lasting;
                assert!(!has_time || !seen.done.is_empty(), "unknown, and nobody looked: {entry:?}");
            }
        }
        if entry.outcome == Outcome::Stored {
            judge_stored(run, seen, id);
        }
        assert_ne!(entry.status, Status::Panic);
    }
    let outcomes: Vec<_> = txn.report().iter().map(|entry| entry.outcome).collect();
    let has = |outcome| outcomes.contains(&outcome);
    match &seen.answer {
        Ok(()) => assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Stored)),
        Err(Error::Partial(_)) => assert!(has(Outcome::Stored) && outcomes.len() > 1),
        Err(Error::Unknown(_)) => assert!(has(Outcome::Unknown) && !has(Outcome::Stored)),
        Err(error) => {
            assert!(!has(Outcome::Stored) && !has(Outcome::Unknown), "{error:?}");
            let is_changed = seen.done.iter().any(|done| matches!(done, Meddling::Add | Meddling::SetSame));
            let is_taken = work.moves();
            assert!(
                !error.is_retryable() || is_changed || is_taken || !seen.done.is_empty(),
                "conflict with nobody: {error}"
            );
            if matches!(error, Error::Lost(_)) {
                assert!(
                    run.faults.iter().any(|fault| matches!(fault.kind, FaultKind::Refused | FaultKind::RefusedDropped))
                );
            }
        }
    }
    // What others stored and others took away stays away; only *recreate* may bring back what was evicted.
    for mark in THEIRS.into_iter().filter(|_| !run.recreate) {
        let there: Vec<_> = seen.snapshots.iter().map(|snapshot| snapshot.has_anywhere(mark)).collect();
        let was_taken = there.windows(2).any(|pair| pair[0] && !pair[1]);
        // Under the new id it may show for a moment, before it is withdrawn.
        assert!(!was_taken || !there[there.len() - 1], "what was taken away came back");
    }
    // Moving is never the end of the session, whatever the answer.
    if work.moves() && work != Work::CreateAndMove && !seen.done.iter().any(|done| done.takes_away()) && !drops(run) {
        for snapshot in &seen.snapshots {
            assert!(snapshot.has(S, BASE) || snapshot.has(NEW, BASE), "neither old nor new is there");
        }
    }
}

fn drops(run: &Run) -> bool {
    run.faults.iter().any(|fault| fault.kind == FaultKind::RefusedDropped)
}

fn last(seen: &Seen) -> &Snapshot {
    seen.snapshots.last().unwrap()
}

fn judge_stored(run: &Run, seen: &Seen, id: &str) {
    let work = run.work;
    let ever = |test: &dyn Fn(&Snapshot) -> bool| seen.snapshots.iter().any(test);
    if id == S && work.destroys() {
        assert!(ever(&|snapshot| !snapshot.has(S, BASE)), "stored, and the session was never gone");
    } else if id == NEW {
        assert!(ever(&|snapshot| snapshot.is_there(NEW)), "stored, and never seen under the new id");
        assert!(!last(seen).has(work.id(), BASE), "the session is still there under the old id");
        assert!(!last(seen).has(work.id(), MINE), "the session is still there under the old id");
    } else {
        assert!(ever(&|snapshot| snapshot.has(id, MINE)), "stored, and never seen");
    }
}

fn judge_not_stored(run: &Run, seen: &Seen, id: &str, status: Status) {
    let work = run.work;
    if id == S && work.destroys() {
        let is_disturbed = seen.done.iter().any(|done| done.takes_away()) || drops(run);
        assert!(is_disturbed || last(seen).has(S, BASE), "not stored ({status:?}), and the session is gone");
    } else if id == NEW {
        // It may have been there for a moment, before it was withdrawn.
        let anew = [T, work.id()];
        let marks = [BASE, MINE];
        let is_there = marks.iter().any(|mark| last(seen).has(NEW, *mark) && !anew.contains(&NEW));
        assert!(!is_there, "not stored ({status:?}), and there under the new id");
        if work != Work::MoveAndChange {
            assert!(!last(seen).has_anywhere(MINE), "not stored ({status:?}), and there");
        }
    } else {
        assert!(!seen.snapshots.iter().any(|snapshot| snapshot.has(id, MINE)), "not stored ({status:?}), and seen");
    }
}

/// Whoever opened the session before all this, and commits after it, cannot bring back what is destroyed.
fn judge_late(run: &Run, seen: &Seen, late: &Result<(), Error>, after: &Snapshot) {
    if run.policy == Policy::Overwrite {
        return;
    }
    let work = run.work;
    let is_evicted = seen.done.iter().any(|done| done.evicts());
    let is_ended = seen.answer.is_ok() && (work.destroys() || work.moves());
    if is_ended && !(is_evicted && run.recreate) {
        // What was absent when it was opened has a tombstone now.
        assert!(late.is_err(), "a destroyed session was written to");
        assert!(!after.has_anywhere(LATE));
    }
    if let Err(error) = late {
        assert!(!after.has_anywhere(LATE), "{error} and stored");
    }
    let is_both = after.has(work.id(), BASE) && (after.has(NEW, BASE) || after.has(ELSEWHERE, BASE));
    if seen.answer.is_ok() && work.moves() && !(is_evicted && run.recreate) {
        assert!(!is_both, "both old and new are there");
    }
}
