//! Commits of several sessions: what is found before anything is written, and what is not (contract 2.4, 2.5, 2.7).
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
use lovely_session::container::Container;
use lovely_session::error::{Error, Status};
use lovely_session::store::{FaultKind, FaultOps};
use lovely_session::txn::{Outcome, TxnOption};
use lovely_session::value::Value;

// 2.4
#[test]
fn a_session_over_the_limit_is_found_before_anything_is_written() {
    let c = Container::open(&store_with("?item_limit=2000"), "c").unwrap();
    put(&c, "b", &[("x", "1")]);
    let writes = io(&c).0;
    let mut txn = setting(&c, &["a", "c"], "1");
    let large = open_in(&mut txn, &c, "b");
    let pkg = txn.pkg(large, "p").unwrap();
    txn.set(pkg, "text", Value::text(&"x".repeat(2_000))).unwrap();
    let error = wait(txn.commit()).unwrap_err();
    assert_eq!(error.status(), Status::TooLarge);
    assert!(error.to_string().contains("2000"), "{error}");
    assert_eq!(io(&c).0, writes);
    assert_eq!(stored(&c, "b"), r#"{"p":{"x":1}}"#);
    let outcomes: Vec<_> = report(&txn);
    assert!(outcomes.iter().all(|(_, outcome, _)| *outcome == Outcome::NotStored));
    assert_eq!(outcomes[1], ("b".to_owned(), Outcome::NotStored, Status::TooLarge));
}

// 2.4
#[test]
fn of_several_sessions_one_that_somebody_destroyed_is_found_before_any_is_written() {
    let c = container();
    put(&c, "z", &[("x", "0")]);
    let mut txn = setting(&c, &["a", "z"], "1");
    destroy(&c, "z");
    assert_eq!(commit(&mut txn), Err(Status::Gone));
    assert_eq!(stored(&c, "a"), "absent");
    assert_eq!(report(&txn)[1], ("z".to_owned(), Outcome::NotStored, Status::Gone));
}

// 2.4
#[test]
fn of_several_sessions_a_conflict_is_found_before_any_is_written() {
    let c = container();
    put(&c, "z", &[("x", "0")]);
    let mut txn = setting(&c, &["a", "z"], "1");
    put(&c, "z", &[("x", "2")]);
    let error = wait(txn.commit()).unwrap_err();
    assert_eq!(error.status(), Status::Conflict);
    assert!(error.is_retryable());
    assert_eq!(stored(&c, "a"), "absent");
}

// 2.4: a retryable error promises that running again may help.
#[test]
fn of_several_errors_one_that_is_not_retryable_comes_first() {
    let c = container();
    let mut ids = ["a", "b"];
    ids.sort_by_key(|id| c.key(id.as_bytes()));
    let [conflicting, destroyed] = ids;
    put(&c, conflicting, &[("x", "0")]);
    put(&c, destroyed, &[("x", "0")]);
    let mut txn = setting(&c, &ids, "1");
    put(&c, conflicting, &[("x", "2")]);
    destroy(&c, destroyed);
    assert_eq!(commit(&mut txn), Err(Status::Gone));
}

// 2.4
#[test]
fn of_several_sessions_a_server_that_does_not_answer_is_found_before_any_is_written() {
    let c = container();
    let mut txn = setting(&c, &["a", "b"], "1");
    fail(&c, FaultKind::Unavailable, FaultOps::VERSIONS, 1, 1);
    assert_eq!(commit(&mut txn), Err(Status::Unavailable));
    assert_eq!(io(&c).0, 0);
}

// 2.4
#[test]
fn several_sessions_cost_one_round_of_versions_and_one_of_writes_and_a_single_one_no_versions() {
    let c = container();
    let mut txn = setting(&c, &["a", "b", "c"], "1");
    let before = io(&c).1;
    commit(&mut txn).unwrap();
    assert_eq!(io(&c).1, before + 6);
    let mut work = open(&c, "a");
    work.set("x", "2");
    let before = io(&c).1;
    work.commit().unwrap();
    assert_eq!(io(&c).1, before + 1);
}

// 2.4: merging is no failure.
#[test]
fn of_several_sessions_one_that_somebody_changed_elsewhere_is_merged() {
    let c = container();
    put(&c, "z", &[("x", "0")]);
    let mut txn = setting(&c, &["a", "z"], "1");
    put(&c, "z", &[("y", "2")]);
    assert_eq!(commit(&mut txn), Ok(2));
    assert_eq!(stored(&c, "z"), r#"{"p":{"x":1,"y":2}}"#);
}

// 2.5
#[test]
fn sessions_of_several_containers_and_stores_are_committed_or_dropped_together() {
    let (c, far) = (container(), container());
    let near = Container::open(c.store(), "d").unwrap();
    let run = || {
        let mut txn = setting(&c, &["s"], "1");
        for container in [&near, &far] {
            let session = open_in(&mut txn, container, "s");
            let pkg = txn.pkg(session, "p").unwrap();
            set(&mut txn, pkg, "x", "1");
        }
        txn
    };
    run().abort().unwrap();
    fail(&far, FaultKind::Unavailable, FaultOps::ALL, 1, 0);
    assert_eq!(commit(&mut run()), Err(Status::Unavailable), "one store of two is away");
    heal(&far);
    assert!(!exists(&c, "s") && !exists(&near, "s") && !exists(&far, "s"));
    assert_eq!(commit(&mut run()), Ok(3));
    assert!(exists(&c, "s") && exists(&near, "s") && exists(&far, "s"));
}

// 2.5
#[test]
fn between_the_check_and_the_writes_a_faster_writer_is_merged() {
    let c = container();
    put(&c, "b", &[("x", "0")]);
    let mut txn = setting(&c, &["a", "b"], "1");
    wait(txn.prepare()).unwrap();
    put(&c, "b", &[("y", "2")]);
    assert_eq!(commit(&mut txn), Ok(2));
    assert_eq!(stored(&c, "b"), r#"{"p":{"x":1,"y":2}}"#);
}

// 2.5
#[test]
fn what_fails_between_the_check_and_the_writes_is_partial_and_not_retryable() {
    let c = container();
    put(&c, "b", &[("x", "0")]);
    let mut txn = setting(&c, &["a", "b"], "1");
    wait(txn.prepare()).unwrap();
    put(&c, "b", &[("x", "2")]);
    let error = wait(txn.commit()).unwrap_err();
    assert_eq!(error.status(), Status::Partial);
    assert!(!error.is_retryable());
    assert_eq!(
        report(&txn),
        [("a".to_owned(), Outcome::Stored, Status::Ok), ("b".to_owned(), Outcome::NotStored, Status::Conflict)]
    );
    assert_eq!((stored(&c, "a"), stored(&c, "b")), (r#"{"p":{"x":1}}"#.to_owned(), r#"{"p":{"x":2}}"#.to_owned()));
}

// 2.5
#[test]
fn the_report_of_a_partial_commit_tells_what_is_unknown() {
    let c = container();
    let mut txn = setting(&c, &["a", "b"], "1");
    txn.set_option(TxnOption::CommitTimeout, 30).unwrap();
    wait(txn.prepare()).unwrap();
    fail(&c, FaultKind::Timeout, FaultOps::WRITE, 1, 0);
    assert_eq!(commit(&mut txn), Err(Status::Partial));
    let mut outcomes: Vec<_> = report(&txn).into_iter().map(|(_, outcome, _)| outcome).collect();
    outcomes.sort_by_key(|outcome| *outcome as i32);
    assert_eq!(outcomes, [Outcome::Stored, Outcome::Unknown]);
}

// 2.7
#[test]
fn sessions_are_written_in_the_order_of_their_keys() {
    // The keys are digests of the ids; whatever order the sessions were opened in, the same two are written first.
    let ids = ["s1", "s2", "s3", "s4", "s5"];
    let mut by_key: Vec<&str> = ids.to_vec();
    by_key.sort_by_key(|id| container().key(id.as_bytes()));
    for turn in 0..ids.len() {
        let c = container();
        let mut order = ids.to_vec();
        order.rotate_left(turn);
        let mut txn = setting(&c, &order, "1");
        fail(&c, FaultKind::Unavailable, FaultOps::WRITE, 2, 0);
        assert!(matches!(wait(txn.commit()), Err(Error::Partial(_))));
        heal(&c);
        let written: Vec<bool> = by_key.iter().map(|id| exists(&c, id)).collect();
        assert_eq!(written, [true, true, false, false, false], "opened in the order {order:?}");
    }
}

// Both stores are the same.
#[test]
fn all_of_this_holds_on_memcached() {
    // These script faults, which the embedded store alone can do.
    everywhere::all_on_memcached(
        "all_of_this_holds_on_memcached",
        &[
            "of_several_sessions_a_server_that_does_not_answer_is_found_before_any_is_written",
            "sessions_are_written_in_the_order_of_their_keys",
            "sessions_of_several_containers_and_stores_are_committed_or_dropped_together",
            "the_report_of_a_partial_commit_tells_what_is_unknown",
        ],
    );
}
