//! Transactions over several servers and stores: what is checked before anything is written, that nobody waits for a
//! server that is not his, and what is said of each session when one of them fails half-way (contract 2.4, 2.5).
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
use std::thread;
use std::time::{Duration, Instant};

use lovely_session::container::Container;
use lovely_session::error::{Result, Status};
use lovely_session::io::blocking::run;
use lovely_session::store::{Counter, Store, StoreOptions};
use lovely_session::txn::{Outcome, Transaction};
use lovely_session::value::Value;
use support::memcached::Memcached;
use support::servers::Servers;

/// Short, where a server shall be found to hang.
const IMPATIENT: &str = "?connect_timeout=300&exchange_timeout=300&commit_timeout=1500";
/// So long that a test fails first.
const PATIENT: &str = "?exchange_timeout=60000&commit_timeout=60000";

/// A container on `store`.
fn container(store: &Store) -> Container {
    Container::open(store, "c").unwrap()
}

fn memory() -> Container {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let url = format!("memory://servers-txn-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    container(&Store::open(Some(&url), &StoreOptions::new()).unwrap())
}

/// Another program's way to the sessions of one server.
fn stranger(server: &Memcached) -> Container {
    let url = server.url().replace("127.0.0.1", "localhost");
    container(&Store::open(Some(&url), &StoreOptions::new()).unwrap())
}

/// An id that is on the server of this number; `other` makes it differ from others there.
fn id_on(c: &Container, place: usize, other: &str) -> String {
    let mut ids = (0..).map(|number| format!("{other}-{number}"));
    ids.find(|id| c.store().place(&c.key(id.as_bytes())) == place).unwrap()
}

fn set(txn: &mut Transaction, c: &Container, id: &str, key: &str, value: i64) -> Result<()> {
    let session = run(txn.open(c, id.as_bytes())).unwrap()?;
    let pkg = txn.pkg(session, "p")?;
    txn.set(pkg, key, Value::Int(value))
}

fn store_one(c: &Container, id: &str, key: &str, value: i64) {
    let mut txn = Transaction::new();
    set(&mut txn, c, id, key, value).unwrap();
    run(txn.commit()).unwrap().unwrap();
}

fn stored(c: &Container, id: &str, key: &str) -> Option<i64> {
    let mut txn = Transaction::new();
    let session = run(txn.open(c, id.as_bytes())).unwrap().unwrap();
    let pkg = txn.pkg(session, "p").unwrap();
    match txn.get(pkg, key).unwrap() {
        Some(Value::Int(value)) => Some(*value),
        Some(_) => panic!("not an integer"),
        None => None,
    }
}

fn commit(txn: &mut Transaction) -> Result<(), Status> {
    run(txn.commit()).unwrap().map_err(|error| error.status())
}

fn outcome(txn: &Transaction, id: &str) -> Outcome {
    txn.report().iter().find(|entry| *entry.id == *id.as_bytes()).unwrap().outcome
}

#[test]
fn sessions_on_all_servers_are_committed_together() {
    let servers = Servers::start(3);
    let c = container(&servers.open(""));
    let ids: Vec<String> = (0..30).map(|number| number.to_string()).collect();
    let mut txn = Transaction::new();
    for (value, id) in (0..).zip(&ids) {
        set(&mut txn, &c, id, "x", value).unwrap();
    }
    commit(&mut txn).unwrap();
    for (value, id) in (0..).zip(&ids) {
        assert_eq!(stored(&c, id, "x"), Some(value));
        assert_eq!(servers.having(&c.key(id.as_bytes())), [c.store().place(&c.key(id.as_bytes()))]);
    }
}

// Contract 2.4: a server that does not answer is found before anything is written.
#[test]
fn a_server_that_hangs_or_is_down_fails_the_commit_before_anything_is_written() {
    for hangs in [true, false] {
        let mut servers = Servers::start(3);
        let c = container(&servers.open(IMPATIENT));
        let ids: Vec<String> = (0..3).map(|place| id_on(&c, place, "s")).collect();
        for id in &ids {
            store_one(&c, id, "x", 1);
        }
        let mut txn = Transaction::new();
        for id in &ids {
            set(&mut txn, &c, id, "x", 2).unwrap();
        }
        if hangs {
            servers.each[1].freeze();
        } else {
            servers.each[1].kill();
        }
        let before = c.store().stats().get(Counter::Writes);
        let status = commit(&mut txn).unwrap_err();
        assert_eq!(status, if hangs { Status::Timeout } else { Status::Unavailable });
        assert_eq!(c.store().stats().get(Counter::Writes), before);
        for (place, id) in ids.iter().enumerate() {
            assert_eq!(outcome(&txn, id), Outcome::NotStored);
            assert!(place == 1 || stored(&c, id, "x") == Some(1));
        }
        // The others go on, in one transaction too.
        let mut txn = Transaction::new();
        set(&mut txn, &c, &ids[0], "x", 3).unwrap();
        set(&mut txn, &c, &ids[2], "x", 3).unwrap();
        commit(&mut txn).unwrap();
        // And who needs the one that is away is told when it opens: at once, or, where the pause is over, after a try.
        let error = set(&mut Transaction::new(), &c, &ids[1], "x", 3).unwrap_err();
        assert!(matches!(error.status(), Status::Unavailable | Status::Timeout), "{error}");
    }
}

// A transaction that loaded nothing learns of servers when it commits.
#[test]
fn a_server_that_was_never_reached_is_said_of_its_own_sessions_only() {
    let mut servers = Servers::start(2);
    let c = container(&servers.open(IMPATIENT));
    let ids = [id_on(&c, 0, "s"), id_on(&c, 1, "s")];
    servers.each[1].kill();
    let mut txn = Transaction::new();
    for id in &ids {
        txn.destroy(&c, id.as_bytes()).unwrap();
    }
    assert_eq!(commit(&mut txn), Err(Status::Unavailable));
    let entry = |id: &str| txn.report().iter().find(|entry| *entry.id == *id.as_bytes()).unwrap().clone();
    assert_eq!((entry(&ids[0]).outcome, entry(&ids[0]).status), (Outcome::NotStored, Status::Ok));
    assert_eq!((entry(&ids[1]).outcome, entry(&ids[1]).status), (Outcome::NotStored, Status::Unavailable));
}

// Contract 2.5.
#[test]
fn a_server_that_dies_after_the_vote_makes_the_commit_partial_and_the_report_says_how() {
    let mut servers = Servers::start(3);
    let c = container(&servers.open(IMPATIENT));
    let ids: Vec<String> = (0..3).map(|place| id_on(&c, place, "s")).collect();
    let mut txn = Transaction::new();
    for id in &ids {
        set(&mut txn, &c, id, "x", 1).unwrap();
    }
    run(txn.prepare()).unwrap().unwrap();
    servers.each[1].kill();
    // The connection that was kept is asked whether it stands after a moment: then nothing is sent.
    thread::sleep(Duration::from_millis(150));
    assert_eq!(commit(&mut txn), Err(Status::Partial));
    assert_eq!(
        ids.iter().map(|id| outcome(&txn, id)).collect::<Vec<_>>(),
        [Outcome::Stored, Outcome::NotStored, Outcome::Stored]
    );
    let statuses = |id: &str| txn.report().iter().find(|entry| *entry.id == *id.as_bytes()).unwrap().status;
    assert_eq!(ids.iter().map(|id| statuses(id)).collect::<Vec<_>>(), [Status::Ok, Status::Unavailable, Status::Ok]);
    assert_eq!((stored(&c, &ids[0], "x"), stored(&c, &ids[2], "x")), (Some(1), Some(1)));
}

#[test]
fn a_server_that_hangs_after_the_vote_leaves_its_session_unknown_and_the_others_stored() {
    let servers = Servers::start(3);
    let c = container(&servers.open(IMPATIENT));
    let ids: Vec<String> = (0..3).map(|place| id_on(&c, place, "s")).collect();
    for id in &ids {
        store_one(&c, id, "x", 1);
    }
    let mut txn = Transaction::new();
    for id in &ids {
        set(&mut txn, &c, id, "x", 2).unwrap();
    }
    run(txn.prepare()).unwrap().unwrap();
    servers.each[1].freeze();
    assert_eq!(commit(&mut txn), Err(Status::Partial));
    assert_eq!(
        ids.iter().map(|id| outcome(&txn, id)).collect::<Vec<_>>(),
        [Outcome::Stored, Outcome::Unknown, Outcome::Stored]
    );
    servers.each[1].resume();
    run(c.store().ping(Instant::now() + Duration::from_secs(5))).unwrap().unwrap();
    assert!(stored(&c, &ids[1], "x").is_some_and(|value| value == 1 || value == 2));
}

#[test]
fn a_session_is_merged_and_stored_while_the_server_of_another_hangs() {
    let servers = Servers::start(2);
    let c = container(&servers.open(PATIENT));
    let (mine, hung) = (id_on(&c, 0, "s"), id_on(&c, 1, "s"));
    let theirs = stranger(&servers.each[0]);
    for id in [&mine, &hung] {
        store_one(&c, id, "x", 1);
    }
    let mut txn = Transaction::new();
    for id in [&mine, &hung] {
        set(&mut txn, &c, id, "x", 2).unwrap();
    }
    run(txn.prepare()).unwrap().unwrap();
    store_one(&theirs, &mine, "theirs", 7);
    servers.each[1].freeze();
    thread::scope(|scope| {
        let committing = scope.spawn(|| commit(&mut txn));
        let begun = Instant::now();
        while stored(&theirs, &mine, "x") != Some(2) {
            assert!(begun.elapsed() < Duration::from_secs(20), "it waits for the other server");
            thread::sleep(Duration::from_millis(5));
        }
        assert!(!committing.is_finished());
        servers.each[1].resume();
        committing.join().unwrap().unwrap();
    });
    assert_eq!((stored(&c, &mine, "theirs"), stored(&c, &hung, "x")), (Some(7), Some(2)));
}

#[test]
fn a_commit_over_a_memory_store_and_memcached_is_one() {
    let server = Memcached::start(&[]);
    let (here, there) = (memory(), container(&Store::open(Some(&server.url()), &StoreOptions::new()).unwrap()));
    let mut txn = Transaction::new();
    set(&mut txn, &here, "s", "x", 1).unwrap();
    set(&mut txn, &there, "s", "x", 1).unwrap();
    commit(&mut txn).unwrap();
    assert_eq!((stored(&here, "s", "x"), stored(&there, "s", "x")), (Some(1), Some(1)));
    // A conflict in one of them, found before anything is written, stores nothing in the other.
    let mut txn = Transaction::new();
    set(&mut txn, &here, "s", "x", 2).unwrap();
    set(&mut txn, &there, "s", "x", 2).unwrap();
    store_one(&here, "s", "x", 3);
    assert_eq!(commit(&mut txn), Err(Status::Conflict));
    assert_eq!((stored(&here, "s", "x"), stored(&there, "s", "x")), (Some(3), Some(1)));
}

#[test]
fn a_store_that_dies_between_prepare_and_commit_leaves_the_other_stored_and_says_so() {
    let mut server = Memcached::start(&[]);
    let url = format!("{}/{IMPATIENT}", server.url());
    let (here, there) = (memory(), container(&Store::open(Some(&url), &StoreOptions::new()).unwrap()));
    let mut txn = Transaction::new();
    set(&mut txn, &here, "here", "x", 1).unwrap();
    set(&mut txn, &there, "there", "x", 1).unwrap();
    run(txn.prepare()).unwrap().unwrap();
    server.kill();
    thread::sleep(Duration::from_millis(150));
    assert_eq!(commit(&mut txn), Err(Status::Partial));
    assert_eq!((outcome(&txn, "here"), outcome(&txn, "there")), (Outcome::Stored, Outcome::NotStored));
    assert_eq!(stored(&here, "here", "x"), Some(1));
}

#[test]
fn a_session_moves_to_another_server_with_its_new_id() {
    let mut servers = Servers::start(2);
    let c = container(&servers.open(IMPATIENT));
    let (old, new) = (id_on(&c, 0, "old"), id_on(&c, 1, "new"));
    let renamed = |value: i64| {
        let mut txn = Transaction::new();
        let session = run(txn.open(&c, old.as_bytes())).unwrap().unwrap();
        let pkg = txn.pkg(session, "p").unwrap();
        txn.set(pkg, "x", Value::Int(value)).unwrap();
        txn.regenerate(session, Some(new.as_bytes())).unwrap();
        txn
    };
    store_one(&c, &old, "x", 1);
    // The new one's server is down: nothing happens.
    servers.each[1].kill();
    assert_eq!(commit(&mut renamed(2)), Err(Status::Unavailable));
    assert_eq!(stored(&c, &old, "x"), Some(1));
    servers.each[1].restart();
    run(c.store().ping(Instant::now() + Duration::from_secs(5))).unwrap().unwrap();
    commit(&mut renamed(3)).unwrap();
    assert_eq!((stored(&c, &old, "x"), stored(&c, &new, "x")), (None, Some(3)));
    // A tombstone stands where it was.
    assert_eq!(servers.having(&c.key(old.as_bytes())), [0]);
}
