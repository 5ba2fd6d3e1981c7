//! Counters (contract 5.4).
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

use lovely_session::container::Policy;
use lovely_session::error::Status;

type Change = fn(&mut Work);

// 5.4
#[test]
fn no_increment_is_lost() {
    for policy in [Policy::Merge, Policy::Mine] {
        let c = with_policy(policy);
        let mut works: Vec<Work> = (0..6).map(|_| open(&c, "s")).collect();
        for (delta, work) in (-1..).zip(&mut works) {
            assert_eq!(work.add("n", delta), delta, "on an absent key it starts from 0");
            assert_eq!(work.add("n", 10), delta + 10);
        }
        for work in &mut works {
            work.commit().unwrap();
        }
        assert_eq!(stored(&c, "s"), r#"{"p":{"n":69}}"#);
    }
}

// 5.4: their change need not be a delta.
#[test]
fn a_delta_is_added_to_what_somebody_set() {
    let c = container();
    put(&c, "s", &[("n", "1")]);
    let (answer, now) = race(&c, "s", |work| work.set("n", "100"), |work| assert_eq!(work.add("n", 5), 6));
    assert_eq!((answer, now.as_str()), (Ok(1), r#"{"p":{"n":105}}"#));
    let (answer, _) = race(&c, "s", |work| assert_eq!(work.add("n", 5), 110), |work| work.set("n", "0"));
    assert_eq!(answer, Err(Status::Conflict), "but a set is not added");
}

// 5.4
#[test]
fn a_delta_needs_an_integer_and_must_not_overflow() {
    let c = container();
    let mut work = open(&c, "s");
    for json in ["1.0", "true", "\"1\"", "null", "[]", "{}"] {
        work.set("k", json);
        assert_eq!(status(work.txn.add(work.pkg, "k", 1)), Status::Type, "{json}");
        assert_eq!(work.get("k").as_deref(), Some(json));
    }
    for (start, delta) in [(i64::MAX, 1), (i64::MIN, -1), (-2, i64::MIN)] {
        work.set("n", &start.to_string());
        assert_eq!(status(work.txn.add(work.pkg, "n", delta)), Status::Range);
        assert_eq!(work.get("n"), Some(start.to_string()));
    }
    assert_eq!(work.add("m", i64::MAX), i64::MAX);
    assert_eq!(work.txn.add(work.pkg, "m", 1).unwrap_err().status(), Status::Range);
    assert_eq!(work.commit(), Ok(1));
}

// 5.4
#[test]
fn deltas_whose_sum_overflows_in_the_merge_are_a_range_error_at_commit() {
    let c = container();
    put(&c, "s", &[("n", "0"), ("x", "1")]);
    let second = |work: &mut Work| {
        work.add("n", i64::MAX);
        work.set("x", "2");
    };
    let (answer, now) = race(&c, "s", |work| assert_eq!(work.add("n", 1), 1), second);
    assert_eq!((answer, now.as_str()), (Err(Status::Range), r#"{"p":{"n":1,"x":1}}"#));
}

// 5.4
#[test]
fn set_and_delta_combine_by_the_order_of_the_calls() {
    // Another transaction adds 100 meanwhile: a delta is added to it, a set is a conflict.
    let outcome = |change: Change| {
        let c = container();
        put(&c, "s", &[("n", "10")]);
        let alone = {
            let mut work = open(&c, "s");
            change(&mut work);
            work.commit().unwrap();
            stored(&c, "s")
        };
        put(&c, "s", &[("n", "0")]);
        put(&c, "s", &[("n", "10")]);
        let (answer, _) = race(&c, "s", |work| assert_eq!(work.add("n", 100), 110), change);
        (alone, answer.is_err())
    };
    let is = |json: &str, conflict: bool| (format!(r#"{{"p":{json}}}"#), conflict);
    let set_then_delta = outcome(|work| {
        work.set("n", "5");
        work.add("n", 2);
    });
    assert_eq!(set_then_delta, is(r#"{"n":7}"#, true), "a set of the sum");
    let delta_then_set = outcome(|work| {
        work.add("n", 2);
        work.set("n", "5");
    });
    assert_eq!(delta_then_set, is(r#"{"n":5}"#, true));
    let delta_then_delete = outcome(|work| {
        work.add("n", 2);
        work.delete("n");
    });
    assert_eq!(delta_then_delete, is("{}", true));
    let delete_then_delta = outcome(|work| {
        work.delete("n");
        assert_eq!(work.add("n", 2), 2);
    });
    assert_eq!(delete_then_delta, is(r#"{"n":2}"#, true), "a set of the delta");
    let clear_then_delta = outcome(|work| {
        work.txn.pkg_clear(work.pkg).unwrap();
        assert_eq!(work.add("n", 2), 2);
    });
    assert_eq!(clear_then_delta, is(r#"{"n":2}"#, true), "clearing deletes each key");
    let delta_and_delta = outcome(|work| {
        work.add("n", 2);
        work.add("n", 3);
    });
    assert_eq!(delta_and_delta, is(r#"{"n":15}"#, false));
}

// 5.4
#[test]
fn a_sum_of_0_is_no_change() {
    let c = container();
    put(&c, "s", &[("n", "10")]);
    let mut work = open(&c, "s");
    for key in ["n", "absent"] {
        work.add(key, 5);
        work.add(key, -5);
    }
    put(&c, "s", &[("n", "\"text\"")]);
    assert_eq!(work.commit(), Ok(0));
}

// 5.4
#[test]
fn a_delta_to_what_somebody_deleted_or_made_another_type_follows_the_policy() {
    let theirs: [(Change, &str); 2] =
        [(|work| work.delete("n"), "{}"), (|work| work.set("n", "\"text\""), r#"{"n":"text"}"#)];
    for (change, left) in theirs {
        for policy in [Policy::Merge, Policy::Strict, Policy::Mine] {
            let c = with_policy(policy);
            put(&c, "s", &[("n", "10")]);
            let (answer, now) = race(&c, "s", change, |work| assert_eq!(work.add("n", 5), 15));
            if policy == Policy::Mine {
                assert_eq!((answer, now.as_str()), (Ok(1), r#"{"p":{"n":15}}"#), "what I saw and my delta");
            } else {
                assert_eq!((answer, now), (Err(Status::Conflict), format!(r#"{{"p":{left}}}"#)), "{policy:?}");
            }
        }
    }
}

// Both stores are the same.
#[test]
fn all_of_this_holds_on_memcached() {
    everywhere::all_on_memcached("all_of_this_holds_on_memcached", &[]);
}
