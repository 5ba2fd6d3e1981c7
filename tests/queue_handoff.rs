//! The hand-off between threads of a queue, in every order in which they can meet.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]
#![allow(unreachable_pub, reason = "the file under test is part of another crate")]

/// What the file is made of in the model.
mod sync {
    pub(super) use loom::sync::atomic::{AtomicUsize, Ordering};
    pub(super) use loom::sync::{Mutex, MutexGuard};
}

#[path = "../src/io/queue/handoff.rs"]
mod handoff;

use std::vec::Drain;

use handoff::Handoff;
use loom::sync::Arc;
use loom::thread;

use loom::sync::atomic::{AtomicUsize, Ordering};

type Sums = Handoff<u32, Kept>;

#[derive(Default)]
struct Kept {
    items: Vec<u32>,
    /// Touched while the core is held: another thread may come then.
    moment: AtomicUsize,
}

fn keep(core: &mut Kept, items: Drain<'_, u32>) {
    core.moment.fetch_add(1, Ordering::SeqCst);
    core.items.extend(items);
}

/// Runs threads that do `work` in every order, and sees that everything that was left was worked on.
fn nothing_is_left_lying(expected: usize, works: &'static [fn(&Sums)]) {
    let mut model = loom::model::Builder::new();
    // All orders of two threads; of three those with as many changes of mind as a defect of this kind needs.
    model.preemption_bound = if works.len() > 2 { Some(2) } else { None };
    model.check(move || {
        let sums = Arc::new(Sums::new(Kept::default()));
        let threads: Vec<_> = works
            .iter()
            .map(|work| {
                let sums = Arc::clone(&sums);
                thread::spawn(move || work(&sums))
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        // Looked at without taking in what may have been left.
        let seen = sums.with(|core, left| (core.items.len(), left.len()), keep);
        assert_eq!(seen, (expected, 0));
    });
}

#[test]
fn two_who_leave_something_leave_nothing_lying() {
    nothing_is_left_lying(2, &[|sums| sums.give(1, keep), |sums| sums.give(2, keep)]);
}

#[test]
fn one_who_leaves_something_while_another_works_leaves_nothing_lying() {
    nothing_is_left_lying(1, &[|sums| sums.give(1, keep), |sums| sums.with(keep, keep)]);
}

#[test]
fn two_who_wait_and_one_who_leaves_something_leave_nothing_lying() {
    nothing_is_left_lying(1, &[|sums| sums.give(1, keep), |sums| sums.with(keep, keep), |sums| sums.with(keep, keep)]);
}

#[test]
fn two_who_leave_something_while_another_works_leave_nothing_lying() {
    nothing_is_left_lying(2, &[|sums| sums.give(1, keep), |sums| sums.give(2, keep), |sums| sums.with(keep, keep)]);
}
