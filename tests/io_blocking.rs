//! Waiting: times, descriptors, deadlines, many at once, and one run inside another.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

use std::cell::Cell;
use std::future::{Future, pending, poll_fn};
use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::mpsc;
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use lovely_session::error::Error;
use lovely_session::io::{Elapsed, Wants, blocking, join_all, readable, sleep_until, with_deadline, writable};
use lovely_session::store::{Key, LoadItem, Store, StoreOptions};

const SHORT: Duration = Duration::from_millis(30);
const LONG: Duration = Duration::from_secs(30);

fn pair() -> (UnixStream, UnixStream) {
    let (a, b) = UnixStream::pair().unwrap();
    a.set_nonblocking(true).unwrap();
    b.set_nonblocking(true).unwrap();
    (a, b)
}

/// Reads one byte, waiting for it.
async fn read_byte(mut stream: &UnixStream) -> u8 {
    let mut byte = [0];
    loop {
        match stream.read(&mut byte) {
            Ok(_) => return byte[0],
            Err(error) if error.kind() == ErrorKind::WouldBlock => readable(stream.as_fd()).await,
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn sleeping_lasts_until_its_time_and_not_shorter() {
    let until = Instant::now() + SHORT;
    blocking::run(sleep_until(until)).unwrap();
    assert!(Instant::now() >= until);
    blocking::run(sleep_until(Instant::now())).unwrap();
}

#[test]
fn the_earliest_time_wakes_the_driver() {
    let start = Instant::now();
    let never = with_deadline(start + SHORT, sleep_until(start + LONG));
    assert_eq!(blocking::run(never).unwrap(), Err(Elapsed));
    assert!(start.elapsed() >= SHORT && start.elapsed() < LONG);
}

#[test]
fn a_descriptor_wakes_the_driver_when_something_comes() {
    let (reader, mut writer) = pair();
    let thread = thread::spawn(move || {
        thread::sleep(SHORT);
        writer.write_all(b"x").unwrap();
        writer
    });
    let read = with_deadline(Instant::now() + LONG, read_byte(&reader));
    assert_eq!(blocking::run(read).unwrap(), Ok(b'x'));
    drop(thread.join().unwrap());
}

#[test]
fn the_end_of_a_stream_wakes_who_reads_and_who_writes() {
    let (stream, peer) = pair();
    drop(peer);
    let deadline = Instant::now() + LONG;
    assert_eq!(blocking::run(with_deadline(deadline, readable(stream.as_fd()))).unwrap(), Ok(()));
    assert_eq!(blocking::run(with_deadline(deadline, writable(stream.as_fd()))).unwrap(), Ok(()));
}

#[test]
fn room_to_write_wakes_the_driver() {
    let (writer, mut reader) = pair();
    let mut written = 0;
    while let Ok(count) = (&writer).write(&[0; 8_192]) {
        written += count;
    }
    let full = with_deadline(Instant::now() + SHORT, writable(writer.as_fd()));
    assert_eq!(blocking::run(full).unwrap(), Err(Elapsed), "full");
    let thread = thread::spawn(move || {
        let mut buffer = vec![0; written];
        reader.read_exact(&mut buffer).unwrap();
        reader
    });
    let room = with_deadline(Instant::now() + LONG, writable(writer.as_fd()));
    assert_eq!(blocking::run(room).unwrap(), Ok(()));
    drop(thread.join().unwrap());
}

#[test]
fn a_deadline_counts_only_for_what_is_not_finished() {
    let past = Instant::now();
    assert_eq!(blocking::run(with_deadline(past, async { 7 })).unwrap(), Ok(7));
    assert_eq!(blocking::run(with_deadline(past, pending::<()>())).unwrap(), Err(Elapsed));
}

#[test]
fn many_are_driven_at_once_and_answer_in_their_order() {
    let pairs: Vec<_> = (0..8).map(|_| pair()).collect();
    let (readers, mut writers): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
    // The last is answered first: done one after another, this would never end.
    let thread = thread::spawn(move || {
        for (number, writer) in writers.iter_mut().enumerate().rev() {
            writer.write_all(&[u8::try_from(number).unwrap()]).unwrap();
        }
        writers
    });
    let all = join_all(readers.iter().map(read_byte).collect());
    let answers = blocking::run(with_deadline(Instant::now() + LONG, all)).unwrap();
    assert_eq!(answers, Ok((0..8).collect()));
    drop(thread.join().unwrap());
    assert_eq!(blocking::run(join_all(Vec::<std::future::Ready<()>>::new())).unwrap(), []);
    assert_eq!(blocking::run(join_all(vec![std::future::ready(1)])).unwrap(), [1]);
}

#[test]
fn only_what_is_ready_goes_on() {
    let (ready, mut writer) = pair();
    let (silent, _peer) = pair();
    writer.write_all(b"x").unwrap();
    let one = async {
        readable(ready.as_fd()).await;
        true
    };
    let other = async { with_deadline(Instant::now() + SHORT, readable(silent.as_fd())).await.is_ok() };
    let both: Vec<Pin<Box<dyn Future<Output = bool>>>> = vec![Box::pin(one), Box::pin(other)];
    assert_eq!(blocking::run(join_all(both)).unwrap(), [true, false]);
}

#[test]
fn what_was_ready_before_does_not_count_again() {
    let (reader, mut writer) = pair();
    writer.write_all(b"x").unwrap();
    let twice = async {
        readable(reader.as_fd()).await;
        assert_eq!(read_byte(&reader).await, b'x');
        // In the same poll in which the descriptor was found ready.
        with_deadline(Instant::now() + SHORT, readable(reader.as_fd())).await
    };
    assert_eq!(blocking::run(twice).unwrap(), Err(Elapsed));
}

#[test]
fn a_wait_for_nothing_is_an_error_and_not_a_hang() {
    assert!(matches!(blocking::run(pending::<()>()), Err(Error::Panic(_))));
}

// A log callback may call the library while an operation is under way.
#[test]
fn a_run_inside_a_run_leaves_the_outer_one_what_it_waits_for() {
    let (reader, mut writer) = pair();
    let (sender, receiver) = mpsc::channel();
    let thread = thread::spawn(move || {
        receiver.recv().unwrap();
        writer.write_all(b"x").unwrap();
        writer
    });
    let polls = Cell::new(0);
    let mut waiting = Box::pin(read_byte(&reader));
    let outer = poll_fn(|context| {
        polls.set(polls.get() + 1);
        // Noted first; what runs inside must neither see nor lose it.
        let answer = waiting.as_mut().poll(context);
        assert!(matches!(blocking::run(pending::<()>()), Err(Error::Panic(_))), "its own list is empty");
        blocking::run(sleep_until(Instant::now() + Duration::from_millis(1))).unwrap();
        let _ = sender.send(());
        answer
    });
    assert_eq!(blocking::run(with_deadline(Instant::now() + LONG, outer)).unwrap(), Ok(b'x'));
    assert!(polls.get() < 10, "waited, not spun: {}", polls.get());
    drop(thread.join().unwrap());
}

#[test]
fn a_panic_in_an_operation_leaves_nothing_behind() {
    let (reader, _writer) = pair();
    let mut waiting = Box::pin(readable(reader.as_fd()));
    let outer = poll_fn(|context| {
        let unwound = catch_unwind(AssertUnwindSafe(|| {
            let mut inner = Box::pin(readable(reader.as_fd()));
            blocking::run(poll_fn(|context| {
                assert!(inner.as_mut().poll(context).is_pending());
                panic!("defect")
            }))
            .map(|(): ()| ())
        }));
        assert!(unwound.is_err());
        let _ = waiting.as_mut().poll(context);
        Poll::<()>::Pending
    });
    let mut wants = Wants::new();
    let mut outer = Box::pin(outer);
    assert!(wants.poll(outer.as_mut()).is_pending());
    assert_eq!(wants.watches_mut().len(), 1, "its own, not the panicked one's");
}

// The queue will move operations between threads.
#[test]
fn operations_can_be_sent_to_another_thread() {
    fn assert_send<T: Send>(value: T) -> T {
        value
    }
    let (stream, _peer) = pair();
    drop(assert_send(with_deadline(Instant::now(), readable(stream.as_fd()))));
    drop(assert_send(join_all(vec![sleep_until(Instant::now())])));
    let store = Store::open(Some("memory://io_blocking"), &StoreOptions::new()).unwrap();
    let items = [LoadItem { key: Key::new("a/1"), renew: None }];
    let load = assert_send(store.load(&items, Instant::now() + LONG));
    // And the embedded store's never wait.
    assert!(Wants::new().poll(Box::pin(load).as_mut()).is_ready());
    drop(assert_send(store.write(&[], Instant::now())));
    drop(assert_send(store.versions(&[], Instant::now())));
}
