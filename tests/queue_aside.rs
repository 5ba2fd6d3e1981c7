//! A server that is set aside, as operations on queues see it, and a child after a fork.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]
#![allow(unsafe_code, reason = "fork and waitpid")]

mod support;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use lovely_session::error::{Result, Status};
use lovely_session::io::blocking::run;
use lovely_session::io::queue::{Operation, Queue};
use lovely_session::store::{Counter, Key, LoadItem, Store, StoreOption, StoreOptions};
use support::memcached::Memcached;

const LONG: Duration = Duration::from_secs(30);
const CLIENTS: usize = 64;
/// In milliseconds. A pause is about as long as what was lost: time enough to see that nobody waits meanwhile.
const PATIENCE: i64 = 4_000;

/// A store whose exchanges end after `patience` milliseconds, and whose pauses after `pause` at most.
fn open(memcached: &Memcached, patience: i64, pause: i64) -> Store {
    let mut options = StoreOptions::new();
    for (option, value) in [
        (StoreOption::ExchangeTimeout, patience),
        (StoreOption::ConnectTimeout, 20_000),
        (StoreOption::RetryPause, pause),
    ] {
        options.set(option, value).unwrap();
    }
    Store::open(Some(&memcached.url()), &options).unwrap()
}

async fn load(store: &Store) -> Result<()> {
    let items = [LoadItem { key: Key::new("c/k"), renew: None }];
    store.load(&items, Instant::now() + LONG).await.remove(0).map(drop)
}

fn status(result: Result<()>) -> Status {
    result.map_or_else(
        |error| {
            // Shown if the test fails.
            println!("{error}");
            error.status()
        },
        |()| Status::Ok,
    )
}

fn load_by_a_call(store: &Store) -> Status {
    status(run(load(store)).unwrap())
}

fn start(queue: &Queue<()>, operation: Operation<()>) {
    queue.start(queue.number(), 0, operation).unwrap();
}

fn start_load(queue: &Queue<()>, store: &Store) {
    let store = store.clone();
    start(queue, Box::pin(async move { load(&store).await }));
}

/// What operations have come to that `wait` hands out without waiting for more than `timeout`.
fn finished(queue: &Queue<()>, timeout: Duration) -> Vec<Status> {
    let mut statuses = Vec::new();
    queue.wait(2 * CLIENTS, Some(timeout), |finished| statuses.push(status(finished.result))).unwrap();
    statuses
}

/// What [`CLIENTS`] loads come to.
fn load_on(queue: &Queue<()>, store: &Store) -> Vec<Status> {
    (0..CLIENTS).for_each(|_| start_load(queue, store));
    let mut statuses = Vec::new();
    while statuses.len() < CLIENTS {
        let some = finished(queue, LONG);
        assert!(!some.is_empty(), "it hangs: {statuses:?}");
        statuses.extend(some);
    }
    statuses
}

/// Has all who use the store find out that its server is not there.
fn find_out(memcached: &Memcached, queue: &Queue<()>, store: &Store) {
    assert_eq!(load_on(queue, store), [Status::Ok; CLIENTS]);
    memcached.freeze();
    assert_lost(&load_on(queue, store));
}

/// The first whose time is over gives up the connection, and the others hear at once that the server is set aside.
fn assert_lost(statuses: &[Status]) {
    assert!(statuses.contains(&Status::Timeout), "{statuses:?}");
    assert!(statuses.iter().all(|status| [Status::Timeout, Status::Unavailable].contains(status)), "{statuses:?}");
}

/// Finished when they are started: nobody waits for anything.
fn assert_told_at_once(queue: &Queue<()>, store: &Store) {
    (0..CLIENTS).for_each(|_| start_load(queue, store));
    assert_eq!(finished(queue, Duration::ZERO), [Status::Unavailable; CLIENTS]);
}

fn set_aside(store: &Store) -> u64 {
    store.stats().get(Counter::SetAside)
}

#[test]
fn operations_are_told_at_once_of_a_server_that_is_set_aside() {
    let memcached = Memcached::start(&[]);
    let (store, queue, other) = (open(&memcached, PATIENCE, 60_000), Queue::new().unwrap(), Queue::new().unwrap());
    find_out(&memcached, &queue, &store);
    assert_eq!(set_aside(&store), 1, "one outage");
    for queue in [&queue, &other, &queue] {
        assert_told_at_once(queue, &store);
    }
    assert_eq!(load_by_a_call(&store), Status::Unavailable);
    memcached.resume();
    // Whoever asks for the server itself tries it now, and lets all others in.
    let pinged = store.clone();
    start(&other, Box::pin(async move { pinged.ping(Instant::now() + LONG).await }));
    assert_eq!(finished(&other, LONG), [Status::Ok]);
    for queue in [&queue, &other] {
        assert_eq!(load_on(queue, &store), [Status::Ok; CLIENTS]);
    }
    assert_eq!(load_by_a_call(&store), Status::Ok);
    assert_eq!(set_aside(&store), 1);
}

#[test]
fn operations_find_a_server_that_is_back_after_the_pause() {
    let memcached = Memcached::start(&[]);
    let (store, queue) = (open(&memcached, 300, 50), Queue::new().unwrap());
    // On a busy machine that may be set aside which is there, too.
    load_until_it_is_found(&queue, &store);
    memcached.freeze();
    assert_lost(&load_on(&queue, &store));
    memcached.resume();
    load_until_it_is_found(&queue, &store);
}

fn load_until_it_is_found(queue: &Queue<()>, store: &Store) {
    let until = Instant::now() + LONG;
    while load_on(queue, store) != [Status::Ok; CLIENTS] {
        assert!(Instant::now() < until, "it is never tried again");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Runs `work` in a child; whether it went well.
fn in_a_child(work: impl FnOnce()) -> bool {
    // SAFETY: the child leaves by `_exit` below.
    let child = unsafe { libc::fork() };
    assert!(child >= 0);
    if child == 0 {
        // SAFETY: without arguments that could be wrong.
        unsafe { libc::alarm(60) };
        let ended = catch_unwind(AssertUnwindSafe(work));
        // SAFETY: nothing of the parent's is cleaned up here.
        unsafe { libc::_exit(i32::from(ended.is_err())) };
    }
    let mut ended = 0;
    // SAFETY: one number, exclusively borrowed during the call.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut ended, 0) }, child);
    libc::WIFEXITED(ended) && libc::WEXITSTATUS(ended) == 0
}

#[test]
fn a_child_tries_a_server_by_itself_that_its_parent_has_set_aside() {
    let memcached = Memcached::start(&[]);
    let (store, queue) = (open(&memcached, PATIENCE, 60_000), Queue::new().unwrap());
    find_out(&memcached, &queue, &store);
    memcached.resume();
    assert_told_at_once(&queue, &store);
    assert!(in_a_child(|| assert_eq!(load_by_a_call(&store), Status::Ok)));
    assert_told_at_once(&queue, &store);
    // On a queue of its own as well; and it is told at once of what it finds out itself.
    assert!(in_a_child(|| {
        assert!(queue.check().is_err());
        let queue = Queue::new().unwrap();
        start_load(&queue, &store);
        assert_eq!(finished(&queue, LONG), [Status::Ok]);
        find_out(&memcached, &queue, &store);
        assert_told_at_once(&queue, &store);
        assert_eq!(load_by_a_call(&store), Status::Unavailable);
    }));
    memcached.resume();
}
