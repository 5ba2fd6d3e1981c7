//! What the thread that works on a queue has before it: the operations under way, when to look at them next, and those
//! that are finished.

use std::collections::{BTreeSet, VecDeque};
use std::future::Future;
use std::os::fd::{BorrowedFd, RawFd};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;

use foldhash::fast::RandomState;
use hashbrown::HashMap;

use super::hub::{ALARM, BELL, Hub, OPERATION};
use crate::error::{Error, Result};
use crate::io::sys::{self, Event};
use crate::io::wants::{Seat, Wants};

/// So many operations may be started before somebody looks at the descriptors.
const UNLOOKED: usize = 256;

/// What a queue runs.
pub type Operation<T> = Pin<Box<dyn Future<Output = Result<T>> + Send>>;

/// An operation that has finished.
#[derive(Debug)]
pub struct Finished<T> {
    /// Its number, which no other operation of the queue has.
    pub number: u64,
    /// What the caller gave with it.
    pub user_data: u64,
    /// Why it was ended before it had finished, if it was: it was cancelled, or the system could not watch for it.
    pub ended_by: Option<Error>,
    /// What it came to.
    pub result: Result<T>,
}

/// What other threads leave for the core.
pub(super) enum Order<T> {
    Start { number: u64, user_data: u64, operation: Operation<T> },
    Cancel(u64),
}

struct Running<T> {
    number: u64,
    user_data: u64,
    operation: Operation<T>,
    wants: Wants,
    /// The time that it stands in the timers with.
    until: Option<Instant>,
    /// Descriptors of its own that are watched for it.
    watched: Vec<RawFd>,
    /// Why it is to end at once.
    ended_by: Option<Error>,
}

impl<T> Running<T> {
    fn new(number: u64, user_data: u64, operation: Operation<T>, hub: &Arc<Hub>) -> Self {
        let wants = Wants::seated(Seat { hub: Arc::clone(hub), operation: number });
        Self { number, user_data, operation, wants, until: None, watched: Vec::new(), ended_by: None }
    }
}

pub(super) struct Core<T> {
    running: HashMap<u64, Running<T>, RandomState>,
    timers: BTreeSet<(Instant, u64)>,
    /// Room for those that are polled again next.
    woken: Vec<u64>,
    /// When the alarm goes off; never later than the first of the timers.
    alarm: Option<Instant>,
    pub(super) finished: VecDeque<Finished<T>>,
    pub(super) is_rung: bool,
    pub(super) is_closed: bool,
    /// How many operations were started since somebody looked at the descriptors.
    unlooked: usize,
}

impl<T> Core<T> {
    pub(super) fn new() -> Self {
        Self {
            running: HashMap::default(),
            timers: BTreeSet::new(),
            woken: Vec::new(),
            alarm: None,
            finished: VecDeque::new(),
            is_rung: false,
            is_closed: false,
            unlooked: 0,
        }
    }

    /// Takes what was left; what does not wait for anything is finished by that.
    pub(super) fn take(&mut self, hub: &Arc<Hub>, orders: impl Iterator<Item = Order<T>>) {
        for order in orders {
            match order {
                // Whoever starts something on a queue that is being freed hears nothing of it, as of all the others.
                Order::Start { .. } if self.is_closed => {}
                Order::Start { number, user_data, operation } => {
                    self.unlooked += 1;
                    self.running.insert(number, Running::new(number, user_data, operation, hub));
                    self.poll(hub, number);
                }
                Order::Cancel(number) => {
                    if let Some(running) = self.running.get_mut(&number) {
                        running.end(was_cancelled());
                        self.poll(hub, number);
                    }
                }
            }
        }
    }

    /// Goes on with everything that can: after `events`, after times that have passed, and after each other.
    ///
    /// Without `events` nobody has looked at the descriptors: then no time counts as passed, because what was awaited may
    /// have come.
    pub(super) fn turn(&mut self, hub: &Hub, events: Option<&[Event]>) {
        if let Some(events) = events {
            self.happened(hub, events);
        }
        self.run_woken(hub);
        if events.is_some() {
            self.run_due(hub);
        }
        hub.flush(true);
        while !hub.is_calm() {
            self.run_woken(hub);
            hub.flush(true);
        }
    }

    /// Whether so many operations were started without a look at the descriptors that it is time for one: what has arrived
    /// must not wait until nobody starts anything any more.
    pub(super) fn is_time_to_look(&self) -> bool {
        self.unlooked >= UNLOOKED
    }

    /// Goes on with what such a look has found. Sends nothing.
    pub(super) fn looked(&mut self, hub: &Hub, events: &[Event]) {
        self.happened(hub, events);
        self.run_woken(hub);
    }

    fn happened(&mut self, hub: &Hub, events: &[Event]) {
        self.unlooked = 0;
        for event in events {
            match event.tag() {
                BELL => {}
                ALARM => {
                    hub.alarm().silence();
                    self.alarm = None;
                }
                tag if tag & OPERATION != 0 => self.poll_watching(hub, tag & !OPERATION),
                _ => hub.happened(*event),
            }
        }
    }

    fn run_woken(&mut self, hub: &Hub) {
        let mut woken = std::mem::take(&mut self.woken);
        loop {
            hub.take_woken(&mut woken);
            if woken.is_empty() {
                break;
            }
            // Once for all of them: it is the time at which their answers had come.
            let now = Instant::now();
            for number in woken.drain(..) {
                self.poll_at(now, hub, number);
            }
        }
        self.woken = woken;
    }

    /// Each operation whose time has passed once: one that has more to do at once waits for the next turn.
    fn run_due(&mut self, hub: &Hub) {
        if self.timers.is_empty() {
            return;
        }
        let now = Instant::now();
        let due: Vec<u64> = self.timers.iter().take_while(|(at, _)| *at <= now).map(|(_, number)| *number).collect();
        for number in due {
            self.poll(hub, number);
        }
        self.run_woken(hub);
    }

