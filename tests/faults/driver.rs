//! How a client runs an operation: on the calling thread, or on a queue that all threads of the process share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::{Duration, Instant};

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
    Prefetch(Container, Vec<Vec<u8>>),
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

/// A queue that threads share. One of them frees it now and then, and they go on with another.
#[derive(Debug)]
pub struct Shared {
    current: Mutex<Arc<Current>>,
    lines: usize,
    is_corked: bool,
}

/// A queue, and what it has handed out to another thread than the one that started it.
#[derive(Debug)]
struct Current {
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
    /// One on queues that make `lines` connections to each server, and send what is started at once or when they are told.
    pub fn queue(lines: usize, is_corked: bool) -> Self {
        let current = Mutex::new(Arc::new(Current::new(lines, is_corked)));
        Self::Queue(Arc::new(Shared { current, lines, is_corked }))
    }

    /// The queue, if operations run on one.
    pub fn shared(&self) -> Option<&Shared> {
        match self {
            Self::Blocking => None,
            Self::Queue(shared) => Some(shared),
        }
    }

    /// Runs `action` to its end. It is cancelled after `cancel`, if that is given.
    ///
    /// `Misuse` if another thread freed the queue meanwhile: then only the transaction tells what it came to.
    pub fn run(&self, txn: &mut Transaction, action: Action, cancel: Option<Duration>) -> Result<Answer> {
        match self {
            Self::Blocking => blocking::run(perform(txn, action))?,
            Self::Queue(shared) => shared.current().run(txn, action, cancel),
        }
    }
}

impl Shared {
    fn current(&self) -> Arc<Current> {
        Arc::clone(&self.current.lock().unwrap())
    }

    /// Frees the queue with whatever is under way on it.
    pub fn free_queue(&self) {
        let next = Arc::new(Current::new(self.lines, self.is_corked));
        let old = std::mem::replace(&mut *self.current.lock().unwrap(), next);
        old.queue.close();
    }
}

impl Current {
    fn new(lines: usize, is_corked: bool) -> Self {
        let queue = Queue::new().unwrap();
        queue.set_lines_per_server(lines);
        queue.set_corked(is_corked);
        Self { queue, finished: Mutex::default() }
    }

    fn run(&self, txn: &mut Transaction, action: Action, cancel: Option<Duration>) -> Result<Answer> {
        let back = Arc::new(Mutex::new(None));
        let held = Held { txn: Some(std::mem::take(txn)), back: Arc::clone(&back) };
        let result = self.run_held(held, action, cancel);
        // Whoever frees the queue may still be ending what was under way.
        let given_up = Instant::now() + Duration::from_secs(20);
        *txn = loop {
            if let Some(txn) = back.lock().unwrap().take() {
                break txn;
            }
            assert!(Instant::now() < given_up, "an operation that has ended keeps its transaction");
            sleep(Duration::from_micros(100));
        };
        result
    }

    fn run_held(&self, mut held: Held, action: Action, cancel: Option<Duration>) -> Result<Answer> {
        let number = self.queue.number();
        let operation = async move { perform(held.txn.as_mut().unwrap(), action).await };
        self.queue.start(number, 0, Box::pin(operation))?;
        if let Some(after) = cancel {
            sleep(after);
            self.queue.cancel(number)?;
        }
        if number.is_multiple_of(2) {
            // What is corked goes out with this, or else when somebody waits.
            self.queue.flush()?;
        }
        loop {
            if let Some(result) = self.finished.lock().unwrap().remove(&number) {
                return result;
            }
            // Short, because another thread may have been handed what this one waits for.
            self.queue.wait(8, Some(Duration::from_millis(2)), |finished| {
                self.finished.lock().unwrap().insert(finished.number, finished.result);
            })?;
        }
    }
}

async fn perform(txn: &mut Transaction, action: Action) -> Result<Answer> {
    match action {
        Action::Open(container, id) => txn.open(&container, &id).await.map(Answer::Session),
        Action::Exists(container, id) => txn.exists(&container, &id).await.map(Answer::Found),
        Action::Prefetch(container, ids) => {
            let ids: Vec<&[u8]> = ids.iter().map(Vec::as_slice).collect();
            txn.prefetch(&container, &ids).await.map(|()| Answer::Done)
        }
        Action::Prepare => txn.prepare().await.map(|()| Answer::Done),
        Action::Commit => txn.commit().await.map(|()| Answer::Done),
    }
}
