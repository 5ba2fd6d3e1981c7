//! The store on memcached: what loads, writes and versions answer, when records expire, limits, and what is counted.
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

use lovely_session::error::Error;
use lovely_session::io::blocking::run;
use lovely_session::store::{
    Action, Blob, Counter, Key, Left, LoadItem, Loaded, Store, StoreOption, StoreOptions, Token, WriteItem, Written,
};
use support::memcached::Memcached;
use support::store::TestStore;

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(5)
}

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn blob(bytes: &[u8]) -> Blob {
    Blob::new(bytes.to_vec())
}

fn write(store: &Store, key: &str, action: Action, ttl: Option<Duration>) -> Written {
    run(store.write(&[WriteItem { key: Key::new(key), action, ttl }], soon())).unwrap().remove(0)
}

fn done(written: Written) -> Token {
    match written {
        Written::Done(token) => token,
        other => panic!("not done: {other:?}"),
    }
}

fn put(store: &Store, key: &str, bytes: &[u8], ttl: Option<Duration>) -> Token {
    done(write(store, key, Action::Put(blob(bytes).into()), ttl))
}

fn load(store: &Store, key: &str, renew: Option<Duration>) -> Option<(Vec<u8>, Token, Option<Left>)> {
    match run(store.load(&[LoadItem { key: Key::new(key), renew }], soon())).unwrap().remove(0).unwrap() {
        Loaded::Absent => None,
        Loaded::Found { blob, token, left } => Some((blob.to_vec(), token, left)),
    }
}

fn version(store: &Store, key: &str) -> Option<Token> {
    run(store.versions(&[Key::new(key)], soon())).unwrap().remove(0).unwrap()
}

fn on_both(test: impl Fn(&mut TestStore)) {
    test(&mut TestStore::memcached(&[]));
    test(&mut TestStore::memcached_unix(&[]));
}

#[test]
fn what_is_written_is_read_back_byte_for_byte() {
    on_both(|at| {
        let store = &at.store;
        let growing = [0, 1, 200, 16_000, 16_384, 20_000, 200_000, 1_000_000];
        // What one brings along is remembered for the next: those that are a little larger, and all that are smaller.
        let others = [1_000_100, 200_000, 200_000, 212_000, 213_000, 20_000, 16_400, 16_384, 200, 20_000, 1, 0];
        for len in growing.into_iter().chain(others) {
            let bytes: Vec<u8> = (0..=250).cycle().take(len).collect();
            let token = put(store, "c/k", &bytes, None);
            for _ in 0..2 {
                let (found, version, left) = load(store, "c/k", None).unwrap();
                assert!(found == bytes, "{len}");
                assert_eq!((version, left), (token, None));
            }
        }
    });
}

// What a store promises.
#[test]
fn create_replace_and_put_keep_their_conditions() {
    on_both(|at| {
        let store = &at.store;
        let first = done(write(store, "c/k", Action::Create(blob(b"1").into()), None));
        assert!(matches!(write(store, "c/k", Action::Create(blob(b"2").into()), None), Written::Changed));
        let second = done(write(store, "c/k", Action::Replace(blob(b"3").into(), first), None));
        assert!(matches!(write(store, "c/k", Action::Replace(blob(b"4").into(), first), None), Written::Changed));
        assert_eq!(load(store, "c/k", None).unwrap().0, b"3");
        assert_eq!(version(store, "c/k"), Some(second));
        assert!(matches!(write(store, "c/none", Action::Replace(blob(b"5").into(), second), None), Written::Absent));
        assert!(matches!(write(store, "c/none", Action::Touch, None), Written::Absent));
        assert_eq!(version(store, "c/none"), None);
        put(store, "c/k", b"6", None);
        assert_eq!(load(store, "c/k", None).unwrap().0, b"6");
        assert_eq!(store.stats().get(Counter::Conflicts), 2);
    });
}

