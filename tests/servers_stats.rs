//! What a store on several servers counts, for each server and in all.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod support;

use std::time::{Duration, Instant};

use lovely_session::container::Container;
use lovely_session::error::Status;
use lovely_session::io::blocking::run;
use lovely_session::session::id;
use lovely_session::store::{Action, Blob, Counter, Key, LoadItem, Store, StoreOptions, WriteItem};
use lovely_session::txn::Transaction;
use lovely_session::value::Value;
use support::memcached::Memcached;
use support::servers::Servers;

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(30)
}

fn put(store: &Store, keys: &[Key]) {
    let blob = || Blob::new(b"12345".to_vec()).into();
    let items: Vec<WriteItem> =
        keys.iter().map(|key| WriteItem { key: key.clone(), action: Action::Put(blob()), ttl: None }).collect();
    run(store.write(&items, soon())).unwrap();
}

fn load(store: &Store, keys: &[Key]) {
    let items: Vec<LoadItem> = keys.iter().map(|key| LoadItem { key: key.clone(), renew: None }).collect();
    run(store.load(&items, soon())).unwrap();
}

/// The counts of each server.
fn each(store: &Store, counter: Counter) -> Vec<u64> {
    store.stats().servers().iter().map(|server| server.get(counter)).collect()
}

#[test]
fn each_server_counts_what_was_asked_of_it_and_all_together_their_sum() {
    let servers = Servers::start(3);
    let store = servers.open("");
    let keys: Vec<Key> = (0..90_u32).map(|number| id::key("", "c", number.to_string().as_bytes())).collect();
    put(&store, &keys[..60]);
    load(&store, &keys);
    run(store.versions(&keys[..10], soon())).unwrap();
    let share = |keys: &[Key]| -> Vec<u64> {
        (0..3).map(|place| keys.iter().filter(|key| store.place(key) == place).count() as u64).collect()
    };
    let (written, missing, asked) = (share(&keys[..60]), share(&keys[60..]), share(&keys[..10]));
    let requests: Vec<u64> = (0..3).map(|at| 2 * written[at] + missing[at] + asked[at]).collect();
    let bytes: Vec<u64> = written.iter().map(|count| 5 * count).collect();
    for (counter, expected) in [
        (Counter::Requests, requests),
        (Counter::Writes, written.clone()),
        (Counter::Hits, written),
        (Counter::Misses, missing),
        (Counter::BytesWritten, bytes.clone()),
        (Counter::BytesRead, bytes),
        (Counter::Connections, vec![1; 3]),
        (Counter::ConnectionsOpen, vec![1; 3]),
        (Counter::Timeouts, vec![0; 3]),
        (Counter::SetAside, vec![0; 3]),
    ] {
        assert_eq!(each(&store, counter), expected, "{counter:?}");
        assert_eq!(store.stats().get(counter), expected.iter().sum::<u64>(), "{counter:?}");
    }
    assert_eq!(
        store.stats().servers().iter().map(|server| server.name().to_owned()).collect::<Vec<_>>(),
        servers.names()
    );
}

#[test]
fn latencies_are_told_for_each_server_and_for_all() {
    let servers = Servers::start(2);
    let store = servers.open("");
    let keys: Vec<Key> = (0..20_u32).map(|number| id::key("", "c", number.to_string().as_bytes())).collect();
    let begun = Instant::now();
    for _ in 0..100 {
        load(&store, &keys);
    }
    let elapsed = u64::try_from(begun.elapsed().as_nanos()).unwrap();
    assert_eq!(each(&store, Counter::Exchanges), [100, 100]);
    let quantiles =
        [Counter::LatencyP50, Counter::LatencyP90, Counter::LatencyP99, Counter::LatencyP999, Counter::LatencyMax];
    for server in store.stats().servers() {
        let told = quantiles.map(|counter| server.get(counter));
        assert!(told.is_sorted() && told[0] > 0 && told[4] <= elapsed, "{told:?}");
    }
    let told = quantiles.map(|counter| store.stats().get(counter));
    assert!(told.is_sorted(), "{told:?}");
    assert_eq!(told[4], each(&store, Counter::LatencyMax).into_iter().max().unwrap());
    assert!(each(&store, Counter::LatencyP50).into_iter().any(|one| one <= told[0]));
}

