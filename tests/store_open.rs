//! Opening stores: what is the same store, which options it has, what is kept with it, and names for stores.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

use std::env;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use lovely_session::error::Error;
use lovely_session::io::blocking;
use lovely_session::log;
use lovely_session::store::{Action, Blob, Key, Store, StoreOption, StoreOptions, WriteItem};

fn open(rest: &str) -> Result<Store, Error> {
    Store::open(Some(&format!("memory://store_open-{rest}")), &StoreOptions::new())
}

fn put(store: &Store) {
    let item = WriteItem { key: Key::new("a/1"), action: Action::Put(Blob::new(vec![1]).into()), ttl: None };
    blocking::run(store.write(&[item], Instant::now() + Duration::from_secs(5))).unwrap();
}

fn holds(store: &Store) -> bool {
    let deadline = Instant::now() + Duration::from_secs(5);
    blocking::run(store.versions(&[Key::new("a/1")], deadline)).unwrap().remove(0).unwrap().is_some()
}

#[test]
fn a_name_is_one_store_in_the_process() {
    let (one, two, other) = (open("same").unwrap(), open("s%61me").unwrap(), open("other").unwrap());
    assert_eq!((one.id(), &one), (two.id(), &two));
    assert_ne!(one, other);
    put(&one);
    assert!(holds(&two) && !holds(&other));
    two.clock().advance(Duration::from_secs(1_000)).unwrap();
    assert_eq!(one.clock().offset(), Duration::from_secs(1_000));
    assert!(other.clock().offset().is_zero());
    assert_eq!(one.name(), "memory://store_open-same");
    assert!(blocking::run(one.ping(Instant::now() + Duration::from_secs(5))).unwrap().is_ok());
    assert!(one.resolve().is_ok());
}

#[test]
fn threads_that_open_a_store_at_once_get_the_same() {
    let ids: Vec<u64> = thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| open("race").unwrap())).collect();
        // Joined first: the store must not be dropped before the last has it.
        let stores: Vec<Store> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        stores.iter().map(Store::id).collect()
    });
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
}

#[test]
fn data_lives_as_long_as_a_handle() {
    let first = open("handles").unwrap();
    put(&first);
    let second = first.clone();
    let id = first.id();
    drop(first);
    assert!(holds(&second));
    drop(second);
    let reopened = open("handles").unwrap();
    assert!(!holds(&reopened));
    assert_ne!(reopened.id(), id);
}

#[test]
fn options_that_were_not_set_agree_with_an_open_store() {
    let first = open("options?size=1m&prefix=p&commit_timeout=7").unwrap();
    assert_eq!((first.prefix(), first.options().memory_size()), ("p", 1 << 20));
    let second = open("options").unwrap();
    assert_eq!((second.id(), second.options().commit_timeout().as_millis()), (first.id(), 7));
    open("options?size=1024k&prefix=p&item_limit=1m").unwrap();
    for (query, word) in [("size=2m", "size"), ("prefix=q", "prefix"), ("prefix=", "prefix"), ("item_limit=1", "limit")]
    {
        let Err(Error::Argument(text)) = open(&format!("options?{query}")) else { panic!("{query} agreed") };
        assert!(text.contains(word) && text.contains("store_open-options"), "{text}");
    }
}

#[test]
fn options_come_from_the_url_or_from_the_caller() {
    let mut options = StoreOptions::new();
    options.set(StoreOption::CommitTimeout, 9).unwrap();
    options.set(StoreOption::MemorySize, 4_096).unwrap();
    let open = |rest: &str| Store::open(Some(&format!("memory://store_open-{rest}")), &options);
    let store = open("both?size=4k&connect_timeout=3").unwrap();
    assert_eq!(store.options().commit_timeout().as_millis(), 9);
    assert_eq!(store.options().connect_timeout().as_millis(), 3);
    let Err(Error::Argument(text)) = open("differ?size=5k") else { panic!("agreed") };
    assert!(text.contains("size"), "{text}");
}

#[derive(Default)]
struct Kept(AtomicU32);
#[derive(Default)]
struct OtherKept;

#[test]
fn what_is_attached_lives_with_the_store_and_is_one_of_its_type() {
    let store = open("attachment").unwrap();
    store.attachment::<Kept>().0.store(7, Ordering::Relaxed);
    let other: Arc<OtherKept> = store.attachment();
    assert_eq!(open("attachment").unwrap().attachment::<Kept>().0.load(Ordering::Relaxed), 7);
    assert!(Arc::ptr_eq(&other, &store.attachment()));
    assert_eq!(open("attachment-2").unwrap().attachment::<Kept>().0.load(Ordering::Relaxed), 0);
    let weak = Arc::downgrade(&other);
    drop((other, store));
    assert!(weak.upgrade().is_none());
}

// The ancestor's `cacheName`.
#[test]
fn a_registered_store_is_found_by_name_and_kept_open() {
    let store = open("registered").unwrap();
    assert!(Store::find("store_open name").is_none());
    store.register("store_open name").unwrap();
    store.register("store_open name").unwrap();
    let other = open("registered-2").unwrap();
    assert!(matches!(other.register("store_open name"), Err(Error::Argument(_))));
    put(&store);
    drop(store);
    assert!(holds(&Store::find("store_open name").unwrap()));
    assert!(Store::unregister("store_open name"));
    assert!(!Store::unregister("store_open name"));
    assert!(Store::find("store_open name").is_none());
    assert!(!holds(&open("registered").unwrap()), "nobody kept it open");
    assert!(matches!(other.register(&"x".repeat(101)), Err(Error::Argument(_))));
}

/// Says which part of the test below a process plays that has an environment of its own.
const ROLE: &str = "STORE_OPEN_ROLE";

// A URL: without one.
#[test]
fn without_a_url_the_environment_counts() {
    match env::var(ROLE).as_deref() {
        Err(_) => {
            in_child("named", Some("memory://from-environment?size=1m"));
            in_child("misled", Some("memory://x?size=secret"));
            in_child("alone", None);
            in_child("alone", Some(""));
        }
        Ok("named") => {
            let store = Store::open(None, &StoreOptions::new()).unwrap();
            assert_eq!((store.name(), store.options().memory_size()), ("memory://from-environment", 1 << 20));
        }
        Ok("misled") => {
            let Err(Error::Argument(text)) = Store::open(None, &StoreOptions::new()) else { panic!("opened") };
            assert!(text.contains("LOVELY_SESSION_URL") && text.contains("size") && !text.contains("secret"), "{text}");
        }
        Ok(_) => opens_the_default_store_and_warns_once(),
    }
}

fn in_child(role: &str, url: Option<&str>) {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "without_a_url_the_environment_counts"]).env(ROLE, role).env_remove("LOVELY_SESSION_URL");
    if let Some(url) = url {
        command.env("LOVELY_SESSION_URL", url);
    }
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{role}: {text}");
}

fn opens_the_default_store_and_warns_once() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&lines);
    log::set(Some(Box::new(move |level, line| sink.lock().unwrap().push((level, line.to_owned())))), log::Level::Debug);
    let store = Store::open(None, &StoreOptions::new()).unwrap();
    assert_eq!(store.name(), "memory://default");
    assert_eq!(Store::open(None, &StoreOptions::new()).unwrap(), store);
    let lines = lines.lock().unwrap();
    assert_eq!(lines.len(), 1, "once: {lines:?}");
    assert!(lines[0].0 == log::Level::Warn && lines[0].1.contains("memory://default"), "{lines:?}");
}
