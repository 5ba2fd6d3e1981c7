//! Commit: change detection, merging, counters, tombstones (contract 2 and 5).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod support;

use lovely_session::container::{Container, ContainerOption, Policy};
use lovely_session::error::{Error, Status};
use lovely_session::io::blocking::run;
use lovely_session::store::{Store, StoreOptions};
use lovely_session::txn::{PkgRef, SessionRef, Transaction};
use lovely_session::value::Value;
use support::everywhere;

fn container() -> Container {
    let url = everywhere::new_url("txn-commit", "");
    Container::open(&Store::open(Some(&url), &StoreOptions::new()).unwrap(), "c").unwrap()
}

struct Work {
    txn: Transaction,
    session: SessionRef,
    pkg: PkgRef,
}

fn begin(container: &Container, id: &str) -> Work {
    let mut txn = Transaction::new();
    let session = run(txn.open(container, id.as_bytes())).unwrap().unwrap();
    let pkg = txn.pkg(session, "p").unwrap();
    Work { txn, session, pkg }
}

fn commit(work: &mut Work) -> Result<(), Error> {
    run(work.txn.commit()).unwrap()
}

fn set(work: &mut Work, key: &str, value: i64) {
    work.txn.set(work.pkg, key, Value::Int(value)).unwrap();
}

fn content(container: &Container, id: &str) -> Vec<(String, Value)> {
    let mut work = begin(container, id);
    match work.txn.content(work.pkg).unwrap() {
        Value::Map(map) => map.entries().iter().map(|(key, value)| (key.to_string(), value.clone())).collect(),
        _ => unreachable!(),
    }
}

fn ints(pairs: &[(&str, i64)]) -> Vec<(String, Value)> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), Value::Int(*value))).collect()
}

#[test]
fn what_is_committed_is_read_back() {
    let c = container();
    let mut a = begin(&c, "s");
    set(&mut a, "x", 1);
    commit(&mut a).unwrap();
    assert_eq!(a.txn.report().len(), 1);
    assert_eq!(content(&c, "s"), ints(&[("x", 1)]));
}

#[test]
fn different_keys_are_both_kept() {
    let c = container();
    let (mut a, mut b) = (begin(&c, "s"), begin(&c, "s"));
    set(&mut a, "x", 1);
    set(&mut b, "y", 2);
    commit(&mut b).unwrap();
    commit(&mut a).unwrap();
    assert_eq!(content(&c, "s"), ints(&[("x", 1), ("y", 2)]));
}

#[test]
fn the_same_key_is_a_conflict_and_nothing_is_stored() {
    let c = container();
    let (mut a, mut b) = (begin(&c, "s"), begin(&c, "s"));
    set(&mut a, "x", 1);
    set(&mut a, "z", 1);
    set(&mut b, "x", 2);
    commit(&mut b).unwrap();
    let error = commit(&mut a).unwrap_err();
    assert_eq!(error.status(), Status::Conflict);
    assert!(error.is_retryable());
    assert_eq!(content(&c, "s"), ints(&[("x", 2)]));
    assert_eq!(commit(&mut a).unwrap_err().status(), Status::Failed);
}

#[test]
fn mine_wins_key_by_key() {
    let c = container();
    c.set_option(ContainerOption::Policy, Policy::Mine as i64).unwrap();
    let (mut a, mut b) = (begin(&c, "s"), begin(&c, "s"));
    set(&mut a, "x", 1);
    set(&mut b, "x", 2);
    set(&mut b, "y", 2);
    commit(&mut b).unwrap();
    commit(&mut a).unwrap();
    assert_eq!(content(&c, "s"), ints(&[("x", 1), ("y", 2)]));
}

#[test]
fn deltas_add_up() {
    let c = container();
    let mut all: Vec<_> = (0..5).map(|_| begin(&c, "s")).collect();
    for (delta, work) in (1..).zip(&mut all) {
        work.txn.add(work.pkg, "n", delta).unwrap();
    }
    for work in &mut all {
        commit(work).unwrap();
    }
    assert_eq!(content(&c, "s"), ints(&[("n", 15)]));
}

