//! The embedded store: what loads, writes and versions answer, when records expire, and which are evicted.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

use std::time::{Duration, Instant};

use lovely_session::error::{Error, Result};
use lovely_session::io::blocking;
use lovely_session::store::{
    Action, Blob, Counter, Key, LoadItem, Loaded, Store, StoreOption, StoreOptions, Token, WriteItem, Written,
};

/// What an entry is counted with beyond key and bytes; stated in the documentation of the store's size.
const OVERHEAD: usize = 256;

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(5)
}

fn open(name: &str) -> Store {
    Store::open(Some(&format!("memory://store_memory-{name}")), &StoreOptions::new()).unwrap()
}

/// A store with room for exactly `records` records of 100 bytes under keys of 3.
fn open_small(name: &str, records: usize) -> Store {
    let mut options = StoreOptions::new();
    options.set(StoreOption::MemorySize, i64::try_from(records * (100 + 3 + OVERHEAD)).unwrap()).unwrap();
    Store::open(Some(&format!("memory://store_memory-{name}")), &options).unwrap()
}

fn key(name: &str) -> Key {
    Key::new(name)
}

fn write(store: &Store, name: &str, action: Action, ttl: Option<Duration>) -> Written {
    let items = [WriteItem { key: key(name), action, ttl }];
    blocking::run(store.write(&items, soon())).unwrap().remove(0)
}

fn put(store: &Store, name: &str, bytes: &[u8], ttl: Option<Duration>) -> Token {
    done(write(store, name, Action::Put(Blob::new(bytes.to_vec()).into()), ttl))
}

fn blob(bytes: &[u8]) -> Blob {
    Blob::new(bytes.to_vec())
}

fn done(written: Written) -> Token {
    match written {
        Written::Done(token) => token,
        other => panic!("not done: {other:?}"),
    }
}

fn load(store: &Store, name: &str, renew: Option<Duration>) -> Result<Loaded> {
    let items = [LoadItem { key: key(name), renew }];
    blocking::run(store.load(&items, soon())).unwrap().remove(0)
}

/// Bytes and time left.
fn found(store: &Store, name: &str, renew: Option<Duration>) -> Option<(Vec<u8>, Option<Duration>)> {
    match load(store, name, renew).unwrap() {
        Loaded::Absent => None,
        Loaded::Found { blob, left, .. } => Some((blob.to_vec(), left.map(|left| left.0))),
    }
}

fn version(store: &Store, name: &str) -> Option<Token> {
    blocking::run(store.versions(&[key(name)], soon())).unwrap().remove(0).unwrap()
}

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// The store's clock also runs by itself: what is left is compared up to this.
const SLACK: Duration = Duration::from_secs(2);

fn assert_about(left: Duration, expected: Duration) {
    assert!(left <= expected && left + SLACK > expected, "{left:?} is not about {expected:?}");
}

// create.
#[test]
fn create_stores_only_where_nothing_is() {
    let store = open("create");
    let first = done(write(&store, "a/1", Action::Create(blob(b"one").into()), None));
    assert!(matches!(write(&store, "a/1", Action::Create(blob(b"two").into()), None), Written::Changed));
    assert_eq!(found(&store, "a/1", None), Some((b"one".to_vec(), None)));
    assert_eq!(version(&store, "a/1"), Some(first));
    assert_eq!(store.stats().get(Counter::Conflicts), 1);
}

// Contract 4.1: what expired is as if it had never been.
#[test]
fn create_stores_over_what_expired() {
    let store = open("create-expired");
    put(&store, "a/1", b"one", Some(secs(10)));
    store.clock().advance(secs(10)).unwrap();
    done(write(&store, "a/1", Action::Create(blob(b"two").into()), None));
    assert_eq!(found(&store, "a/1", None).unwrap().0, b"two");
}

