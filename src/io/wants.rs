//! The list of what the operation under way on this thread waits for.
//!
//! While an operation is polled, its [`Wants`] stand in a thread-local, where its futures add to them; before and
//! after they are the driver's. The two are swapped, so that an operation run inside another (by a log callback, say)
//! has its own list, and the outer one finds its own again. Nothing is allocated by an operation that never waits.

use std::cell::RefCell;
use std::future::Future;
use std::mem;
use std::os::fd::BorrowedFd;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant, SystemTime};

use super::queue::Hub;
use super::sync::thread_local;
use super::sys::{Interest, Watch};

thread_local! {
    static CURRENT: RefCell<Wants> = const { RefCell::new(Wants::new()) };
}

/// What an operation waits for: the earliest of some times, or any of some descriptors.
#[derive(Debug, Default)]
pub struct Wants {
    until: Option<Instant>,
    watches: Vec<Watch>,
    /// What the poll before waited for, with what the driver found ready.
    seen: Vec<Watch>,
    /// Until when a system call may block the thread; `None` where the driver has other things to do.
    blocking: Option<Instant>,
    /// Whether the driver has nothing else to do.
    is_alone: bool,
    /// What time it is for the operation; `None` while none is under way.
    now: Option<Instant>,
    /// The same by the system's clock, once it was asked for.
    system_now: Option<SystemTime>,
    /// Where it runs, if that is a queue.
    seat: Option<Seat>,
    is_cancelled: bool,
}

/// The place of an operation on a queue.
#[derive(Debug, Clone)]
pub struct Seat {
    /// What the operations of the queue share.
    pub hub: Arc<Hub>,
    /// Which operation: what has to be woken when something that it waits for has come.
    pub operation: u64,
}

/// "For ever", as far as a time can say it.
const FAR: Duration = Duration::from_secs(86_400 * 365);

impl Wants {
    /// Nothing wanted yet.
    pub const fn new() -> Self {
        Self {
            until: None,
            watches: Vec::new(),
            seen: Vec::new(),
            blocking: None,
            is_alone: false,
            now: None,
            system_now: None,
            seat: None,
            is_cancelled: false,
        }
    }

    /// The same for an operation of a queue.
    pub(super) fn seated(seat: Seat) -> Self {
        Self { seat: Some(seat), ..Self::new() }
    }

    /// From now on every deadline of the operation has passed; see [`is_past`]. It blocks for nothing any more.
    pub(super) fn cancel(&mut self) {
        (self.is_cancelled, self.is_alone) = (true, false);
    }

    /// Whether it was cancelled.
    pub(super) fn is_cancelled(&self) -> bool {
        self.is_cancelled
    }

    /// The same for a driver that has nothing else to do: the operation may block the thread itself, which saves a
    /// system call for each wait.
    pub fn blocking() -> Self {
        Self { is_alone: true, ..Self::new() }
    }

    /// Polls `operation` once; if it is pending, `self` is then what it waits for.
    ///
    /// What the driver marked ready in [`watches_mut`](Self::watches_mut) since the last poll is what the operation
    /// finds ready in this one.
    pub fn poll<F: Future + ?Sized>(&mut self, operation: Pin<&mut F>) -> Poll<F::Output> {
        self.poll_at(Instant::now(), operation)
    }

    /// The same for a driver that has just asked the clock.
    pub(super) fn poll_at<F: Future + ?Sized>(&mut self, now: Instant, operation: Pin<&mut F>) -> Poll<F::Output> {
        mem::swap(&mut self.watches, &mut self.seen);
        self.watches.clear();
        self.until = None;
        (self.now, self.system_now) = (Some(now), None);
        self.blocking = now.checked_add(FAR).filter(|_| self.is_alone);
        let _installed = Installed::new(self);
        operation.poll(&mut Context::from_waker(Waker::noop()))
    }

    /// The time at which to poll again at the latest.
    pub fn until(&self) -> Option<Instant> {
        self.until
    }

    /// The descriptors to wait for; the driver marks those that are ready.
    pub fn watches_mut(&mut self) -> &mut [Watch] {
        &mut self.watches
    }

    /// Whether nothing at all is waited for.
    pub fn is_empty(&self) -> bool {
        self.until.is_none() && self.watches.is_empty()
    }
}

/// What time it is. An operation asks the clock once, and again only after it has waited: that is exact enough for
/// deadlines, and a cycle that asked each time would spend a tenth of its own time on it.
pub fn now() -> Instant {
    with_current(|wants| wants.now).flatten().unwrap_or_else(Instant::now)
}

