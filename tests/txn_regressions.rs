//! What the model (`tests/model`) found, each as the shortest case that shows it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod support;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use lovely_session::container::{Container, ContainerOption};
use lovely_session::error::{Error, Status};
use lovely_session::io::blocking::run;
use lovely_session::store::{Fault, FaultKind, FaultOps, Store, StoreOptions};
use lovely_session::txn::{Outcome, SessionRef, Transaction, TxnOption};
use lovely_session::value::Value;
use support::store::on_every_store;

fn container() -> Container {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let url = format!("memory://txn-regressions-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    Container::open(&Store::open(Some(&url), &StoreOptions::new()).unwrap(), "c").unwrap()
}

fn open(txn: &mut Transaction, container: &Container, id: &str) -> SessionRef {
    run(txn.open(container, id.as_bytes())).unwrap().unwrap()
}

fn begin(container: &Container, id: &str) -> (Transaction, SessionRef) {
    let mut txn = Transaction::new();
    let session = open(&mut txn, container, id);
    (txn, session)
}

fn set(txn: &mut Transaction, session: SessionRef, key: &str, value: i64) {
    let pkg = txn.pkg(session, "p").unwrap();
    txn.set(pkg, key, Value::Int(value)).unwrap();
}

fn commit(txn: &mut Transaction) -> Result<(), Error> {
    run(txn.commit()).unwrap()
}

/// Stores the session `id` with one key.
fn store(container: &Container, id: &str) {
    let (mut txn, session) = begin(container, id);
    set(&mut txn, session, "x", 1);
    commit(&mut txn).unwrap();
}

fn is_stored(container: &Container, id: &str) -> bool {
    run(Transaction::new().exists(container, id.as_bytes())).unwrap().unwrap()
}

fn lose_writes(container: &Container, kind: FaultKind, skip: u64) {
    container.store().script_fault(Fault { kind, ops: FaultOps::WRITE, skip, count: 1 }).unwrap();
}

fn advance(container: &Container, seconds: u64) {
    container.store().clock().advance(Duration::from_secs(seconds)).unwrap();
}

// Contract 5.5: destroying is by id, whatever it is.
#[test]
fn destroying_twice_is_destroying() {
    let c = container();
    let (mut txn, _) = begin(&c, "a");
    for id in [b"a", b"b"] {
        txn.destroy(&c, id).unwrap();
        txn.destroy(&c, id).unwrap();
    }
    commit(&mut txn).unwrap();
    assert_eq!(txn.report().len(), 2);
}

// An empty session that got a new id stores nothing, and so destroys nothing: who asks for that gets it.
#[test]
fn the_id_that_an_empty_session_left_is_destroyed_if_asked() {
    let c = container();
    let (mut txn, session) = begin(&c, "a");
    store(&c, "a");
    txn.regenerate(session, None).unwrap();
    txn.destroy(&c, b"a").unwrap();
    commit(&mut txn).unwrap();
    assert!(!is_stored(&c, "a"));
}

// Contract 4.4: what was staged for the session is dropped when it is loaded anew; the destruction was asked of the id.
#[test]
fn an_id_is_destroyed_if_asked_though_the_session_that_left_it_is_loaded_anew() {
    let c = container();
    store(&c, "a");
    let (mut txn, session) = begin(&c, "a");
    txn.set_timeout_ms(session, Some(10_000)).unwrap();
    txn.regenerate(session, Some(b"b")).unwrap();
    txn.destroy(&c, b"a").unwrap();
    advance(&c, 11);
    open(&mut txn, &c, "b");
    commit(&mut txn).unwrap();
    assert!(!is_stored(&c, "a"));
}

#[test]
fn an_id_is_destroyed_once_however_it_was_asked() {
    let c = container();
    store(&c, "a");
    let (mut txn, session) = begin(&c, "a");
    txn.regenerate(session, Some(b"b")).unwrap();
    txn.destroy(&c, b"a").unwrap();
    txn.destroy(&c, b"b").unwrap();
    commit(&mut txn).unwrap();
    let ids: Vec<&[u8]> = txn.report().iter().map(|entry| &*entry.id).collect();
    assert_eq!(ids, [b"a", b"b"]);
}

// Contract 2.4: it can be known before anything is written.
#[test]
fn a_new_id_in_use_is_found_before_another_session_is_stored() {
    let c = container();
    store(&c, "a");
    store(&c, "taken");
    let (mut txn, session) = begin(&c, "a");
    txn.regenerate(session, Some(b"taken")).unwrap();
    let other = open(&mut txn, &c, "other");
    set(&mut txn, other, "x", 1);
    assert_eq!(commit(&mut txn).unwrap_err().status(), Status::Conflict);
    assert!(txn.report().iter().all(|entry| entry.outcome == Outcome::NotStored));
    assert!(!is_stored(&c, "other") && is_stored(&c, "a"));
}

// Contract 4.1: opening renews what it reads, and must not bring back what had expired by then.
#[test]
fn a_session_that_was_idle_for_too_long_stays_gone_when_it_is_opened() {
    let c = container();
    c.set_option(ContainerOption::MaxTimeout, 7_200_000).unwrap();
    let (mut txn, session) = begin(&c, "a");
    txn.set_timeout_ms(session, Some(10_000)).unwrap();
    commit(&mut txn).unwrap();
    advance(&c, 9);
    assert!(!is_new(&c, "a"));
    advance(&c, 11);
    assert!(is_new(&c, "a"));
    assert!(is_new(&c, "a"), "opening it brought it back");
}

fn is_new(container: &Container, id: &str) -> bool {
    let (txn, session) = begin(container, id);
    txn.is_new(session).unwrap()
}

// The same where the longest timeout was lowered since, so that the second for which it is kept would look like one that
// it has left of that.
#[test]
fn a_session_that_was_idle_for_too_long_stays_gone_where_max_timeout_was_lowered() {
    on_every_store(|at| {
        for more in [0, 1, 2, 3, 10] {
            let c = Container::open(&at.store, &format!("c{more}")).unwrap();
            c.set_option(ContainerOption::Timeout, 20_000).unwrap();
            c.set_option(ContainerOption::MaxTimeout, 7_200_000).unwrap();
            store(&c, "a");
            c.set_option(ContainerOption::MaxTimeout, 20_000 + 1_000 * more).unwrap();
            advance(&c, 30);
            let (mut txn, session) = begin(&c, "a");
            assert!(txn.is_new(session).unwrap());
            assert!(is_new(&c, "a"), "{more}: opening it brought it back");
            set(&mut txn, session, "y", 1);
            commit(&mut txn).unwrap();
            assert!(is_stored(&c, "a"));
        }
    });
}

// Contract 5.5: what expired was created after a destruction; who found nothing before that must not be merged into
// what is created after it expired.
#[test]
fn what_follows_an_expired_session_follows_the_same_destruction() {
    let c = container();
    c.set_option(ContainerOption::MaxTimeout, 7_200_000).unwrap();
    let (mut early, session) = begin(&c, "a");
    set(&mut early, session, "early", 1);
    let mut destroyer = Transaction::new();
    destroyer.destroy(&c, b"a").unwrap();
    commit(&mut destroyer).unwrap();
    let (mut txn, session) = begin(&c, "a");
    txn.set_timeout_ms(session, Some(10_000)).unwrap();
    commit(&mut txn).unwrap();
    advance(&c, 20);
    store(&c, "a");
    assert_eq!(commit(&mut early).unwrap_err().status(), Status::Gone);
}

// Contract 2.3, 5.2: a timeout is merged like a key, and the report says what is stored.
#[test]
fn the_report_says_the_timeout_that_merging_stored() {
    let c = container();
    store(&c, "a");
    let (mut mine, session) = begin(&c, "a");
    let (mut theirs, other) = begin(&c, "a");
    theirs.set_timeout_ms(other, Some(5_000)).unwrap();
    commit(&mut theirs).unwrap();
    set(&mut mine, session, "y", 1);
    commit(&mut mine).unwrap();
    assert_eq!(mine.report()[0].timeout_ms, 5_000);
}

// Contract 5.6: expired between load and commit is gone, also if it was prepared before that.
#[test]
fn what_expired_after_it_was_prepared_is_gone() {
    for new_id in [None, Some(&b"b"[..])] {
        let c = container();
        c.set_option(ContainerOption::MaxTimeout, 7_200_000).unwrap();
        store(&c, "a");
        let (mut txn, session) = begin(&c, "a");
        txn.set_timeout_ms(session, Some(10_000)).unwrap();
        commit(&mut txn).unwrap();
        let (mut txn, session) = begin(&c, "a");
        set(&mut txn, session, "x", 2);
        if new_id.is_some() {
            txn.regenerate(session, new_id).unwrap();
        }
        run(txn.prepare()).unwrap().unwrap();
        advance(&c, 11);
        assert_eq!(commit(&mut txn).unwrap_err().status(), Status::Gone);
    }
}

// Contract 5.5: who opened the id after an earlier destruction is told about the later one too.
#[test]
fn a_tombstone_that_was_lost_is_written_over_an_older_one() {
    let c = container();
    let destroy = || {
        let mut txn = Transaction::new();
        txn.destroy(&c, b"a").unwrap();
        txn
    };
    commit(&mut destroy()).unwrap();
    let (mut late, session) = begin(&c, "a");
    set(&mut late, session, "x", 1);
    lose_writes(&c, FaultKind::Timeout, 0);
    commit(&mut destroy()).unwrap();
    assert_eq!(commit(&mut late).unwrap_err().status(), Status::Gone);
}

#[test]
fn a_tombstone_that_was_lost_is_written_again_where_nothing_stood() {
    let c = container();
    let (mut late, session) = begin(&c, "a");
    set(&mut late, session, "x", 1);
    let (mut txn, session) = begin(&c, "a");
    set(&mut txn, session, "x", 1);
    txn.regenerate(session, Some(b"b")).unwrap();
    lose_writes(&c, FaultKind::Timeout, 1);
    commit(&mut txn).unwrap();
    assert!(is_stored(&c, "b"));
    assert_eq!(commit(&mut late).unwrap_err().status(), Status::Gone);
}

// Contract 5.4: a sum of 0 is no change, so nothing would be stored.
#[test]
fn a_delta_of_nothing_makes_no_session() {
    let c = container();
    let (mut txn, session) = begin(&c, "a");
    let pkg = txn.pkg(session, "p").unwrap();
    txn.add(pkg, "n", 1).unwrap();
    assert!(run(txn.exists(&c, b"a")).unwrap().unwrap());
    txn.add(pkg, "n", -1).unwrap();
    assert!(!run(txn.exists(&c, b"a")).unwrap().unwrap());
    commit(&mut txn).unwrap();
    assert!(txn.report().is_empty());
}

// Contract 5.6: what was evicted does not come back with what somebody else had merged into it.
#[test]
fn what_was_merged_at_prepare_and_evicted_since_is_not_stored_again() {
    for new_id in [None, Some(&b"b"[..])] {
        let c = container();
        let (mut txn, session) = begin(&c, "a");
        set(&mut txn, session, "mine", 1);
        if new_id.is_some() {
            txn.regenerate(session, new_id).unwrap();
        }
        store(&c, "a");
        run(txn.prepare()).unwrap().unwrap();
        let deadline = Instant::now() + Duration::from_secs(5);
        assert!(run(c.store().drop_record(&c.key(b"a"), deadline)).unwrap().unwrap());
        commit(&mut txn).unwrap();
        let (mut txn, session) = begin(&c, if new_id.is_some() { "b" } else { "a" });
        let pkg = txn.pkg(session, "p").unwrap();
        assert_eq!(txn.keys(pkg).unwrap(), &Value::list(vec![Value::text("mine")]).unwrap());
    }
}

// Contract 4.5, 5.6: nor does what reached its deadline.
#[test]
fn what_was_merged_at_prepare_and_expired_since_is_not_stored_again() {
    for new_id in [None, Some(&b"b"[..])] {
        let c = container();
        let (mut txn, session) = begin(&c, "a");
        set(&mut txn, session, "mine", 1);
        if new_id.is_some() {
            txn.regenerate(session, new_id).unwrap();
        }
        let (mut theirs, other) = begin(&c, "a");
        theirs.set_deadline_ms(other, Some(c.store().clock().now_ms() + 10_000)).unwrap();
        set(&mut theirs, other, "theirs", 1);
        commit(&mut theirs).unwrap();
        run(txn.prepare()).unwrap().unwrap();
        advance(&c, 11);
        commit(&mut txn).unwrap();
        let (mut txn, session) = begin(&c, if new_id.is_some() { "b" } else { "a" });
        let pkg = txn.pkg(session, "p").unwrap();
        assert_eq!(txn.keys(pkg).unwrap(), &Value::list(vec![Value::text("mine")]).unwrap());
    }
}

// Contract 6.2: a server that refuses and does not answer is no conflict, and running again no cure.
#[test]
fn a_refusal_until_the_deadline_is_not_a_conflict() {
    let c = container();
    let (mut txn, session) = begin(&c, "a");
    set(&mut txn, session, "x", 1);
    txn.regenerate(session, Some(b"b")).unwrap();
    txn.set_option(TxnOption::CommitTimeout, 5).unwrap();
    let ops = FaultOps::WRITE.and(FaultOps::LOAD);
    c.store().script_fault(Fault { kind: FaultKind::Refused, ops, skip: 0, count: 0 }).unwrap();
    assert_eq!(commit(&mut txn).unwrap_err().status(), Status::Unavailable);
}

// Contract 5.5: "gone", however late.
#[test]
fn who_found_an_id_absent_cannot_store_it_when_the_mark_of_its_destruction_is_gone() {
    let c = container();
    let hour = Duration::from_secs(3_600);
    let (mut late, session) = begin(&c, "s");
    let (mut other, theirs) = begin(&c, "s");
    set(&mut other, theirs, "x", 1);
    run(other.commit()).unwrap().unwrap();
    let mut destroyer = Transaction::new();
    destroyer.destroy(&c, b"s").unwrap();
    run(destroyer.commit()).unwrap().unwrap();
    c.store().clock().advance(hour * 2).unwrap();
    let (mut third, another) = begin(&c, "s");
    set(&mut third, another, "y", 1);
    run(third.commit()).unwrap().unwrap();
    set(&mut late, session, "x", 2);
    assert_eq!(run(late.commit()).unwrap().unwrap_err().status(), Status::Gone);
    // Nor where nothing stands any more.
    let (mut late, session) = begin(&c, "t");
    set(&mut late, session, "x", 2);
    c.store().clock().advance(hour * 2).unwrap();
    assert_eq!(run(late.commit()).unwrap().unwrap_err().status(), Status::Gone);
}

// Contract 5.6: never a session that was loaded longer ago than a tombstone lives, also where it lives longer by now.
#[test]
fn raising_the_timeout_does_not_recreate_what_was_destroyed() {
    let c = container();
    c.set_option(ContainerOption::Recreate, 1).unwrap();
    c.set_option(ContainerOption::Timeout, 60_000).unwrap();
    let (mut first, session) = begin(&c, "s");
    set(&mut first, session, "x", 1);
    run(first.commit()).unwrap().unwrap();
    let (mut late, session) = begin(&c, "s");
    let mut destroyer = Transaction::new();
    destroyer.destroy(&c, b"s").unwrap();
    run(destroyer.commit()).unwrap().unwrap();
    c.set_option(ContainerOption::Timeout, 3_600_000).unwrap();
    c.store().clock().advance(Duration::from_secs(120)).unwrap();
    set(&mut late, session, "x", 2);
    assert_eq!(run(late.commit()).unwrap().unwrap_err().status(), Status::Gone);
}

// A new id is staged like any other change: who hands it out in a cookie must find a session under it.
#[test]
fn a_new_session_that_was_given_another_id_is_stored_under_it() {
    let c = container();
    let (mut txn, session) = begin(&c, "old");
    txn.regenerate(session, Some(b"new")).unwrap();
    run(txn.commit()).unwrap().unwrap();
    let mut after = Transaction::new();
    assert!(run(after.exists(&c, b"new")).unwrap().unwrap());
    assert!(!run(after.exists(&c, b"old")).unwrap().unwrap());
}

// Contract 5.6: nor is anything recreated that was loaded longer ago than a tombstone lives.
#[test]
fn what_was_to_be_recreated_at_prepare_is_gone_after_the_life_of_a_tombstone() {
    for new_id in [None, Some(&b"b"[..])] {
        let c = container();
        c.set_option(ContainerOption::Timeout, 0).unwrap();
        c.set_option(ContainerOption::Recreate, 1).unwrap();
        store(&c, "a");
        let (mut txn, session) = begin(&c, "a");
        set(&mut txn, session, "x", 2);
        if new_id.is_some() {
            txn.regenerate(session, new_id).unwrap();
        }
        let deadline = Instant::now() + Duration::from_secs(5);
        assert!(run(c.store().drop_record(&c.key(b"a"), deadline)).unwrap().unwrap());
        run(txn.prepare()).unwrap().unwrap();
        advance(&c, 90_000);
        assert_eq!(commit(&mut txn).unwrap_err().status(), Status::Gone);
    }
}