    /// Sets the alarm to the first of the timers, unless it goes off before.
    pub(super) fn set_alarm(&mut self, hub: &Hub) {
        if let Some((first, _)) = self.timers.first()
            && self.alarm.is_none_or(|alarm| *first < alarm)
        {
            hub.alarm().set(*first);
            self.alarm = Some(*first);
        }
    }

    /// Has whoever waits on the descriptor come, if there is something for them that no socket tells of.
    pub(super) fn ring(&mut self, hub: &Hub) {
        let is_news = !self.finished.is_empty() || !hub.is_calm();
        if is_news && !self.is_rung {
            hub.bell().ring();
            self.is_rung = true;
        }
    }

    /// Ends everything, as cancelled; nothing of it is handed out.
    pub(super) fn close(&mut self, hub: &Hub) {
        self.is_closed = true;
        let numbers: Vec<u64> = self.running.keys().copied().collect();
        for number in numbers {
            if let Some(running) = self.running.get_mut(&number) {
                running.end(was_cancelled());
                self.poll(hub, number);
            }
        }
        // Dropped where they stand, should any be left.
        self.running.clear();
        self.timers.clear();
        self.finished.clear();
        hub.clear();
    }

    /// Polls an operation that waits for descriptors of its own, some of which have become ready.
    fn poll_watching(&mut self, hub: &Hub, number: u64) {
        if let Some(running) = self.running.get_mut(&number) {
            // Which ones: a wait that does not wait.
            let _ = sys::wait(running.wants.watches_mut(), Some(Instant::now()));
        }
        self.poll(hub, number);
    }

    fn poll(&mut self, hub: &Hub, number: u64) {
        self.poll_at(Instant::now(), hub, number);
    }

    fn poll_at(&mut self, now: Instant, hub: &Hub, number: u64) {
        let Some(running) = self.running.get_mut(&number) else { return };
        running.unwatch(hub);
        let mut polled = running.poll(now);
        if polled.is_pending()
            && let Err(error) = running.watch(hub)
        {
            // Nobody would tell of what it waits for. It may have sent something: it has to say so itself.
            running.unwatch(hub);
            running.end(error);
            polled = running.poll(now);
        }
        if polled.is_pending() {
            polled = running.what_if_pending();
        }
        let until = if polled.is_pending() { running.wants.until() } else { None };
        if until != running.until {
            if let Some(until) = running.until {
                self.timers.remove(&(until, number));
            }
            if let Some(until) = until {
                self.timers.insert((until, number));
            }
            running.until = until;
        }
        if let Poll::Ready(result) = polled
            && let Some(running) = self.running.remove(&number)
        {
            let Running { user_data, ended_by, .. } = running;
            let result = match &ended_by {
                Some(by) => result.map_err(|error| ended(error, by)),
                None => result,
            };
            self.finished.push_back(Finished { number, user_data, ended_by, result });
        }
    }
}

impl<T> Running<T> {
    fn poll(&mut self, now: Instant) -> Poll<Result<T>> {
        self.wants.poll_at(now, self.operation.as_mut())
    }

    /// Has it end: every time that it has passes, and what was not sent is not sent any more.
    fn end(&mut self, by: Error) {
        self.wants.cancel();
        self.ended_by.get_or_insert(by);
    }

    /// Watches the descriptors that it waits for, unless it is to end anyway.
    fn watch(&mut self, hub: &Hub) -> Result<()> {
        if self.wants.is_cancelled() {
            return Ok(());
        }
        for watch in self.wants.watches_mut() {
            let (fd, write) = (watch.fd(), watch.is_for_room());
            let mut added = hub.poller().add(fd, OPERATION | self.number, !write, write);
            if added.as_ref().is_err_and(|error| error.kind() == std::io::ErrorKind::AlreadyExists) {
                added = hub.poller().change(fd, OPERATION | self.number, true, true);
            }
            added.map_err(|error| super::hub::no_descriptor(&error))?;
            self.watched.push(fd);
        }
        Ok(())
    }

    fn unwatch(&mut self, hub: &Hub) {
        for fd in self.watched.drain(..) {
            hub.poller().remove(fd);
        }
    }

    /// An operation that waits for nothing, or that waits on although all its times have passed, is a defect: it ends
    /// where it stands, and nobody knows what it has sent.
    fn what_if_pending(&self) -> Poll<Result<T>> {
        if self.wants.is_empty() {
            return Poll::Ready(Err(Error::Panic("an operation waits for nothing".into())));
        }
        if self.wants.is_cancelled() && self.wants.until().is_none_or(|until| until > Instant::now()) {
            return Poll::Ready(Err(Error::Unknown("the operation waited on although it was ended".into())));
        }
        Poll::Pending
    }
}

/// What an operation came to that was ended before its time and did not succeed: unless something was sent that may have
/// been applied, why it was ended is all there is to say.
pub fn ended(error: Error, by: &Error) -> Error {
    match error {
        Error::Unknown(_) | Error::Partial(_) | Error::Lost(_) | Error::Panic(_) => error,
        _ => by.clone(),
    }
}

fn was_cancelled() -> Error {
    Error::Cancelled("the operation was cancelled".into())
}

impl<T> Drop for Core<T> {
    fn drop(&mut self) {
        // Operations before what they lean on.
        self.running.clear();
    }
}

/// The descriptor of a set, for hosts that watch it.
pub(super) fn descriptor(hub: &Hub) -> BorrowedFd<'_> {
    use std::os::fd::AsFd;
    hub.poller().as_fd()
}
