//! The connections to one server that are not in use, and what is known of the server, for each process that a fork made.
//!
//! The *epoch* is what makes versions safe: it changes when the server is seen to be another process, and when any
//! connection to it breaks, because then it may have been restarted in a way that cannot be seen. A version is good only on
//! a connection of the epoch that it comes from, and connections of an older epoch are not used again.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use super::connection::Connection;
use super::handshake::Facts;
use crate::error::Error;
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
    idle: Vec<Connection>,
    epoch: u64,
    /// What the server told last.
    facts: Option<Facts>,
    /// Why nobody should try to connect for the moment, and until when.
    away: Option<(Instant, Error)>,
}

impl Pool {
    pub(super) fn new() -> Self {
        let state = State { idle: Vec::new(), epoch: next_epoch(), facts: None, away: None };
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

    /// A connection that seems to stand.
    pub(super) fn take(&self) -> Option<Connection> {
        loop {
            let connection = self.state().idle.pop()?;
            if connection.seems_alive() {
                return Some(connection);
            }
            self.broke(connection);
        }
    }

    /// Gives a connection back whose last exchange ended in step.
    pub(super) fn put(&self, mut connection: Connection) {
        connection.rest();
        let mut state = self.state();
        if connection.epoch == state.epoch && state.idle.len() < MOST_IDLE {
            state.idle.push(connection);
        }
    }

    /// Closes a connection that broke. What else is idle may be as dead, and versions from before are worth nothing.
    pub(super) fn broke(&self, connection: Connection) {
        let mut state = self.state();
        if connection.epoch == state.epoch {
            let _dropped_unlocked = state.begin_epoch();
            drop(state);
        }
        drop(connection);
    }

    /// Takes note of what a server told on a new connection, and gives the epoch of that connection.
    pub(super) fn connected(&self, facts: Facts) -> u64 {
        let mut state = self.state();
        let is_same = state.facts.is_none_or(|known| known.identity == facts.identity);
        state.facts = Some(facts);
        state.away = None;
        // A process that was restarted within the second under the same number shows in the connections that it left.
        if !is_same || !state.idle.iter().all(Connection::is_alive) {
            let _dropped_unlocked = state.begin_epoch();
            let epoch = state.epoch;
            drop(state);
            return epoch;
        }
        state.epoch
    }

    /// What the server told last, if it was ever reached.
    pub(super) fn facts(&self) -> Option<Facts> {
        self.state().facts
    }

    /// Keeps callers from waiting, each for itself, for a server that does not even refuse.
    pub(super) fn set_away(&self, until: Instant, error: Error) {
        self.state().away = Some((until, error));
    }

    /// Why not to try to connect now.
    pub(super) fn away(&self) -> Option<Error> {
        let mut state = self.state();
        match &state.away {
            Some((until, error)) if Instant::now() < *until => Some(error.clone()),
            _ => {
                state.away = None;
                None
            }
        }
    }
}

impl State {
    /// Begins an epoch; the connections that are no good in it, to be closed.
    fn begin_epoch(&mut self) -> Vec<Connection> {
        self.epoch = next_epoch();
        std::mem::take(&mut self.idle)
    }
}

/// A number that no other epoch of any server has, in this process and those that it was forked from.
fn next_epoch() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
