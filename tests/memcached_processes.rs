//! Many processes on one server: nothing is lost between writers, a fork shares nothing, no signal reaches the host.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]
#![allow(unsafe_code, reason = "fork, signals and waitpid")]

mod support;

use std::env;
use std::os::unix::process::ExitStatusExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use lovely_session::container::Container;
use lovely_session::error::Status;
use lovely_session::io::blocking::run;
use lovely_session::store::{
    Action, Blob, Key, LoadItem, Loaded, Store, StoreOption, StoreOptions, WriteItem, Written,
};
use lovely_session::txn::{PkgRef, SessionRef, Transaction};
use lovely_session::value::Value;
use support::memcached::Memcached;

const ROLE: &str = "MEMCACHED_PROCESSES_ROLE";
const URL: &str = "MEMCACHED_PROCESSES_URL";

fn open(url: &str) -> Store {
    let mut options = StoreOptions::new();
    // Enough for a machine on which everything runs at once.
    options.set(StoreOption::CommitTimeout, 60_000).unwrap();
    options.set(StoreOption::ExchangeTimeout, 20_000).unwrap();
    Store::open(Some(url), &options).unwrap()
}

fn begin(container: &Container, id: &str) -> (Transaction, SessionRef, PkgRef) {
    let mut txn = Transaction::new();
    let session = run(txn.open(container, id.as_bytes())).unwrap().unwrap();
    let pkg = txn.pkg(session, "p").unwrap();
    (txn, session, pkg)
}

/// This test program again, to run `test` as `role` on `url`.
fn again(test: &str, role: &str, url: &str) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).env(ROLE, role).env(URL, url);
    command
}

fn assert_ended_well(mut child: Child) {
    let status = child.wait().unwrap();
    assert!(status.success(), "{status:?}");
}

const WRITERS: u32 = 8;
const TRANSACTIONS: u32 = 500;

// Contract 5.2, 5.4.
#[test]
fn eight_processes_change_one_session_and_nothing_is_lost() {
    const TEST: &str = "eight_processes_change_one_session_and_nothing_is_lost";
    match env::var(ROLE).as_deref() {
        Err(_) => {
            let server = Memcached::start(&[]);
            let url = server.url();
            let mut reader = again(TEST, "reader", &url).stdin(Stdio::piped()).spawn().unwrap();
            let writers: Vec<Child> =
                (0..WRITERS).map(|number| again(TEST, &number.to_string(), &url).spawn().unwrap()).collect();
            writers.into_iter().for_each(assert_ended_well);
            // Its input ends: that is the sign to stop.
            drop(reader.stdin.take());
            assert_ended_well(reader);
            let container = Container::open(&open(&url), "c").unwrap();
            let (mut txn, session, pkg) = begin(&container, "shared");
            let Value::Map(map) = txn.content(pkg).unwrap() else { unreachable!() };
            let find =
                |key: &str| map.entries().iter().find(|(name, _)| **name == *key).map(|(_, value)| value.clone());
            assert_eq!(find("count"), Some(Value::Int(i64::from(WRITERS * TRANSACTIONS))));
            for writer in 0..WRITERS {
                for number in 0..TRANSACTIONS {
                    assert_eq!(find(&format!("{writer}-{number}")), Some(Value::Int(i64::from(number))));
                }
            }
            assert_eq!(map.entries().len(), (WRITERS * TRANSACTIONS + 1) as usize);
            assert!(!txn.is_new(session).unwrap());
        }
        Ok("reader") => {
            let container = Container::open(&open(&env::var(URL).unwrap()), "c").unwrap();
            let is_over = AtomicBool::new(false);
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    let _ = std::io::read_to_string(std::io::stdin());
                    is_over.store(true, Ordering::SeqCst);
                });
                let mut last = 0;
                while !is_over.load(Ordering::SeqCst) {
                    let (mut txn, _, pkg) = begin(&container, "shared");
                    let count = match txn.content(pkg).unwrap() {
                        Value::Map(map) => {
                            map.entries().iter().find(|(key, _)| **key == *"count").map(|(_, v)| v.clone())
                        }
                        _ => None,
                    };
                    let count = if let Some(Value::Int(count)) = count { count } else { 0 };
                    assert!(count >= last, "the counter never goes back");
                    last = count;
                    run(txn.commit()).unwrap().unwrap();
                }
            });
        }
        Ok(number) => {
            let container = Container::open(&open(&env::var(URL).unwrap()), "c").unwrap();
            for i in 0..TRANSACTIONS {
                let (mut txn, _, pkg) = begin(&container, "shared");
                txn.add(pkg, "count", 1).unwrap();
                txn.set(pkg, &format!("{number}-{i}"), Value::Int(i64::from(i))).unwrap();
                run(txn.commit()).unwrap().unwrap();
            }
        }
    }
}

