//! The wake-up: whatever threads start, finish, cancel and free while others go to sleep, nobody sleeps on, and everything
//! is handed out once.

use std::future::poll_fn;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use loom::sync::Mutex;
use loom::thread;

use crate::error::{Error, Result};
use crate::in_every_order;
use crate::io::queue::{Line, LineState, Operation, Queue};
use crate::io::sys::{Number, next_news};
use crate::io::{poll_deadline, seat};

type Numbers = Queue<u32>;

fn queue() -> Arc<Numbers> {
    Arc::new(Queue::new().unwrap())
}

fn start(queue: &Numbers, operation: Operation<u32>) -> u64 {
    let number = queue.number();
    queue.start(number, 0, operation).unwrap();
    number
}

/// One that is finished when it is started.
fn at_once(answer: u32) -> Operation<u32> {
    Box::pin(async move { Ok(answer) })
}

/// Sleeps until it is handed something.
fn take(queue: &Numbers, at_most: usize) -> Result<Vec<u32>> {
    let mut taken = Vec::new();
    queue.wait(at_most, None, |finished| taken.push(finished.result.unwrap()))?;
    assert!(!taken.is_empty(), "it came back with nothing");
    Ok(taken)
}

/// A connection on which one answer comes.
#[derive(Debug)]
struct Wire {
    socket: Number,
    state: Mutex<Wired>,
}

#[derive(Debug, Default)]
struct Wired {
    waiting: Option<u64>,
    has_come: bool,
}

impl Wire {
    fn new() -> Arc<Self> {
        Arc::new(Self { socket: Number::new(), state: Mutex::default() })
    }

    /// Waits for the answer.
    fn asked(self: &Arc<Self>) -> Operation<u32> {
        let wire = Arc::clone(self);
        Box::pin(async move {
            let seat = seat().unwrap();
            wire.state.lock().unwrap().waiting = Some(seat.operation);
            let line: Arc<dyn Line> = wire.clone();
            seat.hub.add(line)?;
            let never = Instant::now() + Duration::from_secs(86_400);
            poll_fn(|_| {
                if wire.state.lock().unwrap().has_come {
                    return Poll::Ready(Ok(7));
                }
                poll_deadline(never).map(|()| Err(Error::Timeout("never".into())))
            })
            .await
        })
    }

    /// What the server does.
    fn answer(&self) {
        self.socket.ring();
    }
}

impl Line for Wire {
    fn socket(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    fn receive(&self, woken: &mut Vec<u64>) {
        self.socket.silence();
        let mut state = self.state.lock().unwrap();
        state.has_come = true;
        woken.extend(state.waiting.take());
    }

    fn send(&self, _: &mut Vec<u64>) {}

    fn state(&self) -> LineState {
        LineState::Idle
    }
}

#[test]
fn who_sleeps_is_woken_by_what_is_finished_when_it_is_started() {
    in_every_order(None, || {
        let queue = queue();
        let sleeper = {
            let queue = Arc::clone(&queue);
            thread::spawn(move || take(&queue, 8).unwrap())
        };
        start(&queue, at_once(1));
        assert_eq!(sleeper.join().unwrap(), [1]);
    });
}

#[test]
fn who_sleeps_is_woken_by_an_answer_to_what_another_thread_asked() {
    in_every_order(Some(3), || {
        let (queue, wire) = (queue(), Wire::new());
        let sleeper = {
            let queue = Arc::clone(&queue);
            thread::spawn(move || take(&queue, 8).unwrap())
        };
        let server = {
            let wire = Arc::clone(&wire);
            thread::spawn(move || wire.answer())
        };
        start(&queue, wire.asked());
        assert_eq!(sleeper.join().unwrap(), [7]);
        server.join().unwrap();
    });
}

#[test]
fn who_sleeps_is_woken_by_a_cancellation() {
    in_every_order(Some(4), || {
        let (queue, wire) = (queue(), Wire::new());
        let sleeper = {
            let queue = Arc::clone(&queue);
            thread::spawn(move || {
                let mut result = None;
                queue.wait(8, None, |finished| result = Some(finished.result)).unwrap();
                result.unwrap()
            })
        };
        let number = start(&queue, wire.asked());
        queue.cancel(number).unwrap();
        assert!(matches!(sleeper.join().unwrap(), Err(Error::Cancelled(_))));
    });
}

#[test]
fn two_who_sleep_are_each_handed_something_and_nothing_twice() {
    in_every_order(Some(2), || {
        let queue = queue();
        let sleepers = [(); 2].map(|()| {
            let queue = Arc::clone(&queue);
            thread::spawn(move || take(&queue, 1).unwrap())
        });
        start(&queue, at_once(1));
        start(&queue, at_once(2));
        let mut taken: Vec<u32> = sleepers.into_iter().flat_map(|sleeper| sleeper.join().unwrap()).collect();
        taken.sort_unstable();
        assert_eq!(taken, [1, 2]);
    });
}

#[test]
fn who_sleeps_is_woken_by_each_of_two_who_start_something() {
    in_every_order(Some(2), || {
        let queue = queue();
        let sleeper = {
            let queue = Arc::clone(&queue);
            thread::spawn(move || {
                let mut taken = Vec::new();
                while taken.len() < 2 {
                    taken.extend(take(&queue, 8).unwrap());
                }
                taken.sort_unstable();
                taken
            })
        };
        let starter = {
            let queue = Arc::clone(&queue);
            thread::spawn(move || start(&queue, at_once(1)))
        };
        start(&queue, at_once(2));
        assert_eq!(sleeper.join().unwrap(), [1, 2]);
        starter.join().unwrap();
    });
}

#[test]
fn all_who_sleep_are_woken_when_the_queue_is_freed() {
    in_every_order(Some(2), || {
        let queue = queue();
        let sleepers = [(); 2].map(|()| {
            let queue = Arc::clone(&queue);
            thread::spawn(move || take(&queue, 1))
        });
        queue.close();
        for sleeper in sleepers {
            assert!(matches!(sleeper.join().unwrap(), Err(Error::Misuse(_))));
        }
    });
}

/// A host that watches the descriptor for changes only, and takes one at a time.
fn watch(queue: &Numbers, expected: usize) -> Vec<u32> {
    let (mut taken, mut seen) = (Vec::new(), 0);
    while taken.len() < expected {
        seen = next_news(queue.descriptor().as_raw_fd(), seen);
        queue.wait(1, Some(Duration::ZERO), |finished| taken.push(finished.result.unwrap())).unwrap();
    }
    taken
}

#[test]
fn a_host_that_watches_for_changes_misses_nothing_that_is_started_or_left_behind() {
    in_every_order(Some(3), || {
        let queue = queue();
        let host = {
            let queue = Arc::clone(&queue);
            thread::spawn(move || watch(&queue, 2))
        };
        start(&queue, at_once(1));
        start(&queue, at_once(2));
        assert_eq!(host.join().unwrap(), [1, 2]);
    });
}

#[test]
fn a_host_that_watches_for_changes_hears_of_an_answer() {
    in_every_order(Some(2), || {
        let (queue, wire) = (queue(), Wire::new());
        let host = {
            let queue = Arc::clone(&queue);
            thread::spawn(move || watch(&queue, 1))
        };
        let server = {
            let wire = Arc::clone(&wire);
            thread::spawn(move || wire.answer())
        };
        start(&queue, wire.asked());
        assert_eq!(host.join().unwrap(), [7]);
        server.join().unwrap();
    });
}