#[test]
fn a_slow_answer_shows_in_the_longest_and_not_in_the_median() {
    let server = Memcached::start(&[]);
    let store = Store::open(Some(&format!("{}?exchange_timeout=30000", server.url())), &StoreOptions::new()).unwrap();
    let keys = [Key::new("c/k")];
    for _ in 0..20 {
        load(&store, &keys);
    }
    server.freeze();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(300));
            server.resume();
        });
        load(&store, &keys);
    });
    assert!(store.stats().get(Counter::LatencyMax) >= 250_000_000);
    assert!(store.stats().get(Counter::LatencyP50) < 250_000_000);
    assert_eq!(store.stats().get(Counter::Timeouts), 0);
}

#[test]
fn failures_are_counted_where_they_happened() {
    let mut servers = Servers::start(3);
    let store = servers.open("?exchange_timeout=300&connect_timeout=300&retry_pause=3600000");
    let keys: Vec<Key> = (0..60_u32).map(|number| id::key("", "c", number.to_string().as_bytes())).collect();
    load(&store, &keys);
    servers.each[0].kill();
    servers.each[1].freeze();
    for _ in 0..3 {
        load(&store, &keys);
    }
    assert_eq!(each(&store, Counter::SetAside), [1, 1, 0]);
    // Pauses may be over before the next load, so that they are tried again.
    let late = each(&store, Counter::Timeouts);
    assert!((1..=3).contains(&late[1]) && late[0] == 0 && late[2] == 0, "{late:?}");
    let failed = each(&store, Counter::ConnectionsFailed);
    assert!((1..=3).contains(&failed[0]) && failed[1] <= 2 && failed[2] == 0, "{failed:?}");
    assert_eq!(each(&store, Counter::ConnectionsOpen), [0, 0, 1]);
    assert_eq!(each(&store, Counter::Connections), [1, 1, 1]);
}

// A restart is no failure.
#[test]
fn a_restart_costs_a_connection_and_nothing_else() {
    let mut server = Memcached::start(&[]);
    let store = Store::open(Some(&server.url()), &StoreOptions::new()).unwrap();
    load(&store, &[Key::new("c/k")]);
    server.restart();
    load(&store, &[Key::new("c/k")]);
    let get = |counter| store.stats().get(counter);
    assert_eq!((get(Counter::Connections), get(Counter::ConnectionsOpen)), (2, 1));
    assert_eq!((get(Counter::ConnectionsFailed), get(Counter::SetAside), get(Counter::Timeouts)), (0, 0, 0));
}

#[test]
fn what_happens_to_a_session_is_counted_for_its_server() {
    let servers = Servers::start(2);
    let store = servers.open("");
    let c = Container::open(&store, "c").unwrap();
    let id =
        (0..1_000).map(|number: u32| number.to_string()).find(|id| store.place(&c.key(id.as_bytes())) == 1).unwrap();
    let begin = |key: &str| {
        let mut txn = Transaction::new();
        let session = run(txn.open(&c, id.as_bytes())).unwrap().unwrap();
        let pkg = txn.pkg(session, "p").unwrap();
        txn.set(pkg, key, Value::Int(1)).unwrap();
        txn
    };
    let (mut first, mut second, mut third) = (begin("x"), begin("y"), begin("z"));
    run(first.commit()).unwrap().unwrap();
    run(second.commit()).unwrap().unwrap();
    let mut destroy = Transaction::new();
    destroy.destroy(&c, id.as_bytes()).unwrap();
    run(destroy.commit()).unwrap().unwrap();
    assert_eq!(run(third.commit()).unwrap().unwrap_err().status(), Status::Gone);
    for counter in [Counter::Conflicts, Counter::Merges, Counter::Retries, Counter::Gone] {
        let counts = each(&store, counter);
        assert!(counts[0] == 0 && counts[1] > 0, "{counter:?}: {counts:?}");
    }
}

#[test]
fn the_dump_is_a_table_of_all_and_of_each_server() {
    let servers = Servers::start(2);
    let store = servers.open("");
    load(&store, &[Key::new("c/k")]);
    let dump = store.stats().dump();
    let lines: Vec<&str> = dump.lines().collect();
    assert_eq!(lines.len(), 1 + Counter::ALL.len());
    assert!(lines.iter().all(|line| line.len() == lines[0].len()), "{dump}");
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(words(lines[0])[1..], servers.names());
    for (line, counter) in lines[1..].iter().zip(Counter::ALL) {
        let [one, other] = each(&store, counter)[..] else { panic!("two servers") };
        let expected = [store.stats().get(counter), one, other].map(|count| count.to_string());
        assert_eq!(words(line)[0], counter.name());
        assert_eq!(words(line)[1..], expected);
    }
}