#[test]
fn replace_needs_the_version_that_stands() {
    let store = open("replace");
    let nobody = Token { cas: 1, epoch: 0 };
    assert!(matches!(write(&store, "a/1", Action::Replace(blob(b"x").into(), nobody), None), Written::Absent));
    let first = put(&store, "a/1", b"one", None);
    let second = done(write(&store, "a/1", Action::Replace(blob(b"two").into(), first), None));
    assert!(matches!(write(&store, "a/1", Action::Replace(blob(b"three").into(), first), None), Written::Changed));
    assert_eq!(found(&store, "a/1", None).unwrap().0, b"two");
    assert!(second.cas > first.cas);
}

#[test]
fn a_version_of_a_destroyed_record_is_not_good_for_the_next_one_under_the_key() {
    let store = open("reborn");
    let old = put(&store, "a/1", b"one", None);
    assert!(blocking::run(store.drop_record(&key("a/1"), soon())).unwrap().unwrap());
    put(&store, "a/1", b"two", None);
    assert!(matches!(write(&store, "a/1", Action::Replace(blob(b"three").into(), old), None), Written::Changed));
}

#[test]
fn touch_changes_the_time_only() {
    let store = open("touch");
    assert!(matches!(write(&store, "a/1", Action::Touch, Some(secs(9))), Written::Absent));
    let token = put(&store, "a/1", b"one", Some(secs(10)));
    assert_eq!(done(write(&store, "a/1", Action::Touch, Some(secs(100)))), token);
    let (bytes, left) = found(&store, "a/1", None).unwrap();
    assert_eq!(bytes, b"one");
    assert_about(left.unwrap(), secs(100));
    done(write(&store, "a/1", Action::Touch, None));
    assert_eq!(found(&store, "a/1", None).unwrap().1, None);
}

#[test]
fn items_of_a_batch_are_applied_in_their_order() {
    let store = open("order");
    let item = |action| WriteItem { key: key("a/1"), action, ttl: None };
    let items = [
        item(Action::Touch),
        item(Action::Create(blob(b"one").into())),
        item(Action::Create(blob(b"two").into())),
        item(Action::Put(blob(b"three").into())),
    ];
    let answers = blocking::run(store.write(&items, soon())).unwrap();
    assert!(matches!(answers[..], [Written::Absent, Written::Done(_), Written::Changed, Written::Done(_)]));
    assert_eq!(found(&store, "a/1", None).unwrap().0, b"three");
}

// Contract 4.1: gone at `timeout`, never before.
#[test]
fn a_record_lives_exactly_as_long_as_its_time_to_live() {
    let store = open("expiry");
    put(&store, "a/1", b"one", Some(secs(3_600)));
    let (_, left) = found(&store, "a/1", None).unwrap();
    // The clock also runs by itself: `store::memory::table` tests the nanosecond.
    store.clock().advance(left.unwrap().saturating_sub(secs(2))).unwrap();
    assert!(found(&store, "a/1", None).is_some());
    store.clock().advance(secs(2)).unwrap();
    assert_eq!(found(&store, "a/1", None), None);
    assert_eq!(version(&store, "a/1"), None);
    assert!(matches!(write(&store, "a/1", Action::Touch, None), Written::Absent));
    assert_eq!(store.stats().get(Counter::Expired), 1);
}

#[test]
fn what_is_left_is_told_as_of_before_the_renewal() {
    let store = open("left");
    put(&store, "a/1", b"one", Some(secs(1_000)));
    store.clock().advance(secs(400)).unwrap();
    assert_about(found(&store, "a/1", Some(secs(1_000))).unwrap().1.unwrap(), secs(600));
    assert_about(found(&store, "a/1", None).unwrap().1.unwrap(), secs(1_000));
    // Contract 4.1: idle time is what a renewal gave and is not left.
    store.clock().advance(secs(300)).unwrap();
    let Loaded::Found { left, .. } = load(&store, "a/1", None).unwrap() else { panic!("absent") };
    let idle = store.idle(left.unwrap(), secs(1_000)).unwrap();
    assert!(idle >= secs(300) && idle < secs(302), "{idle:?}");
    assert_eq!(store.grain(), Duration::ZERO);
}

