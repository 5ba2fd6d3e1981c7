//! The log callback: levels, replacing it from within, and calling the library from it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use lovely_session::io::blocking;
use lovely_session::log::{self, Level};
use lovely_session::store::{Store, StoreOptions};

/// The callback is the process's: tests that set one take turns.
static TURN: Mutex<()> = Mutex::new(());

type Lines = Arc<Mutex<Vec<(Level, String)>>>;

fn collect(level: Level) -> Lines {
    let lines = Lines::default();
    let sink = Arc::clone(&lines);
    log::set(Some(Box::new(move |level, line| sink.lock().unwrap().push((level, line.to_owned())))), level);
    lines
}

fn log_each() {
    log::error(format_args!("e{}", 1));
    log::warn(format_args!("w"));
    log::info(format_args!("i"));
    log::debug(format_args!("d"));
}

#[test]
fn lines_up_to_the_level_arrive() {
    let _turn = TURN.lock().unwrap();
    for (level, expected) in [(Level::Error, 1), (Level::Warn, 2), (Level::Info, 3), (Level::Debug, 4)] {
        assert_eq!(Level::from_number(expected), Some(level));
        let lines = collect(level);
        log_each();
        let all = [(Level::Error, "e1"), (Level::Warn, "w"), (Level::Info, "i"), (Level::Debug, "d")];
        let all: Vec<_> = all.into_iter().map(|(level, line)| (level, line.to_owned())).collect();
        assert_eq!(*lines.lock().unwrap(), all[..usize::try_from(expected).unwrap()]);
    }
    log::set(None, Level::Debug);
    assert_eq!((Level::from_number(0), Level::from_number(5)), (None, None));
}

#[test]
fn silence_costs_no_text() {
    struct NotShown;
    impl fmt::Display for NotShown {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("put together for nobody")
        }
    }
    let _turn = TURN.lock().unwrap();
    log::set(None, Level::Debug);
    log::error(format_args!("{NotShown}"));
    let lines = collect(Level::Warn);
    log::info(format_args!("{NotShown}"));
    log::set(None, Level::Error);
    assert!(lines.lock().unwrap().is_empty());
}

#[test]
fn a_callback_may_set_another_and_is_dropped_after_it_was_left() {
    struct LogsWhenDropped;
    impl Drop for LogsWhenDropped {
        fn drop(&mut self) {
            log::info(format_args!("dropped"));
        }
    }
    let _turn = TURN.lock().unwrap();
    let lines = Lines::default();
    let (sink, owned) = (Arc::clone(&lines), LogsWhenDropped);
    log::set(
        Some(Box::new(move |_, _| {
            let _ = &owned;
            let sink = Arc::clone(&sink);
            log::set(
                Some(Box::new(move |level, line| sink.lock().unwrap().push((level, line.to_owned())))),
                Level::Info,
            );
        })),
        Level::Info,
    );
    log::info(format_args!("first"));
    log::info(format_args!("second"));
    log::set(None, Level::Error);
    let expected = [(Level::Info, "dropped".to_owned()), (Level::Info, "second".to_owned())];
    assert_eq!(*lines.lock().unwrap(), expected);
}

#[test]
fn a_callback_may_call_the_library_and_log() {
    let _turn = TURN.lock().unwrap();
    let lines = Lines::default();
    let sink = Arc::clone(&lines);
    log::set(
        Some(Box::new(move |level, line| {
            let store = Store::open(Some("memory://log"), &StoreOptions::new()).unwrap();
            blocking::run(store.ping(Instant::now() + Duration::from_secs(5))).unwrap().unwrap();
            if level == Level::Warn {
                log::info(format_args!("from within"));
            }
            sink.lock().unwrap().push((level, line.to_owned()));
        })),
        Level::Info,
    );
    blocking::run(async { log::warn(format_args!("outer")) }).unwrap();
    log::set(None, Level::Error);
    let expected = [(Level::Info, "from within".to_owned()), (Level::Warn, "outer".to_owned())];
    assert_eq!(*lines.lock().unwrap(), expected);
}