// No signal reaches the host.
#[test]
fn a_host_with_default_signals_survives_the_death_of_its_server() {
    const TEST: &str = "a_host_with_default_signals_survives_the_death_of_its_server";
    if env::var(ROLE).is_err() {
        for url in ["tcp", "unix"] {
            let status = again(TEST, "host", url).status().unwrap();
            assert!(status.success() && status.signal().is_none(), "{status:?}");
        }
        return;
    }
    // Rust ignores SIGPIPE; a C program does not.
    // SAFETY: a plain number for a disposition.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    for pause in [0, 150] {
        let mut server =
            if env::var(URL).unwrap() == "tcp" { Memcached::start(&[]) } else { Memcached::start_unix(&[]) };
        let container = Container::open(&open(&server.url()), "c").unwrap();
        // Several connections that die at once.
        let mut works: Vec<_> = (0..4).map(|i| begin(&container, &format!("s{i}"))).collect();
        for (txn, _, pkg) in &mut works {
            txn.set(*pkg, "x", Value::Bytes(vec![1; 500_000].into())).unwrap();
        }
        server.kill();
        std::thread::sleep(Duration::from_millis(pause));
        let store = container.store().clone();
        for (txn, ..) in &mut works {
            txn.set_option(lovely_session::txn::TxnOption::CommitTimeout, 300).unwrap();
            let error = run(txn.commit()).unwrap().unwrap_err();
            assert!(matches!(error.status(), Status::Unavailable | Status::Unknown), "{error}");
        }
        assert!(run(store.ping(Instant::now() + Duration::from_secs(1))).unwrap().is_err());
    }
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(10)
}

/// Runs `work` in a child that leaves without anything of the test harness running in it.
fn fork(work: impl FnOnce()) -> libc::pid_t {
    // SAFETY: the child runs `work` and leaves by `_exit`.
    let child = unsafe { libc::fork() };
    assert!(child >= 0);
    if child == 0 {
        // SAFETY: without arguments that could be wrong.
        unsafe { libc::alarm(30) };
        let ended = catch_unwind(AssertUnwindSafe(work)).is_ok();
        // SAFETY: leaves at once, whatever state the process is in.
        unsafe { libc::_exit(i32::from(!ended)) };
    }
    child
}

fn wait_for(child: libc::pid_t) {
    let mut status = 0;
    // SAFETY: waits for a child of our own, into a local.
    while unsafe { libc::waitpid(child, &raw mut status, 0) } < 0 {}
    assert_eq!(status, 0);
}

fn put_and_load(store: &Store, who: &str, rounds: u32) {
    for round in 0..rounds {
        let text = format!("{who} {round}");
        let key = Key::new(&format!("c/{who}-{}", round % 10));
        let item =
            WriteItem { key: key.clone(), action: Action::Put(Blob::new(text.clone().into_bytes()).into()), ttl: None };
        let written = run(store.write(&[item], soon())).unwrap().remove(0);
        assert!(matches!(written, Written::Done(_)), "{written:?}");
        match run(store.load(&[LoadItem { key, renew: None }], soon())).unwrap().remove(0).unwrap() {
            Loaded::Found { blob, .. } => assert_eq!(*blob, *text.as_bytes(), "an answer crossed over"),
            Loaded::Absent => panic!("absent"),
        }
    }
}

