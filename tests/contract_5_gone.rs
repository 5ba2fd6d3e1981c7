//! Sessions that are destroyed, evicted or expired while others work on them (contract 5.5 and 5.6).
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

use lovely_session::container::ContainerOption::{MaxTimeout, Recreate, Timeout};
use lovely_session::error::Status;
use lovely_session::txn::Transaction;
use lovely_session::value::Value;

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
fn destroying_is_unconditional_and_costs_a_look_and_a_write() {
    let c = container();
    put(&c, "s", &[("x", "1")]);
    let mut txn = Transaction::new();
    txn.destroy(&c, b"s").unwrap();
    put(&c, "s", &[("x", "2")]);
    let before = io(&c).1;
    assert_eq!(commit(&mut txn), Ok(1));
    assert_eq!(io(&c).1, before + 2);
    assert_eq!(stored(&c, "s"), "absent");
}

// 5.5
#[test]
fn destroying_an_open_session_costs_one_write_and_is_unconditional_too() {
    for is_changed in [false, true] {
        let c = container();
        put(&c, "s", &[("x", "1")]);
        let mut work = open(&c, "s");
        work.txn.destroy(&c, b"s").unwrap();
        if is_changed {
            put(&c, "s", &[("x", "2")]);
        }
        let before = io(&c).1;
        assert_eq!(work.commit(), Ok(1));
        assert_eq!(io(&c).1, before + if is_changed { 3 } else { 1 });
        assert_eq!(stored(&c, "s"), "absent");
    }
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

// Both stores are the same.
#[test]
fn all_of_this_holds_on_memcached() {
    everywhere::all_on_memcached("all_of_this_holds_on_memcached", &[]);
}
