//! How a client runs an operation: on the calling thread, or on a queue that all threads of the process share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::Duration;

use lovely_session::container::Container;
use lovely_session::error::Result;
use lovely_session::io::blocking;
use lovely_session::io::queue::Queue;
use lovely_session::txn::{SessionRef, Transaction};

/// What is run.
#[derive(Debug)]
pub enum Action {
    Open(Container, Vec<u8>),
    Exists(Container, Vec<u8>),
    Prepare,
    Commit,
}

/// What it gives.
#[derive(Debug)]
pub enum Answer {
    Session(SessionRef),
    Found(bool),
    Done,
}

/// Runs operations.
#[derive(Debug, Clone)]
pub enum Driver {
    Blocking,
    Queue(Arc<Shared>),
}

/// A queue, and what it has handed out to another thread than the one that started it.
#[derive(Debug)]
pub struct Shared {
    queue: Queue<Answer>,
    finished: Mutex<HashMap<u64, Result<Answer>>>,
}

/// A transaction that is with an operation; it comes back however that ends.
struct Held {
    txn: Option<Transaction>,
    back: Arc<Mutex<Option<Transaction>>>,
}

impl Drop for Held {
    fn drop(&mut self) {
        *self.back.lock().unwrap() = self.txn.take();
    }
}

impl Driver {
    /// One on a new queue, that makes `lines` connections to each server.
    pub fn queue(lines: usize) -> Self {
        let queue = Queue::new().unwrap();
        queue.set_lines_per_server(lines);
        Self::Queue(Arc::new(Shared { queue, finished: Mutex::default() }))
    }

    /// Whether operations can be cancelled.
    pub fn may_cancel(&self) -> bool {
        matches!(self, Self::Queue(_))
    }

    /// Runs `action` to its end. It is cancelled after `cancel`, if that is given.
    pub fn run(&self, txn: &mut Transaction, action: Action, cancel: Option<Duration>) -> Result<Answer> {
        match self {
            Self::Blocking => blocking::run(perform(txn, action))?,
            Self::Queue(shared) => shared.run(txn, action, cancel),
        }
    }
}

impl Shared {
    fn run(&self, txn: &mut Transaction, action: Action, cancel: Option<Duration>) -> Result<Answer> {
        let back = Arc::new(Mutex::new(None));
        let mut held = Held { txn: Some(std::mem::take(txn)), back: Arc::clone(&back) };
        let number = self.queue.number();
        let operation = async move { perform(held.txn.as_mut().unwrap(), action).await };
        self.queue.start(number, 0, Box::pin(operation))?;
        if let Some(after) = cancel {
            sleep(after);
            self.queue.cancel(number)?;
        }
        let result = loop {
            if let Some(result) = self.finished.lock().unwrap().remove(&number) {
                break result;
            }
            // Short, because another thread may have been handed what this one waits for.
            self.queue.wait(8, Some(Duration::from_millis(2)), |finished| {
                self.finished.lock().unwrap().insert(finished.number, finished.result);
            })?;
        };
        *txn = back.lock().unwrap().take().expect("an operation that has finished has given its transaction back");
        result
    }
}

async fn perform(txn: &mut Transaction, action: Action) -> Result<Answer> {
    match action {
        Action::Open(container, id) => txn.open(&container, &id).await.map(Answer::Session),
        Action::Exists(container, id) => txn.exists(&container, &id).await.map(Answer::Found),
        Action::Prepare => txn.prepare().await.map(|()| Answer::Done),
        Action::Commit => txn.commit().await.map(|()| Answer::Done),
    }
}
