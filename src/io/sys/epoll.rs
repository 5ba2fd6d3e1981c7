//! A set of descriptors that is a descriptor itself, an alarm clock in it, and a bell: epoll, timerfd and eventfd of Linux.

use std::io;
use std::mem;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

/// What came of a wait: whatever the descriptor was put in with.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Event(libc::epoll_event);

impl Event {
    /// Room for an event.
    pub const NONE: Self = Self(libc::epoll_event { events: 0, u64: 0 });

    /// The number that the descriptor was put in with.
    pub fn tag(&self) -> u64 {
        self.0.u64
    }

    /// Whether there is something to read, or the end, or an error.
    pub fn is_readable(&self) -> bool {
        let events = self.0.events;
        events & !u32::from_ne_bytes(libc::EPOLLOUT.to_ne_bytes()) != 0
    }

    /// Whether there is room to write, or an error.
    pub fn is_writable(&self) -> bool {
        let events = self.0.events;
        events & !u32::from_ne_bytes(libc::EPOLLIN.to_ne_bytes()) != 0
    }
}

impl std::fmt::Debug for Event {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (tag, events) = (self.0.u64, self.0.events);
        write!(f, "Event({tag}, {events:#x})")
    }
}

/// Descriptors that are watched together. It can be watched itself.
#[derive(Debug)]
pub struct Poller(OwnedFd);

impl Poller {
    /// An empty set.
    pub fn new() -> io::Result<Self> {
        // SAFETY: plain numbers.
        owned(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) }).map(Self)
    }

    /// Puts `fd` in: events of it carry `tag`.
    pub fn add(&self, fd: RawFd, tag: u64, read: bool, write: bool) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_ADD, fd, tag, read, write)
    }

    /// Changes what `fd` is watched for.
    pub fn change(&self, fd: RawFd, tag: u64, read: bool, write: bool) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_MOD, fd, tag, read, write)
    }

    /// Takes `fd` out; one that is not in, or closed, is none.
    pub fn remove(&self, fd: RawFd) {
        let _ = self.control(libc::EPOLL_CTL_DEL, fd, 0, false, false);
    }

    fn control(&self, what: libc::c_int, fd: RawFd, tag: u64, read: bool, write: bool) -> io::Result<()> {
        let events = if read { libc::EPOLLIN } else { 0 } | if write { libc::EPOLLOUT } else { 0 };
        let mut event = libc::epoll_event { events: u32::from_ne_bytes(events.to_ne_bytes()), u64: tag };
        // SAFETY: `event` is only read, during the call; the descriptors are only numbers.
        let answer = unsafe { libc::epoll_ctl(self.0.as_raw_fd(), what, fd, &raw mut event) };
        if answer == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }

    /// Waits until something happens or until `until`, `None` being for ever; how many of `events` it filled. Signals do
    /// not end the wait.
    pub fn wait(&self, events: &mut [Event], until: Option<Instant>) -> io::Result<usize> {
        let room = libc::c_int::try_from(events.len()).unwrap_or(libc::c_int::MAX);
        loop {
            let left = super::milliseconds_until(until);
            // SAFETY: `Event` is transparent, and `room` of them are exclusively borrowed during the call.
            let count = unsafe { libc::epoll_wait(self.0.as_raw_fd(), events.as_mut_ptr().cast(), room, left) };
            if let Ok(count) = usize::try_from(count) {
                return Ok(count);
            }
            let error = io::Error::last_os_error();
            if error.kind() != io::ErrorKind::Interrupted {
                return Err(error);
            }
        }
    }
}

impl AsFd for Poller {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// A descriptor that is readable from when it was rung until it was silenced.
#[derive(Debug)]
pub struct Bell(OwnedFd);

impl Bell {
    /// A silent one in `poller`, whose events carry `tag`.
    pub fn new(poller: &Poller, tag: u64) -> io::Result<Self> {
        // SAFETY: plain numbers.
        let bell = owned(unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) })?;
        poller.add(bell.as_raw_fd(), tag, true, false)?;
        Ok(Self(bell))
    }

    /// Makes it readable, which counts as news each time.
    pub fn ring(&self) {
        // It could only fail after 2^64 rings, and would be readable then too.
        // SAFETY: eight bytes that live during the call.
        unsafe { libc::write(self.0.as_raw_fd(), (&raw const ONE).cast(), mem::size_of::<u64>()) };
    }

    /// Makes it unreadable.
    pub fn silence(&self) {
        drain(&self.0);
    }
}

static ONE: u64 = 1;

/// A descriptor that is readable from a time on.
#[derive(Debug)]
pub struct Alarm(OwnedFd);

impl Alarm {
    /// One in `poller` that is not set, whose events carry `tag`.
    pub fn new(poller: &Poller, tag: u64) -> io::Result<Self> {
        // SAFETY: plain numbers.
        let alarm =
            owned(unsafe { libc::timerfd_create(libc::CLOCK_MONOTONIC, libc::TFD_CLOEXEC | libc::TFD_NONBLOCK) })?;
        poller.add(alarm.as_raw_fd(), tag, true, false)?;
        Ok(Self(alarm))
    }

    /// Makes it readable from `at` on, and not before, whatever it was set to.
    pub fn set(&self, at: Instant) {
        // Nothing would be "never".
        let left = at.saturating_duration_since(Instant::now()).max(Duration::from_nanos(1));
        // SAFETY: zeroes are a valid `itimerspec`.
        let mut time: libc::itimerspec = unsafe { mem::zeroed() };
        time.it_value.tv_sec = libc::time_t::try_from(left.as_secs()).unwrap_or(libc::time_t::MAX);
        time.it_value.tv_nsec = left.subsec_nanos().into();
        // Cannot fail: the descriptor is one of these and the time is in order.
        // SAFETY: `time` is only read, during the call; there is no output.
        unsafe { libc::timerfd_settime(self.0.as_raw_fd(), 0, &raw const time, std::ptr::null_mut()) };
    }

    /// Takes note that it went off.
    pub fn silence(&self) {
        drain(&self.0);
    }
}

/// Reads the counter of an eventfd or timerfd, which sets it to 0.
fn drain(fd: &OwnedFd) {
    let mut count = 0_u64;
    // SAFETY: eight bytes, exclusively borrowed during the call.
    unsafe { libc::read(fd.as_raw_fd(), (&raw mut count).cast(), mem::size_of::<u64>()) };
}

fn owned(fd: libc::c_int) -> io::Result<OwnedFd> {
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: a descriptor that was just made, and that nobody else has.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}
