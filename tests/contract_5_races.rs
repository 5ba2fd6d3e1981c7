//! What others do between two requests of one commit (contract 2.5, 5 and 6.2).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    reason = "tests"
)]

mod contract_support;

use contract_support::*;

use std::pin::pin;

use lovely_session::container::ContainerOption::Recreate;
use lovely_session::container::{Container, Policy};
use lovely_session::error::Status;
use lovely_session::io::Wants;
use lovely_session::store::{FaultKind, FaultOps};
use lovely_session::txn::{Outcome, Transaction};

/// A transaction that is about to set "x" to 2 in the stored session "s".
fn about_to_set(c: &Container) -> Work {
    put(c, "s", &[("x", "1")]);
    let mut work = open(c, "s");
    work.set("x", "2");
    work
}

// 5.2
#[test]
fn a_write_that_was_faster_is_merged_at_once() {
    let c = container();
    let mut work = about_to_set(&c);
    assert_eq!(work.commit_interrupted(&c, 1, || put(&c, "s", &[("y", "1")])), Ok(()));
    assert_eq!(stored(&c, "s"), r#"{"p":{"x":2,"y":1}}"#);
}

// 5.2: again and again, as long as there is time.
#[test]
fn whoever_loses_the_race_many_times_is_merged_in_the_end() {
    const RACES: i64 = 8;
    let c = container();
    put(&c, "s", &[("n", "0")]);
    let mut work = open(&c, "s");
    work.add("n", 1);
    let mut wants = Wants::new();
    {
        let mut commit = pin!(work.txn.commit());
        for turn in 0..RACES {
            c.store().script_pauses(true).unwrap();
            assert!(wants.poll(commit.as_mut()).is_pending());
            c.store().script_pauses(false).unwrap();
            let mut faster = open(&c, "s");
            faster.add("n", 1);
            faster.set(&format!("key {turn}"), "1");
            faster.commit().unwrap();
        }
        wait(commit).unwrap();
    }
    let mut now = open(&c, "s");
    assert_eq!(now.get("n"), Some((RACES + 1).to_string()));
    assert_eq!(now.txn.len(now.pkg).unwrap(), 9);
}

// 5.3
#[test]
fn a_write_of_the_same_key_that_was_faster_is_what_the_policy_says() {
    for (policy, answer, left) in [
        (Policy::Merge, Err(Status::Conflict), "9"),
        (Policy::Strict, Err(Status::Conflict), "9"),
        (Policy::Mine, Ok(()), "2"),
        (Policy::Overwrite, Ok(()), "2"),
    ] {
        let c = with_policy(policy);
        let mut work = about_to_set(&c);
        assert_eq!(work.commit_interrupted(&c, 1, || put(&c, "s", &[("x", "9")])), answer, "{policy:?}");
        assert_eq!(open(&c, "s").get("x").as_deref(), Some(left), "{policy:?}");
    }
}

// 5.5, 5.6
#[test]
fn a_session_that_goes_before_the_write_is_gone_unless_it_was_evicted_and_the_container_recreates() {
    for recreate in [0, 1] {
        let c = container_with(Recreate, recreate);
        let mut work = about_to_set(&c);
        assert_eq!(work.commit_interrupted(&c, 1, || destroy(&c, "s")), Err(Status::Gone));
        let mut work = about_to_set(&c);
        let evicted = work.commit_interrupted(&c, 1, || evict(&c, "s"));
        assert_eq!(evicted, if recreate == 1 { Ok(()) } else { Err(Status::Gone) });
    }
}

// 2.5
#[test]
fn of_several_sessions_what_is_lost_after_the_check_is_reported_session_by_session() {
    let c = container();
    put(&c, "a", &[("x", "1")]);
    put(&c, "b", &[("x", "1")]);
    let mut txn = Transaction::new();
    for id in ["a", "b"] {
        let session = open_in(&mut txn, &c, id);
        let pkg = txn.pkg(session, "p").unwrap();
        set(&mut txn, pkg, "x", "2");
    }
    // It asks for the versions, and then writes.
    let error = interrupted(&c, txn.commit(), 2, || destroy(&c, "b")).unwrap_err();
    assert_eq!((error.status(), error.is_retryable()), (Status::Partial, false));
    let expected = [("a".to_owned(), Outcome::Stored, Status::Ok), ("b".to_owned(), Outcome::NotStored, Status::Gone)];
    assert_eq!(report(&txn), expected);
    assert_eq!((stored(&c, "a").as_str(), stored(&c, "b").as_str()), (r#"{"p":{"x":2}}"#, "absent"));
}

// 6.2
#[test]
fn a_lost_answer_under_somebody_elses_write_is_unknown_and_nothing_is_written_twice() {
    let c = container();
    put(&c, "s", &[("n", "10")]);
    let mut work = open(&c, "s");
    work.add("n", 1);
    fail(&c, FaultKind::LostAnswer, FaultOps::WRITE, 0, 1);
    // The write is applied and not answered; before the commit looks again, somebody else writes.
    let faster = || {
        let mut faster = open(&c, "s");
        faster.add("n", 5);
        faster.commit().unwrap();
    };
    assert_eq!(work.commit_interrupted(&c, 2, faster), Err(Status::Unknown));
    assert_eq!(report(&work.txn), [("s".to_owned(), Outcome::Unknown, Status::Unknown)]);
    assert_eq!(stored(&c, "s"), r#"{"p":{"n":16}}"#);
}

// 6.2
#[test]
fn a_lost_request_under_somebody_elses_write_is_merged() {
    let c = container();
    put(&c, "s", &[("n", "10")]);
    let mut work = open(&c, "s");
    work.add("n", 1);
    fail(&c, FaultKind::Timeout, FaultOps::WRITE, 0, 1);
    let faster = || {
        let mut faster = open(&c, "s");
        faster.add("n", 5);
        faster.commit().unwrap();
    };
    // Where another commit stands in the place of ours, ours was not applied.
    assert_eq!(work.commit_interrupted(&c, 2, faster), Ok(()));
    assert_eq!(stored(&c, "s"), r#"{"p":{"n":16}}"#);
}

// 6.2: what this commit created it recognizes.
#[test]
fn a_lost_answer_to_a_creation_under_somebody_elses_write_is_recognized() {
    let c = container();
    let mut work = open(&c, "s");
    work.add("n", 1);
    fail(&c, FaultKind::LostAnswer, FaultOps::WRITE, 0, 1);
    let faster = || {
        let mut faster = open(&c, "s");
        faster.add("n", 5);
        faster.commit().unwrap();
    };
    assert_eq!(work.commit_interrupted(&c, 2, faster), Ok(()));
    assert_eq!(stored(&c, "s"), r#"{"p":{"n":6}}"#);
}

// 5.5, 6.2
#[test]
fn a_lost_answer_to_a_destruction_does_not_destroy_what_was_created_since() {
    let c = container();
    put(&c, "s", &[("x", "1")]);
    let mut txn = Transaction::new();
    txn.destroy(&c, b"s").unwrap();
    fail(&c, FaultKind::LostAnswer, FaultOps::WRITE, 0, 1);
    interrupted(&c, txn.commit(), 3, || put(&c, "s", &[("y", "1")])).unwrap();
    assert_eq!(stored(&c, "s"), r#"{"p":{"y":1}}"#);
}

// 5.5, 6.2
#[test]
fn a_destruction_that_is_done_again_is_not_taken_for_the_first_one() {
    let c = container();
    put(&c, "s", &[("x", "1")]);
    let mut txn = Transaction::new();
    txn.destroy(&c, b"s").unwrap();
    fail(&c, FaultKind::LostAnswer, FaultOps::WRITE, 0, 1);
    let mut late = None;
    // Somebody finds the first tombstone; what is created over it after that is destroyed by others.
    let others = || {
        let mut opened = open(&c, "s");
        opened.set("z", "1");
        late = Some(opened);
        put(&c, "s", &[("y", "1")]);
        destroy(&c, "s");
    };
    interrupted(&c, txn.commit(), 3, others).unwrap();
    assert_eq!(late.unwrap().commit(), Err(Status::Gone));
    assert_eq!(stored(&c, "s"), "absent");
}
