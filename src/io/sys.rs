//! The system calls, and the only `unsafe` outside the C surface.
#![allow(unsafe_code, reason = "system calls; each block says why it is sound")]

#[cfg(target_os = "linux")]
#[path = "sys/epoll.rs"]
mod poller;
#[cfg(any(target_os = "freebsd", target_os = "macos"))]
#[path = "sys/kqueue.rs"]
mod poller;
mod socket;

#[cfg(not(any(target_os = "linux", target_os = "freebsd", target_os = "macos")))]
compile_error!("queues need a set of descriptors that is a descriptor itself: here it would go beside sys/epoll.rs");

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::fork;
use crate::error::{Error, Result};

pub use super::fork::generation as fork_generation;
pub use poller::{Alarm, Bell, Event, Poller};
pub use socket::{Connecting, connect_tcp, connect_unix, is_open, is_quiet, receive, send, shut, take_error};

/// What a descriptor is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interest {
    /// Something to read, the end, or an error.
    Read,
    /// Room to write, or an error.
    Write,
}

impl Interest {
    fn events(self) -> libc::c_short {
        match self {
            Self::Read => libc::POLLIN,
            Self::Write => libc::POLLOUT,
        }
    }
}

/// A descriptor that is waited for, and whether it was found ready; laid out as `poll` wants it.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Watch(libc::pollfd);

impl Watch {
    /// Waits for `fd`, which is not ready yet. The descriptor is only a number here: closed, it is found ready.
    pub fn new(fd: BorrowedFd<'_>, interest: Interest) -> Self {
        Self(libc::pollfd { fd: fd.as_raw_fd(), events: interest.events(), revents: 0 })
    }

    /// The descriptor's number.
    pub fn fd(&self) -> RawFd {
        self.0.fd
    }

    /// Whether it is for room to write.
    pub fn is_for_room(&self) -> bool {
        self.0.events == Interest::Write.events()
    }

    /// Whether this is the watch of `fd` for `interest`.
    pub fn is_for(&self, fd: BorrowedFd<'_>, interest: Interest) -> bool {
        self.0.fd == fd.as_raw_fd() && self.0.events == interest.events()
    }

    /// Whether the last wait found it ready, an error or a closed descriptor included.
    pub fn is_ready(&self) -> bool {
        self.0.revents != 0
    }
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Watch({}, {:#x}, {:#x})", self.0.fd, self.0.events, self.0.revents)
    }
}

/// Waits until a descriptor is ready, which is marked in `watches`, or until `until`. Signals do not end the wait.
pub fn wait(watches: &mut [Watch], until: Option<Instant>) -> Result<()> {
    let count =
        libc::nfds_t::try_from(watches.len()).map_err(|_| Error::Range("too many descriptors to wait for".into()))?;
    loop {
        // SAFETY: `watches` is `count` `pollfd`s (`Watch` is transparent), exclusively borrowed during the call.
        let answer = unsafe { libc::poll(watches.as_mut_ptr().cast(), count, milliseconds_until(until)) };
        if answer >= 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(Error::Unavailable {
                message: "the system cannot wait for the store's descriptors".into(),
                errno: error.raw_os_error().unwrap_or(0),
            });
        }
    }
}

/// What is left until `until` as `poll` wants it: rounded up, so that it is not asked again too early.
fn milliseconds_until(until: Option<Instant>) -> libc::c_int {
    let Some(until) = until else { return -1 };
    let left = until.saturating_duration_since(Instant::now()).saturating_add(Duration::from_nanos(999_999));
    libc::c_int::try_from(left.as_millis()).unwrap_or(libc::c_int::MAX)
}

/// From now on [`fork_generation`] changes in every child. Needs no lock, and may be called any number of times.
pub fn watch_forks() -> Result<()> {
    static WATCHED: AtomicBool = AtomicBool::new(false);
    if WATCHED.load(Ordering::Acquire) {
        return Ok(());
    }
    // Two threads may both come here, and the handlers are then called twice, which they can bear.
    // SAFETY: the handlers are functions of this library, which do not unwind; if it is unloaded, they go with it.
    let errno = unsafe { libc::pthread_atfork(Some(before_fork), Some(after_in_parent), Some(after_in_child)) };
    if errno != 0 {
        return Err(Error::Unavailable { message: "the system cannot watch for forks".into(), errno });
    }
    WATCHED.store(true, Ordering::Release);
    Ok(())
}

extern "C" fn before_fork() {
    fork::prepare();
}

extern "C" fn after_in_parent() {
    fork::parent();
}

extern "C" fn after_in_child() {
    fork::child();
}
