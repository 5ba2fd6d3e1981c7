//! A server that is restarted, killed, frozen: versions never cross it, and what a commit says is true (contract 5, 6).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod support;

use std::time::{Duration, Instant};

use lovely_session::container::{Container, ContainerOption, Policy};
use lovely_session::error::{Result, Status};
use lovely_session::io::blocking::run;
use lovely_session::store::{Key, Store, StoreOption, StoreOptions};
use lovely_session::txn::{Outcome, PkgRef, SessionRef, Transaction};
use lovely_session::value::Value;
use support::memcached::Memcached;
use support::store::TestStore;

struct Work {
    txn: Transaction,
    session: SessionRef,
    pkg: PkgRef,
}

fn container(store: &Store) -> Container {
    Container::open(store, "c").unwrap()
}

fn begin(container: &Container, id: &str) -> Result<Work> {
    let mut txn = Transaction::new();
    let session = run(txn.open(container, id.as_bytes())).unwrap()?;
    let pkg = txn.pkg(session, "p")?;
    Ok(Work { txn, session, pkg })
}

fn set(work: &mut Work, key: &str, value: i64) {
    work.txn.set(work.pkg, key, Value::Int(value)).unwrap();
}

fn commit(work: &mut Work) -> Result<()> {
    run(work.txn.commit()).unwrap()
}

fn store_one(container: &Container, id: &str, key: &str, value: i64) {
    let mut work = begin(container, id).unwrap();
    set(&mut work, key, value);
    commit(&mut work).unwrap();
}

fn content(container: &Container, id: &str) -> Vec<(String, Value)> {
    let mut work = begin(container, id).unwrap();
    match work.txn.content(work.pkg).unwrap() {
        Value::Map(map) => map.entries().iter().map(|(key, value)| (key.to_string(), value.clone())).collect(),
        _ => unreachable!(),
    }
}

fn ints(pairs: &[(&str, i64)]) -> Vec<(String, Value)> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), Value::Int(*value))).collect()
}

fn cas_of(store: &Store, key: &Key) -> u64 {
    let found = run(store.versions(std::slice::from_ref(key), Instant::now() + Duration::from_secs(5))).unwrap();
    found.into_iter().next().unwrap().unwrap().unwrap().cas
}

/// Another program's handle to the same data: a store with connections of its own, under the same keys.
fn stranger(server: &Memcached) -> Store {
    // A host name instead of its number is another store to this process, and the same server.
    let url = server.url().replace("127.0.0.1", "localhost");
    Store::open(Some(&url), &StoreOptions::new()).unwrap()
}

// A fact of memcached: versions count from 1 again, so that an old one would overwrite what was stored since.
#[test]
fn a_session_under_the_same_number_after_a_restart_is_not_overwritten() {
    // The connection that was kept is found dead when it is used, or before.
    for pause in [0, 150] {
        let mut at = TestStore::memcached(&[]);
        let (c, key) = (container(&at.store), container(&at.store).key(b"s"));
        store_one(&c, "s", "x", 1);
        let mut late = begin(&c, "s").unwrap();
        set(&mut late, "x", 2);
        let before = cas_of(&at.store, &key);
        at.server().restart();
        let other = stranger(at.server());
        let theirs = container(&other);
        store_one(&theirs, "s", "theirs", 7);
        assert_eq!(cas_of(&other, &key), before, "the server gave the same number again");
        std::thread::sleep(Duration::from_millis(pause));
        assert_eq!(commit(&mut late).unwrap_err().status(), Status::Gone);
        assert_eq!(content(&theirs, "s"), ints(&[("theirs", 7)]));
    }
}

#[test]
fn a_destroyed_and_new_session_under_the_same_number_is_not_overwritten() {
    // The connection that was kept is found dead when it is used, or before.
    for pause in [0, 150] {
        let mut at = TestStore::memcached(&[]);
        let (c, key) = (container(&at.store), container(&at.store).key(b"s"));
        store_one(&c, "s", "x", 1);
        store_one(&c, "s", "x", 2);
        let mut late = begin(&c, "s").unwrap();
        set(&mut late, "x", 3);
        let before = cas_of(&at.store, &key);
        at.server().restart();
        let other = stranger(at.server());
        let theirs = container(&other);
        let mut destroy = Transaction::new();
        destroy.destroy(&theirs, b"s").unwrap();
        run(destroy.commit()).unwrap().unwrap();
        store_one(&theirs, "s", "theirs", 7);
        assert_eq!(cas_of(&other, &key), before, "the server gave the same number again");
        std::thread::sleep(Duration::from_millis(pause));
        assert_eq!(commit(&mut late).unwrap_err().status(), Status::Gone);
        assert_eq!(content(&theirs, "s"), ints(&[("theirs", 7)]));
    }
}