// Time to live: `t` before `T`, and renewing changes no version.
#[test]
fn a_load_tells_what_was_left_before_it_renews() {
    on_both(|at| {
        let store = &at.store;
        let token = put(store, "c/k", b"x", Some(secs(100)));
        let (_, version, left) = load(store, "c/k", Some(secs(1_000))).unwrap();
        assert_eq!(version, token);
        assert!(store.idle(left.unwrap(), secs(100)).unwrap() <= secs(1), "{left:?}");
        let (_, _, left) = load(store, "c/k", None).unwrap();
        assert!(store.idle(left.unwrap(), secs(1_000)).unwrap() <= secs(1), "{left:?}");
        assert_eq!(store.idle(left.unwrap(), secs(100)), None, "it was not given that little");
        assert!(run(store.make_idle(&Key::new("c/k"), secs(300), soon())).unwrap().unwrap());
        let (_, _, left) = load(store, "c/k", None).unwrap();
        let idle = store.idle(left.unwrap(), secs(1_000)).unwrap();
        assert!(idle >= secs(300) && idle <= secs(301), "{idle:?}");
    });
}

// Contract 4.6: a moved clock.
#[test]
fn what_expired_by_the_moved_clock_is_as_if_it_had_never_been() {
    on_both(|at| {
        let store = &at.store;
        let token = put(store, "c/k", b"x", Some(secs(100)));
        put(store, "c/ever", b"y", None);
        store.clock().advance(secs(99)).unwrap();
        assert!(load(store, "c/k", None).is_some());
        store.clock().advance(secs(2)).unwrap();
        assert!(matches!(write(store, "c/k", Action::Replace(blob(b"z").into(), token), None), Written::Absent));
        assert!(matches!(write(store, "c/k", Action::Touch, None), Written::Absent));
        done(write(store, "c/k", Action::Create(blob(b"new").into()), Some(secs(50))));
        assert_eq!(load(store, "c/k", None).unwrap().0, b"new");
        assert_eq!(load(store, "c/ever", None).unwrap().0, b"y");
        store.clock().advance(secs(52)).unwrap();
        assert!(load(store, "c/k", Some(secs(50))).is_none());
        assert!(version(store, "c/k").is_none());
    });
}

// Contract 4.2.
#[test]
fn times_beyond_thirty_days_and_beyond_2038_are_kept() {
    on_both(|at| {
        let store = &at.store;
        let (month, years) = (secs(2_592_000), secs(86_400 * 365 * 100));
        for ttl in [secs(2_591_999), month, month + secs(1), secs(86_400 * 365), years, Duration::MAX] {
            put(store, "c/k", b"x", Some(ttl));
            let (_, _, left) = load(store, "c/k", Some(ttl)).unwrap();
            let (_, _, again) = load(store, "c/k", Some(ttl)).unwrap();
            for left in [left, again] {
                let idle = left.map(|left| store.idle(left, ttl).unwrap());
                assert!(idle.unwrap_or_default() <= secs(1), "{ttl:?}: {idle:?}");
            }
        }
    });
}

// Contract 4.1: never ended early. The server's second may be nearly over when the count begins, so W has one more: a
// record that is to live for a second is still there in the whole of the server's next one.
#[test]
fn a_record_lives_for_its_time_whenever_in_the_servers_second_it_is_stored() {
    let at = TestStore::memcached(&[]);
    // The server's clock cannot be moved, but asked.
    let now = || at.server.as_ref().unwrap().stat("time");
    let mut seen = 0;
    for round in 0..20 {
        let (key, stored) = (format!("c/{round}"), now());
        put(&at.store, &key, b"x", Some(secs(1)));
        while now() == stored {
            std::thread::sleep(Duration::from_millis(10));
        }
        let is_there = load(&at.store, &key, None).is_some();
        // A machine that stood still proves nothing.
        if now() == stored + 1 {
            assert!(is_there, "it was gone in the next second");
            seen += 1;
        }
        if seen == 2 {
            return;
        }
    }
    panic!("the machine was too slow");
}

