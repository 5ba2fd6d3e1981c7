//! What an operation does when a deadline has passed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

use std::future::pending;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use lovely_session::io::blocking::run;
use lovely_session::io::queue::Queue;
use lovely_session::io::{is_past, now, readable, sleep_until, with_deadline};

// An operation that was told so by one and not by the other tried again for ever, and never waited.
#[test]
fn a_deadline_that_cut_something_short_has_passed() {
    let operation = async {
        let deadline = now() + Duration::from_millis(5);
        // Long enough that the deadline passes while nobody asks for the time.
        std::thread::sleep(Duration::from_millis(20));
        assert!(with_deadline(deadline, pending::<()>()).await.is_err());
        assert!(is_past(deadline));
    };
    run(operation).unwrap();
}

// An operation that gave up on a connection, closed it and went on was ended by the descriptor that was no more.
#[test]
fn what_was_given_up_on_is_not_waited_for() {
    let queue = Queue::new().unwrap();
    let operation = async {
        let (socket, _peer) = UnixStream::pair().unwrap();
        let deadline = Instant::now() + Duration::from_millis(20);
        assert!(with_deadline(deadline, readable(socket.as_fd())).await.is_err());
        drop(socket);
        sleep_until(Instant::now() + Duration::from_millis(20)).await;
        Ok(())
    };
    queue.start(queue.number(), 0, Box::pin(operation)).unwrap();
    let mut result = None;
    queue.wait(1, Some(Duration::from_secs(20)), |finished| result = Some(finished.result)).unwrap();
    assert_eq!(result, Some(Ok(())));
}