#[test]
fn a_destroyed_session_stays_destroyed() {
    let c = container();
    let mut a = begin(&c, "s");
    set(&mut a, "x", 1);
    commit(&mut a).unwrap();
    let (mut late, mut reader) = (begin(&c, "s"), begin(&c, "s"));
    let mut d = Transaction::new();
    d.destroy(&c, b"s").unwrap();
    run(d.commit()).unwrap().unwrap();
    set(&mut late, "x", 2);
    assert_eq!(commit(&mut late).unwrap_err().status(), Status::Gone);
    commit(&mut reader).unwrap();
    assert_eq!(content(&c, "s"), ints(&[]));
    let mut fresh = begin(&c, "s");
    assert!(fresh.txn.is_new(fresh.session).unwrap());
    set(&mut fresh, "y", 1);
    commit(&mut fresh).unwrap();
    assert_eq!(content(&c, "s"), ints(&[("y", 1)]));
}

#[test]
fn regenerating_moves_the_content_and_merges_what_came_in_between() {
    let c = container();
    let mut a = begin(&c, "old");
    set(&mut a, "x", 1);
    commit(&mut a).unwrap();
    let (mut a, mut b) = (begin(&c, "old"), begin(&c, "old"));
    a.txn.regenerate(a.session, Some(b"new")).unwrap();
    set(&mut b, "y", 2);
    commit(&mut b).unwrap();
    commit(&mut a).unwrap();
    assert_eq!(content(&c, "new"), ints(&[("x", 1), ("y", 2)]));
    assert_eq!(content(&c, "old"), ints(&[]));
}

#[test]
fn rollback_restores_values_and_deleted_packages() {
    let c = container();
    let mut a = begin(&c, "s");
    set(&mut a, "x", 1);
    let savepoint = a.txn.savepoint().unwrap();
    for _ in 0..2 {
        set(&mut a, "x", 2);
        set(&mut a, "y", 2);
        assert!(a.txn.delete_pkg(a.session, "p").unwrap());
        a.txn.rollback(savepoint).unwrap();
        assert_eq!(a.txn.scalar(a.pkg, "x").unwrap(), Some(lovely_session::record::Scalar::Int(1)));
        assert!(!a.txn.contains(a.pkg, "y").unwrap());
    }
    commit(&mut a).unwrap();
    assert_eq!(content(&c, "s"), ints(&[("x", 1)]));
}

// Contract 4.5 and 5.2: the deadline is merged like a key, against an empty session where both created it.
#[test]
fn of_two_that_created_a_session_one_may_set_its_deadline() {
    let c = container();
    c.set_option(ContainerOption::Lifetime, 3_600_000).unwrap();
    let mut a = begin(&c, "s");
    std::thread::sleep(std::time::Duration::from_millis(3));
    let mut b = begin(&c, "s");
    set(&mut a, "x", 1);
    commit(&mut a).unwrap();
    let deadline = Some(b.txn.created_ms(b.session).unwrap() + 60_000);
    b.txn.set_deadline_ms(b.session, deadline).unwrap();
    commit(&mut b).unwrap();
    let mut after = begin(&c, "s");
    assert_eq!(after.txn.deadline_ms(after.session).unwrap(), deadline);
    assert_eq!(after.txn.len(after.pkg).unwrap(), 1);
    // Two that both set it, differently, are a conflict.
    let c = container();
    let (mut a, mut b) = (begin(&c, "s"), begin(&c, "s"));
    for (work, offset) in [(&mut a, 60_000), (&mut b, 70_000)] {
        let created = work.txn.created_ms(work.session).unwrap();
        work.txn.set_deadline_ms(work.session, Some(created + offset)).unwrap();
    }
    commit(&mut a).unwrap();
    assert_eq!(commit(&mut b).unwrap_err().status(), Status::Conflict);
}

// Both stores are the same.
#[test]
fn all_of_this_holds_on_memcached() {
    everywhere::all_on_memcached("all_of_this_holds_on_memcached", &[]);
}
