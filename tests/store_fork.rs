//! A fork: what a child may do with stores, and that no lock of a vanished thread stops it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]
#![allow(unsafe_code, reason = "fork, alarm and waitpid")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use std::{ptr, thread};

use lovely_session::error::Error;
use lovely_session::io::{blocking, sys};
use lovely_session::log;
use lovely_session::store::{
    Action, Blob, Fault, FaultKind, FaultOps, Key, LoadItem, Store, StoreOptions, WriteItem, Written,
};

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(5)
}

fn open(name: &str) -> Store {
    Store::open(Some(&format!("memory://store_fork-{name}")), &StoreOptions::new()).unwrap()
}

fn put(store: &Store, name: &str) -> Written {
    let item = WriteItem { key: Key::new(name), action: Action::Put(Blob::new(vec![1]).into()), ttl: None };
    blocking::run(store.write(&[item], soon())).unwrap().remove(0)
}

/// Runs `work` in a child; whether it ended well there, and within 20 seconds.
fn in_child(work: impl FnOnce()) -> bool {
    // SAFETY: the child runs `work` and leaves by `_exit`, so nothing of the test harness runs in it.
    let child = unsafe { libc::fork() };
    assert!(child >= 0);
    if child == 0 {
        // SAFETY: without arguments that could be wrong.
        unsafe { libc::alarm(20) };
        let ended = catch_unwind(AssertUnwindSafe(work)).is_ok();
        // SAFETY: leaves at once, whatever state the process is in.
        unsafe { libc::_exit(i32::from(!ended)) };
    }
    let mut status = 0;
    // SAFETY: waits for the child just made, into a local.
    while unsafe { libc::waitpid(child, ptr::from_mut(&mut status), 0) } < 0 {}
    status == 0
}

fn is_refused(error: &Error) -> bool {
    matches!(error, Error::Unsupported(text) if text.contains("fork"))
}

// What a fork must not break.
#[test]
fn a_store_from_before_a_fork_is_refused_in_the_child() {
    let store = open("refused");
    assert!(matches!(put(&store, "a/1"), Written::Done(_)));
    store.register("store_fork refused").unwrap();
    let generation = sys::fork_generation();
    assert!(in_child(|| {
        assert_ne!(sys::fork_generation(), generation);
        let key = Key::new("a/1");
        assert!(matches!(put(&store, "a/1"), Written::Failed(error) if is_refused(&error)));
        let load = [LoadItem { key: key.clone(), renew: None }];
        assert!(is_refused(blocking::run(store.load(&load, soon())).unwrap()[0].as_ref().unwrap_err()));
        assert!(is_refused(
            blocking::run(store.versions(std::slice::from_ref(&key), soon())).unwrap()[0].as_ref().unwrap_err()
        ));
        assert!(is_refused(&blocking::run(store.ping(soon())).unwrap().unwrap_err()));
        assert!(is_refused(&blocking::run(store.flush(soon())).unwrap().unwrap_err()));
        assert!(is_refused(&blocking::run(store.drop_record(&key, soon())).unwrap().unwrap_err()));
        assert!(is_refused(&blocking::run(store.make_idle(&key, Duration::ZERO, soon())).unwrap().unwrap_err()));
        let fault = Fault { kind: FaultKind::Timeout, ops: FaultOps::ALL, skip: 0, count: 0 };
        assert!(is_refused(&store.script_fault(fault).unwrap_err()));
        assert!(is_refused(&store.clear_faults().unwrap_err()));
    }));
    assert_eq!(sys::fork_generation(), generation, "the parent is what it was");
    assert!(matches!(put(&store, "a/1"), Written::Done(_)));
}

#[test]
fn a_child_opens_stores_of_its_own_under_the_same_names() {
    let store = open("again");
    put(&store, "a/1");
    store.register("store_fork again").unwrap();
    assert!(in_child(|| {
        assert_eq!(Store::find("store_fork again").as_ref(), Some(&store));
        let own = open("again");
        assert_ne!(own, store);
        assert_eq!(own, open("again"));
        let versions = blocking::run(own.versions(&[Key::new("a/1")], soon())).unwrap();
        assert!(matches!(versions[..], [Ok(None)]), "empty");
        assert!(matches!(put(&own, "a/1"), Written::Done(_)));
        own.register("store_fork again").unwrap();
        assert_eq!(Store::find("store_fork again"), Some(own));
        // And so does a child of the child.
        assert!(in_child(|| {
            let own = open("again");
            assert!(matches!(put(&own, "a/1"), Written::Done(_)));
        }));
    }));
    assert_eq!(Store::find("store_fork again"), Some(store));
}

/// Tells threads to stop when it is dropped.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn locks_that_other_threads_hold_at_a_fork_do_not_stop_the_child() {
    let store = open("locks");
    let stop = AtomicBool::new(false);
    log::set(Some(Box::new(|_, _| {})), log::Level::Debug);
    thread::scope(|scope| {
        // Also when a child failed: the scope waits for its threads.
        let _stop = Stop(&stop);
        for thread in 0..4 {
            let (store, stop) = (&store, &stop);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    put(store, "a/1");
                    open(&format!("locks-{thread}")).attachment::<u64>();
                    store.attachment::<u64>();
                    log::info(format_args!("line"));
                }
            });
        }
        for _ in 0..200 {
            assert!(in_child(|| {
                assert!(matches!(put(&store, "a/1"), Written::Failed(error) if is_refused(&error)));
                store.attachment::<u64>();
                let own = open("locks");
                assert!(matches!(put(&own, "a/1"), Written::Done(_)));
                Store::find("none");
                log::info(format_args!("line"));
                log::set(None, log::Level::Error);
            }));
        }
    });
}