// Contract 1.7: only asking does not renew.
#[test]
fn reading_without_renewing_and_versions_do_not_keep_a_record_alive() {
    let store = open("no-renewal");
    put(&store, "a/1", b"one", Some(secs(100)));
    for _ in 0..9 {
        store.clock().advance(secs(10)).unwrap();
        assert!(found(&store, "a/1", None).is_some());
        assert!(version(&store, "a/1").is_some());
    }
    store.clock().advance(secs(10)).unwrap();
    assert_eq!(found(&store, "a/1", None), None);
}

#[test]
fn renewed_records_live_on() {
    let store = open("renewal");
    put(&store, "a/1", b"one", Some(secs(100)));
    for _ in 0..50 {
        store.clock().advance(secs(90)).unwrap();
        assert!(found(&store, "a/1", Some(secs(100))).is_some());
    }
}

#[test]
fn a_time_to_live_of_zero_has_passed_already() {
    let store = open("zero");
    put(&store, "a/1", b"one", Some(Duration::ZERO));
    assert_eq!(found(&store, "a/1", None), None);
}

// Contract 4.2: 0 is never, over 30 days and past 2038 work.
#[test]
fn long_times_to_live_neither_overflow_nor_end_early() {
    let store = open("long");
    put(&store, "a/1", b"one", Some(secs(1_000_000_000_000)));
    put(&store, "a/2", b"two", Some(Duration::MAX));
    put(&store, "a/3", b"three", None);
    put(&store, "a/4", b"four", Some(secs(31 * 86_400)));
    store.clock().advance(secs(30 * 86_400)).unwrap();
    assert!(found(&store, "a/4", None).is_some());
    store.clock().advance(secs(100 * 365 * 86_400)).unwrap();
    assert!(found(&store, "a/4", None).is_none());
    for name in ["a/1", "a/2", "a/3"] {
        assert!(found(&store, name, Some(Duration::MAX)).is_some(), "{name}");
    }
}

// Contract 4.6.
#[test]
fn a_record_can_be_made_to_look_idle() {
    let store = open("idle");
    let idle = |name: &str, time| blocking::run(store.make_idle(&key(name), time, soon())).unwrap().unwrap();
    put(&store, "a/1", b"one", Some(secs(1_000)));
    put(&store, "a/2", b"two", None);
    assert!(!idle("a/0", secs(1)));
    assert!(idle("a/1", secs(400)));
    assert_about(found(&store, "a/1", None).unwrap().1.unwrap(), secs(600));
    assert!(idle("a/1", secs(600)), "it was there");
    assert_eq!(found(&store, "a/1", None), None);
    assert!(idle("a/2", Duration::MAX));
    assert_eq!(found(&store, "a/2", None).unwrap().1, None);
}

#[test]
fn the_clock_moves_both_its_times_and_refuses_what_it_cannot_count() {
    let store = open("clock");
    let (unix, mono) = (store.clock().now_ms(), store.clock().mono());
    store.clock().advance(secs(1_000)).unwrap();
    let (moved, moved_mono) = (store.clock().now_ms() - unix, store.clock().mono().saturating_sub(mono));
    assert!((1_000_000..1_002_000).contains(&moved), "{moved}");
    assert!(moved_mono >= secs(1_000) && moved_mono < secs(1_002), "{moved_mono:?}");
    assert!(matches!(store.clock().advance(Duration::MAX), Err(Error::Range(_))));
    assert_eq!(store.clock().offset(), secs(1_000));
    // A new store's clock is its own.
    assert!(open("clock-2").clock().offset().is_zero());
}

