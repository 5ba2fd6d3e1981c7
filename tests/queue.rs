//! Many operations at once on a queue: one thread, few connections, few system calls.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod support;

use std::time::Duration;

use lovely_session::container::Container;
use lovely_session::error::Result;
use lovely_session::io::queue::{Operation, Queue};
use lovely_session::store::{Store, StoreOptions};
use lovely_session::txn::Transaction;
use support::memcached::Memcached;

const LONG: Option<Duration> = Some(Duration::from_secs(20));

fn container(url: &str) -> Container {
    let store = Store::open(Some(url), &StoreOptions::new()).unwrap();
    Container::open(&store, "visitors").unwrap()
}

/// Adds one to a counter of a session, and gives what it is then.
fn visit(container: &Container, id: &str) -> Operation<i64> {
    let (container, id) = (container.clone(), id.to_owned());
    Box::pin(async move {
        let mut txn = Transaction::new();
        let session = txn.open(&container, id.as_bytes()).await?;
        let pkg = txn.pkg(session, "visits")?;
        let visits = txn.add(pkg, "n", 1)?;
        txn.commit().await?;
        Ok(visits)
    })
}

fn start<T>(queue: &Queue<T>, user_data: u64, operation: Operation<T>) -> u64 {
    let number = queue.number();
    queue.start(number, user_data, operation).unwrap();
    number
}

/// Waits for `count` operations: user data and result of each.
fn collect<T>(queue: &Queue<T>, count: usize) -> Vec<(u64, Result<T>)> {
    let mut all = Vec::new();
    while all.len() < count {
        let got = queue.wait(64, LONG, |finished| all.push((finished.user_data, finished.result))).unwrap();
        assert!(got > 0, "nothing came in time: {} of {count}", all.len());
    }
    all
}

#[test]
fn operations_come_out_with_what_they_were_started_with() {
    for memcached in [None, Some(Memcached::start(&[])), Some(Memcached::start_unix(&[]))] {
        let url = memcached.as_ref().map_or_else(|| "memory://queue".to_owned(), Memcached::url);
        let container = container(&url);
        let queue = Queue::new().unwrap();
        for round in 1..=10 {
            for client in 0..64 {
                start(&queue, client, visit(&container, &format!("client {client}")));
            }
            let mut seen: Vec<u64> = collect(&queue, 64)
                .into_iter()
                .map(|(client, visits)| {
                    assert_eq!(visits.unwrap(), round);
                    client
                })
                .collect();
            seen.sort_unstable();
            assert_eq!(seen, (0..64).collect::<Vec<_>>());
        }
    }
}
