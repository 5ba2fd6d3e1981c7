//! What a transaction costs in a loop: memory that follows what is there, not what was once done.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]
#![allow(unsafe_code, reason = "an allocator that counts has to be an allocator")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use lovely_session::container::Container;
use lovely_session::error::Status;
use lovely_session::io::blocking::run;
use lovely_session::store::{Store, StoreOptions};
use lovely_session::txn::{PkgRef, SessionRef, Transaction};
use lovely_session::value::Value;

thread_local! {
    /// Bytes that this thread holds.
    static HELD: Cell<isize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: passes everything on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = HELD.try_with(|held| held.set(held.get() + layout.size().cast_signed()));
        // SAFETY: as promised by the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        let _ = HELD.try_with(|held| held.set(held.get() - layout.size().cast_signed()));
        // SAFETY: as promised by the caller.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn container(name: &str) -> Container {
    let url = format!("memory://txn-growth-{name}");
    Container::open(&Store::open(Some(&url), &StoreOptions::new()).unwrap(), "c").unwrap()
}

fn open(txn: &mut Transaction, container: &Container, id: &str) -> (SessionRef, PkgRef) {
    let session = run(txn.open(container, id.as_bytes())).unwrap().unwrap();
    (session, txn.pkg(session, "p").unwrap())
}

/// Stores a session of `len` bytes under `s`.
fn store_one(container: &Container, len: usize) {
    let mut txn = Transaction::new();
    let (_, pkg) = open(&mut txn, container, "s");
    txn.set(pkg, "text", Value::text(&"x".repeat(len))).unwrap();
    txn.set(pkg, "n", Value::Int(1)).unwrap();
    run(txn.commit()).unwrap().unwrap();
}

// Contract 3.4: the handle answers with an error for good, and that is all that is kept.
#[test]
fn sessions_opened_and_rolled_back_do_not_pile_up() {
    let container = container("rolled-back");
    let mut txn = Transaction::new();
    let savepoint = txn.savepoint().unwrap();
    let held = HELD.get();
    for round in 0..200 {
        // A version of its own each time, so that nothing is shared.
        store_one(&container, 100_000 + round);
        let (session, pkg) = open(&mut txn, &container, "s");
        assert!(txn.contains(pkg, "n").unwrap());
        txn.set(pkg, "n", Value::Int(2)).unwrap();
        txn.rollback(savepoint).unwrap();
        assert_eq!(txn.session_id(session).unwrap_err().status(), Status::Misuse);
    }
    let held = HELD.get() - held;
    assert!(held < 2_000_000, "{held} bytes are held");
}

// What is lent stays where it is until the transaction is dropped.
#[test]
fn what_was_lent_of_a_session_outlives_its_rollback() {
    let container = container("lent");
    store_one(&container, 1_000);
    let mut txn = Transaction::new();
    let savepoint = txn.savepoint().unwrap();
    let (_, pkg) = open(&mut txn, &container, "s");
    let held = HELD.get();
    let _ = txn.scalar(pkg, "text").unwrap();
    store_one(&container, 2_000);
    txn.rollback(savepoint).unwrap();
    // The record of the first version is held by nothing but the transaction.
    let kept = HELD.get();
    drop(txn);
    assert!(kept - HELD.get() > 1_000, "{held} {kept} {}", HELD.get());
}

// Walking all keys for each answer would take minutes here.
#[test]
fn the_length_of_a_package_is_known() {
    let container = container("length");
    let mut txn = Transaction::new();
    let (_, pkg) = open(&mut txn, &container, "s");
    for i in 0..100_000 {
        txn.set(pkg, &i.to_string(), Value::Int(1)).unwrap();
        assert_eq!(txn.len(pkg).unwrap(), usize::try_from(i).unwrap() + 1);
    }
    let savepoint = txn.savepoint().unwrap();
    txn.pkg_clear(pkg).unwrap();
    for _ in 0..100_000 {
        txn.savepoint().unwrap();
        txn.pkg_clear(pkg).unwrap();
    }
    assert_eq!(txn.len(pkg).unwrap(), 0);
    txn.rollback(savepoint).unwrap();
    assert_eq!(txn.len(pkg).unwrap(), 100_000);
}

// Contract 3.1: every way that a key can come and go, over loaded keys and others.
#[test]
fn the_length_follows_every_change_and_its_rollback() {
    let container = container("changes");
    store_one(&container, 10);
    let mut txn = Transaction::new();
    let (session, pkg) = open(&mut txn, &container, "s");
    let mut savepoints = vec![(txn.savepoint().unwrap(), 2)];
    let mut lens = Vec::new();
    for step in 0..9 {
        match step {
            0 => txn.set(pkg, "n", Value::Int(5)).unwrap(),
            1 => assert!(txn.delete(pkg, "n").unwrap()),
            2 => assert_eq!(txn.add(pkg, "n", 3).unwrap(), 3),
            3 => txn.set(pkg, "new", Value::Null).unwrap(),
            4 => assert!(txn.delete(pkg, "new").unwrap()),
            5 => txn.pkg_clear(pkg).unwrap(),
            6 => txn.set(pkg, "text", Value::Null).unwrap(),
            7 => assert!(txn.delete_pkg(session, "p").unwrap()),
            _ => txn.set(pkg, "n", Value::Null).unwrap(),
        }
        lens.push(txn.len(pkg).unwrap());
        let keys = txn.keys(pkg).unwrap().clone();
        let Value::List(keys) = keys else { panic!("keys are a list") };
        assert_eq!(keys.items().len(), txn.len(pkg).unwrap(), "step {step}");
        savepoints.push((txn.savepoint().unwrap(), txn.len(pkg).unwrap()));
    }
    assert_eq!(lens, [2, 1, 2, 3, 2, 0, 1, 0, 1]);
    for (savepoint, len) in savepoints.into_iter().rev() {
        txn.rollback(savepoint).unwrap();
        assert_eq!(txn.len(pkg).unwrap(), len);
    }
}
