//! Faults that are scripted on the embedded store: what is answered, and what is stored afterwards.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

use std::time::{Duration, Instant};

use lovely_session::error::{Error, Result};
use lovely_session::io::blocking;
use lovely_session::store::{
    Action, Blob, Counter, Fault, FaultKind, FaultOps, Key, LoadItem, Loaded, Store, StoreOptions, Token, WriteItem,
    Written,
};

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(5)
}

/// A store with "old" under `a/1`, to live 100 s.
fn open(name: &str) -> Store {
    let store = Store::open(Some(&format!("memory://store_faults-{name}")), &StoreOptions::new()).unwrap();
    assert!(matches!(put(&store, b"old"), Written::Done(_)));
    store
}

fn script(store: &Store, kind: FaultKind, ops: FaultOps, skip: u64, count: u64) {
    store.script_fault(Fault { kind, ops, skip, count }).unwrap();
}

fn put(store: &Store, bytes: &[u8]) -> Written {
    let action = Action::Put(Blob::new(bytes.to_vec()).into());
    let items = [WriteItem { key: Key::new("a/1"), action, ttl: Some(Duration::from_secs(100)) }];
    blocking::run(store.write(&items, soon())).unwrap().remove(0)
}

fn load(store: &Store, renew: Option<Duration>) -> Result<Loaded> {
    blocking::run(store.load(&[LoadItem { key: Key::new("a/1"), renew }], soon())).unwrap().remove(0)
}

fn version(store: &Store) -> Result<Option<Token>> {
    blocking::run(store.versions(&[Key::new("a/1")], soon())).unwrap().remove(0)
}

/// What is stored, whatever is scripted.
fn stored(store: &Store) -> Option<Vec<u8>> {
    store.clear_faults().unwrap();
    match load(store, None).unwrap() {
        Loaded::Absent => None,
        Loaded::Found { blob, .. } => Some(blob.to_vec()),
    }
}

// Contract 6.1: a load that fails never looks like an empty session; 6.2: a commit that was not stored is an error.
#[test]
fn unavailable_applies_nothing_and_says_so() {
    let store = open("unavailable");
    script(&store, FaultKind::Unavailable, FaultOps::ALL, 0, 0);
    assert!(matches!(load(&store, None), Err(Error::Unavailable { .. })));
    assert!(matches!(version(&store), Err(Error::Unavailable { .. })));
    assert!(matches!(put(&store, b"new"), Written::Failed(Error::Unavailable { .. })));
    assert_eq!(stored(&store).unwrap(), b"old");
}

#[test]
fn a_timeout_applies_nothing_and_leaves_a_write_unknown() {
    let store = open("timeout");
    script(&store, FaultKind::Timeout, FaultOps::ALL, 0, 0);
    assert!(matches!(load(&store, None), Err(Error::Timeout(_))));
    assert!(matches!(version(&store), Err(Error::Timeout(_))));
    assert!(matches!(put(&store, b"new"), Written::Unknown(Error::Timeout(_))));
    assert_eq!(stored(&store).unwrap(), b"old");
}

#[test]
fn a_lost_answer_applies_the_write_and_the_renewal() {
    let store = open("lost-answer");
    script(&store, FaultKind::LostAnswer, FaultOps::ALL, 0, 0);
    assert!(matches!(load(&store, Some(Duration::from_secs(1_000))), Err(Error::Timeout(_))));
    assert!(matches!(version(&store), Err(Error::Timeout(_))));
    store.clock().advance(Duration::from_secs(500)).unwrap();
    assert_eq!(stored(&store).expect("renewed"), b"old");
    script(&store, FaultKind::LostAnswer, FaultOps::WRITE, 0, 0);
    assert!(matches!(put(&store, b"new"), Written::Unknown(Error::Timeout(_))));
    assert_eq!(stored(&store).unwrap(), b"new");
}

#[test]
fn a_refusal_keeps_what_is_stored_or_drops_it() {
    let store = open("refused");
    script(&store, FaultKind::Refused, FaultOps::ALL, 0, 0);
    assert!(matches!(load(&store, None), Err(Error::Unavailable { .. })));
    assert!(matches!(put(&store, b"new"), Written::Refused(_)));
    assert_eq!(stored(&store).unwrap(), b"old");
    script(&store, FaultKind::RefusedDropped, FaultOps::ALL, 0, 0);
    assert!(matches!(load(&store, None), Err(Error::Unavailable { .. })));
    assert!(matches!(version(&store), Err(Error::Unavailable { .. })));
    assert!(matches!(put(&store, b"new"), Written::Refused(_)));
    assert_eq!(stored(&store), None);
    assert_eq!(store.stats().get(Counter::Refused), 2);
}

#[test]
fn a_fault_lets_items_pass_and_ends_after_its_count() {
    let store = open("count");
    script(&store, FaultKind::Unavailable, FaultOps::LOAD, 2, 3);
    let item = LoadItem { key: Key::new("a/1"), renew: None };
    // Other operations are not counted.
    version(&store).unwrap().unwrap();
    let answers = blocking::run(store.load(&vec![item; 7], soon())).unwrap();
    let failed: Vec<bool> = answers.iter().map(Result::is_err).collect();
    assert_eq!(failed, [false, false, true, true, true, false, false]);
}

#[test]
fn the_first_fault_that_was_scripted_wins() {
    let store = open("first");
    script(&store, FaultKind::Timeout, FaultOps::LOAD.and(FaultOps::VERSIONS), 1, 1);
    script(&store, FaultKind::Unavailable, FaultOps::LOAD, 0, 2);
    assert!(matches!(load(&store, None), Err(Error::Unavailable { .. })));
    assert!(matches!(load(&store, None), Err(Error::Timeout(_))));
    assert!(matches!(load(&store, None), Err(Error::Unavailable { .. })));
    assert!(load(&store, None).is_ok());
}

#[test]
fn faults_are_named_by_fixed_numbers_and_bounded() {
    let kinds = [
        FaultKind::Unavailable,
        FaultKind::Timeout,
        FaultKind::LostAnswer,
        FaultKind::Refused,
        FaultKind::RefusedDropped,
    ];
    for (number, kind) in (1..).zip(kinds) {
        assert_eq!(FaultKind::from_number(number), Some(kind));
    }
    assert_eq!((FaultKind::from_number(0), FaultKind::from_number(6)), (None, None));
    assert_eq!(FaultOps::from_bits(7).unwrap(), FaultOps::ALL);
    for bits in [0, 8, 15, u32::MAX] {
        assert!(matches!(FaultOps::from_bits(bits), Err(Error::Argument(_))), "{bits}");
    }
    let store = open("bounded");
    let fault = Fault { kind: FaultKind::Timeout, ops: FaultOps::ALL, skip: 0, count: 0 };
    let refused = (0..1_000_000).find_map(|_| store.script_fault(fault.clone()).err());
    assert!(matches!(refused, Some(Error::TooLarge(_))));
}