/// The same by the system's clock.
pub fn system_now() -> SystemTime {
    with_current(|wants| match (wants.now, wants.system_now) {
        (Some(_), None) => *wants.system_now.insert(SystemTime::now()),
        (_, Some(known)) => known,
        (None, None) => SystemTime::now(),
    })
    .unwrap_or_else(SystemTime::now)
}

/// Takes note that the thread has waited, in a system call or in an operation inside this one.
pub fn time_passed() {
    with_current(|wants| {
        if wants.now.is_some() {
            (wants.now, wants.system_now) = (Some(Instant::now()), None);
        }
    });
}

/// Notes that the operation waits until `at`, or something earlier.
pub(super) fn want_until(at: Instant) {
    with_current(|wants| wants.until = Some(wants.until.map_or(at, |until| until.min(at))));
}

/// Notes that the operation waits for `fd`.
pub(super) fn want_ready(fd: BorrowedFd<'_>, interest: Interest) {
    with_current(|wants| wants.watches.push(Watch::new(fd, interest)));
}

/// How many descriptors the operation waits for so far.
pub(super) fn noted() -> usize {
    with_current(|wants| wants.watches.len()).unwrap_or(0)
}

/// Takes back what was noted after there were `count` descriptors: whoever waited for it is dropped.
pub(super) fn forget_since(count: usize) {
    with_current(|wants| wants.watches.truncate(count));
}

/// Whether the driver found `fd` ready after the poll before this one, which waited for it.
pub(super) fn is_ready(fd: BorrowedFd<'_>, interest: Interest) -> bool {
    with_current(|wants| wants.seen.iter().any(|watch| watch.is_for(fd, interest) && watch.is_ready())).unwrap_or(false)
}

/// Until when a system call of the operation under way may block the thread; `None` if it must not: it is one of several
/// that run side by side, or its driver has other things to do.
pub(super) fn may_block_until() -> Option<Instant> {
    with_current(|wants| wants.blocking).flatten()
}

/// Whether a system call of the operation under way may block the thread for `patience`.
pub(super) fn may_block_for(patience: Duration) -> bool {
    let end = |wants: &Wants| wants.now?.checked_add(patience);
    with_current(|wants| wants.blocking.zip(end(wants)).is_some_and(|(until, end)| end <= until)).unwrap_or(false)
}

/// The place of the operation under way, if it runs on a queue.
pub(super) fn seat() -> Option<Seat> {
    with_current(|wants| wants.seat.clone()).flatten()
}

/// Whether the operation under way was cancelled.
pub(super) fn is_cancelled() -> bool {
    with_current(|wants| wants.is_cancelled).unwrap_or(false)
}

/// Whether `deadline` has passed, as all have in an operation that was cancelled.
pub(super) fn is_past(deadline: Instant) -> bool {
    is_cancelled() || now() >= deadline
}

/// Runs `work`, in which nothing may block for longer than until `until`, or at all if that is `None`.
pub(super) fn narrowed<R>(until: Option<Instant>, work: impl FnOnce() -> R) -> R {
    let before = may_block_until();
    let narrow = before.zip(until).map(|(before, until)| before.min(until));
    let _restored = Restored(before);
    with_current(|wants| wants.blocking = narrow);
    work()
}

/// Puts back what [`narrowed`] changed, also when the work panics.
struct Restored(Option<Instant>);

impl Drop for Restored {
    fn drop(&mut self) {
        with_current(|wants| wants.blocking = self.0);
    }
}

/// `None` while the thread is being torn down, when its list is gone already: then nothing can be noted, and an
/// operation that has to wait is reported by its driver instead of panicking.
fn with_current<R>(work: impl FnOnce(&mut Wants) -> R) -> Option<R> {
    CURRENT.try_with(|current| work(&mut current.borrow_mut())).ok()
}

/// The driver's wants standing in for the thread's, until dropped: also when the poll panics.
struct Installed<'a>(&'a mut Wants);

impl<'a> Installed<'a> {
    fn new(wants: &'a mut Wants) -> Self {
        with_current(|current| mem::swap(current, wants));
        Self(wants)
    }
}

impl Drop for Installed<'_> {
    fn drop(&mut self) {
        with_current(|current| mem::swap(current, self.0));
        // For the operation that ran this one, if there is one.
        time_passed();
    }
}
