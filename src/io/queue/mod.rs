//! The driver for hosts that must not block: many operations at once, behind one descriptor that can be polled.
//!
//! An operation is polled when it is started, on the thread that starts it, as far as it goes without waiting. What it
//! waits for stands in one set of descriptors, which is the queue's descriptor: sockets, an alarm for the times, and a bell
//! for what is finished without either. [`Queue::wait`] goes on with everything that can go on, and hands out what is
//! finished. Operations share connections ([`Line`]): what they send is gathered and goes out together.
//!
//! Any thread may start operations and wait; `handoff` says how they share the work. `hub` is what operations share,
//! `core` what is done with them.

mod core;
mod handoff;
mod hub;
mod sync;

pub use self::core::{Finished, Operation, ended};
pub use hub::{Hub, Line, LineState};

use std::cell::RefCell;
use std::fmt;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::vec::Drain;

use self::core::{Core, Order, descriptor};
use self::handoff::Handoff;
use super::sync::{AtomicBool, AtomicU64, Ordering, thread_local};
use super::sys::{Event, fork_generation, watch_forks};
use crate::error::{Error, Result};

/// Events that are taken from the system at once.
const EVENTS: usize = 64;

thread_local! {
    /// The queues whose core this thread works on: a log callback may call the library again.
    static INSIDE: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

/// Operations that give a `T`, run side by side.
pub struct Queue<T> {
    number: u64,
    hub: Arc<Hub>,
    work: Handoff<Order<T>, Core<T>>,
    last_operation: AtomicU64,
    is_closed: AtomicBool,
    /// The process that made it, as [`fork_generation`] tells them apart.
    generation: u64,
}

impl<T> Queue<T> {
    /// A queue without operations. `Unavailable` if the system has no descriptors left.
    pub fn new() -> Result<Self> {
        static NUMBER: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        watch_forks()?;
        Ok(Self {
            number: NUMBER.fetch_add(1, Ordering::Relaxed),
            hub: Arc::new(Hub::new()?),
            work: Handoff::new(Core::new()),
            last_operation: AtomicU64::new(0),
            is_closed: AtomicBool::new(false),
            generation: fork_generation(),
        })
    }

    /// A descriptor that is readable whenever [`wait`](Self::wait) has something to do. To be polled, and nothing else.
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        descriptor(&self.hub)
    }

    /// A number for the next operation.
    pub fn number(&self) -> u64 {
        self.last_operation.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Starts `operation` under a `number` of this queue. It is handed out by [`wait`](Self::wait), with `user_data`,
    /// exactly once, also if it is finished already.
    pub fn start(&self, number: u64, user_data: u64, operation: Operation<T>) -> Result<()> {
        self.check()?;
        self.give(Order::Start { number, user_data, operation });
        Ok(())
    }

    /// Cancels an operation: what can still be kept from happening is, and what it comes to is handed out as ever. One that
    /// has finished stays as it is.
    pub fn cancel(&self, number: u64) -> Result<()> {
        self.check()?;
        self.give(Order::Cancel(number));
        Ok(())
    }

    fn give(&self, order: Order<T>) {
        let _inside = Inside::enter(self.number);
        self.work.give(order, |core, orders| self.admit(core, orders));
    }

    /// What is done with what was left, by whoever does not wait.
    fn admit(&self, core: &mut Core<T>, orders: Drain<'_, Order<T>>) {
        core.take(&self.hub, orders);
        if core.is_time_to_look() {
            self.look(core);
        }
        if !self.hub.is_corked() {
            self.hub.flush(false);
        }
        core.set_alarm(&self.hub);
        core.ring(&self.hub);
    }

    #[cold]
    fn look(&self, core: &mut Core<T>) {
        let mut events = [Event::NONE; EVENTS];
        // If the system cannot tell, whoever waits hears of it.
        if let Ok(count) = self.happened(&mut events, Some(Instant::now())) {
            core.looked(&self.hub, events.get(..count).unwrap_or_default());
        }
    }

    /// Sends what was started and not sent.
    pub fn flush(&self) -> Result<()> {
        self.with(|core, orders| {
            core.take(&self.hub, orders);
            self.hub.flush(true);
            core.set_alarm(&self.hub);
            core.ring(&self.hub);
        })
    }

    /// Goes on with what can go on, and gives up to `at_most` finished operations to `out`; how many. If there are none,
    /// it waits for some until `timeout` is over, `None` being for ever.
    ///
    /// If it gives fewer than `at_most`, everything that had arrived is done, and the descriptor will tell of more.
    pub fn wait(&self, at_most: usize, timeout: Option<Duration>, mut out: impl FnMut(Finished<T>)) -> Result<usize> {
        let until = timeout.map(|timeout| Instant::now().checked_add(timeout).unwrap_or_else(far));
        let mut events = [Event::NONE; EVENTS];
        let mut looked = None;
        loop {
            let handed_out = self.with(|core, orders| {
                core.take(&self.hub, orders);
                core.turn(&self.hub, looked.map(|count| events.get(..count).unwrap_or_default()));
                // Unless the caller comes again at once, or waits, what has arrived by now has to be seen.
                let is_last = until.is_some_and(|until| Instant::now() >= until);
                let is_full = looked == Some(EVENTS);
                while core.finished.len() < at_most && (is_full || is_last || !core.finished.is_empty()) {
                    let count = self.happened(&mut events, Some(Instant::now()))?;
                    core.turn(&self.hub, events.get(..count));
                    if count < EVENTS {
                        break;
                    }
                }
                self.hand_out(core, at_most, &mut out)
            })??;
            if handed_out > 0 || at_most == 0 || until.is_some_and(|until| Instant::now() >= until) {
                return Ok(handed_out);
            }
            looked = Some(self.happened(&mut events, until)?);
        }
    }

    fn happened(&self, events: &mut [Event], until: Option<Instant>) -> Result<usize> {
        self.check()?;
        self.hub.poller().wait(events, until).map_err(|error| Error::Unavailable {
            message: "the system cannot wait for a queue's descriptors".into(),
            errno: error.raw_os_error().unwrap_or(0),
        })
    }

    fn hand_out(&self, core: &mut Core<T>, at_most: usize, out: &mut impl FnMut(Finished<T>)) -> Result<usize> {
        if core.is_closed {
            // Whoever else waits shall hear of it too.
            self.hub.bell().ring();
            return Err(freed());
        }
        core.set_alarm(&self.hub);
        let count = core.finished.len().min(at_most);
        core.finished.drain(..count).for_each(out);
        if core.finished.is_empty() {
            if std::mem::take(&mut core.is_rung) {
                self.hub.bell().silence();
            }
        } else {
            // News, also to a host that watches for changes only.
            self.hub.bell().ring();
            core.is_rung = true;
        }
        Ok(count)
    }

    /// Cancels all operations and hands out none; threads that wait are told. In a forked child it does nothing.
    pub fn close(&self) {
        if !self.is_of_this_process() {
            return;
        }
        self.is_closed.store(true, Ordering::Release);
        let closing = |core: &mut Core<T>, orders: Drain<'_, Order<T>>| {
            core.take(&self.hub, orders);
            core.close(&self.hub);
            self.hub.bell().ring();
        };
        if Inside::is_inside(self.number) {
            // From a callback on the thread that works on it: what is under way ends first.
            return;
        }
        let _inside = Inside::enter(self.number);
        self.work.with(closing, |core, orders| core.take(&self.hub, orders));
    }

    /// How many connections operations make to one server.
    pub fn lines_per_server(&self) -> usize {
        self.hub.lines_per_server()
    }

    /// Sets how many connections operations make to one server.
    pub fn set_lines_per_server(&self, count: usize) {
        self.hub.set_lines_per_server(count);
    }

    /// Whether starting sends nothing, but waits for [`flush`](Self::flush).
    pub fn is_corked(&self) -> bool {
        self.hub.is_corked()
    }

    /// Sets whether starting sends nothing, but waits for [`flush`](Self::flush).
    pub fn set_corked(&self, on: bool) {
        self.hub.set_corked(on);
    }

    /// Whether this process made it, and not one that it was forked from.
    pub fn is_of_this_process(&self) -> bool {
        self.generation == fork_generation()
    }

    /// Refuses what is not this process's, or was freed.
    pub fn check(&self) -> Result<()> {
        if !self.is_of_this_process() {
            return Err(Error::Misuse("queue was made before a fork, in the parent process".into()));
        }
        if self.is_closed.load(Ordering::Acquire) { Err(freed()) } else { Ok(()) }
    }

    /// Works on the core, waiting for the thread that has it, unless that is this one.
    fn with<R>(&self, work: impl FnOnce(&mut Core<T>, Drain<'_, Order<T>>) -> R) -> Result<R> {
        self.check()?;
        if Inside::is_inside(self.number) {
            return Err(Error::Misuse("queue is in use by the call that this callback is called from".into()));
        }
        let _inside = Inside::enter(self.number);
        Ok(self.work.with(work, |core, orders| self.admit(core, orders)))
    }
}

impl<T> fmt::Debug for Queue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Queue({}, {:?})", self.number, self.hub)
    }
}

fn freed() -> Error {
    Error::Misuse("queue was freed during the call".into())
}

/// A moment that nobody waits for.
fn far() -> Instant {
    Instant::now() + Duration::from_secs(86_400 * 365)
}

/// The note that this thread may be working on a queue's core, until dropped.
struct Inside;

impl Inside {
    fn enter(number: u64) -> Self {
        // While the thread is torn down there is nobody to call back.
        let _ = INSIDE.try_with(|inside| inside.borrow_mut().push(number));
        Self
    }

    fn is_inside(number: u64) -> bool {
        INSIDE.try_with(|inside| inside.borrow().contains(&number)).unwrap_or(false)
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        let _ = INSIDE.try_with(|inside| inside.borrow_mut().pop());
    }
}
