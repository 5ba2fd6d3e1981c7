//! What operations on a queue wait for, and do not wait for any more.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use lovely_session::io::queue::Queue;
use lovely_session::io::{readable, sleep_until, with_deadline};

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