// Contract 5.6.
#[test]
fn a_session_that_a_restart_took_away_is_gone_unless_it_may_be_recreated() {
    let mut at = TestStore::memcached(&[]);
    let c = container(&at.store);
    for (recreate, is_stored) in [(0, false), (1, true)] {
        c.set_option(ContainerOption::Recreate, recreate).unwrap();
        store_one(&c, "s", "x", 1);
        let mut late = begin(&c, "s").unwrap();
        set(&mut late, "y", 2);
        at.server().restart();
        let committed = commit(&mut late);
        assert_eq!(committed.is_ok(), is_stored, "{committed:?}");
        assert!(is_stored || committed.unwrap_err().status() == Status::Gone);
    }
    assert_eq!(content(&c, "s"), ints(&[("x", 1), ("y", 2)]));
}

#[test]
fn a_session_created_after_a_restart_is_stored() {
    let mut at = TestStore::memcached(&[]);
    let c = container(&at.store);
    store_one(&c, "other", "x", 1);
    let mut fresh = begin(&c, "s").unwrap();
    set(&mut fresh, "x", 1);
    at.server().restart();
    commit(&mut fresh).unwrap();
    assert_eq!(content(&c, "s"), ints(&[("x", 1)]));
}

// Contract 6.1 to 6.3.
#[test]
fn while_the_server_is_away_nothing_is_mistaken_for_an_empty_session() {
    for mut at in [TestStore::memcached(&[]), TestStore::memcached_unix(&[])] {
        let c = container(&at.store);
        store_one(&c, "s", "x", 1);
        let mut work = begin(&c, "s").unwrap();
        set(&mut work, "x", 2);
        at.server().kill();
        let savepoint = work.txn.savepoint().unwrap();
        set(&mut work, "x", 3);
        work.txn.rollback(savepoint).unwrap();
        assert_eq!(begin(&c, "other").err().map(|error| error.status()), Some(Status::Unavailable));
        assert_eq!(begin(&c, "s").err().map(|error| error.status()), Some(Status::Unavailable));
        let error = commit(&mut work).unwrap_err();
        assert!(matches!(error.status(), Status::Unavailable | Status::Unknown), "{error}");
        work.txn.abort().unwrap();
        at.server().restart();
        // Asking whether it is there does not wait for the end of a pause.
        run(at.store.ping(Instant::now() + Duration::from_secs(5))).unwrap().unwrap();
        store_one(&c, "s", "y", 1);
        assert_eq!(content(&c, "s"), ints(&[("y", 1)]), "what the server lost is lost");
    }
}

// The usual outage: the server is away, and has been for longer than a moment.
#[test]
fn a_commit_to_a_server_that_died_a_while_ago_is_definitely_not_stored() {
    let mut at = TestStore::memcached(&[]);
    let c = container(&at.store);
    store_one(&c, "s", "x", 1);
    let mut work = begin(&c, "s").unwrap();
    set(&mut work, "x", 2);
    at.server().kill();
    std::thread::sleep(Duration::from_millis(150));
    assert_eq!(commit(&mut work).unwrap_err().status(), Status::Unavailable);
    assert_eq!(work.txn.report()[0].outcome, Outcome::NotStored);
}

fn impatient(server: &Memcached) -> Store {
    let mut options = StoreOptions::new();
    options.set(StoreOption::ConnectTimeout, 200).unwrap();
    options.set(StoreOption::ExchangeTimeout, 200).unwrap();
    options.set(StoreOption::CommitTimeout, 1_000).unwrap();
    Store::open(Some(&server.url()), &options).unwrap()
}

// Contract 6.2: looks again, if time is left.
#[test]
fn a_commit_whose_answer_was_lost_finds_out_that_it_was_stored() {
    let server = Memcached::start(&[]);
    let c = container(&impatient(&server));
    store_one(&c, "s", "x", 1);
    let mut work = begin(&c, "s").unwrap();
    set(&mut work, "x", 2);
    server.freeze();
    let begun = Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(300));
            server.resume();
        });
        commit(&mut work).unwrap();
    });
    assert!(begun.elapsed() < Duration::from_secs(2));
    assert_eq!(content(&c, "s"), ints(&[("x", 2)]));
}

