//! Concurrent transactions on one session (contract 5).
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

use std::time::Duration;

use lovely_session::container::ContainerOption::{MaxTimeout, Policy as PolicyOption, Recreate, Timeout};
use lovely_session::container::{Container, Policy};
use lovely_session::error::Status;
use lovely_session::store::{FaultKind, FaultOps};
use lovely_session::txn::{Outcome, Transaction};
use lovely_session::value::Value;

const POLICIES: [Policy; 4] = [Policy::Merge, Policy::Mine, Policy::Strict, Policy::Overwrite];

fn with_policy(policy: Policy) -> Container {
    container_with(PolicyOption, policy as i64)
}

/// What comes of two transactions that opened `id` together: `first` commits before `second`.
fn race(
    c: &Container,
    id: &str,
    first: impl FnOnce(&mut Work),
    second: impl FnOnce(&mut Work),
) -> (Result<usize, Status>, String) {
    let (mut a, mut b) = (open(c, id), open(c, id));
    first(&mut a);
    second(&mut b);
    a.commit().unwrap();
    (b.commit(), stored(c, id))
}

type Change = fn(&mut Work);

fn map(json: &str) -> lovely_session::value::Map {
    let Value::Map(map) = value(json) else { unreachable!() };
    lovely_session::value::Map::clone(&map)
}

