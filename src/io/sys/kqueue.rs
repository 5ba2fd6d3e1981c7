//! A set of descriptors that is a descriptor itself, an alarm clock in it, and a bell: kqueue of FreeBSD and macOS.
//!
//! It is compiled in the tests and was never run: who has such a machine should run the tests of queues on it first.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A tag is kept where a pointer would be.
const _: () = assert!(size_of::<usize>() == size_of::<u64>());

/// What came of a wait: whatever the descriptor was put in with. One descriptor may give two, for reading and for room.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Event(libc::kevent);

// SAFETY: the pointer in it is a number, and nobody looks behind it.
unsafe impl Send for Event {}

impl Event {
    /// Room for an event.
    // SAFETY: zeroes are a valid `kevent`.
    pub const NONE: Self = Self(unsafe { std::mem::zeroed() });

    fn new(ident: usize, filter: i16, flags: u16, tag: u64) -> Self {
        let mut event = Self::NONE;
        event.0.ident = ident;
        event.0.filter = filter;
        event.0.flags = flags;
        event.0.udata = ptr::without_provenance_mut(usize::try_from(tag).unwrap_or(0));
        event
    }

    /// The number that the descriptor was put in with.
    pub fn tag(&self) -> u64 {
        self.0.udata.addr() as u64
    }

    /// Whether there is something to read, or the end, or an error.
    pub fn is_readable(&self) -> bool {
        self.0.filter != libc::EVFILT_WRITE
    }

    /// Whether there is room to write, or an error.
    pub fn is_writable(&self) -> bool {
        self.0.filter == libc::EVFILT_WRITE
    }
}

impl std::fmt::Debug for Event {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Event({}, {}, {:#x})", self.tag(), self.0.filter, self.0.flags)
    }
}

/// Descriptors that are watched together. It can be watched itself.
#[derive(Debug)]
pub struct Poller(Arc<OwnedFd>);

impl Poller {
    /// An empty set.
    pub fn new() -> io::Result<Self> {
        // SAFETY: no arguments.
        let fd = unsafe { libc::kqueue() };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: a descriptor that was just made, and that nobody else has.
        let set = unsafe { OwnedFd::from_raw_fd(fd) };
        // SAFETY: plain numbers and a descriptor that is ours.
        if unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) } < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(Self(Arc::new(set)))
    }

    /// Puts `fd` in: events of it carry `tag`. What it was watched for before stays.
    pub fn add(&self, fd: RawFd, tag: u64, read: bool, write: bool) -> io::Result<()> {
        for (filter, is_wanted) in [(libc::EVFILT_READ, read), (libc::EVFILT_WRITE, write)] {
            if is_wanted {
                control(&self.0, Event::new(ident(fd)?, filter, libc::EV_ADD, tag))?;
            }
        }
        Ok(())
    }

    /// Changes what `fd` is watched for.
    pub fn change(&self, fd: RawFd, tag: u64, read: bool, write: bool) -> io::Result<()> {
        for (filter, is_wanted) in [(libc::EVFILT_READ, read), (libc::EVFILT_WRITE, write)] {
            if !is_wanted {
                // One that is not in is none.
                let _ = control(&self.0, Event::new(ident(fd)?, filter, libc::EV_DELETE, tag));
            }
        }
        self.add(fd, tag, read, write)
    }

    /// Takes `fd` out; one that is not in, or closed, is none.
    pub fn remove(&self, fd: RawFd) {
        let _ = self.change(fd, 0, false, false);
    }

    /// Waits until something happens or until `until`, `None` being for ever; how many of `events` it filled. Signals do
    /// not end the wait.
    pub fn wait(&self, events: &mut [Event], until: Option<Instant>) -> io::Result<usize> {
        let room = libc::c_int::try_from(events.len()).unwrap_or(libc::c_int::MAX);
        loop {
            let left = until.map(|until| time_of(until.saturating_duration_since(Instant::now())));
            let left = left.as_ref().map_or(ptr::null(), ptr::from_ref);
            // SAFETY: `Event` is transparent, and `room` of them are exclusively borrowed during the call; the time is only
            // read, and outlives it.
            let count =
                unsafe { libc::kevent(self.0.as_raw_fd(), ptr::null(), 0, events.as_mut_ptr().cast(), room, left) };
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

/// Makes a set that it is in readable from when it was rung until it was silenced.
#[derive(Debug)]
pub struct Bell {
    set: Arc<OwnedFd>,
    tag: u64,
}

impl Bell {
    /// A silent one in `poller`, whose events carry `tag`.
    pub fn new(poller: &Poller, tag: u64) -> io::Result<Self> {
        let bell = Self { set: Arc::clone(&poller.0), tag };
        control(&bell.set, bell.event(libc::EV_ADD))?;
        Ok(bell)
    }

    fn event(&self, flags: u16) -> Event {
        Event::new(usize::try_from(self.tag).unwrap_or(0), libc::EVFILT_USER, flags, self.tag)
    }

    /// Makes the set readable, which counts as news each time: one that is rung already would not be told of again.
    pub fn ring(&self) {
        self.silence();
        let mut event = self.event(0);
        event.0.fflags = libc::NOTE_TRIGGER;
        // Cannot fail: it was put in a moment ago.
        let _ = control(&self.set, event);
    }

    /// Makes it as if it had not been rung.
    pub fn silence(&self) {
        let _ = control(&self.set, self.event(libc::EV_DELETE));
        let _ = control(&self.set, self.event(libc::EV_ADD));
    }
}

/// Makes a set that it is in readable from a time on, until somebody waits for it.
#[derive(Debug)]
pub struct Alarm {
    set: Arc<OwnedFd>,
    tag: u64,
}

impl Alarm {
    /// One in `poller` that is not set, whose events carry `tag`.
    #[allow(clippy::unnecessary_wraps, reason = "elsewhere it is a descriptor")]
    pub fn new(poller: &Poller, tag: u64) -> io::Result<Self> {
        Ok(Self { set: Arc::clone(&poller.0), tag })
    }

    fn event(&self, flags: u16) -> Event {
        Event::new(usize::try_from(self.tag).unwrap_or(0), libc::EVFILT_TIMER, flags, self.tag)
    }

    /// Makes it go off at `at`, and not before, whatever it was set to.
    pub fn set(&self, at: Instant) {
        self.silence();
        let left = at.saturating_duration_since(Instant::now()).max(Duration::from_nanos(1));
        let mut event = self.event(libc::EV_ADD | libc::EV_ONESHOT);
        event.0.fflags = libc::NOTE_NSECONDS;
        event.0.data = left.as_nanos().try_into().unwrap_or(i64::MAX as _);
        let _ = control(&self.set, event);
    }

    /// Takes note that it went off.
    pub fn silence(&self) {
        // One that went off, or was not set, is not there.
        let _ = control(&self.set, self.event(libc::EV_DELETE));
    }
}

fn control(set: &OwnedFd, change: Event) -> io::Result<()> {
    // SAFETY: one `kevent`, which is only read, during the call; there is no output, and nothing is waited for.
    let answer = unsafe { libc::kevent(set.as_raw_fd(), &raw const change.0, 1, ptr::null_mut(), 0, ptr::null()) };
    if answer >= 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

fn ident(fd: RawFd) -> io::Result<usize> {
    usize::try_from(fd).map_err(|_| io::Error::from_raw_os_error(libc::EBADF))
}

fn time_of(duration: Duration) -> libc::timespec {
    libc::timespec {
        tv_sec: libc::time_t::try_from(duration.as_secs()).unwrap_or(libc::time_t::MAX),
        tv_nsec: duration.subsec_nanos().into(),
    }
}
