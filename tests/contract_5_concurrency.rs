//! Concurrent transactions on one session (contract 5.1 to 5.3); counters, destruction and races have files of their own.
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

use lovely_session::container::{Container, Policy};
use lovely_session::error::Status;
use lovely_session::value::Value;

const POLICIES: [Policy; 4] = [Policy::Merge, Policy::Mine, Policy::Strict, Policy::Overwrite];

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

// Both stores are the same.
#[test]
fn all_of_this_holds_on_memcached() {
    everywhere::all_on_memcached("all_of_this_holds_on_memcached", &[]);
}
