//! What the tests of the contract share: a store of its own for each test, and calls in one line. Values and content
//! are written as JSON, which is strict on types and sorts keys.
#![allow(dead_code, reason = "each test uses its part")]

#[path = "../support/mod.rs"]
mod support;

use std::pin::pin;
use std::time::{Duration, Instant};

use lovely_session::container::{Container, ContainerOption, Policy};
use lovely_session::error::{Result, Status};
use lovely_session::io::{Wants, blocking};
use lovely_session::store::{Counter, Fault, FaultKind, FaultOps, Store, StoreOptions};
use lovely_session::txn::{Outcome, PkgRef, SessionRef, Transaction};
use lovely_session::value::Value;
use lovely_session::value::json::{from_json, to_json};
pub use support::everywhere;

pub const HOUR: Duration = Duration::from_secs(3_600);

/// A new, empty store.
pub fn store() -> Store {
    store_with("")
}

/// A new, empty store whose URL ends with `options`.
pub fn store_with(options: &str) -> Store {
    let url = everywhere::new_url("contract", options);
    Store::open(Some(&url), &StoreOptions::new()).unwrap()
}

/// The container "c" of a new store.
pub fn container() -> Container {
    Container::open(&store(), "c").unwrap()
}

/// Sets an option that is right.
pub fn set_option(container: &Container, option: ContainerOption, value: i64) {
    container.set_option(option, value).unwrap();
}

/// The container "c" of a new store, with one option.
pub fn container_with(option: ContainerOption, value: i64) -> Container {
    let container = container();
    set_option(&container, option, value);
    container
}

/// A new transaction with one session and its package "p".
pub struct Work {
    pub txn: Transaction,
    pub session: SessionRef,
    pub pkg: PkgRef,
}

/// Opens the session `id` and its package "p" in a new transaction.
pub fn open(container: &Container, id: &str) -> Work {
    let mut txn = Transaction::new();
    let session = open_in(&mut txn, container, id);
    let pkg = txn.pkg(session, "p").unwrap();
    Work { txn, session, pkg }
}

/// Opens the session `id` in `txn`.
pub fn open_in(txn: &mut Transaction, container: &Container, id: &str) -> SessionRef {
    wait(txn.open(container, id.as_bytes())).unwrap()
}

/// Waits for what the library does with I/O.
pub fn wait<T>(operation: impl Future<Output = T>) -> T {
    blocking::run(operation).unwrap()
}

/// Runs `operation` up to where it asks the store for the `n`th time, from 1; lets `meanwhile` happen, and finishes it.
pub fn interrupted<T>(c: &Container, operation: impl Future<Output = T>, n: usize, meanwhile: impl FnOnce()) -> T {
    let mut operation = pin!(operation);
    let mut wants = Wants::new();
    c.store().script_pauses(true).unwrap();
    for _ in 0..n {
        assert!(wants.poll(operation.as_mut()).is_pending(), "it asks {n} times");
    }
    c.store().script_pauses(false).unwrap();
    meanwhile();
    wait(operation)
}

impl Work {
    pub fn set(&mut self, key: &str, json: &str) {
        set(&mut self.txn, self.pkg, key, json);
    }

    pub fn get(&mut self, key: &str) -> Option<String> {
        self.txn.get(self.pkg, key).unwrap().map(|value| to_json(value).unwrap())
    }

    pub fn delete(&mut self, key: &str) {
        assert!(self.txn.delete(self.pkg, key).unwrap(), "{key} was there");
    }

    pub fn add(&mut self, key: &str, delta: i64) -> i64 {
        self.txn.add(self.pkg, key, delta).unwrap()
    }

    /// The content of the whole session.
    pub fn content(&mut self) -> String {
        to_json(self.txn.session_content(self.session).unwrap()).unwrap()
    }

    /// Commits, and tells how many sessions were written.
    pub fn commit(&mut self) -> Result<usize, Status> {
        commit(&mut self.txn)
    }

    /// Commits, with something that happens when it asks the store for the `n`th time.
    pub fn commit_interrupted(&mut self, c: &Container, n: usize, meanwhile: impl FnOnce()) -> Result<(), Status> {
        interrupted(c, self.txn.commit(), n, meanwhile).map_err(|error| error.status())
    }
}

