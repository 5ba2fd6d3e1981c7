//! Finds the line of a queue to a server, or has it made: by one operation, for which the others wait.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Instant;

use super::super::server::Server;
use super::SharedLine;
use crate::error::{Error, Result};
use crate::io::queue::{Hub, Line};
use crate::io::{Seat, is_past, poll_deadline};

/// The lines of one queue to one server.
#[derive(Debug, Default)]
struct Ways(Mutex<Vec<Way>>);

#[derive(Debug)]
enum Way {
    None,
    Connecting(Arc<Attempt>),
    Line(Arc<SharedLine>),
}

/// A connection that is being made.
#[derive(Debug, Default)]
struct Attempt(Mutex<Progress>);

#[derive(Debug, Default)]
struct Progress {
    is_over: bool,
    /// Why it failed, if that holds for everybody.
    error: Option<Error>,
    waiting: Vec<u64>,
}

/// What to do to get a line.
enum Step {
    Use(Arc<SharedLine>),
    Connect(Connecting),
    Wait(Arc<Attempt>),
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The line to `server` for the operation at `seat`, if there is one that is good: what nearly every call finds.
pub(in crate::store::memcached) fn at_hand(server: &Server, seat: &Seat) -> Option<Arc<SharedLine>> {
    let ways = ways(server, seat);
    let slots = lock(&ways.0);
    match slots.get(place(seat)) {
        Some(Way::Line(line)) if is_good(line, server, seat) => Some(Arc::clone(line)),
        _ => None,
    }
}

/// The same; else it is made, or waited for; see [`Server::way`].
pub(in crate::store::memcached) async fn find(
    server: &Server,
    seat: Seat,
    insists: bool,
    deadline: Instant,
) -> Result<Arc<SharedLine>> {
    let ways = ways(server, &seat);
    loop {
        match step(&ways, server, &seat) {
            Step::Use(line) => return Ok(line),
            Step::Connect(connecting) => return connecting.run(server, insists, deadline).await,
            Step::Wait(attempt) => {
                let waited = poll_fn(|_| {
                    let progress = lock(&attempt.0);
                    if progress.is_over {
                        Poll::Ready(Ok(progress.error.clone()))
                    } else {
                        poll_deadline(deadline).map(Err)
                    }
                });
                match waited.await {
                    Ok(None) if is_past(deadline) => return Err(server.timed_out("take a connection")),
                    Ok(None) => {}
                    Ok(Some(error)) => return Err(error),
                    Err(()) => return Err(server.timed_out("take a connection")),
                }
            }
        }
    }
}

/// What the queue at `seat` keeps of `server`.
fn ways(server: &Server, seat: &Seat) -> Arc<Ways> {
    // The address of the pool: nothing else can be there as long as the weak reference lives.
    let key = Arc::as_ptr(server.pool()).addr();
    seat.hub.keep(key, || {
        let pool = Arc::downgrade(server.pool());
        move || pool.strong_count() > 0
    })
}

/// Which of the lines to a server is for the operation at `seat`.
fn place(seat: &Seat) -> usize {
    usize::try_from(seat.operation).unwrap_or(0) % seat.hub.lines_per_server().max(1)
}

fn is_good(line: &SharedLine, server: &Server, seat: &Seat) -> bool {
    let mut woken = Vec::new();
    let is_good = line.epoch == server.pool().epoch() && line.is_good(&mut woken);
    seat.hub.wake(woken);
    is_good
}

fn step(ways: &Arc<Ways>, server: &Server, seat: &Seat) -> Step {
    let at = place(seat);
    let mut slots = lock(&ways.0);
    while slots.len() <= at {
        slots.push(Way::None);
    }
    let Some(slot) = slots.get_mut(at) else { return Step::Wait(Arc::default()) };
    match slot {
        Way::Line(line) => {
            if is_good(line, server, seat) {
                return Step::Use(Arc::clone(line));
            }
            line.retire();
            seat.hub.touch(line.number());
        }
        Way::Connecting(attempt) => {
            lock(&attempt.0).waiting.push(seat.operation);
            return Step::Wait(Arc::clone(attempt));
        }
        Way::None => {}
    }
    let attempt = Arc::new(Attempt::default());
    *slot = Way::Connecting(Arc::clone(&attempt));
    Step::Connect(Connecting {
        ways: Arc::clone(ways),
        at,
        attempt,
        hub: Arc::clone(&seat.hub),
        made: None,
        error: None,
    })
}

/// The duty to end an attempt, whatever becomes of the operation that makes it.
struct Connecting {
    ways: Arc<Ways>,
    at: usize,
    attempt: Arc<Attempt>,
    hub: Arc<Hub>,
    made: Option<Arc<SharedLine>>,
    error: Option<Error>,
}

impl Connecting {
    async fn run(mut self, server: &Server, insists: bool, deadline: Instant) -> Result<Arc<SharedLine>> {
        let made = self.make(server, insists, deadline).await;
        match &made {
            Ok(line) => self.made = Some(Arc::clone(line)),
            // That this operation had no time left says nothing to the others.
            Err(error) if !is_past(deadline) => self.error = Some(error.clone()),
            Err(_) => {}
        }
        made
    }

    async fn make(&self, server: &Server, insists: bool, deadline: Instant) -> Result<Arc<SharedLine>> {
        let connection = server.connect(server.pool().pass(insists)?, deadline).await?;
        let (facts, epoch) = (connection.facts, connection.epoch);
        let socket = connection.into_socket();
        let line = Arc::new(SharedLine::new(socket, facts, epoch, server.exchange_timeout(), server.pool()));
        server.pool().watch(&line);
        let watched: Arc<dyn Line> = line.clone();
        line.set_number(self.hub.add(watched)?);
        Ok(line)
    }
}

impl Drop for Connecting {
    fn drop(&mut self) {
        if let Some(slot) = lock(&self.ways.0).get_mut(self.at) {
            *slot = self.made.take().map_or(Way::None, Way::Line);
        }
        let mut progress = lock(&self.attempt.0);
        progress.is_over = true;
        progress.error = self.error.take();
        let waiting = std::mem::take(&mut progress.waiting);
        drop(progress);
        self.hub.wake(waiting);
    }
}
