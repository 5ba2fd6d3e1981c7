//! What a transaction takes, and keeps, after its end or its prepare (contract 2.6).
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
use lovely_session::error::Status;
use lovely_session::store::{FaultKind, FaultOps};
use lovely_session::txn::{Outcome, State};
use lovely_session::value::Value;

// 2.6
#[test]
fn after_commit_and_abort_handles_are_an_error_and_nothing_is_open() {
    let c = container();
    let mut committed = open(&c, "s");
    committed.set("x", "1");
    committed.commit().unwrap();
    let mut aborted = open(&c, "s");
    aborted.txn.abort().unwrap();
    for (mut work, state) in [(committed, State::Committed), (aborted, State::Aborted)] {
        assert_eq!(work.txn.state(), state);
        assert_eq!(work.txn.session_count(), 0);
        assert_eq!(work.txn.session_at(0), None);
        let (session, pkg) = (work.session, work.pkg);
        let txn = &mut work.txn;
        let answers = [
            status(txn.set(pkg, "x", Value::Null)),
            status(txn.get(pkg, "x").map(|_| ())),
            status(txn.scalar(pkg, "x").map(|_| ())),
            status(txn.add(pkg, "n", 1)),
            status(txn.delete(pkg, "x")),
            status(txn.contains(pkg, "x")),
            status(txn.len(pkg)),
            status(txn.keys(pkg).map(|_| ())),
            status(txn.content(pkg).map(|_| ())),
            status(txn.pkg_clear(pkg)),
            status(txn.pkg_name(pkg).map(|_| ())),
            status(txn.pkg(session, "q")),
            status(txn.peek_pkg(session, "p")),
            status(txn.delete_pkg(session, "p")),
            status(txn.clear(session)),
            status(txn.session_content(session).map(|_| ())),
            status(txn.pkg_names(session).map(|_| ())),
            status(txn.session_id(session).map(|_| ())),
            status(txn.is_new(session)),
            status(txn.accessed_ms(session)),
            status(txn.set_timeout_ms(session, None)),
            status(txn.set_deadline_ms(session, None)),
            status(txn.regenerate(session, None)),
            status(txn.destroy(&c, b"s")),
            status(wait(txn.open(&c, b"s"))),
            status(wait(txn.exists(&c, b"s"))),
            status(txn.create(&c)),
            status(txn.savepoint()),
            status(wait(txn.prepare())),
            status(wait(txn.commit())),
            status(txn.abort()),
        ];
        assert!(answers.iter().all(|status| *status == Status::Misuse), "{answers:?}");
    }
    assert_eq!(stored(&c, "s"), r#"{"p":{"x":1}}"#);
}

// 2.6
#[test]
fn a_commit_that_failed_keeps_its_report_and_takes_only_abort() {
    let c = container();
    let mut work = open(&c, "s");
    work.set("x", "1");
    fail(&c, FaultKind::Unavailable, FaultOps::WRITE, 0, 1);
    assert_eq!(work.commit(), Err(Status::Unavailable));
    assert_eq!(work.txn.state(), State::Failed);
    assert_eq!(work.txn.session_count(), 0);
    let txn = &mut work.txn;
    for status in [
        status(txn.get(work.pkg, "x").map(|_| ())),
        status(txn.set(work.pkg, "x", Value::Null)),
        status(wait(txn.open(&c, b"s"))),
        status(txn.savepoint()),
        status(wait(txn.commit())),
        status(wait(txn.prepare())),
    ] {
        assert_eq!(status, Status::Failed);
    }
    let expected = [("s".to_owned(), Outcome::NotStored, Status::Unavailable)];
    assert_eq!(report(txn), expected);
    txn.abort().unwrap();
    assert_eq!((txn.state(), report(txn)), (State::Aborted, expected.to_vec()));
    assert!(!exists(&c, "s"));
}

// 2.6
#[test]
fn a_prepare_that_failed_ends_the_transaction_too() {
    let c = container();
    put(&c, "s", &[("x", "1")]);
    let mut work = open(&c, "s");
    work.set("x", "2");
    put(&c, "s", &[("x", "3")]);
    assert_eq!(status(wait(work.txn.prepare())), Status::Conflict);
    assert_eq!(work.txn.state(), State::Failed);
    assert_eq!(report(&work.txn), [("s".to_owned(), Outcome::NotStored, Status::Conflict)]);
    assert_eq!(work.commit(), Err(Status::Failed));
    work.txn.abort().unwrap();
}

// 2.6
#[test]
fn a_prepared_transaction_takes_reads_commit_and_abort_only() {
    let c = container();
    put(&c, "s", &[("x", "1")]);
    let prepared = || {
        let mut work = open(&c, "s");
        work.set("x", "2");
        let savepoint = work.txn.savepoint().unwrap();
        wait(work.txn.prepare()).unwrap();
        assert_eq!(work.txn.state(), State::Prepared);
        (work, savepoint)
    };
    let (mut work, savepoint) = prepared();
    assert_eq!(stored(&c, "s"), r#"{"p":{"x":1}}"#, "nothing is stored yet");
    assert_eq!(work.get("x").as_deref(), Some("2"));
    assert_eq!(open_in(&mut work.txn, &c, "s"), work.session);
    let txn = &mut work.txn;
    for status in [
        status(txn.set(work.pkg, "x", Value::Null)),
        status(txn.delete(work.pkg, "x")),
        status(txn.clear(work.session)),
        status(txn.destroy(&c, b"s")),
        status(txn.regenerate(work.session, None)),
        status(txn.set_deadline_ms(work.session, Some(1))),
        status(txn.savepoint()),
        status(txn.rollback(savepoint)),
        status(txn.create(&c)),
        status(wait(txn.prepare())),
    ] {
        assert_eq!(status, Status::Misuse);
    }
    work.txn.abort().unwrap();
    assert_eq!(stored(&c, "s"), r#"{"p":{"x":1}}"#);
    assert_eq!(prepared().0.commit(), Ok(1));
    assert_eq!(stored(&c, "s"), r#"{"p":{"x":2}}"#);
}

// 2.6
#[test]
fn data_in_memory_never_outlives_its_transaction() {
    let c = container();
    put(&c, "s", &[("x", "1")]);
    let mut aborted = open(&c, "s");
    aborted.set("x", "2");
    aborted.txn.abort().unwrap();
    drop(open(&c, "s"));
    assert_eq!(open(&c, "s").content(), r#"{"p":{"x":1}}"#);
}

// Both stores are the same.
#[test]
fn all_of_this_holds_on_memcached() {
    // It scripts faults, which the embedded store alone can do.
    everywhere::all_on_memcached(
        "all_of_this_holds_on_memcached",
        &["a_commit_that_failed_keeps_its_report_and_takes_only_abort"],
    );
}
