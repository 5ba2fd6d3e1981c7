//! The futures that wait for a time or for a descriptor.

use std::future::{Future, poll_fn};
use std::mem;
use std::os::fd::BorrowedFd;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use super::sys::Interest;
use super::wants::{self, Seat};

/// Waits until `at`; a time that has passed is no wait.
pub async fn sleep_until(at: Instant) {
    poll_fn(|_| poll_time(at)).await;
}

/// Gives way to the driver once, which polls again at once.
pub async fn pause() {
    let mut is_first = true;
    poll_fn(|_| {
        if mem::take(&mut is_first) {
            wants::want_until(Instant::now());
            return Poll::Pending;
        }
        Poll::Ready(())
    })
    .await;
}

/// The deadline of [`with_deadline`] passed first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the deadline passed")]
pub struct Elapsed;

/// Drives `future` until `deadline`.
///
/// What is finished when it is looked at counts, also after the deadline; what is not is dropped. In an operation that
/// was cancelled the deadline has passed.
pub async fn with_deadline<F: Future>(deadline: Instant, future: F) -> Result<F::Output, Elapsed> {
    let mut future = pin!(future);
    poll_fn(|context| {
        let noted = wants::noted();
        match wants::narrowed(Some(deadline), || future.as_mut().poll(context)) {
            Poll::Ready(output) => Poll::Ready(Ok(output)),
            Poll::Pending => poll_deadline(deadline).map(|()| {
                // What it has just asked for may be closed before anybody gets to wait for it.
                wants::forget_since(noted);
                Err(Elapsed)
            }),
        }
    })
    .await
}

/// Until when a system call may block the thread, in the operation that asks; `None` if it must not block at all.
///
/// Only an operation that is alone on a blocking driver may: one call that blocks saves the two of waiting and trying
/// again. [`with_deadline`] narrows the time.
pub fn may_block_until() -> Option<Instant> {
    wants::may_block_until()
}

/// Runs `work`, in which no system call may block the thread beyond `until`.
pub fn blocking_until<R>(until: Instant, work: impl FnOnce() -> R) -> R {
    wants::narrowed(Some(until), work)
}

/// Whether a system call may block the thread for `patience`; see [`may_block_until`].
pub fn may_block_for(patience: Duration) -> bool {
    wants::may_block_for(patience)
}

/// Waits until `fd` can be read or written, whichever comes first; see [`readable`].
pub async fn readable_or_writable(fd: BorrowedFd<'_>) {
    let (mut read, mut write) = (pin!(readable(fd)), pin!(writable(fd)));
    poll_fn(|context| {
        let is_ready = read.as_mut().poll(context).is_ready();
        if write.as_mut().poll(context).is_ready() || is_ready { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

/// Whether `deadline` has passed, as all have in an operation that was cancelled.
pub fn is_past(deadline: Instant) -> bool {
    wants::is_past(deadline)
}

/// Whether the operation under way was cancelled.
pub fn is_cancelled() -> bool {
    wants::is_cancelled()
}

/// The place of the operation under way, if it runs on a queue.
pub fn seat() -> Option<Seat> {
    wants::seat()
}

/// Waits until `deadline` has passed; what else the caller waits for it has to look at before.
pub fn poll_deadline(deadline: Instant) -> Poll<()> {
    if wants::is_cancelled() { Poll::Ready(()) } else { poll_time(deadline) }
}

pub(super) fn poll_time(at: Instant) -> Poll<()> {
    // By the clock of the operation: whoever asks next whether it is over has to hear the same, or would try again, and
    // again, without ever waiting.
    if wants::now() >= at {
        return Poll::Ready(());
    }
    wants::want_until(at);
    Poll::Pending
}

/// Waits until `fd` can be read without blocking, is at its end, or has an error.
///
/// Made for after a read that would have blocked: it always waits for the driver once, and may finish too early.
pub fn readable(fd: BorrowedFd<'_>) -> Readiness<'_> {
    Readiness { fd, interest: Interest::Read, asked: false }
}

/// Waits until `fd` can be written without blocking, was closed by the peer, or has an error; see [`readable`].
pub fn writable(fd: BorrowedFd<'_>) -> Readiness<'_> {
    Readiness { fd, interest: Interest::Write, asked: false }
}

/// The future of [`readable`] and [`writable`].
#[derive(Debug)]
pub struct Readiness<'fd> {
    fd: BorrowedFd<'fd>,
    interest: Interest,
    /// Whether the driver was told. What was ready before must not count: the caller has just seen that it is not.
    asked: bool,
}

impl Future for Readiness<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.asked && wants::is_ready(self.fd, self.interest) {
            return Poll::Ready(());
        }
        self.asked = true;
        wants::want_ready(self.fd, self.interest);
        Poll::Pending
    }
}
