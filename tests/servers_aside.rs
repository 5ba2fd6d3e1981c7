//! A server that fails is set aside: one caller finds out after each pause, and all others are told at once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod support;

use std::sync::Barrier;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use lovely_session::error::{Error, Result, Status};
use lovely_session::io::blocking::run;
use lovely_session::session::id;
use lovely_session::store::{Key, LoadItem, Loaded, Store, StoreOption, StoreOptions};
use support::fake::{Fake, Reaction};
use support::memcached::Memcached;
use support::servers::Servers;

const PATIENCE: Duration = Duration::from_millis(400);

/// A store whose exchanges end after [`PATIENCE`], whose tries to connect after four times that, and whose pauses after
/// `pause` milliseconds.
fn open(url: &str, pause: i64) -> Store {
    let mut options = StoreOptions::new();
    let patience = i64::try_from(PATIENCE.as_millis()).unwrap();
    options.set(StoreOption::ExchangeTimeout, patience).unwrap();
    options.set(StoreOption::ConnectTimeout, 4 * patience).unwrap();
    options.set(StoreOption::RetryPause, pause).unwrap();
    Store::open(Some(url), &options).unwrap()
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(30)
}

fn load_until(store: &Store, key: &Key, deadline: Instant) -> Result<Loaded> {
    run(store.load(&[LoadItem { key: key.clone(), renew: None }], deadline)).unwrap().remove(0)
}

fn load(store: &Store) -> Result<Loaded> {
    load_until(store, &Key::new("c/k"), soon())
}

