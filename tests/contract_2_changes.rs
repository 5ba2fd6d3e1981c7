//! What counts as a change, and the timeout of what is stored (contract 2.1 to 2.3).
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
use lovely_session::container::ContainerOption::Timeout;
use lovely_session::error::Status;
use lovely_session::txn::{Outcome, ReportKind};
use lovely_session::value::Value;

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

// Both stores are the same.
#[test]
fn all_of_this_holds_on_memcached() {
    everywhere::all_on_memcached("all_of_this_holds_on_memcached", &[]);
}
