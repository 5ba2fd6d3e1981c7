//! Every way a small commit can go: each request met by each fault, somebody else's commit between any two requests.
//!
//! A commit is polled by hand and stops before each request (`Store::script_pauses`). `world` holds the transactions
//! and what must be true of every record at every moment, `explore` one run and the judgement of its answer. Nothing
//! is random: a failure names the run, which is the same the next time.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod explore;
mod world;

use std::ops::Range;
use std::slice;
use std::time::Duration;

use explore::{Explorer, Fault, Run, outrun};
use lovely_session::container::Policy;
use lovely_session::error::Status;
use lovely_session::store::FaultKind;
use world::{MINE, Meddling, NEW, Work};

const POLICIES: [Policy; 4] = [Policy::Merge, Policy::Mine, Policy::Strict, Policy::Overwrite];
const KINDS: [FaultKind; 5] =
    [FaultKind::Unavailable, FaultKind::Timeout, FaultKind::LostAnswer, FaultKind::Refused, FaultKind::RefusedDropped];
/// Every work under every policy, and under the default one with *recreate*, and prepared before.
fn settings() -> impl Iterator<Item = Run> {
    let all = POLICIES.map(|policy| (policy, false, false)).into_iter();
    let all = all.chain([(Policy::Merge, true, false), (Policy::Merge, false, true)]);
    Work::ALL.into_iter().flat_map(move |work| {
        all.clone().map(move |(policy, recreate, prepare)| Run {
            work,
            policy,
            recreate,
            prepare,
            meddling: Vec::new(),
            faults: Vec::new(),
        })
    })
}

/// Those in which most can happen: the others only decide otherwise what to do about a change.
fn main_settings() -> impl Iterator<Item = Run> {
    settings().filter(|run| run.policy == Policy::Merge && !run.prepare)
}

/// Each of `runs` with somebody else's commit, of each kind, before each of `steps`.
fn meddled(runs: &[Run], steps: Range<usize>) -> Vec<Run> {
    let mut all = Vec::new();
    for run in runs {
        for step in steps.clone() {
            for meddling in Meddling::ALL {
                let mut run = run.clone();
                run.meddling.push((step, meddling));
                all.push(run);
            }
        }
    }
    all
}

/// Each of `runs` with a fault, of each of `kinds`, that meets the first or the second thing asked for in each of
/// `steps`.
fn faulty(runs: &[Run], steps: Range<usize>, kinds: &[FaultKind]) -> Vec<Run> {
    let mut all = Vec::new();
    for run in runs {
        for step in steps.clone() {
            for kind in kinds {
                for skip in 0..run.work.most_at_once() {
                    let mut run = run.clone();
                    run.faults.push(Fault { step, kind: *kind, skip, lasting: false });
                    all.push(run);
                }
            }
        }
    }
    all
}

// Contract 2.5, 5.2 to 5.6.
#[test]
fn one_meddler_anywhere() {
    let mut explorer = Explorer::default();
    for run in settings() {
        explorer.step_by_step(|step| meddled(slice::from_ref(&run), step..step + 1));
    }
    explorer.finish();
}

// Contract 5.2 to 5.6: the second meets what the first left.
#[test]
fn two_meddlers_anywhere() {
    let mut explorer = Explorer::default();
    for run in main_settings() {
        explorer.step_by_step(|at| {
            let once = meddled(slice::from_ref(&run), at..at + 1);
            meddled(&once, at..at + 3)
        });
    }
    explorer.finish();
}

// Contract 6.2.
#[test]
fn one_fault_anywhere() {
    let mut explorer = Explorer::default();
    for run in settings() {
        explorer.step_by_step(|step| faulty(slice::from_ref(&run), step..step + 1, &KINDS));
    }
    explorer.finish();
}

// Contract 6.2.
#[test]
fn two_faults_anywhere() {
    let mut explorer = Explorer::default();
    for run in main_settings() {
        explorer.step_by_step(|at| {
            let once = faulty(slice::from_ref(&run), at..at + 1, &KINDS);
            faulty(&once, at + 1..at + 4, &KINDS)
        });
    }
    explorer.finish();
}

// Contract 5.5, 6.2: something goes wrong, and before one can look somebody else was there.
#[test]
fn a_fault_and_a_meddler_anywhere() {
    let mut explorer = Explorer::default();
    for run in main_settings() {
        explorer.step_by_step(|at| {
            let once = faulty(slice::from_ref(&run), at..at + 1, &KINDS);
            meddled(&once, at..at + 4)
        });
    }
    explorer.finish();
}

// Contract 5.5, 6.2.
#[test]
fn a_lost_answer_and_two_meddlers_after_it() {
    let mut explorer = Explorer::default();
    for run in main_settings() {
        explorer.step_by_step(|at| {
            let once = faulty(slice::from_ref(&run), at..at + 1, &[FaultKind::LostAnswer]);
            meddled(&meddled(&once, at + 1..at + 2), at + 1..at + 3)
        });
    }
    explorer.finish();
}

// Contract 6.2: the server stays away until the deadline.
#[test]
fn a_server_that_stays_away() {
    let mut explorer = Explorer::default();
    for run in main_settings() {
        for mut run in faulty(&[run], 0..5, &KINDS) {
            run.faults[0].lasting = true;
            explorer.run(&run);
        }
    }
    explorer.finish();
}

// Contract 2.5: it is tried again until the deadline, and no longer.
#[test]
fn somebody_who_is_always_faster() {
    for work in [Work::Change, Work::Create, Work::ChangeTwo, Work::ChangeAndMove] {
        let (answer, after) = outrun(work, Duration::from_millis(400));
        let error = answer.unwrap_err();
        match work {
            // `T` was stored at the first try.
            Work::ChangeTwo => assert_eq!(error.status(), Status::Partial),
            // Whether the new record can be taken back in time nobody knows.
            Work::ChangeAndMove => assert!(after.has(NEW, MINE) && error.status() == Status::Unknown),
            _ => {
                assert!(error.is_retryable(), "{error}");
                assert!(!after.has_anywhere(MINE));
            }
        }
    }
}