pub fn set(txn: &mut Transaction, pkg: PkgRef, key: &str, json: &str) {
    txn.set(pkg, key, value(json)).unwrap();
}

/// A transaction that sets "x" of the sessions `ids`.
pub fn setting(c: &Container, ids: &[&str], json: &str) -> Transaction {
    let mut txn = Transaction::new();
    for id in ids {
        let session = open_in(&mut txn, c, id);
        let pkg = txn.pkg(session, "p").unwrap();
        set(&mut txn, pkg, "x", json);
    }
    txn
}

pub fn value(json: &str) -> Value {
    from_json(json.as_bytes()).unwrap()
}

/// Commits, and tells how many sessions were written.
pub fn commit(txn: &mut Transaction) -> Result<usize, Status> {
    wait(txn.commit()).map_err(|error| error.status())?;
    Ok(txn.report().len())
}

/// Opens `id`, sets keys of its package "p", and commits.
pub fn put(container: &Container, id: &str, pairs: &[(&str, &str)]) {
    let mut work = open(container, id);
    for (key, json) in pairs {
        work.set(key, json);
    }
    assert_eq!(work.commit(), Ok(1), "one session is written");
}

/// What is stored: the session's content, or "absent". Looking does not renew what is absent.
pub fn stored(container: &Container, id: &str) -> String {
    if !exists(container, id) {
        return "absent".to_owned();
    }
    let mut txn = Transaction::new();
    let session = open_in(&mut txn, container, id);
    to_json(txn.session_content(session).unwrap()).unwrap()
}

pub fn exists(container: &Container, id: &str) -> bool {
    wait(Transaction::new().exists(container, id.as_bytes())).unwrap()
}

pub fn destroy(container: &Container, id: &str) {
    let mut txn = Transaction::new();
    txn.destroy(container, id.as_bytes()).unwrap();
    assert_eq!(commit(&mut txn), Ok(1));
}

/// Loses what is stored under `id`, as an eviction does.
pub fn evict(container: &Container, id: &str) {
    let deadline = Instant::now() + Duration::from_secs(1);
    assert!(wait(container.store().drop_record(&container.key(id.as_bytes()), deadline)).unwrap(), "it was there");
}

pub fn pass(container: &Container, time: Duration) {
    container.store().clock().advance(time).unwrap();
}

/// Makes `count` operations of `ops` fail after the first `skip`; 0 is all until the faults are cleared.
pub fn fail(container: &Container, kind: FaultKind, ops: FaultOps, skip: u64, count: u64) {
    container.store().script_fault(Fault { kind, ops, skip, count }).unwrap();
}

pub fn heal(container: &Container) {
    container.store().clear_faults().unwrap();
}

/// Records stored so far, and items that the store was asked for.
pub fn io(container: &Container) -> (u64, u64) {
    let stats = container.store().stats();
    (stats.get(Counter::Writes), stats.get(Counter::Requests))
}

/// The report, as (id, outcome, status).
pub fn report(txn: &Transaction) -> Vec<(String, Outcome, Status)> {
    let entry = |entry: &lovely_session::txn::ReportEntry| {
        (String::from_utf8_lossy(&entry.id).into_owned(), entry.outcome, entry.status)
    };
    txn.report().iter().map(entry).collect()
}

/// The container "c" of a new store, with a policy.
pub fn with_policy(policy: Policy) -> Container {
    container_with(ContainerOption::Policy, policy as i64)
}

/// What comes of two transactions that opened `id` together: `first` commits before `second`.
pub fn race(
    c: &Container,
    id: &str,
    first: impl FnOnce(&mut Work),
    second: impl FnOnce(&mut Work),
) -> (Result<usize, Status>, String) {
    let (mut a, mut b) = (open(c, id), open(c, id));
    first(&mut a);
    second(&mut b);
    a.commit().unwrap();
    (b.commit(), stored(c, id))
}

/// The status of what failed.
pub fn status<T: std::fmt::Debug>(result: Result<T>) -> Status {
    result.unwrap_err().status()
}
