//! A server that misbehaves: each time an error, no hang, no panic, and never another's data (contract 6).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod support;

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use lovely_session::error::{Error, Result, Status};
use lovely_session::io::blocking::run;
use lovely_session::store::{
    Action, Blob, Key, LoadItem, Loaded, Store, StoreOption, StoreOptions, WriteItem, Written,
};
use support::fake::{Fake, Gate, Reaction, Script, handshake, token};

/// How long is waited for what never comes.
const PATIENCE: Duration = Duration::from_millis(300);

/// A store that waits for as long as a call says: a machine that is busy makes no answer late.
fn open(fake: &Fake) -> Store {
    open_with_pause(fake, StoreOption::RetryPause.default_value())
}

/// The same where a server that failed is tried again after `pause` milliseconds at the latest.
fn open_with_pause(fake: &Fake, pause: i64) -> Store {
    let mut options = StoreOptions::new();
    options.set(StoreOption::RetryPause, pause).unwrap();
    for option in [StoreOption::ConnectTimeout, StoreOption::ExchangeTimeout] {
        options.set(option, 5_000).unwrap();
    }
    Store::open(Some(&fake.url()), &options).unwrap()
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(5)
}

fn load_all(store: &Store, keys: &[&str], deadline: Instant) -> Vec<Result<Loaded>> {
    let items: Vec<LoadItem> = keys.iter().map(|key| LoadItem { key: Key::new(key), renew: None }).collect();
    run(store.load(&items, deadline)).unwrap().into_vec()
}

fn load_one(store: &Store, key: &str, deadline: Instant) -> Result<Option<Vec<u8>>> {
    load_all(store, &[key], deadline).remove(0).map(|loaded| match loaded {
        Loaded::Absent => None,
        Loaded::Found { blob, .. } => Some(blob.to_vec()),
    })
}

fn load(store: &Store) -> Result<Option<Vec<u8>>> {
    load_one(store, "c/k", soon())
}

/// Where the answer may not come.
fn load_in_vain(store: &Store) -> Result<Option<Vec<u8>>> {
    load_one(store, "c/k", Instant::now() + PATIENCE)
}

fn put_all(store: &Store, count: usize, deadline: Instant) -> Vec<Written> {
    let item = |i| WriteItem {
        key: Key::new(&format!("c/{i}")),
        action: Action::Put(Blob::new(b"bytes".to_vec()).into()),
        ttl: None,
    };
    run(store.write(&(0..count).map(item).collect::<Vec<_>>(), deadline)).unwrap().into_vec()
}

fn put(store: &Store) -> Written {
    put_all(store, 1, soon()).remove(0)
}

/// A healthy answer to a load, with `text` as the record.
fn found(line: &str, text: &str) -> String {
    format!("VA {} c1 t-1 {}\r\n{text}\r\n", text.len(), token(line))
}

/// Each connection answers every request as `react` says.
fn always(react: impl Fn(&str) -> Reaction + Send + Sync + Clone + 'static) -> Fake {
    Fake::start(move |_| {
        let react = react.clone();
        Box::new(move |line: &str, _: &[u8]| react(line)) as Script
    })
}

#[test]
fn answers_in_pieces_of_one_byte_are_put_together() {
    let fake = always(|line| match &line[..2] {
        "mg" => Reaction::Dribble(found(line, "in\r\npieces").into_bytes()),
        _ => Reaction::Dribble(format!("HD c5 {}\r\n", token(line)).into_bytes()),
    });
    let store = open(&fake);
    for _ in 0..3 {
        assert_eq!(load(&store).unwrap().unwrap(), b"in\r\npieces");
        assert!(matches!(put(&store), Written::Done(token) if token.cas == 5));
    }
    assert_eq!(fake.connections.load(Ordering::SeqCst), 1);
}

#[test]
fn a_handshake_in_pieces_of_one_byte_is_put_together() {
    let fake = Fake::greeting(
        |_| Reaction::Dribble(handshake("1.6.18", 7).into_bytes()),
        |_| Box::new(|line, _| Reaction::text(&found(line, "x"))),
    );
    assert_eq!(load(&open(&fake)).unwrap().unwrap(), b"x");
}