// No time is not "for ever", as memcached reads a 0, and not a second: nobody may find it any more.
#[test]
fn what_is_stored_for_no_time_is_over_at_once() {
    on_both(|at| {
        let store = &at.store;
        for moved in [0, 1_000, 2_592_000] {
            store.clock().advance(secs(moved)).unwrap();
            let token = put(store, "c/k", b"x", None);
            done(write(store, "c/k", Action::Replace(blob(b"y").into(), token), Some(Duration::ZERO)));
            assert!(load(store, "c/k", None).is_none());
            assert!(version(store, "c/k").is_none());
            done(write(store, "c/k", Action::Create(blob(b"z").into()), None));
            assert_eq!(load(store, "c/k", None).unwrap().0, b"z");
        }
    });
}

// Contract 4.6: also where times are absolute, whose rounding must not add up.
#[test]
fn a_record_is_made_idle_for_as_long_as_asked_and_never_less() {
    on_both(|test| {
        for days in [1, 40] {
            let key = format!("c/{days}");
            put(&test.store, &key, b"x", Some(Duration::from_secs(days * 86_400)));
            let left = || load(&test.store, &key, None).unwrap().2.unwrap().0;
            let before = left();
            for _ in 0..4 {
                assert!(run(test.store.make_idle(&Key::new(&key), Duration::from_secs(10), soon())).unwrap().unwrap());
            }
            let idle = before.checked_sub(left()).unwrap();
            assert!((40..=50).contains(&idle.as_secs()), "{days} days: {idle:?}");
        }
    });
}

#[test]
fn a_batch_gives_one_answer_for_each_item_in_its_order() {
    on_both(|at| {
        let store = &at.store;
        let items: Vec<WriteItem> = (0..1_000)
            .map(|i| WriteItem {
                key: Key::new(&format!("c/{i}")),
                action: Action::Put(Blob::new(vec![b'x'; i]).into()),
                ttl: None,
            })
            .collect();
        for written in run(store.write(&items, soon())).unwrap() {
            done(written);
        }
        let items: Vec<LoadItem> =
            (0..2_000).rev().map(|i| LoadItem { key: Key::new(&format!("c/{i}")), renew: None }).collect();
        for (i, loaded) in (0..2_000).rev().zip(run(store.load(&items, soon())).unwrap()) {
            match loaded.unwrap() {
                Loaded::Found { blob, .. } => assert_eq!(blob.len(), i),
                Loaded::Absent => assert!(i >= 1_000),
            }
        }
        assert!(run(store.load(&[], soon())).unwrap().is_empty());
        assert!(run(store.write(&[], soon())).unwrap().is_empty());
    });
}

#[test]
fn what_a_batch_does_not_send_has_its_outcome_in_its_place() {
    on_both(|at| {
        let is_over = |i: usize| [0, 2, 3, 5].contains(&i);
        let limit = at.store.record_limit(&Key::new("c/0"));
        let item = |i| WriteItem {
            key: Key::new(&format!("c/{i}")),
            action: Action::Put(Blob::new(vec![b'x'; if is_over(i) { limit + 1 } else { i }]).into()),
            ttl: None,
        };
        let items: Vec<WriteItem> = (0..6).map(item).collect();
        for (i, written) in run(at.store.write(&items, soon())).unwrap().into_iter().enumerate() {
            match written {
                Written::Done(_) => assert!(!is_over(i), "{i} was sent"),
                Written::Failed(Error::TooLarge(_)) => assert!(is_over(i), "{i} was not sent"),
                other => panic!("{i}: {other:?}"),
            }
        }
    });
}

