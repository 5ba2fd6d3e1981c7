//! What the operations of one queue share: the set of descriptors, the lines to servers, and what upper layers keep.
//!
//! Only the thread that has the queue's core works here; the lock is for what the language cannot see.

use std::any::Any;
use std::fmt;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use smallvec::SmallVec;

use crate::error::{Error, Result};
use crate::io::sync::{AtomicBool, AtomicUsize, Mutex, MutexGuard, Ordering, PoisonError};
use crate::io::sys::{Alarm, Bell, Event, Poller};

/// Tags of events: the bell, the alarm, an operation (its number with this bit), else a line.
pub(super) const BELL: u64 = 0;
pub(super) const ALARM: u64 = 1;
pub(super) const OPERATION: u64 = 1 << 63;

/// A socket that many operations use at once.
pub trait Line: fmt::Debug + Send + Sync {
    /// What to watch.
    fn socket(&self) -> BorrowedFd<'_>;
    /// Takes what has arrived, until nothing is left, and adds the operations that it was for to `woken`.
    fn receive(&self, woken: &mut Vec<u64>);
    /// Sends what there is room for; adds the operations that will hear nothing more to `woken`.
    fn send(&self, woken: &mut Vec<u64>);
    /// What it needs.
    fn state(&self) -> LineState;
}

/// What a line needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineState {
    /// Nothing to send; answers may be awaited.
    Idle,
    /// There is something to send, which can wait for the answers that are awaited.
    Holding,
    /// There is something to send, and nothing to wait for.
    Eager,
    /// There is something to send, and no room.
    Full,
    /// Nothing more will come of it.
    Over,
}

/// What a queue's operations share.
pub struct Hub {
    poller: Poller,
    bell: Bell,
    alarm: Alarm,
    lines_per_server: AtomicUsize,
    is_corked: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    last_line: u64,
    lines: HashMap<u64, Watched, RandomState>,
    /// Lines that something was given to.
    touched: Vec<u64>,
    woken: Vec<u64>,
    /// Room for those that a line wakes next.
    room: Vec<u64>,
    kept: HashMap<usize, Kept, RandomState>,
}

struct Watched {
    line: Arc<dyn Line>,
    /// Whether it is watched for room too.
    for_room: bool,
    is_touched: bool,
}

struct Kept {
    is_wanted: Box<dyn Fn() -> bool + Send + Sync>,
    what: Arc<dyn Any + Send + Sync>,
}