#[test]
fn every_deadline_is_kept_while_the_server_is_frozen() {
    let server = Memcached::start(&[]);
    let store = impatient(&server);
    let c = container(&store);
    store_one(&c, "s", "x", 1);
    let mut work = begin(&c, "s").unwrap();
    set(&mut work, "x", 2);
    server.freeze();
    let timed = |what: &mut dyn FnMut() -> Status, most: u64| {
        let begun = Instant::now();
        let status = what();
        assert!(begun.elapsed() < Duration::from_millis(most), "{:?}", begun.elapsed());
        status
    };
    assert_eq!(timed(&mut || begin(&c, "other").err().unwrap().status(), 600), Status::Timeout);
    let status = timed(&mut || commit(&mut work).unwrap_err().status(), 1_600);
    assert!(matches!(status, Status::Unknown | Status::Timeout | Status::Unavailable), "{status:?}");
    server.resume();
    std::thread::sleep(Duration::from_millis(1_100));
    // Whatever was said, nothing is mixed up afterwards.
    let found = content(&c, "s");
    assert!(found == ints(&[("x", 1)]) || found == ints(&[("x", 2)]), "{found:?}");
}

// Contract 6.2: the server drops what it refuses to replace.
#[test]
fn a_session_that_a_full_server_dropped_is_reported_lost() {
    let at = TestStore::memcached(&["-M", "-m", "2"]);
    let c = container(&at.store);
    let big = |len| Value::Bytes(vec![7; len].into());
    store_one(&c, "s", "x", 1);
    for i in 0..1_000 {
        let mut work = begin(&c, &format!("filler-{i}")).unwrap();
        work.txn.set(work.pkg, "x", big(60_000)).unwrap();
        if commit(&mut work).is_err() {
            break;
        }
    }
    let mut work = begin(&c, "s").unwrap();
    work.txn.set(work.pkg, "big", big(60_000)).unwrap();
    let error = commit(&mut work).unwrap_err();
    assert!(matches!(error.status(), Status::Lost | Status::Unavailable), "{error}");
    let stands = content(&c, "s");
    match error.status() {
        Status::Lost => assert!(stands.is_empty(), "it was said to be lost: {stands:?}"),
        _ => assert_eq!(stands, ints(&[("x", 1)]), "it was said to stand"),
    }
}

#[test]
fn a_session_over_the_limit_is_refused_and_what_is_stored_stays() {
    let mut at = TestStore::memcached(&[]);
    let c = container(&at.store);
    store_one(&c, "s", "x", 1);
    for blind in [false, true] {
        let mut work = begin(&c, "s").unwrap();
        if blind {
            // Nothing was loaded by this one: it has to ask for the limit first.
            let fresh = container(&stranger(at.server()));
            work.txn = Transaction::new();
            work.session = work.txn.create(&fresh).unwrap();
            work.pkg = work.txn.pkg(work.session, "p").unwrap();
        }
        work.txn.set(work.pkg, "big", Value::Bytes(vec![7; 1 << 20].into())).unwrap();
        assert_eq!(commit(&mut work).unwrap_err().status(), Status::TooLarge);
    }
    assert_eq!(content(&c, "s"), ints(&[("x", 1)]));
    assert_eq!(at.server().stat("store_too_large"), 0);
}

// A fact of memcached: with `-C` every policy but overwrite refuses, naming the server.
#[test]
fn without_versions_only_containers_that_overwrite_are_served() {
    let at = TestStore::memcached(&["-C"]);
    let c = container(&at.store);
    for policy in [Policy::Merge, Policy::Mine, Policy::Strict] {
        c.set_option(ContainerOption::Policy, policy as i64).unwrap();
        let error = begin(&c, "s").err().unwrap();
        assert!(error.status() == Status::Unsupported && error.to_string().contains("127.0.0.1"), "{error}");
        let mut blind = Transaction::new();
        blind.create(&c).unwrap();
        assert_eq!(run(blind.commit()).unwrap().unwrap_err().status(), Status::Unsupported);
    }
    c.set_option(ContainerOption::Policy, Policy::Overwrite as i64).unwrap();
    store_one(&c, "s", "x", 1);
    store_one(&c, "s", "y", 2);
    assert_eq!(content(&c, "s"), ints(&[("x", 1), ("y", 2)]));
    let mut work = begin(&c, "s").unwrap();
    work.txn.regenerate(work.session, Some(b"new")).unwrap();
    commit(&mut work).unwrap();
    assert_eq!(content(&c, "new"), ints(&[("x", 1), ("y", 2)]));
    let mut destroy = Transaction::new();
    destroy.destroy(&c, b"new").unwrap();
    run(destroy.commit()).unwrap().unwrap();
    assert!(content(&c, "new").is_empty());
}