// A fact of memcached: write and read at the same time, or large batches deadlock against the server's buffers.
#[test]
fn large_batches_of_reads_do_not_deadlock() {
    // So that only a deadlock takes as long.
    let patience = secs(60);
    on_both(|at| {
        let mut options = StoreOptions::new();
        options.set(StoreOption::ExchangeTimeout, i64::try_from(patience.as_millis()).unwrap()).unwrap();
        let store = &Store::open(Some(&at.server().url_with_prefix("patient")), &options).unwrap();
        let big = Blob::new(vec![7; 500_000]);
        for i in 0..40 {
            done(write(store, &format!("c/{i}"), Action::Put(big.clone().into()), None));
        }
        // 20 MB of answers come before 7 MB of requests are read: more than all buffers hold, both ways.
        let filler = "x".repeat(200);
        let item = |i| if i < 40 { format!("c/{i}") } else { format!("c/{i}-{filler}") };
        let items: Vec<LoadItem> = (0..30_000).map(|i| LoadItem { key: Key::new(&item(i)), renew: None }).collect();
        let loaded = run(store.load(&items, Instant::now() + patience)).unwrap();
        let found = loaded.iter().filter(|loaded| matches!(loaded, Ok(Loaded::Found { .. }))).count();
        assert_eq!((loaded.len(), found), (30_000, 40));
        let items: Vec<WriteItem> = (0..40)
            .map(|i| WriteItem { key: Key::new(&format!("d/{i}")), action: Action::Put(big.clone().into()), ttl: None })
            .collect();
        run(store.write(&items, Instant::now() + patience)).unwrap().into_iter().for_each(|written| {
            done(written);
        });
    });
}

// A fact of memcached: nothing is sent that memcached would answer with "too large".
#[test]
fn the_servers_own_limit_holds_to_the_byte() {
    for (options, size) in [(&[][..], 1 << 20), (&["-I", "2m"][..], 2 << 20)] {
        let mut at = TestStore::memcached(options);
        let key = Key::new("c/k");
        assert!(run(at.store.reach(std::slice::from_ref(&key), soon())).unwrap().is_ok());
        let limit = at.store.record_limit(&key);
        assert_eq!(limit, size - 3 - 512);
        put(&at.store, "c/k", &vec![1; limit], None);
        let over = Action::Put(Blob::new(vec![2; limit + 1]).into());
        let Written::Failed(Error::TooLarge(text)) = write(&at.store, "c/k", over, None) else { panic!("sent") };
        assert!(text.contains(&limit.to_string()) && text.contains("127.0.0.1"), "{text}");
        assert_eq!(load(&at.store, "c/k", None).unwrap().0.len(), limit, "what is stored stays");
        assert_eq!(at.server().stat("store_too_large"), 0);
    }
}

