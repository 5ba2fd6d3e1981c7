//! What one request costs: commands, counted by the server itself.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod support;

use lovely_session::container::Container;
use lovely_session::io::blocking::run;
use lovely_session::txn::Transaction;
use lovely_session::value::Value;
use support::store::TestStore;

/// Commands that read, and that store.
fn counts(at: &TestStore) -> (u64, u64) {
    let server = at.server.as_ref().unwrap();
    // `mg` with a renewal that finds something is counted as a touch, any other as a read.
    (server.stat("cmd_get") + server.stat("cmd_touch"), server.stat("cmd_set"))
}

fn transact(container: &Container, id: &[u8], value: Option<i64>) {
    let mut txn = Transaction::new();
    let session = run(txn.open(container, id)).unwrap().unwrap();
    let pkg = txn.pkg(session, "p").unwrap();
    if let Some(value) = value {
        txn.set(pkg, "x", Value::Int(value)).unwrap();
    }
    run(txn.commit()).unwrap().unwrap();
}

// Contract 1.7, 2.1: read only is one command and no write, one change is two commands.
#[test]
fn a_read_is_one_command_and_a_change_is_two() {
    for at in [TestStore::memcached(&[]), TestStore::memcached_unix(&[])] {
        let container = Container::open(&at.store, "c").unwrap();
        transact(&container, b"s", Some(0));
        let before = counts(&at);
        for _ in 0..10 {
            transact(&container, b"s", None);
        }
        let read = counts(&at);
        assert_eq!((read.0 - before.0, read.1 - before.1), (10, 0));
        for value in 1..=10 {
            transact(&container, b"s", Some(value));
        }
        let changed = counts(&at);
        assert_eq!((changed.0 - read.0, changed.1 - read.1), (10, 10));
        assert_eq!(at.server.as_ref().unwrap().stat("cas_badval"), 0);
        // Ours, and the one that asks.
        let before = at.server.as_ref().unwrap().stat("total_connections");
        transact(&container, b"s", Some(99));
        assert_eq!(at.server.as_ref().unwrap().stat("total_connections") - before, 1, "connections are kept");
    }
}
