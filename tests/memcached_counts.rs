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

use std::process::{Command, Stdio};

use lovely_session::container::Container;
use lovely_session::io::blocking::run;
use lovely_session::store::{Store, StoreOptions};
use lovely_session::txn::Transaction;
use lovely_session::value::Value;
use support::memcached::Memcached;
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

const CYCLES: &str = "MEMCACHED_COUNTS_CYCLES";
const URL: &str = "MEMCACHED_COUNTS_URL";
const SIZE: &str = "MEMCACHED_COUNTS_SIZE";

/// How many system calls this program makes for `cycles` of a load, a change and a commit of a session of `size` bytes, as
/// strace counts them.
fn system_calls(url: &str, size: usize, cycles: u32) -> u64 {
    let log = std::env::temp_dir().join(format!("lovely-strace-{}-{cycles}", std::process::id()));
    let status = Command::new("strace")
        .args(["-f", "-c", "-U", "calls,name", "-o"])
        .arg(&log)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "a_cycle_makes_as_many_system_calls_as_plain_sockets_need", "--test-threads", "1"])
        .env(CYCLES, cycles.to_string())
        .env(URL, url)
        .env(SIZE, size.to_string())
        .stdout(Stdio::null())
        .status()
        .expect("strace is installed");
    let text = std::fs::read_to_string(&log).unwrap();
    std::fs::remove_file(log).unwrap();
    assert!(status.success());
    let total = text.lines().find(|line| line.ends_with(" total")).unwrap_or_else(|| panic!("no total: {text}"));
    total.split_whitespace().next().unwrap().parse().unwrap()
}

// at most 6, where plain sockets need 4.
#[test]
fn a_cycle_makes_as_many_system_calls_as_plain_sockets_need() {
    if let Ok(cycles) = std::env::var(CYCLES) {
        let store = Store::open(Some(&std::env::var(URL).unwrap()), &StoreOptions::new()).unwrap();
        let container = Container::open(&store, "c").unwrap();
        let size: usize = std::env::var(SIZE).unwrap().parse().unwrap();
        let mut txn = Transaction::new();
        let session = run(txn.open(&container, b"s")).unwrap().unwrap();
        let pkg = txn.pkg(session, "p").unwrap();
        txn.set(pkg, "y", Value::text(&"y".repeat(size))).unwrap();
        run(txn.commit()).unwrap().unwrap();
        for value in 0..cycles.parse().unwrap() {
            transact(&container, b"s", Some(value));
        }
        return;
    }
    for server in [Memcached::start(&[]), Memcached::start_unix(&[])] {
        // The larger ones do not fit into what is asked for where nothing is known of a session.
        for size in [100, 16 << 10, 60 << 10] {
            let calls = |cycles| system_calls(&server.url(), size, cycles);
            let (few, many) = (calls(100), calls(1_100));
            // A few more where a wait was long, or memory was asked for.
            let per_cycle = (many.saturating_sub(few) + 500) / 1_000;
            assert_eq!(per_cycle, 4, "{few} for 100, {many} for 1,100 with {size} bytes on {}", server.url());
        }
    }
}
