//! Change detection and commit (contract 2).
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
use lovely_session::container::ContainerOption::Timeout;
use lovely_session::error::{Error, Status};
use lovely_session::store::{FaultKind, FaultOps};
use lovely_session::txn::{Outcome, ReportKind, State, Transaction, TxnOption};
use lovely_session::value::Value;

/// A transaction that sets "x" of the sessions `ids`.
fn setting(c: &Container, ids: &[&str], json: &str) -> Transaction {
    let mut txn = Transaction::new();
    for id in ids {
        let session = open_in(&mut txn, c, id);
        let pkg = txn.pkg(session, "p").unwrap();
        set(&mut txn, pkg, "x", json);
    }
    txn
}

// 2.1
#[test]
fn exactly_the_sessions_that_differ_are_written_once_each() {
    let c = container();
    let mut txn = setting(&c, &["a", "b"], "1");
    open_in(&mut txn, &c, "read");
    assert_eq!(commit(&mut txn), Ok(2));
    assert_eq!(io(&c).0, 2);
    let done = |id: &str| (id.to_owned(), Outcome::Stored, Status::Ok);
    assert_eq!(report(&txn), [done("a"), done("b")]);
    assert!(txn.report().iter().all(|entry| entry.kind == ReportKind::Write));
}

// 2.1
#[test]
fn setting_an_equal_value_or_undoing_a_change_is_no_change() {
    let c = container();
    put(&c, "s", &[("x", r#"{"a":[1,2.5,"t",null]}"#), ("y", "1")]);
    let mut work = open(&c, "s");
    work.set("x", r#"{"a":[1,2.5,"t",null]}"#);
    work.set("y", "2");
    work.set("y", "1");
    work.set("new", "1");
    work.delete("new");
    work.delete("y");
    work.set("y", "1");
    let savepoint = work.txn.savepoint().unwrap();
    work.set("y", "7");
    work.txn.clear(work.session).unwrap();
    work.txn.rollback(savepoint).unwrap();
    work.txn.set_timeout_ms(work.session, Some(1_000)).unwrap();
    work.txn.set_timeout_ms(work.session, None).unwrap();
    assert_eq!(work.commit(), Ok(0));
}

// 2.1: undone by hand, of a package and of the whole session.
#[test]
fn clearing_and_setting_the_same_again_is_no_change() {
    let c = container();
    put(&c, "s", &[("x", "1"), ("y", "2")]);
    let mut work = open(&c, "s");
    work.txn.clear(work.session).unwrap();
    work.set("x", "1");
    work.set("y", "2");
    assert_eq!(work.commit(), Ok(0));
    let mut work = open(&c, "s");
    let Value::Map(map) = value(r#"{"y":2,"x":1}"#) else { unreachable!() };
    work.txn.replace(work.pkg, &map).unwrap();
    assert_eq!(work.commit(), Ok(0), "and the order of keys is not content");
}

// 2.2
#[test]
fn values_of_different_types_differ() {
    let c = container();
    let values =
        ["1", "1.0", "true", "\"1\"", "[1]", "{\"1\":1}", "null", "0", "0.0", "-0.0", "false", "\"\"", "[]", "{}"];
    for was in values {
        put(&c, was, &[("k", was)]);
        for is in values {
            let mut work = open(&c, was);
            work.set("k", is);
            assert_eq!(work.commit(), Ok(usize::from(was != is)), "{was} to {is}");
            let mut back = open(&c, was);
            back.set("k", was);
            back.commit().unwrap();
        }
    }
}

// 2.2
#[test]
fn floats_compare_by_their_bits() {
    let c = container();
    let nans = [f64::NAN, -f64::NAN, f64::from_bits(f64::NAN.to_bits() ^ 1)];
    let set_float = |bits: f64| {
        let mut work = open(&c, "s");
        work.txn.set(work.pkg, "k", Value::Float(bits)).unwrap();
        work.commit().unwrap()
    };
    for nan in nans {
        assert_eq!(set_float(nan), 1, "another NaN is another value");
        assert_eq!(set_float(nan), 0, "the same NaN is the same value");
    }
}

// 2.3
#[test]
fn the_timeout_of_the_container_at_the_commit_counts() {
    let c = container();
    let mut work = open(&c, "s");
    work.set("x", "1");
    set_option(&c, Timeout, 77_000);
    work.commit().unwrap();
    assert_eq!(work.txn.report()[0].timeout_ms, 77_000);
    pass(&c, std::time::Duration::from_secs(78));
    assert!(!exists(&c, "s"));
}

// 2.3
#[test]
fn a_timeout_of_its_own_counts_for_the_session_that_has_it() {
    let c = container();
    let mut txn = setting(&c, &["own", "plain"], "1");
    let own = open_in(&mut txn, &c, "own");
    txn.set_timeout_ms(own, Some(10_000)).unwrap();
    commit(&mut txn).unwrap();
    let timeouts: Vec<i64> = txn.report().iter().map(|entry| entry.timeout_ms).collect();
    assert_eq!(timeouts, [10_000, 3_600_000]);
}

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
            "a_commit_that_failed_keeps_its_report_and_takes_only_abort",
            "of_several_sessions_a_server_that_does_not_answer_is_found_before_any_is_written",
            "sessions_are_written_in_the_order_of_their_keys",
            "sessions_of_several_containers_and_stores_are_committed_or_dropped_together",
            "the_report_of_a_partial_commit_tells_what_is_unknown",
        ],
    );
}