// Contract 6.4: no timeout ever makes one session's bytes be returned for another.
#[test]
fn an_answer_that_comes_too_late_is_never_anybodys() {
    let gate = Gate::default();
    let held = gate.clone();
    let fake = always(move |line| match line.split(' ').nth(1) {
        Some("c/late") => Reaction::Held(held.clone(), found(line, "late").into_bytes()),
        _ => Reaction::text(&found(line, "in time")),
    });
    let store = open_with_pause(&fake, 1);
    assert_eq!(load(&store).unwrap().unwrap(), b"in time");
    let begun = Instant::now();
    assert_eq!(load_one(&store, "c/late", begun + PATIENCE).unwrap_err().status(), Status::Timeout);
    assert!(begun.elapsed() >= PATIENCE);
    // It has given up although there is no answer yet.
    gate.open();
    std::thread::sleep(Duration::from_millis(5));
    for _ in 0..20 {
        assert_eq!(load(&store).unwrap().unwrap(), b"in time");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(fake.connections.load(Ordering::SeqCst), 2);
}

#[test]
fn a_load_that_was_given_up_on_leaves_no_connection_behind() {
    let gates: Vec<Gate> = (0..10).map(|_| Gate::default()).collect();
    let held = gates.clone();
    let fake = always(move |line| {
        let key = line.split(' ').nth(1).unwrap();
        let answer = found(line, key);
        match key.strip_prefix("c/dropped-") {
            Some(number) => Reaction::Held(held[number.parse::<usize>().unwrap()].clone(), answer.into_bytes()),
            None => Reaction::text(&answer),
        }
    });
    let store = open(&fake);
    assert_eq!(load(&store).unwrap().unwrap(), b"c/k");
    for (number, gate) in gates.iter().enumerate() {
        // The future is dropped while the answer is on its way.
        let items = [LoadItem { key: Key::new(&format!("c/dropped-{number}")), renew: None }];
        let at = Instant::now() + Duration::from_millis(20);
        assert!(run(lovely_session::io::with_deadline(at, store.load(&items, soon()))).unwrap().is_err());
        gate.open();
        assert_eq!(load(&store).unwrap().unwrap(), b"c/k");
    }
    let sent = || fake.requests.lock().unwrap().iter().filter(|line| line.contains("dropped")).count();
    let until = soon();
    while sent() < gates.len() {
        assert!(Instant::now() < until, "only {} were sent", sent());
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn wrong_tokens_and_answers_out_of_order_are_refused() {
    let wrongs: [fn(&str) -> String; 5] = [
        |_| found("O99", "x"),
        |_| "VA 1 c1 t-1\r\nx\r\n".to_owned(),
        |_| "EN\r\n".to_owned(),
        |_| "EN O99\r\n".to_owned(),
        |line| format!("VA 1 c1 t-1 {}0\r\nx\r\n", token(line)),
    ];
    for wrong in wrongs {
        let fake = always(move |line| Reaction::text(&wrong(line)));
        let store = open(&fake);
        for tried in 1..=3 {
            assert_eq!(load(&store).unwrap_err().status(), Status::Protocol);
            assert_eq!(fake.connections.load(Ordering::SeqCst), tried, "a connection out of step is closed");
        }
    }
}

#[test]
fn two_answers_that_change_places_are_refused() {
    let fake = Fake::start(|_| {
        let mut first = None;
        Box::new(move |line, _| match first.take() {
            None => {
                first = Some(found(line, "first"));
                Reaction::Silence
            }
            Some(held) => Reaction::text(&(found(line, "second") + &held)),
        })
    });
    let answers = load_all(&open(&fake), &["c/1", "c/2"], soon());
    assert!(answers.iter().all(|answer| matches!(answer, Err(Error::Protocol(_)))), "{answers:?}");
}

// No memory for what is only announced, no length that overflows.
#[test]
fn impossible_lengths_are_refused() {
    for len in [
        "1048577",
        "4294967295",
        "9223372036854775807",
        "9223372036854775808",
        "18446744073709551615",
        "99999999999999999999999",
        "-1",
        "+1",
        "1x",
        "",
        "0x10",
    ] {
        let fake = always(move |line| Reaction::text(&format!("VA {len} c1 t-1 {}\r\nx\r\n", token(line))));
        assert_eq!(load(&open(&fake)).unwrap_err().status(), Status::Protocol, "{len}");
    }
    for (announced, sent) in [(4, "12345"), (6, "12345\r\n12345")] {
        let fake = always(move |line| Reaction::text(&format!("VA {announced} c1 t-1 {}\r\n{sent}\r\n", token(line))));
        let error = load(&open(&fake)).unwrap_err();
        assert!(matches!(error.status(), Status::Protocol), "{announced}: {error}");
    }
    // A record that never ends: the time is over.
    let fake = always(|line| Reaction::text(&format!("VA 1000000 c1 t-1 {}\r\nx", token(line))));
    assert_eq!(load_in_vain(&open(&fake)).unwrap_err().status(), Status::Timeout);
}

#[test]
fn garbage_is_refused_wherever_it_stands() {
    let long = "x".repeat(100_000);
    for garbage in [
        "\r\n",
        "\n",
        "HD",
        "\0\0\0\r\n",
        "HTTP/1.1 400 Bad Request\r\n\r\n",
        "VALUE c/k 0 1\r\nx\r\nEND\r\n",
        "OK\r\n",
        "STAT pid 1\r\n",
        "VA\r\n",
        "VA 1\r\n",
        "EN O1\n",
        "MN\r\n",
        &long,
        "\u{80}\u{fff}\r\n",
    ] {
        let garbage = garbage.to_owned();
        let bytes = garbage.clone();
        let fake = always(move |_| Reaction::text(&bytes));
        let error = load_in_vain(&open(&fake)).unwrap_err();
        assert!(matches!(error.status(), Status::Protocol | Status::Timeout), "{garbage:?}: {error}");
        assert!(!error.to_string().contains('\n'), "{error}");
        let bytes = garbage.clone();
        let greeting = move |_| Reaction::text(&bytes);
        let fake = Fake::greeting(greeting, |_| Box::new(|_, _| Reaction::Silence));
        let error = load_in_vain(&open(&fake)).unwrap_err();
        assert!(matches!(error.status(), Status::Protocol | Status::Timeout), "greeting {garbage:?}: {error}");
        let bytes = garbage.clone();
        let fake = always(move |_| Reaction::text(&bytes));
        let store = open(&fake);
        // Connected by then, so that the write itself is sent.
        run(store.reach(&[Key::new("c/0")], soon())).unwrap().unwrap();
        match put_all(&store, 1, Instant::now() + PATIENCE).remove(0) {
            Written::Unknown(error) => {
                assert!(matches!(error.status(), Status::Protocol | Status::Timeout), "{error}");
            }
            other => panic!("{garbage:?}: {other:?}"),
        }
    }
}

#[test]
fn bytes_after_the_last_answer_close_the_connection() {
    let fake = always(|line| Reaction::text(&(found(line, "x") + &found("O2", "of somebody else"))));
    let store = open(&fake);
    for tried in 1..=3 {
        // All of the answer was there and right; what follows says that the connection is out of step.
        let _ = load(&store);
        assert_eq!(fake.connections.load(Ordering::SeqCst), tried);
    }
    assert_ne!(load(&store).ok().flatten().as_deref(), Some(b"of somebody else".as_slice()));
}

#[test]
fn stats_without_end_and_without_facts_are_refused() {
    let endless = "STAT x 1\r\n".repeat(10_000);
    for greeting in [
        format!("VERSION 1.6.18\r\n{endless}"),
        "VERSION 1.6.18\r\nEND\r\nEND\r\n".to_owned(),
        handshake("1.6.18", 7).replace("STAT pid 7", "STAT pid x"),
        handshake("1.6.18", 7).replace("item_size_max 1048576", "item_size_max -1"),
        handshake("1.6.18", 7).replace("STAT time 1800000000\r\n", ""),
        handshake("1.6.18", 7) + "more\r\n",
    ] {
        let shown: String = greeting.chars().take(40).collect();
        let fake = Fake::greeting(move |_| Reaction::text(&greeting), |_| Box::new(|_, _| Reaction::Silence));
        let error = load(&open(&fake)).unwrap_err();
        assert_eq!(error.status(), Status::Protocol, "{shown:?}: {error}");
    }
}

// A fact of memcached: before 1.6.13 storing answers with the version from before.
#[test]
fn an_old_server_is_refused_by_name_and_version() {
    let fake = Fake::greeting(
        |_| Reaction::text(&handshake("1.6.12", 7)),
        |_| Box::new(|line, _| Reaction::text(&found(line, "x"))),
    );
    let store = open(&fake);
    let error = load(&store).unwrap_err();
    assert_eq!(error.status(), Status::Unsupported);
    assert!(error.to_string().contains("1.6.12") && error.to_string().contains("127.0.0.1"), "{error}");
    assert!(matches!(put(&store), Written::Failed(Error::Unsupported(_))));
    assert!(fake.requests.lock().unwrap().is_empty(), "nothing is sent to it");
}

#[test]
fn a_proxy_that_tells_nothing_of_itself_is_refused() {
    for refusal in ["ERROR\r\n", "SERVER_ERROR not supported\r\n", "CLIENT_ERROR unauthenticated\r\n"] {
        let text = refusal.repeat(3);
        let fake = Fake::greeting(move |_| Reaction::text(&text), |_| Box::new(|_, _| Reaction::Silence));
        assert_eq!(load(&open(&fake)).unwrap_err().status(), Status::Unsupported, "{refusal}");
    }
}

// Contract 6.1, 6.2: a load that fails is an error; a write that was sent and not answered is unknown.
#[test]
fn a_connection_that_is_closed_is_an_error_in_every_place() {
    let answers = |line: &str| match &line[..2] {
        "mg" => found(line, "a record"),
        _ => format!("HD c5 {}\r\n", token(line)),
    };
    for request in ["mg c/k O1", "ms c/k 1 O1"] {
        for cut in 0..answers(request).len() {
            let fake = always(move |line| Reaction::Close(answers(line).as_bytes()[..cut].to_vec()));
            let store = open(&fake);
            if request.starts_with("mg") {
                let error = load(&store).unwrap_err();
                assert_eq!(error.status(), Status::Unavailable, "{cut}: {error}");
            } else {
                assert!(matches!(put(&store), Written::Unknown(_)), "{cut}");
            }
        }
    }
    let greeting = handshake("1.6.18", 7);
    for cut in (0..greeting.len()).step_by(7) {
        let bytes = greeting.as_bytes()[..cut].to_vec();
        let fake = Fake::greeting(move |_| Reaction::Close(bytes.clone()), |_| Box::new(|_, _| Reaction::Silence));
        let store = open(&fake);
        assert_eq!(load(&store).unwrap_err().status(), Status::Unavailable, "{cut}");
        assert!(matches!(put(&store), Written::Failed(Error::Unavailable { .. })), "{cut}");
    }
}

#[test]
fn a_connection_that_was_closed_while_it_waited_is_replaced_for_a_load() {
    let fake = Fake::start(|_| {
        let mut count = 0;
        Box::new(move |line, _| {
            count += 1;
            // Answers one request of each connection, and closes it when the next one comes.
            if count == 1 { Reaction::text(&found(line, "x")) } else { Reaction::Close(Vec::new()) }
        })
    });
    let store = open(&fake);
    for _ in 0..5 {
        assert_eq!(load(&store).unwrap().unwrap(), b"x");
    }
    assert_eq!(fake.connections.load(Ordering::SeqCst), 5);
}

// Contract 6.2: what was answered stays answered; what was sent is unknown.
#[test]
fn in_a_batch_that_breaks_each_write_has_its_own_outcome() {
    let fake = Fake::start(|_| {
        let mut count = 0;
        Box::new(move |line, _| {
            count += 1;
            if count <= 2 {
                Reaction::text(&format!("HD c{count} {}\r\n", token(line)))
            } else {
                Reaction::Close(Vec::new())
            }
        })
    });
    let written = put_all(&open(&fake), 4, soon());
    assert!(matches!(written[0], Written::Done(token) if token.cas == 1), "{written:?}");
    assert!(matches!(written[1], Written::Done(token) if token.cas == 2), "{written:?}");
    assert!(matches!((&written[2], &written[3]), (Written::Unknown(_), Written::Unknown(_))), "{written:?}");
}

// Contract 6.2: the process that may have applied it is gone, and with it whatever it held.
#[test]
fn an_unanswered_write_to_a_process_that_is_gone_is_looked_at_again() {
    for (second_pid, is_gone) in [(8, true), (7, false)] {
        let fake = Fake::greeting(
            move |connection| Reaction::text(&handshake("1.6.18", if connection == 0 { 7 } else { second_pid })),
            |_| Box::new(|_, _| Reaction::Close(Vec::new())),
        );
        let written = put(&open(&fake));
        assert_eq!(matches!(written, Written::Changed), is_gone, "{written:?}");
        assert_eq!(matches!(written, Written::Unknown(_)), !is_gone, "{written:?}");
    }
}

#[test]
fn refusals_are_told_apart() {
    for (answer, is_refused) in
        [("SERVER_ERROR out of memory storing object\r\n", true), ("CLIENT_ERROR bad\r\n", false), ("ERROR\r\n", false)]
    {
        let fake = always(move |_| Reaction::text(answer));
        let store = open(&fake);
        match put(&store) {
            Written::Refused(text) => assert!(is_refused && text.contains("out of memory"), "{text}"),
            Written::Failed(Error::Protocol(_)) => assert!(!is_refused),
            other => panic!("{other:?}"),
        }
        let status = load(&store).unwrap_err().status();
        assert_eq!(status, if is_refused { Status::Unavailable } else { Status::Protocol });
        let connections = fake.connections.load(Ordering::SeqCst);
        assert_eq!(connections, if is_refused { 1 } else { 2 }, "only a refusal leaves the connection in step");
    }
}

// a version is good on the unbroken life that gave it.
#[test]
fn a_version_is_not_sent_after_any_connection_broke() {
    let fake = Fake::start(|connection| {
        Box::new(move |line, _| match &line[..2] {
            "mg" if line.contains("break") => Reaction::Close(Vec::new()),
            "mg" => Reaction::text(&found(line, "x")),
            _ => Reaction::text(&format!("HD c{connection} {}\r\n", token(line))),
        })
    });
    let store = open(&fake);
    let Loaded::Found { token, .. } = load_all(&store, &["c/k"], soon()).remove(0).unwrap() else { panic!("absent") };
    let replace = || {
        let action = Action::Replace(Blob::new(vec![1]).into(), token);
        run(store.write(&[WriteItem { key: Key::new("c/k"), action, ttl: None }], soon())).unwrap().remove(0)
    };
    assert!(load_one(&store, "c/break", soon()).is_err());
    assert!(matches!(replace(), Written::Changed));
    assert!(!fake.requests.lock().unwrap().iter().any(|line| line.starts_with("ms")), "it was not sent");
    let Loaded::Found { token: fresh, .. } = load_all(&store, &["c/k"], soon()).remove(0).unwrap() else {
        panic!("absent")
    };
    assert_ne!(token, fresh);
}

// The same where the connection was lost to a timeout, and where its answer was not understood.
#[test]
fn a_version_is_not_sent_after_a_connection_was_out_of_step() {
    for silent in [true, false] {
        let fake = Fake::start(move |connection| {
            Box::new(move |line, _| match &line[..2] {
                "mg" if line.contains("break") && silent => Reaction::Silence,
                "mg" if line.contains("break") => Reaction::text("NONSENSE\r\n"),
                "mg" => Reaction::text(&found(line, "x")),
                _ => Reaction::text(&format!("HD c{connection} {}\r\n", token(line))),
            })
        });
        let store = open_with_pause(&fake, 1);
        let Loaded::Found { token, .. } = load_all(&store, &["c/k"], soon()).remove(0).unwrap() else {
            panic!("absent")
        };
        assert!(load_one(&store, "c/break", Instant::now() + PATIENCE).is_err());
        std::thread::sleep(Duration::from_millis(5));
        let action = Action::Replace(Blob::new(vec![1]).into(), token);
        let items = [WriteItem { key: Key::new("c/k"), action, ttl: None }];
        assert!(matches!(run(store.write(&items, soon())).unwrap().remove(0), Written::Changed));
        assert_eq!(fake.connections.load(Ordering::SeqCst), 2, "the connection is not used again");
        assert!(!fake.requests.lock().unwrap().iter().any(|line| line.starts_with("ms")), "it was not sent");
    }
}

#[test]
fn nobody_listening_is_unavailable_and_names_the_server() {
    let fake = always(|_| Reaction::Silence);
    let url = fake.url();
    drop(fake);
    let store = Store::open(Some(&url), &StoreOptions::new()).unwrap();
    let error = load(&store).unwrap_err();
    assert_eq!((error.status(), error.errno()), (Status::Unavailable, libc::ECONNREFUSED));
    assert!(error.to_string().contains(url.strip_prefix("memcached://").unwrap()), "{error}");
    assert!(matches!(put(&store), Written::Failed(Error::Unavailable { .. })));
    assert!(run(store.ping(soon())).unwrap().is_err());
    let store = Store::open(Some("memcached+unix:///nonexistent/socket"), &StoreOptions::new()).unwrap();
    let error = load(&store).unwrap_err();
    assert_eq!((error.status(), error.errno()), (Status::Unavailable, libc::ENOENT));
    assert!(error.to_string().contains("/nonexistent/socket"), "{error}");
    let store = Store::open(Some("memcached://name.invalid"), &StoreOptions::new()).unwrap();
    let error = load(&store).unwrap_err();
    assert!(error.status() == Status::Unavailable && error.to_string().contains("name.invalid"), "{error}");
    assert_eq!(store.resolve().unwrap_err().status(), Status::Unavailable);
}