// Forked children go on with connections of their own, while the parent's threads are at work.
#[test]
fn forked_children_share_no_connection_with_their_parent() {
    for server in [Memcached::start(&[]), Memcached::start_unix(&[])] {
        let store = open(&server.url());
        put_and_load(&store, "before", 5);
        let is_over = AtomicBool::new(false);
        let rounds = AtomicU32::new(0);
        std::thread::scope(|scope| {
            // At the fork these hold connections, and the lock of the pool now and then.
            for i in 0..2 {
                let (store, is_over, rounds) = (&store, &is_over, &rounds);
                scope.spawn(move || {
                    while !is_over.load(Ordering::SeqCst) {
                        put_and_load(store, &format!("thread-{i}"), 10);
                        rounds.fetch_add(1, Ordering::SeqCst);
                    }
                });
            }
            for round in 0..3 {
                let children: Vec<_> = (0..4)
                    .map(|i| {
                        fork(|| {
                            put_and_load(&store, &format!("child-{round}-{i}"), 100);
                            wait_for(fork(|| put_and_load(&store, &format!("grandchild-{round}-{i}"), 50)));
                            put_and_load(&store, &format!("child-{round}-{i}"), 10);
                        })
                    })
                    .collect();
                put_and_load(&store, "parent", 100);
                children.into_iter().for_each(wait_for);
            }
            is_over.store(true, Ordering::SeqCst);
        });
        assert!(rounds.load(Ordering::SeqCst) > 0);
        put_and_load(&store, "after", 5);
    }
}

// Every descriptor is close-on-exec.
#[test]
fn no_socket_is_left_to_a_program_that_is_executed() {
    let server = Memcached::start(&[]);
    let store = open(&server.url());
    put_and_load(&store, "x", 1);
    let output = Command::new("ls").args(["-l", "/proc/self/fd"]).output().unwrap();
    let inherited = String::from_utf8_lossy(&output.stdout).matches("socket:").count();
    let own = std::fs::read_dir("/proc/self/fd")
        .unwrap()
        .filter(|entry| {
            let path = entry.as_ref().unwrap().path();
            std::fs::read_link(path).is_ok_and(|to| to.to_string_lossy().starts_with("socket:"))
        })
        .count();
    assert!(own >= 1 && inherited < own, "{inherited} of {own}");
}

// Signals are retried within the remaining time, and end no wait early.
#[test]
fn signals_neither_end_nor_prolong_a_wait() {
    extern "C" fn ignore(_: libc::c_int) {}
    // SAFETY: a handler that does nothing, without SA_RESTART, so that every call is interrupted.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = ignore as extern "C" fn(libc::c_int) as usize;
        assert_eq!(libc::sigaction(libc::SIGUSR1, &raw const action, std::ptr::null_mut()), 0);
    }
    let server = Memcached::start(&[]);
    let mut options = StoreOptions::new();
    options.set(StoreOption::ExchangeTimeout, 500).unwrap();
    options.set(StoreOption::ConnectTimeout, 500).unwrap();
    let store = Store::open(Some(&server.url()), &options).unwrap();
    put_and_load(&store, "x", 1);
    // SAFETY: this thread's own handle.
    let thread = unsafe { libc::pthread_self() };
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::SeqCst) {
                // SAFETY: the thread waits for this scope to end.
                unsafe { libc::pthread_kill(thread, libc::SIGUSR1) };
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        put_and_load(&store, "under-signals", 200);
        server.freeze();
        let begun = Instant::now();
        let item = LoadItem { key: Key::new("c/x"), renew: None };
        let loaded = run(store.load(&[item], soon())).unwrap().remove(0);
        assert_eq!(loaded.unwrap_err().status(), Status::Timeout);
        assert!(begun.elapsed() >= Duration::from_millis(500) && begun.elapsed() < Duration::from_secs(1));
        is_over.store(true, Ordering::SeqCst);
    });
    server.resume();
}