// `memory://` size, least recently used goes first.
#[test]
fn the_record_used_longest_ago_is_evicted_first() {
    let store = open_small("lru", 4);
    for name in ["a/1", "a/2", "a/3", "a/4"] {
        put(&store, name, &[0; 100], None);
    }
    assert_eq!(store.stats().get(Counter::BytesStored), 4 * (100 + 3 + OVERHEAD as u64));
    assert_eq!(store.stats().get(Counter::Evictions), 0, "what just fits stays");
    // Uses: a renewing load, a touch, a write. Not uses: a load without renewing, versions, a write that lost.
    found(&store, "a/1", Some(secs(100))).unwrap();
    found(&store, "a/2", None).unwrap();
    version(&store, "a/2").unwrap();
    assert!(matches!(write(&store, "a/2", Action::Create(blob(b"").into()), None), Written::Changed));
    done(write(&store, "a/3", Action::Touch, None));
    // Order of use is now 2, 4, 1, 3.
    for (new, gone) in [("b/1", "a/2"), ("b/2", "a/4"), ("b/3", "a/1"), ("b/4", "a/3"), ("b/5", "b/1")] {
        assert!(version(&store, gone).is_some(), "{gone} before {new}");
        put(&store, new, &[0; 100], None);
        assert!(version(&store, gone).is_none(), "{gone} after {new}");
        assert_eq!(store.stats().get(Counter::Items), 4);
    }
    assert_eq!(store.stats().get(Counter::Evictions), 5);
}

#[test]
fn the_order_of_eviction_is_exact_over_a_long_history() {
    let store = open_small("lru-long", 50);
    let mut model: Vec<u32> = Vec::new();
    let mut random = 88_172_645_463_325_252_u64;
    for _ in 0..5_000 {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let number = 100 + u32::try_from(random % 80).unwrap();
        let name = number.to_string();
        let position = model.iter().position(|&other| other == number);
        let hit = load(&store, &name, Some(secs(1_000))).unwrap();
        assert_eq!(matches!(hit, Loaded::Found { .. }), position.is_some(), "{number}");
        if let Some(position) = position {
            model.remove(position);
        } else {
            put(&store, &name, &[7; 100], Some(secs(1_000)));
            if model.len() == 50 {
                model.remove(0);
            }
        }
        model.push(number);
    }
    assert!(store.stats().get(Counter::Evictions) > 500);
}

#[test]
fn expired_records_make_room_before_live_ones() {
    let store = open_small("expired-first", 3);
    put(&store, "a/1", &[0; 100], None);
    put(&store, "a/2", &[0; 100], Some(secs(10)));
    put(&store, "a/3", &[0; 100], None);
    store.clock().advance(secs(10)).unwrap();
    put(&store, "a/4", &[0; 100], None);
    assert!(found(&store, "a/1", None).is_some(), "the oldest, but alive");
    assert_eq!(store.stats().get(Counter::Evictions), 0);
    assert_eq!(store.stats().get(Counter::Expired), 1);
}

#[test]
fn expired_records_are_swept_by_later_calls() {
    let store = open("sweep");
    for number in 0..1_000 {
        put(&store, &format!("a/{number}"), b"x", Some(secs(10)));
        // Renewed once: the first alarm of each goes off too early and must not be the last.
        found(&store, &format!("a/{number}"), Some(secs(20))).unwrap();
    }
    store.clock().advance(secs(15)).unwrap();
    for _ in 0..200 {
        version(&store, "b/1");
    }
    assert_eq!(store.stats().get(Counter::Items), 1_000);
    store.clock().advance(secs(15)).unwrap();
    for _ in 0..200 {
        version(&store, "b/1");
    }
    assert_eq!(store.stats().get(Counter::Items), 0);
    assert_eq!(store.stats().get(Counter::BytesStored), 0);
    assert_eq!(store.stats().get(Counter::Expired), 1_000);
}

// Contract 2.4, 7.2: the limit and one past it.
#[test]
fn a_record_over_the_item_limit_is_refused_and_what_is_stored_stays() {
    let mut options = StoreOptions::new();
    options.set(StoreOption::ItemLimit, 1_000).unwrap();
    let store = Store::open(Some("memory://store_memory-limit"), &options).unwrap();
    assert_eq!(store.record_limit(&key("a/1")), 1_000);
    put(&store, "a/1", &[1; 1_000], None);
    for action in [Action::Put(blob(&[2; 1_001]).into()), Action::Create(blob(&[2; 1_001]).into())] {
        let Written::Failed(Error::TooLarge(text)) = write(&store, "a/1", action, None) else { panic!("stored") };
        assert!(text.contains("1001") && text.contains("1000"), "{text}");
    }
    assert_eq!(found(&store, "a/1", None).unwrap().0, [1; 1_000]);
}