// A fact of memcached: a refused write removes what was stored; it is for the caller to look.
#[test]
fn a_full_server_refuses_and_says_so() {
    let at = TestStore::memcached(&["-M", "-m", "4", "-o", "no_hashexpand"]);
    let mut refused = None;
    for i in 0..200 {
        match write(&at.store, &format!("c/{i}"), Action::Put(Blob::new(vec![1; 100_000]).into()), None) {
            Written::Done(_) => {}
            Written::Refused(text) => {
                refused = Some(text);
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    let text = refused.expect("it was full at some time");
    assert!(text.contains("out of memory") && text.contains("127.0.0.1"), "{text}");
    assert!(load(&at.store, "c/0", None).is_some(), "the connection is still good");
    assert!(at.store.stats().get(Counter::Refused) == 1);
}

#[test]
fn without_versions_only_overwriting_works() {
    let at = TestStore::memcached(&["-C"]);
    let token = put(&at.store, "c/k", b"x", None);
    let Written::Failed(Error::Unsupported(text)) =
        write(&at.store, "c/k", Action::Replace(blob(b"y").into(), token), None)
    else {
        panic!("compared versions that do not exist")
    };
    assert!(text.contains("127.0.0.1") && text.contains("-C"), "{text}");
    assert!(matches!(at.store.check_versions(&Key::new("c/k")), Err(Error::Unsupported(_))));
    assert_eq!(load(&at.store, "c/k", None).unwrap().0, b"x");
}

#[test]
fn a_server_without_metadump_serves_as_any() {
    let at = TestStore::memcached(&["-X"]);
    let token = put(&at.store, "c/k", b"x", Some(secs(10)));
    done(write(&at.store, "c/k", Action::Replace(blob(b"y").into(), token), Some(secs(10))));
    assert_eq!(load(&at.store, "c/k", Some(secs(10))).unwrap().0, b"y");
}

#[test]
fn a_server_with_a_password_is_refused() {
    let path = std::env::temp_dir().join(format!("lovely-password-{}", std::process::id()));
    std::fs::write(&path, "user:secret\n").unwrap();
    let at = TestStore::memcached(&["-Y", path.to_str().unwrap()]);
    let answer = run(at.store.load(&[LoadItem { key: Key::new("c/k"), renew: None }], soon())).unwrap().remove(0);
    std::fs::remove_file(path).unwrap();
    let Err(Error::Unsupported(text)) = answer else { panic!("{answer:?}") };
    assert!(text.contains("password") && text.contains("127.0.0.1"), "{text}");
}

#[test]
fn flushing_is_refused_unless_the_url_allows_it() {
    let server = Memcached::start(&[]);
    let store = Store::open(Some(&server.url_with_prefix("a")), &StoreOptions::new()).unwrap();
    put(&store, "a/k", b"x", None);
    let Err(Error::Unsupported(text)) = run(store.flush(soon())).unwrap() else { panic!("flushed") };
    assert!(text.contains("flush=allow"), "{text}");
    assert!(load(&store, "a/k", None).is_some());
    let url = format!("{}?flush=allow", server.url_with_prefix("b"));
    let flushing = Store::open(Some(&url), &StoreOptions::new()).unwrap();
    run(flushing.flush(soon())).unwrap().unwrap();
    assert!(load(&store, "a/k", None).is_none());
    let refusing = TestStore::memcached(&["-F"]);
    let url = format!("{}/p?flush=allow", refusing.url);
    let store = Store::open(Some(&url), &StoreOptions::new()).unwrap();
    assert!(matches!(run(store.flush(soon())).unwrap(), Err(Error::Unsupported(_))));
    assert!(run(store.ping(soon())).unwrap().is_ok());
}

#[test]
fn a_store_is_its_servers_and_its_prefix() {
    let server = Memcached::start(&[]);
    let open = |url: &str| Store::open(Some(url), &StoreOptions::new()).unwrap();
    let store = open(&server.url());
    assert_eq!(store, open(&server.url()));
    let other = open(&server.url_with_prefix("p"));
    assert_ne!(store, other);
    assert_eq!((store.prefix(), other.prefix()), ("", "p"));
    assert!(store.name().starts_with("memcached://127.0.0.1:"));
}

#[test]
fn a_record_that_is_dropped_is_gone() {
    on_both(|at| {
        put(&at.store, "c/k", b"x", None);
        let drop_record = || run(at.store.drop_record(&Key::new("c/k"), soon())).unwrap().unwrap();
        assert!(drop_record());
        assert!(!drop_record());
        assert!(load(&at.store, "c/k", None).is_none());
        put(&at.store, "c/k", b"x", None);
        assert!(run(at.store.make_idle(&Key::new("c/k"), secs(10), soon())).unwrap().unwrap());
        assert!(load(&at.store, "c/k", None).is_some(), "what never expires is never idle for too long");
        put(&at.store, "c/k", b"x", Some(secs(10)));
        assert!(run(at.store.make_idle(&Key::new("c/k"), secs(20), soon())).unwrap().unwrap());
        assert!(load(&at.store, "c/k", None).is_none());
        assert!(!run(at.store.make_idle(&Key::new("c/k"), secs(20), soon())).unwrap().unwrap());
    });
}
