//! Many threads on one session: counters and keys of one's own are merged, so that nothing is lost (contract 5.2, 5.4).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

use std::thread;

use lovely_session::container::Container;
use lovely_session::error::{Error, Result};
use lovely_session::io::blocking::run;
use lovely_session::store::{Store, StoreOptions};
use lovely_session::txn::Transaction;
use lovely_session::value::Value;

const THREADS: usize = 8;
const TRANSACTIONS: i64 = 2_000;

/// One request: adds 1 to the counter that all share, and writes the key that only this thread has.
fn request(container: &Container, thread: usize, count: i64) -> Result<()> {
    let mut txn = Transaction::new();
    let session = run(txn.open(container, b"shared"))??;
    let pkg = txn.pkg(session, "p")?;
    txn.add(pkg, "hits", 1)?;
    txn.set(pkg, &format!("thread {thread}"), Value::Int(count))?;
    run(txn.commit())?
}

#[test]
fn eight_threads_lose_no_delta_and_no_key() {
    let store = Store::open(Some("memory://txn-threads"), &StoreOptions::new()).unwrap();
    let container = Container::open(&store, "c").unwrap();
    let retried: usize = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let container = &container;
                scope.spawn(move || {
                    let mut retried = 0;
                    for count in 1..=TRANSACTIONS {
                        while let Err(error) = request(container, thread, count) {
                            assert!(error.is_retryable(), "thread {thread}, transaction {count}: {error}");
                            retried += 1;
                        }
                    }
                    retried
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    // Deltas add up and nobody else writes a thread's key: there is nothing to conflict about.
    assert_eq!(retried, 0, "conflicts where all changes can be merged");

    let mut txn = Transaction::new();
    let session = run(txn.open(&container, b"shared")).unwrap().unwrap();
    let pkg = txn.pkg(session, "p").unwrap();
    let hits = i64::try_from(THREADS).unwrap() * TRANSACTIONS;
    assert_eq!(txn.get(pkg, "hits").unwrap(), Some(&Value::Int(hits)));
    for thread in 0..THREADS {
        let key = format!("thread {thread}");
        assert_eq!(txn.get(pkg, &key).unwrap(), Some(&Value::Int(TRANSACTIONS)), "{key}");
    }
    assert_eq!(txn.len(pkg).unwrap(), THREADS + 1);
}

/// The same change of the same key is no conflict either, but two different ones are: the counter above would show
/// nothing if nothing ever raced.
#[test]
fn threads_that_set_the_same_key_differently_meet_retryable_conflicts() {
    let store = Store::open(Some("memory://txn-threads-conflict"), &StoreOptions::new()).unwrap();
    let container = Container::open(&store, "c").unwrap();
    let open = |value: i64| -> Result<Transaction, Error> {
        let mut txn = Transaction::new();
        let session = run(txn.open(&container, b"shared"))??;
        let pkg = txn.pkg(session, "p")?;
        txn.set(pkg, "k", Value::Int(value))?;
        Ok(txn)
    };
    let mut all: Vec<_> = (0..4).map(|value| open(value).unwrap()).collect();
    let outcomes: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = all.iter_mut().map(|txn| scope.spawn(|| run(txn.commit()).unwrap())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert!(outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).all(Error::is_retryable));
}
