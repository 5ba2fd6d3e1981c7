//! A host that is late to look at its queue, because it is busy, or starts many operations at once: that is not the server's
//! fault, and nothing fails for it (contract 6.2).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]
#![allow(unsafe_code, reason = "poll has no safe form")]

mod support;

use std::os::fd::AsRawFd;
use std::thread::sleep;
use std::time::{Duration, Instant};

use lovely_session::error::Status;
use lovely_session::io::queue::Queue;
use lovely_session::store::{Counter, Key, LoadItem, Store, StoreOption, StoreOptions};
use support::memcached::Memcached;

const LONG: Duration = Duration::from_secs(60);
/// How long a server may take to answer, by the store's options.
const PATIENCE: Duration = Duration::from_secs(3);

fn open(memcached: &Memcached) -> Store {
    let mut options = StoreOptions::new();
    for option in [StoreOption::ConnectTimeout, StoreOption::ExchangeTimeout] {
        options.set(option, PATIENCE.as_millis().try_into().unwrap()).unwrap();
    }
    Store::open(Some(&memcached.url()), &options).unwrap()
}

fn start_load(queue: &Queue<()>, store: &Store) {
    let store = store.clone();
    let load = async move {
        let items = [LoadItem { key: Key::new("c/k"), renew: None }];
        store.load(&items, Instant::now() + LONG).await.remove(0).map(drop)
    };
    queue.start(queue.number(), 0, Box::pin(load)).unwrap();
}

/// What `count` operations have come to.
fn collect(queue: &Queue<()>, count: usize) -> Vec<Status> {
    let mut statuses = Vec::new();
    while statuses.len() < count {
        let status =
            |result: Result<(), lovely_session::error::Error>| result.map_or_else(|e| e.status(), |()| Status::Ok);
        let some = queue.wait(256, Some(LONG), |finished| statuses.push(status(finished.result))).unwrap();
        assert!(some > 0, "nothing came in time: {} of {count}", statuses.len());
    }
    statuses
}

/// Waits until the queue has something to do, and does nothing.
fn wait_until_readable(queue: &Queue<()>) {
    let mut watched = libc::pollfd { fd: queue.descriptor().as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: one structure, exclusively borrowed during the call.
    assert_eq!(unsafe { libc::poll(&raw mut watched, 1, 30_000) }, 1);
}

#[test]
fn answers_that_came_in_time_count_when_they_are_read_late() {
    let memcached = Memcached::start(&[]);
    let (store, queue) = (open(&memcached), Queue::new().unwrap());
    start_load(&queue, &store);
    assert_eq!(collect(&queue, 1), [Status::Ok]);
    start_load(&queue, &store);
    wait_until_readable(&queue);
    sleep(PATIENCE);
    // It finds a connection on which an answer is owed for longer than a server may take, if nobody looks.
    start_load(&queue, &store);
    assert_eq!(collect(&queue, 2), [Status::Ok; 2]);
    assert_eq!(store.stats().get(Counter::Connections), 1);
    assert_eq!(store.stats().get(Counter::Timeouts), 0);
}

#[test]
fn a_connection_that_is_seen_late_to_be_made_is_used() {
    let memcached = Memcached::start(&[]);
    let (store, queue) = (open(&memcached), Queue::new().unwrap());
    start_load(&queue, &store);
    sleep(PATIENCE);
    assert_eq!(collect(&queue, 1), [Status::Ok]);
    assert_eq!(store.stats().get(Counter::ConnectionsFailed), 0);
}

#[test]
fn starting_operations_without_end_keeps_none_from_going_on() {
    let memcached = Memcached::start(&[]);
    let (store, queue) = (open(&memcached), Queue::new().unwrap());
    let (mut count, until) = (0, Instant::now() + LONG);
    while memcached.stat("cmd_get") == 0 {
        assert!(Instant::now() < until, "{count} operations were started, and none was sent");
        (0..100).for_each(|_| start_load(&queue, &store));
        count += 100;
    }
    assert_eq!(collect(&queue, count), vec![Status::Ok; count]);
}
