//! The embedded store under threads: compare-and-swap loses no update, the byte bound holds.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

use std::collections::HashSet;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use lovely_session::io::blocking;
use lovely_session::store::{Action, Blob, Counter, Key, LoadItem, Loaded, Store, StoreOptions, WriteItem, Written};

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

/// Adds 1 to the number under `key` by compare-and-swap; the version that it made, or `None` if somebody was faster.
fn try_increment(store: &Store, key: &Key) -> Option<u64> {
    let ttl = Some(Duration::from_secs(1_000));
    let load = [LoadItem { key: key.clone(), renew: ttl }];
    let action = match blocking::run(store.load(&load, soon())).unwrap().remove(0).unwrap() {
        Loaded::Absent => Action::Create(Blob::new(1_u64.to_le_bytes().to_vec()).into()),
        Loaded::Found { blob, token, .. } => {
            let count = u64::from_le_bytes(blob.as_ref().try_into().unwrap());
            Action::Replace(Blob::new((count + 1).to_le_bytes().to_vec()).into(), token)
        }
    };
    let write = [WriteItem { key: key.clone(), action, ttl }];
    match blocking::run(store.write(&write, soon())).unwrap().remove(0) {
        Written::Done(token) => Some(token.cas),
        Written::Changed => None,
        other => panic!("{other:?}"),
    }
}

// Contract 5: compare-and-swap is what every merge stands on.
#[test]
fn eight_threads_lose_no_update_and_no_version_is_given_twice() {
    const THREADS: usize = 8;
    const UPDATES: usize = 2_000;
    let store = Store::open(Some("memory://store_concurrency-cas"), &StoreOptions::new()).unwrap();
    let keys = [Key::new("a/1"), Key::new("a/2")];
    let versions = Mutex::new(HashSet::new());
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for update in 0..UPDATES {
                    let key = &keys[update % 2];
                    let version = loop {
                        if let Some(version) = try_increment(&store, key) {
                            break version;
                        }
                    };
                    assert!(versions.lock().unwrap().insert(version), "version {version} twice");
                }
            });
        }
    });
    for key in keys {
        let load = [LoadItem { key, renew: None }];
        let Loaded::Found { blob, .. } = blocking::run(store.load(&load, soon())).unwrap().remove(0).unwrap() else {
            panic!("absent")
        };
        assert_eq!(u64::from_le_bytes(blob.as_ref().try_into().unwrap()), (THREADS * UPDATES / 2) as u64);
    }
}

#[test]
fn the_byte_bound_holds_and_nothing_is_miscounted_under_threads() {
    const SIZE: u64 = 200_000;
    let url = format!("memory://store_concurrency-bound?size={SIZE}");
    let store = Store::open(Some(&url), &StoreOptions::new()).unwrap();
    thread::scope(|scope| {
        for thread in 0..8_u64 {
            let store = &store;
            scope.spawn(move || {
                let mut random = 0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(thread + 1);
                for _ in 0..3_000 {
                    random ^= random << 13;
                    random ^= random >> 7;
                    random ^= random << 17;
                    let key = Key::new(&format!("a/{}", random % 500));
                    let bytes = vec![0; usize::try_from(random >> 32).unwrap() % 3_000];
                    let ttl = Some(Duration::from_millis(random >> 8 & 1_023));
                    let items = [WriteItem { key, action: Action::Put(Blob::new(bytes).into()), ttl }];
                    assert!(matches!(blocking::run(store.write(&items, soon())).unwrap()[..], [Written::Done(_)]));
                    // Each thread is over by at most the record that it is about to make room for.
                    assert!(store.stats().get(Counter::BytesStored) <= SIZE + 8 * 4_000);
                    store.clock().advance(Duration::from_millis(1)).unwrap();
                }
            });
        }
    });
    assert!(store.stats().get(Counter::BytesStored) <= SIZE);
    assert!(store.stats().get(Counter::Evictions) > 0 && store.stats().get(Counter::Expired) > 0);
    blocking::run(store.flush(soon())).unwrap().unwrap();
    assert_eq!((store.stats().get(Counter::BytesStored), store.stats().get(Counter::Items)), (0, 0));
}