impl Hub {
    pub(super) fn new() -> Result<Self> {
        let make = || {
            let poller = Poller::new()?;
            let (bell, alarm) = (Bell::new(&poller, BELL)?, Alarm::new(&poller, ALARM)?);
            Ok((poller, bell, alarm))
        };
        let (poller, bell, alarm) = make().map_err(|error: std::io::Error| no_descriptor(&error))?;
        Ok(Self {
            poller,
            bell,
            alarm,
            lines_per_server: AtomicUsize::new(1),
            is_corked: AtomicBool::new(false),
            state: Mutex::new(State { last_line: ALARM, ..State::default() }),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many lines to make to one server.
    pub fn lines_per_server(&self) -> usize {
        self.lines_per_server.load(Ordering::Relaxed)
    }

    pub(super) fn set_lines_per_server(&self, count: usize) {
        self.lines_per_server.store(count, Ordering::Relaxed);
    }

    pub(super) fn is_corked(&self) -> bool {
        self.is_corked.load(Ordering::Relaxed)
    }

    pub(super) fn set_corked(&self, on: bool) {
        self.is_corked.store(on, Ordering::Relaxed);
    }

    /// What is kept under `key`, made at the first call; for as long as the queue lives, or until what `is_wanted` then
    /// gives says no.
    pub fn keep<T: Default + Send + Sync + 'static, W: Fn() -> bool + Send + Sync + 'static>(
        &self,
        key: usize,
        is_wanted: impl FnOnce() -> W,
    ) -> Arc<T> {
        let mut state = self.state();
        if let Some(kept) = state.kept.get(&key)
            && let Ok(what) = Arc::clone(&kept.what).downcast()
        {
            return what;
        }
        let what = Arc::new(T::default());
        let unwanted: Vec<Kept> = state.kept.extract_if(|_, kept| !(kept.is_wanted)()).map(|(_, kept)| kept).collect();
        state.kept.insert(key, Kept { is_wanted: Box::new(is_wanted()), what: what.clone() });
        // Lines to what is not wanted any more are over, which is seen when they are looked at.
        let numbers: Vec<u64> = state.lines.keys().copied().collect();
        drop(state);
        for number in numbers {
            self.touch(number);
        }
        drop(unwanted);
        what
    }

    /// Watches `line` from now on, and gives its number.
    pub fn add(&self, line: Arc<dyn Line>) -> Result<u64> {
        let mut state = self.state();
        state.last_line += 1;
        let number = state.last_line;
        let fd = line.socket().as_raw_fd();
        self.poller.add(fd, number, true, false).map_err(|error| no_descriptor(&error))?;
        state.lines.insert(number, Watched { line, for_room: false, is_touched: false });
        Ok(number)
    }

    /// Takes note that a line was given something to send, or may be over.
    pub fn touch(&self, number: u64) {
        let mut state = self.state();
        let State { lines, touched, .. } = &mut *state;
        if let Some(watched) = lines.get_mut(&number)
            && !watched.is_touched
        {
            watched.is_touched = true;
            touched.push(number);
        }
    }

    /// Has operations polled again.
    pub fn wake(&self, operations: Vec<u64>) {
        if !operations.is_empty() {
            self.state().woken.extend(operations);
        }
    }

    /// Puts those that are to be polled again into `woken`, which is empty.
    pub(super) fn take_woken(&self, woken: &mut Vec<u64>) {
        std::mem::swap(&mut self.state().woken, woken);
    }

    pub(super) fn is_calm(&self) -> bool {
        self.state().woken.is_empty()
    }

    /// Passes on what a socket has become ready for.
    pub(super) fn happened(&self, event: Event) {
        let mut state = self.state();
        let line = state.lines.get(&event.tag()).map(|watched| Arc::clone(&watched.line));
        let Some(line) = line else { return };
        let mut woken = std::mem::take(&mut state.room);
        drop(state);
        if event.is_readable() {
            line.receive(&mut woken);
        }
        if event.is_writable() {
            line.send(&mut woken);
        }
        self.update(event.tag(), &line, woken);
    }

    /// Sends what was given to the lines; unless `all`, only where no answer is awaited that would bring the queue back
    /// here anyway.
    pub(super) fn flush(&self, all: bool) {
        let mut held: SmallVec<[u64; 4]> = SmallVec::new();
        loop {
            let Some((number, line)) = self.next_touched() else { break };
            let state = line.state();
            let mut woken = Vec::new();
            match state {
                LineState::Holding if !all => {
                    held.push(number);
                    continue;
                }
                LineState::Holding | LineState::Eager => line.send(&mut woken),
                LineState::Idle | LineState::Full | LineState::Over => {}
            }
            self.update(number, &line, woken);
        }
        for number in held {
            self.touch(number);
        }
    }

    fn next_touched(&self) -> Option<(u64, Arc<dyn Line>)> {
        let mut state = self.state();
        let State { lines, touched, .. } = &mut *state;
        while let Some(number) = touched.pop() {
            if let Some(watched) = lines.get_mut(&number) {
                watched.is_touched = false;
                return Some((number, Arc::clone(&watched.line)));
            }
        }
        None
    }

    fn update(&self, number: u64, line: &Arc<dyn Line>, mut woken: Vec<u64>) {
        let line_state = line.state();
        let mut state = self.state();
        state.woken.append(&mut woken);
        if woken.capacity() > state.room.capacity() {
            state.room = woken;
        }
        let fd = line.socket().as_raw_fd();
        if line_state == LineState::Over {
            let gone = state.lines.remove(&number);
            drop(state);
            self.poller.remove(fd);
            drop(gone);
            return;
        }
        let for_room = line_state == LineState::Full;
        if let Some(watched) = state.lines.get_mut(&number)
            && watched.for_room != for_room
            && self.poller.change(fd, number, true, for_room).is_ok()
        {
            watched.for_room = for_room;
        }
    }

    /// Forgets all lines and all that is kept.
    pub(super) fn clear(&self) {
        let gone = std::mem::take(&mut *self.state());
        for watched in gone.lines.values() {
            self.poller.remove(watched.line.socket().as_raw_fd());
        }
    }

    pub(super) fn poller(&self) -> &Poller {
        &self.poller
    }

    pub(super) fn bell(&self) -> &Bell {
        &self.bell
    }

    pub(super) fn alarm(&self) -> &Alarm {
        &self.alarm
    }
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hub({:?})", self.poller)
    }
}

pub(super) fn no_descriptor(error: &std::io::Error) -> Error {
    Error::Unavailable {
        message: format!("the system has no descriptor for a queue: {error}").into(),
        errno: error.raw_os_error().unwrap_or(0),
    }
}
