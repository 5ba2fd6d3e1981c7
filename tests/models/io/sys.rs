//! The system calls of a queue: a set of descriptors that sleeps on a condition variable of the model.
//!
//! A descriptor is a number that stands for a [`Source`].

#![allow(
    clippy::unused_self,
    clippy::unnecessary_wraps,
    clippy::trivially_copy_pass_by_ref,
    reason = "called as the real ones are"
)]

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::sync::Arc;
use std::time::Instant;

use loom::sync::{Condvar, Mutex};

use crate::error::Result;

/// What can be ready, and the set that it is in.
struct Source {
    /// Behind a lock, as the system's: an atomic of loom's may be read as it was long ago.
    is_ready: Mutex<bool>,
    /// Looked at between two steps of the model, which does not see it.
    set: std::sync::Mutex<Option<Arc<Set>>>,
}

#[derive(Default)]
struct Set {
    watched: Mutex<Watched>,
    news: Condvar,
}

#[derive(Default)]
struct Watched {
    tags: BTreeMap<RawFd, u64>,
    /// How often anything became ready, or was said to be once more.
    news: u64,
}

/// What the numbers stand for; of all models that run at the same time.
static SOURCES: std::sync::Mutex<BTreeMap<RawFd, Arc<Source>>> = std::sync::Mutex::new(BTreeMap::new());
static SETS: std::sync::Mutex<BTreeMap<RawFd, Arc<Set>>> = std::sync::Mutex::new(BTreeMap::new());

fn next_number() -> RawFd {
    static NEXT: std::sync::atomic::AtomicI32 = std::sync::atomic::AtomicI32::new(1_000);
    NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}

/// A descriptor of the model.
#[derive(Debug)]
pub struct Number(RawFd);

impl Number {
    pub fn new() -> Self {
        let number = next_number();
        let source = Source { is_ready: Mutex::new(false), set: std::sync::Mutex::new(None) };
        SOURCES.lock().unwrap().insert(number, Arc::new(source));
        Self(number)
    }

    fn source(number: RawFd) -> Arc<Source> {
        Arc::clone(&SOURCES.lock().unwrap()[&number])
    }

    /// Makes it readable.
    pub fn ring(&self) {
        let source = Self::source(self.0);
        *source.is_ready.lock().unwrap() = true;
        let set = source.set.lock().unwrap().clone();
        if let Some(set) = set {
            set.watched.lock().unwrap().news += 1;
            set.news.notify_all();
        }
    }

    /// Makes it unreadable.
    pub fn silence(&self) {
        *Self::source(self.0).is_ready.lock().unwrap() = false;
    }
}

impl Drop for Number {
    fn drop(&mut self) {
        SOURCES.lock().unwrap().remove(&self.0);
    }
}

impl AsFd for Number {
    fn as_fd(&self) -> BorrowedFd<'_> {
        // SAFETY: a number that nobody hands to the system.
        unsafe { BorrowedFd::borrow_raw(self.0) }
    }
}

pub type Bell = Handle;
pub type Alarm = Handle;

/// A bell; or an alarm, which never goes off: no model waits for a time.
#[derive(Debug)]
pub struct Handle(Number);

impl Handle {
    pub fn new(poller: &Poller, tag: u64) -> io::Result<Self> {
        let number = Number::new();
        poller.add(number.as_fd().as_raw_fd(), tag, true, false)?;
        Ok(Self(number))
    }

    pub fn ring(&self) {
        self.0.ring();
    }

    pub fn silence(&self) {
        self.0.silence();
    }

    pub fn set(&self, _at: Instant) {}
}

#[derive(Clone, Copy, Debug)]
pub struct Event(u64);

impl Event {
    pub const NONE: Self = Self(0);

    pub fn tag(&self) -> u64 {
        self.0
    }

    pub fn is_readable(&self) -> bool {
        true
    }

    pub fn is_writable(&self) -> bool {
        false
    }
}