/// What `count` threads that load at the same time are told.
fn load_at_once(store: &Store, count: usize) -> Vec<Status> {
    let barrier = Barrier::new(count);
    thread::scope(|scope| {
        let load = || {
            barrier.wait();
            load(store).map_or_else(|error| error.status(), |_| Status::Ok)
        };
        let threads: Vec<_> = (0..count).map(|_| scope.spawn(load)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

fn count(statuses: &[Status], status: Status) -> usize {
    statuses.iter().filter(|&&other| other == status).count()
}

#[test]
fn a_server_that_does_not_even_refuse_costs_one_wait_for_each_pause() {
    let fake = Fake::greeting(|_| Reaction::Silence, |_| Box::new(|_, _| Reaction::Silence));
    let store = open(&fake.url(), 3_600_000);
    assert_eq!(load(&store).unwrap_err().status(), Status::Timeout);
    for _ in 0..100 {
        assert_eq!(load(&store).unwrap_err().status(), Status::Unavailable);
    }
    assert_eq!(fake.connections.load(Ordering::SeqCst), 1);
}

#[test]
fn a_server_that_tells_what_it_is_and_nothing_else_costs_one_wait_too() {
    let fake = Fake::start(|_| Box::new(|_, _| Reaction::Silence));
    let store = open(&fake.url(), 3_600_000);
    assert_eq!(load(&store).unwrap_err().status(), Status::Timeout);
    assert_eq!(load(&store).unwrap_err().status(), Status::Unavailable);
    assert_eq!(fake.connections.load(Ordering::SeqCst), 1);
}

#[test]
fn a_server_that_cannot_be_reached_is_tried_again_with_growing_pauses() {
    let fake = Fake::greeting(|_| Reaction::Close(Vec::new()), |_| Box::new(|_, _| Reaction::Silence));
    let store = open(&fake.url(), 3_600_000);
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(1) {
        assert_eq!(load(&store).unwrap_err().status(), Status::Unavailable);
        thread::sleep(Duration::from_millis(1));
    }
    // Pauses of 75, 150, 300 and 600 ms are the shortest there can be, also where this machine stands still meanwhile.
    let tries = fake.connections.load(Ordering::SeqCst);
    assert!((2..=5).contains(&tries), "{tries} tries");
}

#[test]
fn a_server_that_stops_costs_those_who_were_waiting_and_nobody_after_them() {
    let server = Memcached::start(&[]);
    let store = open(&server.url(), 3_600_000);
    assert_eq!(load_at_once(&store, 8), [Status::Ok; 8]);
    server.freeze();
    let statuses = load_at_once(&store, 8);
    assert!(count(&statuses, Status::Timeout) >= 1 && count(&statuses, Status::Ok) == 0, "{statuses:?}");
    // The pause may be over by now: then one of them tries.
    let statuses = load_at_once(&store, 64);
    assert!(count(&statuses, Status::Unavailable) >= 63, "{statuses:?}");
    let is_refusal = |error: &Error| error.status() == Status::Unavailable;
    let error = (0..10).map(|_| load(&store).unwrap_err()).find(is_refusal).unwrap();
    assert_eq!(error.errno(), libc::ETIMEDOUT);
    let text = error.to_string();
    let name = server.url().replace("memcached://", "");
    assert!(text.starts_with(&format!("memcached server {name} did not ")), "{text}");
    assert!(text.contains(" in time (set aside for "), "{text}");
    assert!(text.contains(", tried again in "), "{text}");
    assert!(text.len() < 200, "it has to fit into what a caller has for it: {text}");
}

#[test]
fn after_the_pause_one_caller_tries_and_the_others_are_told_at_once() {
    let server = Memcached::start(&[]);
    let store = open(&server.url(), 1);
    load(&store).unwrap();
    server.freeze();
    assert_eq!(load(&store).unwrap_err().status(), Status::Timeout);
    thread::sleep(Duration::from_millis(5));
    let statuses = load_at_once(&store, 16);
    assert_eq!((count(&statuses, Status::Timeout), count(&statuses, Status::Unavailable)), (1, 15), "{statuses:?}");
    server.resume();
    thread::sleep(Duration::from_millis(5));
    load(&store).unwrap();
    assert_eq!(load_at_once(&store, 16), [Status::Ok; 16]);
}

#[test]
fn who_gives_up_half_way_leaves_the_try_to_the_next() {
    let server = Memcached::start(&[]);
    let store = open(&server.url(), 1);
    load(&store).unwrap();
    server.freeze();
    assert_eq!(load(&store).unwrap_err().status(), Status::Timeout);
    thread::sleep(Duration::from_millis(5));
    // The future that tries is dropped while it waits.
    let items = [LoadItem { key: Key::new("c/k"), renew: None }];
    let at = Instant::now() + Duration::from_millis(20);
    assert!(run(lovely_session::io::with_deadline(at, store.load(&items, soon()))).unwrap().is_err());
    server.resume();
    load(&store).unwrap();
}

#[test]
fn a_caller_in_a_hurry_does_not_lengthen_the_pauses_of_others() {
    let server = Memcached::start(&[]);
    let store = open(&server.url(), 3_600_000);
    load(&store).unwrap();
    server.freeze();
    for _ in 0..5 {
        let begun = Instant::now();
        let error = load_until(&store, &Key::new("c/k"), Instant::now() + Duration::from_millis(10)).unwrap_err();
        assert_eq!(error.status(), Status::Timeout);
        // As long as was lost, and a quarter more by chance.
        thread::sleep(begun.elapsed() * 2);
    }
    server.resume();
    load(&store).unwrap();
}

// Contract 6.4 aside: a restart is not an outage.
#[test]
fn a_server_that_was_restarted_is_used_at_once() {
    for pause in [0, 150] {
        let mut server = Memcached::start(&[]);
        let store = open(&server.url(), 3_600_000);
        load(&store).unwrap();
        server.restart();
        thread::sleep(Duration::from_millis(pause));
        load(&store).unwrap();
    }
}

#[test]
fn pinging_asks_a_server_that_is_set_aside_and_brings_it_back() {
    let mut server = Memcached::start(&[]);
    let store = open(&server.url(), 3_600_000);
    server.kill();
    let refused = |error: Error| (error.status(), error.errno()) == (Status::Unavailable, libc::ECONNREFUSED);
    assert!(refused(load(&store).unwrap_err()));
    for _ in 0..8 {
        assert!(refused(run(store.ping(soon())).unwrap().unwrap_err()));
    }
    server.restart();
    // Eight setbacks are a pause of many seconds.
    let error = load(&store).unwrap_err();
    assert!(error.to_string().contains("tried again in "), "{error}");
    assert!(refused(error));
    run(store.ping(soon())).unwrap().unwrap();
    load(&store).unwrap();
}

#[test]
fn the_sessions_of_the_other_servers_do_not_wait_for_the_one_that_stopped() {
    let servers = Servers::start(3);
    let store = open(&servers.url(""), 3_600_000);
    let keys: Vec<Key> = (0..60_u32).map(|number| id::key("", "c", number.to_string().as_bytes())).collect();
    let items: Vec<LoadItem> = keys.iter().map(|key| LoadItem { key: key.clone(), renew: None }).collect();
    let statuses = || -> Vec<Status> {
        let loaded = run(store.load(&items, soon())).unwrap();
        loaded.into_iter().map(|loaded| loaded.map_or_else(|error| error.status(), |_| Status::Ok)).collect()
    };
    assert_eq!(statuses(), [Status::Ok; 60]);
    servers.each[1].freeze();
    // The first batch finds out, and gives what the others have; the next is told at once.
    let first = statuses();
    let lost = count(&first, Status::Timeout);
    assert!(lost > 5 && count(&first, Status::Ok) == 60 - lost, "{first:?}");
    let mut tries = 0;
    for _ in 0..100 {
        let next = statuses();
        assert_eq!((next.len() - count(&next, Status::Ok), count(&next, Status::Ok)), (lost, 60 - lost));
        tries += usize::from(count(&next, Status::Timeout) > 0);
    }
    assert!(tries < 5, "it was waited for {tries} times: pauses double");
}