#[test]
fn a_record_that_alone_is_over_the_stores_size_is_refused() {
    let store = open_small("alone", 1);
    assert_eq!(store.record_limit(&key("a/1")), 100);
    put(&store, "a/1", &[1; 100], None);
    assert!(matches!(
        write(&store, "a/1", Action::Put(blob(&[2; 101]).into()), None),
        Written::Failed(Error::TooLarge(_))
    ));
    assert_eq!(found(&store, "a/1", None).unwrap().0, [1; 100]);
    assert_eq!(store.stats().get(Counter::Evictions), 0);
}

#[test]
fn a_record_that_grows_or_shrinks_is_counted_as_it_is() {
    let store = open("grow");
    for len in [10, 1_000, 0, 500_u64] {
        put(&store, "a/1", &vec![0; usize::try_from(len).unwrap()], None);
        assert_eq!(store.stats().get(Counter::BytesStored), len + 3 + OVERHEAD as u64);
    }
    assert_eq!(store.stats().get(Counter::Items), 1);
    assert!(blocking::run(store.drop_record(&key("a/1"), soon())).unwrap().unwrap());
    assert!(!blocking::run(store.drop_record(&key("a/1"), soon())).unwrap().unwrap());
    assert_eq!(store.stats().get(Counter::BytesStored), 0);
}

#[test]
fn flush_empties_the_store_and_leaves_it_usable() {
    let store = open("flush");
    let old = put(&store, "a/1", b"one", Some(secs(5)));
    put(&store, "a/2", b"two", None);
    blocking::run(store.flush(soon())).unwrap().unwrap();
    assert_eq!(store.stats().get(Counter::Items), 0);
    assert_eq!(store.stats().get(Counter::BytesStored), 0);
    assert_eq!(found(&store, "a/1", None), None);
    assert!(put(&store, "a/1", b"new", None).cas > old.cas, "versions are never given twice");
}

#[test]
fn a_deadline_that_has_passed_is_a_timeout_and_nothing_is_applied() {
    let store = open("deadline");
    put(&store, "a/1", b"one", None);
    let past = Instant::now();
    let loads = [LoadItem { key: key("a/1"), renew: None }];
    assert!(matches!(blocking::run(store.load(&loads, past)).unwrap()[..], [Err(Error::Timeout(_))]));
    let writes = [WriteItem { key: key("a/1"), action: Action::Put(blob(b"two").into()), ttl: None }];
    assert!(matches!(blocking::run(store.write(&writes, past)).unwrap()[..], [Written::Failed(Error::Timeout(_))]));
    assert!(matches!(blocking::run(store.versions(&[key("a/1")], past)).unwrap()[..], [Err(Error::Timeout(_))]));
    assert!(matches!(blocking::run(store.ping(past)).unwrap(), Err(Error::Timeout(_))));
    assert_eq!(found(&store, "a/1", None).unwrap().0, b"one");
}

#[test]
fn what_happens_is_counted() {
    let store = open("stats");
    put(&store, "a/1", b"one", None);
    done(write(&store, "a/1", Action::Touch, None));
    found(&store, "a/1", None);
    found(&store, "a/2", None);
    version(&store, "a/1");
    let expected = [
        (Counter::Requests, 5),
        (Counter::Hits, 1),
        (Counter::Misses, 1),
        (Counter::Writes, 1),
        (Counter::BytesRead, 3),
        (Counter::BytesWritten, 3),
        (Counter::Items, 1),
        (Counter::BytesStored, 3 + 3 + OVERHEAD as u64),
    ];
    for counter in Counter::ALL {
        let count = expected.iter().find(|(expected, _)| *expected == counter).map_or(0, |(_, count)| *count);
        assert_eq!(store.stats().get(counter), count, "{counter:?}");
        assert_eq!(Counter::from_number(counter as i32), Some(counter));
        assert!(store.stats().dump().lines().any(|line| line == format!("{} {count}", counter.name())));
    }
    store.stats().add(Counter::Merges, 2);
    assert_eq!(store.stats().get(Counter::Merges), 2);
    assert_eq!((Counter::from_number(0), Counter::from_number(28)), (None, None));
}