pub struct Poller(RawFd, Arc<Set>);

impl Poller {
    pub fn new() -> io::Result<Self> {
        let (number, set) = (next_number(), Arc::<Set>::default());
        SETS.lock().unwrap().insert(number, Arc::clone(&set));
        Ok(Self(number, set))
    }

    pub fn add(&self, fd: RawFd, tag: u64, _read: bool, _write: bool) -> io::Result<()> {
        *Number::source(fd).set.lock().unwrap() = Some(Arc::clone(&self.1));
        let mut watched = self.1.watched.lock().unwrap();
        watched.tags.insert(fd, tag);
        watched.news += 1;
        self.1.news.notify_all();
        Ok(())
    }

    pub fn change(&self, fd: RawFd, tag: u64, read: bool, write: bool) -> io::Result<()> {
        self.add(fd, tag, read, write)
    }

    pub fn remove(&self, fd: RawFd) {
        self.1.watched.lock().unwrap().tags.remove(&fd);
    }

    /// Whoever waits for a time does not wait at all: it has passed.
    pub fn wait(&self, events: &mut [Event], until: Option<Instant>) -> io::Result<usize> {
        let mut watched = self.1.watched.lock().unwrap();
        loop {
            let ready = watched.tags.iter().filter(|(fd, _)| *Number::source(**fd).is_ready.lock().unwrap());
            let count = events.iter_mut().zip(ready).map(|(event, (_, tag))| *event = Event(*tag)).count();
            if count > 0 || until.is_some() {
                return Ok(count);
            }
            watched = self.1.news.wait(watched).unwrap();
        }
    }
}

impl Drop for Poller {
    fn drop(&mut self) {
        SETS.lock().unwrap().remove(&self.0);
    }
}

impl std::fmt::Debug for Poller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Poller({})", self.0)
    }
}

impl AsFd for Poller {
    fn as_fd(&self) -> BorrowedFd<'_> {
        // SAFETY: a number that nobody hands to the system.
        unsafe { BorrowedFd::borrow_raw(self.0) }
    }
}

/// What a host does that watches a set for changes only: sleeps until there is more than the `seen` news of it; how many
/// there are then.
pub fn next_news(set: RawFd, seen: u64) -> u64 {
    let set = Arc::clone(&SETS.lock().unwrap()[&set]);
    let mut watched = set.watched.lock().unwrap();
    while watched.news <= seen {
        watched = set.news.wait(watched).unwrap();
    }
    watched.news
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    Read,
    Write,
}

/// No model waits for a descriptor of its own.
#[derive(Clone, Copy, Debug)]
pub struct Watch(RawFd, Interest);

impl Watch {
    pub fn new(fd: BorrowedFd<'_>, interest: Interest) -> Self {
        Self(fd.as_raw_fd(), interest)
    }

    pub fn fd(&self) -> RawFd {
        self.0
    }

    pub fn is_for_room(&self) -> bool {
        self.1 == Interest::Write
    }

    pub fn is_for(&self, fd: BorrowedFd<'_>, interest: Interest) -> bool {
        self.0 == fd.as_raw_fd() && self.1 == interest
    }

    pub fn is_ready(&self) -> bool {
        false
    }
}

pub fn wait(_watches: &mut [Watch], _until: Option<Instant>) -> Result<()> {
    Ok(())
}

loom::thread_local! {
    /// In which process the thread is: the first, or a child of it.
    static GENERATION: Cell<u64> = Cell::new(0);
}

pub fn fork_generation() -> u64 {
    GENERATION.with(Cell::get)
}

/// Does `work` as a forked child would.
pub fn in_a_child<R>(work: impl FnOnce() -> R) -> R {
    GENERATION.with(|generation| generation.set(1));
    let answer = work();
    GENERATION.with(|generation| generation.set(0));
    answer
}

pub fn watch_forks() -> Result<()> {
    Ok(())
}
