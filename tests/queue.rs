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

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use lovely_session::container::Container;
use lovely_session::error::{Error, Result};
use lovely_session::io::blocking;
use lovely_session::io::queue::{Operation, Queue};
use lovely_session::store::{Store, StoreOptions};
use lovely_session::txn::Transaction;
use support::memcached::Memcached;
use support::relay::Relay;

const LONG: Option<Duration> = Some(Duration::from_secs(20));

fn container(url: &str) -> Container {
    let store = Store::open(Some(url), &StoreOptions::new()).unwrap();
    Container::open(&store, "visitors").unwrap()
}

/// The same on a server that has time enough, also on a busy machine.
fn patient(memcached: &Memcached) -> Container {
    container(&format!("{}?connect_timeout=60000&exchange_timeout=60000&commit_timeout=60000", memcached.url()))
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
        let container = memcached.as_ref().map_or_else(|| container("memory://queue"), patient);
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

/// A number of `/proc/self/status`, in KiB.
fn status(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim_start_matches(':').split_whitespace().next().unwrap().parse().unwrap()
}

#[test]
fn ten_thousand_operations_before_the_first_wait_cost_one_connection_and_little_memory() {
    const OPERATIONS: u64 = 10_000;
    let memcached = Memcached::start(&[]);
    let container = patient(&memcached);
    let connections = memcached.stat("total_connections");
    let queue = Queue::new().unwrap();
    for client in 0..OPERATIONS {
        start(&queue, client, visit(&container, &format!("client {client}")));
    }
    let mut clients: Vec<u64> = collect(&queue, 10_000)
        .into_iter()
        .map(|(client, visits)| {
            assert_eq!(visits.unwrap(), 1);
            client
        })
        .collect();
    clients.sort_unstable();
    assert!(clients.into_iter().eq(0..OPERATIONS));
    // Ours, the one that asks, and perhaps the one that found the server up: its threads count when they get to it.
    let made = memcached.stat("total_connections") - connections;
    assert!((2..=3).contains(&made), "{made} connections");
    let peak = status("VmHWM");
    println!("{peak} KiB at most");
    assert!(peak < 200 << 10, "{peak} KiB");
}

/// What became of the visits of one client.
#[derive(Default)]
struct Tally {
    stored: AtomicU64,
    unknown: AtomicU64,
    failed: AtomicU64,
}

impl Tally {
    fn count(&self, result: &Result<i64>) {
        let count = match result {
            Ok(_) => &self.stored,
            Err(Error::Unknown(_)) => &self.unknown,
            Err(Error::Unavailable { .. } | Error::Timeout(_) | Error::Conflict(_)) => &self.failed,
            Err(error) => panic!("{error:?}"),
        };
        count.fetch_add(1, Ordering::Relaxed);
    }
}

// Contract 5.2, 5.4, 6.2: whatever breaks, what was said to be stored is, once, and nothing else.
#[test]
fn queues_and_blocking_calls_lose_nothing_while_connections_break() {
    let memcached = Memcached::start(&[]);
    let relay = Relay::to(&memcached.url());
    let broken = container(&format!("memcached://127.0.0.1:{}?retry_pause=50", relay.port()));
    let (tally, is_over) = (Tally::default(), AtomicBool::new(false));
    let seconds = std::env::var("SECONDS_OF_FAULTS").ok().and_then(|seconds| seconds.parse().ok()).unwrap_or(3);
    let ids: Vec<String> = (0..5).map(|at| format!("client {at}")).collect();
    thread::scope(|scope| {
        for at in 0..8 {
            let (broken, tally, is_over, ids) = (&broken, &tally, &is_over, &ids);
            scope.spawn(move || {
                let queue = Queue::new().unwrap();
                let mut round = at;
                while !is_over.load(Ordering::Relaxed) {
                    round += 1;
                    if at % 2 == 0 {
                        for client in 0..16 {
                            start(&queue, 0, visit(broken, &ids[(client + round) % 5]));
                        }
                        for (_, result) in collect(&queue, 16) {
                            tally.count(&result);
                        }
                    } else {
                        tally.count(&blocking::run(visit(broken, &ids[round % 5])).unwrap());
                    }
                }
            });
        }
        let until = Instant::now() + Duration::from_secs(seconds);
        while Instant::now() < until {
            thread::sleep(Duration::from_millis(100));
            relay.cut();
            relay.mend();
        }
        is_over.store(true, Ordering::Relaxed);
    });
    let whole = container(&memcached.url());
    // One more, which tells how many there were before.
    let visits = |id: &String| u64::try_from(blocking::run(visit(&whole, id)).unwrap().unwrap() - 1).unwrap();
    let found: u64 = ids.iter().map(visits).sum();
    let [stored, unknown, failed] = [&tally.stored, &tally.unknown, &tally.failed].map(|n| n.load(Ordering::Relaxed));
    println!("{stored} stored, {unknown} unknown, {failed} failed, {found} found");
    assert!(stored > 0 && failed + unknown > 0, "nothing was tried");
    assert!((stored..=stored + unknown).contains(&found), "{stored} stored, {unknown} unknown, {found} found");
}
