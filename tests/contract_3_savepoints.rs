//! Savepoints (contract 3).
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

use lovely_session::container::Container;
use lovely_session::container::ContainerOption::{MaxTimeout, Timeout};
use lovely_session::error::Status;
use lovely_session::txn::Transaction;

// 3.1
#[test]
fn a_savepoint_covers_every_open_session_of_every_container() {
    let c = container();
    let d = Container::open(&store(), "d").unwrap();
    put(&c, "s", &[("x", "1")]);
    put(&d, "t", &[("x", "1")]);
    let mut work = open(&c, "s");
    let other = open_in(&mut work.txn, &d, "t");
    let other_pkg = work.txn.pkg(other, "p").unwrap();
    let savepoint = work.txn.savepoint().unwrap();
    work.set("x", "2");
    set(&mut work.txn, other_pkg, "x", "2");
    work.txn.rollback(savepoint).unwrap();
    assert_eq!(work.commit(), Ok(0));
}

// 3.1
#[test]
fn rolling_back_restores_values_keys_and_packages() {
    let c = container();
    put(&c, "s", &[("x", "1"), ("nested", r#"{"l":[1,2]}"#), ("gone", "1")]);
    let mut work = open(&c, "s");
    work.set("staged", "1");
    work.delete("gone");
    work.add("n", 5);
    let before = work.content();
    let savepoint = work.txn.savepoint().unwrap();
    for _ in 0..3 {
        work.set("x", "2");
        work.set("nested", r#"{"l":[1,2,3]}"#);
        work.set("gone", "7");
        work.delete("staged");
        work.set("new", "1");
        work.add("n", 3);
        let fresh = work.txn.pkg(work.session, "fresh").unwrap();
        set(&mut work.txn, fresh, "k", "1");
        work.txn.pkg_clear(work.pkg).unwrap();
        work.set("after clearing", "1");
        work.txn.delete_pkg(work.session, "p").unwrap();
        work.txn.clear(work.session).unwrap();
        assert_eq!(work.content(), "{}");
        work.txn.rollback(savepoint).unwrap();
        assert_eq!(work.content(), before);
    }
    assert_eq!(work.commit(), Ok(1));
    assert_eq!(stored(&c, "s"), before);
}

// 3.1
#[test]
fn rolling_back_restores_destroying_a_new_id_a_timeout_and_a_deadline() {
    let c = container();
    put(&c, "s", &[("x", "1")]);
    put(&c, "closed", &[("x", "1")]);
    let mut work = open(&c, "s");
    work.txn.set_timeout_ms(work.session, Some(5_000)).unwrap();
    let savepoint = work.txn.savepoint().unwrap();
    for _ in 0..2 {
        work.txn.set_timeout_ms(work.session, Some(6_000)).unwrap();
        work.txn.set_deadline_ms(work.session, Some(i64::MAX)).unwrap();
        work.txn.regenerate(work.session, Some(b"new")).unwrap();
        assert_eq!(work.txn.session_id(work.session).unwrap(), b"new");
        work.txn.destroy(&c, b"new").unwrap();
        work.txn.destroy(&c, b"closed").unwrap();
        assert_eq!(status(work.txn.session_id(work.session).map(|_| ())), Status::Gone);
        work.txn.rollback(savepoint).unwrap();
        assert_eq!(work.txn.session_id(work.session).unwrap(), b"s");
        assert_eq!(work.txn.timeout_ms(work.session).unwrap(), Some(5_000));
        assert_eq!(work.txn.deadline_ms(work.session).unwrap(), None);
        assert_eq!(open_in(&mut work.txn, &c, "s"), work.session);
        assert!(wait(work.txn.exists(&c, b"closed")).unwrap());
        assert!(!wait(work.txn.exists(&c, b"new")).unwrap());
    }
    assert_eq!(work.commit(), Ok(1), "the timeout of before the savepoint");
    assert_eq!(stored(&c, "s"), r#"{"p":{"x":1}}"#);
    assert_eq!(stored(&c, "closed"), r#"{"p":{"x":1}}"#);
}

// 3.1: between two new ids.
#[test]
fn rolling_back_from_one_new_id_to_another_leaves_the_first() {
    let c = container();
    put(&c, "a", &[("x", "1")]);
    let mut work = open(&c, "a");
    work.txn.regenerate(work.session, Some(b"b")).unwrap();
    let savepoint = work.txn.savepoint().unwrap();
    for _ in 0..2 {
        work.txn.regenerate(work.session, Some(b"c")).unwrap();
        assert_eq!(open_in(&mut work.txn, &c, "c"), work.session);
        let b = open_in(&mut work.txn, &c, "b");
        assert!(work.txn.is_new(b).unwrap(), "an id in between was never anybody's");
        work.txn.rollback(savepoint).unwrap();
        assert_eq!(open_in(&mut work.txn, &c, "b"), work.session);
        assert_eq!(status(wait(work.txn.open(&c, b"a"))), Status::Gone);
        assert!(!wait(work.txn.exists(&c, b"c")).unwrap());
    }
    work.txn.regenerate(work.session, Some(b"a")).unwrap_err();
    assert_eq!(work.commit(), Ok(1));
    assert_eq!(["a", "b", "c"].map(|id| stored(&c, id)), ["absent", r#"{"p":{"x":1}}"#, "absent"]);
}

// 3.1
#[test]
fn a_package_handle_names_a_package_and_writing_through_it_creates_it_anew() {
    let c = container();
    put(&c, "s", &[("x", "1")]);
    let mut work = open(&c, "s");
    let savepoint = work.txn.savepoint().unwrap();
    let made = work.txn.pkg(work.session, "made").unwrap();
    set(&mut work.txn, made, "k", "1");
    work.txn.rollback(savepoint).unwrap();
    assert_eq!(work.txn.peek_pkg(work.session, "made").unwrap(), None);
    assert_eq!(work.txn.len(made).unwrap(), 0);
    assert_eq!(work.txn.peek_pkg(work.session, "made").unwrap(), None, "reading did not create it");
    set(&mut work.txn, made, "k", "2");
    work.txn.delete_pkg(work.session, "p").unwrap();
    assert_eq!(work.get("x"), None);
    work.set("y", "1");
    assert_eq!(work.commit(), Ok(1));
    assert_eq!(stored(&c, "s"), r#"{"made":{"k":2},"p":{"y":1}}"#);
}

// 3.1: counters, see 5.4.
#[test]
fn rolling_back_restores_the_delta_that_stood_at_the_savepoint() {
    let c = container();
    put(&c, "s", &[("n", "10")]);
    let mut work = open(&c, "s");
    work.add("n", 1);
    let savepoint = work.txn.savepoint().unwrap();
    work.add("n", 100);
    work.set("n", "0");
    work.txn.rollback(savepoint).unwrap();
    assert_eq!(work.get("n").as_deref(), Some("11"));
    let mut other = open(&c, "s");
    other.add("n", 5);
    other.commit().unwrap();
    work.commit().unwrap();
    assert_eq!(stored(&c, "s"), r#"{"p":{"n":16}}"#, "a delta of 1, not a value of 11");
}

// 3.2
#[test]
fn a_savepoint_can_be_rolled_back_to_any_number_of_times() {
    let c = container();
    let mut work = open(&c, "s");
    work.set("x", "1");
    let savepoint = work.txn.savepoint().unwrap();
    for turn in 0..5 {
        work.set("x", "2");
        work.set(&format!("later {turn}"), "1");
        assert!(work.txn.savepoint_valid(savepoint));
        work.txn.rollback(savepoint).unwrap();
        assert_eq!(work.content(), r#"{"p":{"x":1}}"#);
    }
}

// 3.3
#[test]
fn rolling_back_to_an_earlier_savepoint_invalidates_the_later_ones_and_new_ones_may_follow() {
    let c = container();
    let mut work = open(&c, "s");
    let [first, second, third] = [1, 2, 3].map(|value: i32| {
        work.set("x", &value.to_string());
        work.txn.savepoint().unwrap()
    });
    work.txn.rollback(second).unwrap();
    work.set("x", "9");
    assert!(work.txn.savepoint_valid(first) && work.txn.savepoint_valid(second) && !work.txn.savepoint_valid(third));
    assert_eq!(status(work.txn.rollback(third)), Status::Savepoint);
    assert_eq!(work.get("x").as_deref(), Some("9"), "the error changed nothing");
    let fourth = work.txn.savepoint().unwrap();
    work.set("x", "10");
    work.txn.rollback(fourth).unwrap();
    assert_eq!(work.get("x").as_deref(), Some("9"));
    work.txn.rollback(first).unwrap();
    assert_eq!(work.get("x").as_deref(), Some("1"));
    for later in [second, third, fourth] {
        assert_eq!(status(work.txn.rollback(later)), Status::Savepoint);
    }
}

// 3.3
#[test]
fn a_savepoint_of_another_or_an_ended_transaction_is_an_error() {
    let c = container();
    let (mut a, mut b) = (open(&c, "s"), open(&c, "s"));
    let savepoint = a.txn.savepoint().unwrap();
    b.txn.savepoint().unwrap();
    assert!(!b.txn.savepoint_valid(savepoint));
    assert_eq!(status(b.txn.rollback(savepoint)), Status::Savepoint);
    assert_eq!(status(b.txn.rollback(0)), Status::Savepoint);
    a.commit().unwrap();
    assert_eq!(status(a.txn.rollback(savepoint)), Status::Savepoint);
}

// 3.4
#[test]
fn a_session_first_opened_after_the_savepoint_leaves_on_rollback() {
    let c = container();
    put(&c, "s", &[("x", "1")]);
    let mut txn = Transaction::new();
    let savepoint = txn.savepoint().unwrap();
    let session = open_in(&mut txn, &c, "s");
    let pkg = txn.pkg(session, "p").unwrap();
    set(&mut txn, pkg, "x", "2");
    put(&c, "s", &[("x", "3")]);
    txn.rollback(savepoint).unwrap();
    assert_eq!(txn.session_count(), 0);
    assert_eq!(status(txn.get(pkg, "x").map(|_| ())), Status::Misuse);
    let again = open_in(&mut txn, &c, "s");
    assert_ne!(again, session);
    let again_pkg = txn.pkg(again, "p").unwrap();
    assert_eq!(txn.get(again_pkg, "x").unwrap(), Some(&value("3")), "what is stored now");
    assert_eq!(status(txn.get(pkg, "x").map(|_| ())), Status::Misuse, "for good");
    assert_eq!(status(txn.set(pkg, "x", value("1"))), Status::Misuse);
    assert_eq!(commit(&mut txn), Ok(0));
}

// 3.4: the same for one that was created.
#[test]
fn a_session_created_after_the_savepoint_is_not_stored_after_rollback() {
    let c = container();
    let mut txn = Transaction::new();
    let savepoint = txn.savepoint().unwrap();
    let session = txn.create(&c).unwrap();
    txn.rollback(savepoint).unwrap();
    assert_eq!(status(txn.session_id(session).map(|_| ())), Status::Misuse);
    assert_eq!(commit(&mut txn), Ok(0));
}

// 3.4 with 4.4: a session that was loaded anew after the savepoint does not come back as it was before.
#[test]
fn what_was_loaded_anew_stays_an_error_after_a_rollback_and_its_id_can_be_used() {
    let c = container_with(MaxTimeout, 7_200_000);
    set_option(&c, Timeout, 60_000);
    put(&c, "s", &[("x", "1")]);
    let mut work = open(&c, "s");
    work.set("x", "2");
    let savepoint = work.txn.savepoint().unwrap();
    pass(&c, Duration::from_secs(61));
    let anew = open_in(&mut work.txn, &c, "s");
    assert_ne!(anew, work.session);
    put(&c, "s", &[("x", "3")]);
    work.txn.rollback(savepoint).unwrap();
    assert_eq!(status(work.txn.session_id(work.session).map(|_| ())), Status::Misuse);
    assert_eq!(status(work.txn.session_id(anew).map(|_| ())), Status::Misuse);
    assert!(wait(work.txn.exists(&c, b"s")).unwrap(), "it is stored");
    let third = open_in(&mut work.txn, &c, "s");
    let pkg = work.txn.pkg(third, "p").unwrap();
    assert_eq!(work.txn.get(pkg, "x").unwrap(), Some(&value("3")));
    work.txn.rollback(savepoint).unwrap();
    work.txn.destroy(&c, b"s").unwrap();
    assert_eq!(work.commit(), Ok(1), "destroying goes by id");
    assert_eq!(stored(&c, "s"), "absent");
}

// 3.5
#[test]
fn a_commit_without_rollback_stores_what_came_after_the_savepoint_too() {
    let c = container();
    let mut work = open(&c, "s");
    work.set("x", "1");
    let savepoint = work.txn.savepoint().unwrap();
    work.set("y", "2");
    assert_eq!(work.commit(), Ok(1));
    assert_eq!(stored(&c, "s"), r#"{"p":{"x":1,"y":2}}"#);
    assert!(!work.txn.savepoint_valid(savepoint), "commit ended it");
    let mut aborted = open(&c, "s");
    let savepoint = aborted.txn.savepoint().unwrap();
    aborted.txn.abort().unwrap();
    assert!(!aborted.txn.savepoint_valid(savepoint));
    assert_eq!(status(aborted.txn.rollback(savepoint)), Status::Savepoint);
}

// 3.6
#[test]
fn savepoint_and_rollback_do_no_io() {
    let c = container();
    put(&c, "s", &[("x", "1")]);
    let mut work = open(&c, "s");
    work.set("x", "2");
    let before = io(&c);
    let savepoint = work.txn.savepoint().unwrap();
    work.set("x", "3");
    work.txn.clear(work.session).unwrap();
    work.txn.rollback(savepoint).unwrap();
    assert_eq!(io(&c), before);
}

// Both stores are the same.
#[test]
fn all_of_this_holds_on_memcached() {
    everywhere::all_on_memcached("all_of_this_holds_on_memcached", &[]);
}
