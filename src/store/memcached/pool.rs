//! The connections to one server that are not in use, and what is known of the server, for each process that a fork made.
//!
//! The *epoch* is what makes versions safe: it changes when the server is seen to be another process, and when any
//! connection to it breaks, because then it may have been restarted in a way that cannot be seen. A version is good only on
//! a connection of the epoch that it comes from, and connections of an older epoch are not used again.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::aside::{Failure, Gate, Standing};
use super::connection::Connection;
use super::handshake::Facts;
use super::shared::SharedLine;
use crate::error::{Error, Result};
use crate::io::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use crate::io::sys;

/// More connections than this are not kept: they were for a crowd that is gone.
const MOST_IDLE: usize = 64;

/// The pool of the process that made it, and those of its forked children.
#[derive(Debug)]
pub(super) struct Pool {
    /// The process that may use it, as [`sys::fork_generation`] tells them apart.
    generation: u64,
    state: Mutex<State>,
    /// In a child: its own pool. The parent's is not touched, not even its lock, whose holder may not exist here.
    child: OnceLock<Box<Pool>>,
}

#[derive(Debug)]
struct State {
    #[allow(clippy::vec_box, reason = "taken out and put back for each exchange, and some 200 bytes")]
    idle: Vec<Box<Connection>>,
    /// Connections of queues.
    lines: Vec<Weak<SharedLine>>,
    epoch: u64,
    /// What the server told last.
    facts: Option<Facts>,
    standing: Standing,
}

/// How to get to a server.
#[derive(Debug)]
pub(super) enum Way<'p> {
    /// By a connection that seems to stand.
    Idle(Box<Connection>),
    /// By a new one.
    New(Pass<'p>),
}

/// The leave to connect. To be told what came of it; dropped without that, the server stands as it did.
#[derive(Debug)]
pub(super) struct Pass<'p> {
    pool: &'p Pool,
    /// Whether others wait for what comes of it.
    is_try: bool,
}

impl Pool {
    pub(super) fn new() -> Self {
        let (idle, lines) = (Vec::new(), Vec::new());
        let state = State { idle, lines, epoch: next_epoch(), facts: None, standing: Standing::default() };
        Self { generation: sys::fork_generation(), state: Mutex::new(state), child: OnceLock::new() }
    }

    /// The pool of this process.
    fn state(&self) -> MutexGuard<'_, State> {
        let mut pool = self;
        while pool.generation != sys::fork_generation() {
            pool = pool.child.get_or_init(|| {
                // The child's copies of the parent's descriptors: closing them does not touch the connections. If a
                // thread that is not here had the lock, they stay.
                if let Ok(mut state) = pool.state.try_lock() {
                    state.idle.clear();
                }
                Box::new(Self::new())
            });
        }
        pool.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The way to take: a connection that is idle, or a new one unless the server is set aside. With `insists` the end of
    /// its pause is not waited for.
    pub(super) fn way(&self, insists: bool) -> Result<Way<'_>> {
        loop {
            let mut state = self.state();
            let Some(connection) = state.idle.pop() else {
                drop(state);
                return self.pass(insists).map(Way::New);
            };
            drop(state);
            if connection.seems_alive() {
                return Ok(Way::Idle(connection));
            }
            self.broke(connection);
        }
    }

    /// The leave to connect, unless the server is set aside; see [`way`](Self::way).
    pub(super) fn pass(&self, insists: bool) -> Result<Pass<'_>> {
        match self.state().standing.ask(insists) {
            Gate::Open => Ok(Pass { pool: self, is_try: false }),
            Gate::Try => Ok(Pass { pool: self, is_try: true }),
            Gate::Shut(error) => Err(error),
        }
    }

    /// Gives a connection back whose last exchange ended in step.
    pub(super) fn put(&self, mut connection: Box<Connection>) {
        connection.rest();
        let mut state = self.state();
        state.standing.answered();
        if connection.epoch == state.epoch && state.idle.len() < MOST_IDLE {
            state.idle.push(connection);
        }
    }

    /// Closes a connection that broke. What else is idle may be as dead, and versions from before are worth nothing.
    pub(super) fn broke(&self, connection: Box<Connection>) {
        self.broke_epoch(connection.epoch);
        drop(connection);
    }

    /// Takes note that a connection of `epoch` broke.
    pub(super) fn broke_epoch(&self, epoch: u64) {
        let mut state = self.state();
        if epoch == state.epoch {
            let _dropped_unlocked = state.begin_epoch();
            drop(state);
        }
    }

    /// The epoch of connections that are made now.
    pub(super) fn epoch(&self) -> u64 {
        self.state().epoch
    }

    /// Takes note that an exchange on a connection of a queue ended in step.
    pub(super) fn answered(&self) {
        self.state().standing.answered();
    }

    /// Keeps an eye on a connection that a queue has.
    pub(super) fn watch(&self, line: &Arc<SharedLine>) {
        let mut state = self.state();
        state.lines.retain(|line| line.strong_count() > 0);
        state.lines.push(Arc::downgrade(line));
    }

    /// What the server told last, if it was ever reached.
    pub(super) fn facts(&self) -> Option<Facts> {
        self.state().facts
    }

    /// Has a server that is set aside tried by the next caller: it is said to be elsewhere now.
    pub(super) fn hurry(&self) {
        self.state().standing.hurry();
    }

    /// Takes note of an exchange that failed in a way that sets the server aside; whether that is news.
    pub(super) fn failed(&self, failure: Failure, cause: &Error, longest: Duration) -> bool {
        self.state().standing.failed(failure, cause, false, longest, chance())
    }
}

impl Pass<'_> {
    /// Takes note of what the server told on a new connection: gives the epoch of that connection, and for how long the
    /// server was set aside, if it was.
    pub(super) fn connected(mut self, facts: Facts) -> (u64, Option<Duration>) {
        self.is_try = false;
        let mut state = self.pool.state();
        let was_aside = state.standing.opened();
        let is_same = state.facts.is_none_or(|known| known.identity == facts.identity);
        state.facts = Some(facts);
        // A process that was restarted within the second under the same number shows in the connections that it left.
        let are_lines_alive = || state.lines.iter().filter_map(Weak::upgrade).all(|line| line.is_alive());
        if !is_same || !state.idle.iter().all(|connection| connection.is_alive()) || !are_lines_alive() {
            let _dropped_unlocked = state.begin_epoch();
            let epoch = state.epoch;
            drop(state);
            return (epoch, was_aside);
        }
        (state.epoch, was_aside)
    }

    /// Takes note that no connection came of it; whether it is news that the server is set aside.
    pub(super) fn failed(mut self, failure: Failure, cause: &Error, longest: Duration) -> bool {
        let is_try = std::mem::take(&mut self.is_try);
        self.pool.state().standing.failed(failure, cause, is_try, longest, chance())
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if self.is_try {
            self.pool.state().standing.give_up();
        }
    }
}

impl State {
    /// Begins an epoch; the connections that are no good in it, to be closed.
    #[allow(clippy::vec_box, reason = "as they are kept")]
    fn begin_epoch(&mut self) -> Vec<Box<Connection>> {
        self.epoch = next_epoch();
        std::mem::take(&mut self.idle)
    }
}

/// A number that no other epoch of any server has, in this process and those that it was forked from.
fn next_epoch() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Any number, so that pauses differ. Without random numbers from the system they do not.
fn chance() -> u64 {
    let mut bytes = [0; 8];
    if getrandom::fill(&mut bytes).is_err() {
        return 1 << 63;
    }
    u64::from_ne_bytes(bytes)
}