// 5.1
#[test]
fn a_transaction_that_only_read_never_overwrites_a_writer() {
    for policy in POLICIES {
        let c = with_policy(policy);
        put(&c, "s", &[("x", "1")]);
        let mut reader = open(&c, "s");
        reader.content();
        put(&c, "s", &[("x", "2")]);
        assert_eq!(reader.commit(), Ok(0), "{policy:?}");
        assert_eq!(stored(&c, "s"), r#"{"p":{"x":2}}"#);
    }
}

// 5.2
#[test]
fn changes_of_different_keys_are_all_kept_whatever_kind_they_are() {
    for policy in [Policy::Merge, Policy::Mine] {
        let c = with_policy(policy);
        put(&c, "s", &[("a", "1"), ("b", "1"), ("c", "1")]);
        let mut works: Vec<Work> = (0..4).map(|_| open(&c, "s")).collect();
        works[0].set("a", "2");
        works[1].delete("b");
        works[2].set("new", "1");
        let last = &mut works[3];
        let other = last.txn.pkg(last.session, "other").unwrap();
        set(&mut last.txn, other, "k", "1");
        for work in works.iter_mut().rev() {
            assert_eq!(work.commit(), Ok(1));
        }
        assert_eq!(stored(&c, "s"), r#"{"other":{"k":1},"p":{"a":2,"c":1,"new":1}}"#);
    }
}

// 5.2
#[test]
fn different_changes_inside_one_value_are_a_conflict() {
    let c = container();
    put(&c, "s", &[("map", r#"{"a":1,"b":1}"#), ("list", "[1]")]);
    for (key, first, second) in [("map", r#"{"a":2,"b":1}"#, r#"{"a":1,"b":2}"#), ("list", "[1,2]", "[1,3]")] {
        let (answer, _) = race(&c, "s", |work| work.set(key, first), |work| work.set(key, second));
        assert_eq!(answer, Err(Status::Conflict), "{key}");
    }
}

// 5.2
#[test]
fn the_same_change_made_twice_is_no_conflict() {
    let c = container();
    put(&c, "s", &[("x", "1"), ("y", "1")]);
    let change = |work: &mut Work| {
        work.set("x", "2");
        work.set("new", "[1]");
        work.delete("y");
    };
    let (answer, now) = race(&c, "s", change, change);
    assert_eq!((answer.is_ok(), now.as_str()), (true, r#"{"p":{"new":[1],"x":2}}"#));
}

// 5.2
#[test]
fn a_deletion_is_a_change() {
    let c = container();
    for id in ["s", "t"] {
        put(&c, id, &[("x", "1")]);
    }
    let (answer, now) = race(&c, "s", |work| work.delete("x"), |work| work.set("x", "2"));
    assert_eq!((answer, now.as_str()), (Err(Status::Conflict), r#"{"p":{}}"#));
    let (answer, now) = race(&c, "t", |work| work.set("x", "2"), |work| work.delete("x"));
    assert_eq!((answer, now.as_str()), (Err(Status::Conflict), r#"{"p":{"x":2}}"#));
}

/// The four ways to take everything away, and the one that sets something.
type TakeAway = (&'static str, Change);
const TAKE_AWAY: [TakeAway; 5] = [
    ("clearing the session", |work| work.txn.clear(work.session).unwrap()),
    ("clearing the package", |work| work.txn.pkg_clear(work.pkg).unwrap()),
    ("deleting the package", |work| assert!(work.txn.delete_pkg(work.session, "p").unwrap())),
    ("replacing by nothing", |work| work.txn.replace(work.pkg, &map("{}")).unwrap()),
    ("replacing", |work| work.txn.replace(work.pkg, &map(r#"{"mine":1}"#)).unwrap()),
];

// 5.2
#[test]
fn what_somebody_added_stays_when_everything_loaded_is_taken_away() {
    for (name, take_away) in TAKE_AWAY {
        let c = container();
        put(&c, "s", &[("x", "1")]);
        let (answer, now) = race(&c, "s", |work| work.set("added", "1"), take_away);
        let mine = if name == "replacing" { r#","mine":1"# } else { "" };
        assert_eq!((answer, now), (Ok(1), format!(r#"{{"p":{{"added":1{mine}}}}}"#)), "{name}");
    }
}

// 5.2
#[test]
fn what_somebody_changed_is_a_conflict_when_everything_loaded_is_taken_away() {
    for (name, take_away) in TAKE_AWAY {
        let c = container();
        put(&c, "s", &[("x", "1")]);
        let (answer, now) = race(&c, "s", |work| work.set("x", "2"), take_away);
        assert_eq!((answer, now.as_str()), (Err(Status::Conflict), r#"{"p":{"x":2}}"#), "{name}");
    }
}

// 5.2: the other way round.
#[test]
fn what_was_added_stays_when_somebody_took_everything_away() {
    for (name, take_away) in TAKE_AWAY {
        let c = container();
        put(&c, "s", &[("x", "1")]);
        let (answer, now) = race(&c, "s", take_away, |work| work.set("added", "1"));
        let theirs = if name == "replacing" { r#","mine":1"# } else { "" };
        assert_eq!((answer, now), (Ok(1), format!(r#"{{"p":{{"added":1{theirs}}}}}"#)), "{name}");
    }
}

// 5.2
#[test]
fn two_that_both_created_the_session_merge_against_an_empty_one() {
    let c = container();
    let (answer, now) = race(&c, "s", |work| work.set("x", "1"), |work| work.set("y", "2"));
    assert_eq!((answer, now.as_str()), (Ok(1), r#"{"p":{"x":1,"y":2}}"#));
    let (answer, _) = race(&c, "t", |work| work.set("x", "1"), |work| work.set("x", "2"));
    assert_eq!(answer, Err(Status::Conflict));
    let (answer, _) = race(&c, "u", |work| work.set("x", "1"), |work| work.set("x", "1"));
    assert!(answer.is_ok());
}

// 5.2
#[test]
fn a_merged_session_over_the_limit_is_too_large_and_nothing_is_stored() {
    let c = Container::open(&store_with("?item_limit=2000"), "c").unwrap();
    let text = |work: &mut Work, key: &str| {
        work.txn.set(work.pkg, key, Value::text(&"x".repeat(1_200))).unwrap();
    };
    let (mut a, mut b) = (open(&c, "s"), open(&c, "s"));
    text(&mut a, "a");
    text(&mut b, "b");
    assert_eq!(a.commit(), Ok(1));
    assert_eq!(b.commit(), Err(Status::TooLarge));
    let mut now = open(&c, "s");
    assert!(now.txn.contains(now.pkg, "a").unwrap() && !now.txn.contains(now.pkg, "b").unwrap());
}

// 5.3
#[test]
fn the_policy_decides_about_the_same_key() {
    let both = |policy: Policy| {
        let c = with_policy(policy);
        put(&c, "s", &[("x", "1")]);
        let first = |work: &mut Work| {
            work.set("x", "2");
            work.set("first", "1");
        };
        let second = |work: &mut Work| {
            work.set("x", "3");
            work.set("second", "1");
        };
        race(&c, "s", first, second)
    };
    let theirs = r#"{"p":{"first":1,"x":2}}"#.to_owned();
    assert_eq!(both(Policy::Merge), (Err(Status::Conflict), theirs.clone()));
    assert_eq!(both(Policy::Mine), (Ok(1), r#"{"p":{"first":1,"second":1,"x":3}}"#.to_owned()));
    assert_eq!(both(Policy::Strict), (Err(Status::Conflict), theirs));
    assert_eq!(both(Policy::Overwrite), (Ok(1), r#"{"p":{"second":1,"x":3}}"#.to_owned()));
}

// 5.3
#[test]
fn strict_refuses_any_change_by_somebody_else_and_checks_only_what_is_written() {
    let c = with_policy(Policy::Strict);
    put(&c, "s", &[("x", "1")]);
    let (answer, now) = race(&c, "s", |work| work.set("y", "1"), |work| work.set("z", "1"));
    assert_eq!((answer, now.as_str()), (Err(Status::Conflict), r#"{"p":{"x":1,"y":1}}"#));
    let (answer, _) = race(&c, "s", |work| work.set("y", "2"), |work| work.set("y", "2"));
    assert_eq!(answer, Err(Status::Conflict), "the same change, too");
    let mut work = open(&c, "other");
    open_in(&mut work.txn, &c, "s");
    work.set("x", "1");
    put(&c, "s", &[("x", "9")]);
    assert_eq!(work.commit(), Ok(1), "of the other session this transaction only read");
    let (answer, _) = race(&c, "new", |work| work.set("y", "1"), |work| work.set("z", "1"));
    assert_eq!(answer, Err(Status::Conflict), "created by both");
}

// 5.3
#[test]
fn a_conflict_is_retryable_and_running_again_succeeds() {
    let c = container();
    put(&c, "s", &[("x", "1")]);
    let mut work = open(&c, "s");
    work.set("x", "2");
    put(&c, "s", &[("x", "3")]);
    let error = wait(work.txn.commit()).unwrap_err();
    assert!(error.is_retryable());
    assert!(error.to_string().contains("\"x\"") && error.to_string().contains("\"p\""), "names the key: {error}");
    let mut again = open(&c, "s");
    assert_eq!(again.get("x").as_deref(), Some("3"));
    again.set("x", "2");
    assert_eq!(again.commit(), Ok(1));
}

// 5.3: under "overwrite" 5.4 to 5.6 do not hold.
#[test]
fn overwrite_is_a_plain_put() {
    let c = with_policy(Policy::Overwrite);
    put(&c, "s", &[("n", "1")]);
    let (answer, now) = race(&c, "s", |work| assert_eq!(work.add("n", 5), 6), |work| assert_eq!(work.add("n", 1), 2));
    assert_eq!((answer, now.as_str()), (Ok(1), r#"{"p":{"n":2}}"#));
    let mut late = open(&c, "s");
    late.set("x", "1");
    destroy(&c, "s");
    assert_eq!(late.commit(), Ok(1));
    assert_eq!(stored(&c, "s"), r#"{"p":{"n":2,"x":1}}"#);
    let mut late = open(&c, "s");
    late.set("x", "2");
    evict(&c, "s");
    assert_eq!(late.commit(), Ok(1));
    assert_eq!(stored(&c, "s"), r#"{"p":{"n":2,"x":2}}"#);
}

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

// 5.5
#[test]
fn a_destroyed_session_stays_destroyed_however_late_the_writer() {
    let c = container_with(Timeout, 100_000);
    put(&c, "s", &[("x", "1")]);
    let (mut writer, mut reader, mut counter) = (open(&c, "s"), open(&c, "s"), open(&c, "s"));
    let mut absent = open(&c, "later");
    put(&c, "later", &[("x", "1")]);
    destroy(&c, "s");
    destroy(&c, "later");
    pass(&c, Duration::from_secs(90));
    writer.set("x", "2");
    counter.add("n", 1);
    absent.set("y", "1");
    assert_eq!(writer.commit(), Err(Status::Gone));
    assert_eq!(counter.commit(), Err(Status::Gone));
    assert_eq!(absent.commit(), Err(Status::Gone), "found absent before it was created and destroyed");
    assert_eq!(reader.commit(), Ok(0), "one that only read");
    assert_eq!((stored(&c, "s"), stored(&c, "later")), ("absent".to_owned(), "absent".to_owned()));
}

// 5.5
#[test]
fn what_is_opened_after_the_destruction_is_a_session_of_its_own() {
    let c = container();
    put(&c, "s", &[("x", "1")]);
    let mut old = open(&c, "s");
    destroy(&c, "s");
    let (mut a, mut b) = (open(&c, "s"), open(&c, "s"));
    assert!(a.txn.is_new(a.session).unwrap());
    assert_eq!(a.get("x"), None);
    a.set("y", "1");
    b.set("z", "1");
    assert_eq!((a.commit(), b.commit()), (Ok(1), Ok(1)));
    old.set("x", "2");
    assert_eq!(old.commit(), Err(Status::Gone), "nothing of the old one is merged into it");
    assert_eq!(stored(&c, "s"), r#"{"p":{"y":1,"z":1}}"#);
}

// 5.5
#[test]
fn destroyed_twice_is_destroyed_and_an_unknown_id_can_be_destroyed() {
    let c = container();
    let mut absent = open(&c, "nobody");
    destroy(&c, "nobody");
    destroy(&c, "nobody");
    absent.set("x", "1");
    assert_eq!(absent.commit(), Err(Status::Gone), "whoever had opened it before is told so");
}

// 5.5
#[test]
fn in_the_transaction_that_destroyed_it_it_is_gone_until_a_rollback() {
    let c = container();
    put(&c, "s", &[("x", "1")]);
    let mut work = open(&c, "s");
    let savepoint = work.txn.savepoint().unwrap();
    work.txn.destroy(&c, b"s").unwrap();
    work.txn.destroy(&c, b"unopened").unwrap();
    assert_eq!(status(work.txn.get(work.pkg, "x").map(|_| ())), Status::Gone);
    assert_eq!(status(work.txn.set(work.pkg, "x", Value::Null)), Status::Gone);
    for id in [&b"s"[..], b"unopened"] {
        assert_eq!(status(wait(work.txn.open(&c, id))), Status::Gone);
        assert!(!wait(work.txn.exists(&c, id)).unwrap());
    }
    assert_eq!(work.txn.session_count(), 0);
    work.txn.rollback(savepoint).unwrap();
    assert_eq!(work.get("x").as_deref(), Some("1"));
    wait(work.txn.open(&c, b"unopened")).unwrap();
    assert_eq!(work.commit(), Ok(0));
}

// 5.5
#[test]
fn destroying_is_unconditional_and_costs_one_write() {
    let c = container();
    put(&c, "s", &[("x", "1")]);
    let mut txn = Transaction::new();
    txn.destroy(&c, b"s").unwrap();
    put(&c, "s", &[("x", "2")]);
    let before = io(&c).1;
    assert_eq!(commit(&mut txn), Ok(1));
    assert_eq!(io(&c).1, before + 1);
    assert_eq!(stored(&c, "s"), "absent");
}

// 5.5: an id that is still presented stays dead.
#[test]
fn a_tombstone_is_renewed_by_whoever_presents_the_id() {
    let c = container_with(Timeout, 100_000);
    put(&c, "s", &[("x", "1")]);
    let mut late = open(&c, "s");
    destroy(&c, "s");
    for _ in 0..3 {
        pass(&c, Duration::from_secs(80));
        drop(open(&c, "s"));
    }
    late.set("x", "2");
    assert_eq!(late.commit(), Err(Status::Gone));
}

// 5.6
#[test]
fn a_session_that_was_evicted_or_expired_meanwhile_is_gone_unless_the_container_recreates() {
    for recreate in [false, true] {
        let c = container_with(Recreate, i64::from(recreate));
        set_option(&c, Timeout, 100_000);
        set_option(&c, MaxTimeout, 1_000_000);
        for id in ["evicted", "expired"] {
            put(&c, id, &[("x", "1"), ("y", "1")]);
            let mut work = open(&c, id);
            work.set("x", "2");
            match id {
                "evicted" => evict(&c, id),
                _ => pass(&c, Duration::from_secs(150)),
            }
            if recreate {
                assert_eq!(work.commit(), Ok(1), "{id}");
                assert_eq!(stored(&c, id), r#"{"p":{"x":2,"y":1}}"#);
            } else {
                assert_eq!(work.commit(), Err(Status::Gone), "{id}");
                assert_eq!(stored(&c, id), "absent");
            }
        }
    }
}

// 5.6
#[test]
fn nothing_is_recreated_over_a_tombstone_or_another_session_or_after_a_tombstones_life() {
    let c = container_with(Recreate, 1);
    set_option(&c, Timeout, 100_000);
    put(&c, "s", &[("x", "1")]);
    let mut work = open(&c, "s");
    work.set("x", "2");
    destroy(&c, "s");
    assert_eq!(work.commit(), Err(Status::Gone), "a tombstone");
    put(&c, "t", &[("x", "1")]);
    let mut work = open(&c, "t");
    work.set("x", "2");
    evict(&c, "t");
    put(&c, "t", &[("other", "1")]);
    assert_eq!(work.commit(), Err(Status::Gone), "another session");
    assert_eq!(stored(&c, "t"), r#"{"p":{"other":1}}"#);
    put(&c, "u", &[("x", "1")]);
    let mut work = open(&c, "u");
    work.set("x", "2");
    destroy(&c, "u");
    pass(&c, Duration::from_secs(101));
    assert_eq!(work.commit(), Err(Status::Gone), "nobody knows any more that it was destroyed");
    assert_eq!(stored(&c, "u"), "absent");
}

// 5.6: a deadline is the end of a session, not of its storage.
#[test]
fn a_session_past_its_deadline_is_gone_even_where_the_container_recreates() {
    let c = container_with(Recreate, 1);
    put(&c, "s", &[("x", "1")]);
    let mut work = open(&c, "s");
    work.txn.set_deadline_ms(work.session, Some(c.store().clock().now_ms() + 50_000)).unwrap();
    work.commit().unwrap();
    let mut work = open(&c, "s");
    work.set("x", "2");
    pass(&c, Duration::from_secs(51));
    assert_eq!(work.commit(), Err(Status::Gone));
    assert_eq!(stored(&c, "s"), "absent");
}

// A new id: committed like any change, and the old id is destroyed.
#[test]
fn a_new_id_takes_the_content_along_and_destroys_the_old_one() {
    let c = container();
    put(&c, "old", &[("x", "1")]);
    let (mut mover, mut writer, mut late) = (open(&c, "old"), open(&c, "old"), open(&c, "old"));
    let created = mover.txn.created_ms(mover.session).unwrap();
    mover.txn.regenerate(mover.session, Some(b"new")).unwrap();
    mover.set("z", "1");
    assert_eq!(status(wait(mover.txn.open(&c, b"old"))), Status::Gone);
    assert_eq!(open_in(&mut mover.txn, &c, "new"), mover.session);
    assert_eq!(stored(&c, "new"), "absent", "not before the commit");
    writer.set("y", "1");
    writer.commit().unwrap();
    assert_eq!(mover.commit(), Ok(1));
    assert_eq!(report(&mover.txn), [("new".to_owned(), Outcome::Stored, Status::Ok)]);
    assert_eq!(stored(&c, "new"), r#"{"p":{"x":1,"y":1,"z":1}}"#, "merged with what came in between");
    assert_eq!(stored(&c, "old"), "absent");
    late.set("x", "2");
    assert_eq!(late.commit(), Err(Status::Gone));
    let there = open(&c, "new");
    assert_eq!(there.txn.created_ms(there.session).unwrap(), created);
}

#[test]
fn a_new_id_that_cannot_be_committed_leaves_everything_as_it_was() {
    let c = container();
    put(&c, "old", &[("x", "1")]);
    put(&c, "taken", &[("x", "9")]);
    let mut work = open(&c, "old");
    work.txn.regenerate(work.session, Some(b"taken")).unwrap();
    assert_eq!(work.commit(), Err(Status::Conflict));
    let mut work = open(&c, "old");
    work.set("x", "2");
    work.txn.regenerate(work.session, Some(b"new")).unwrap();
    put(&c, "old", &[("x", "3")]);
    assert_eq!(work.commit(), Err(Status::Conflict));
    let mut work = open(&c, "old");
    work.txn.regenerate(work.session, Some(b"new")).unwrap();
    fail(&c, FaultKind::Unavailable, FaultOps::WRITE, 1, 1);
    assert_eq!(work.commit(), Err(Status::Unavailable), "the tombstone for the old id was not stored");
    assert_eq!(stored(&c, "old"), r#"{"p":{"x":3}}"#);
    assert_eq!(stored(&c, "taken"), r#"{"p":{"x":9}}"#);
    assert_eq!(stored(&c, "new"), "absent", "withdrawn");
}

#[test]
fn a_new_id_for_a_session_that_was_destroyed_is_gone() {
    let c = container();
    put(&c, "old", &[("x", "1")]);
    let mut work = open(&c, "old");
    work.txn.regenerate(work.session, None).unwrap();
    let id = String::from_utf8(work.txn.session_id(work.session).unwrap().to_vec()).unwrap();
    destroy(&c, "old");
    assert_eq!(work.commit(), Err(Status::Gone));
    assert_eq!((stored(&c, "old"), stored(&c, &id)), ("absent".to_owned(), "absent".to_owned()));
}
