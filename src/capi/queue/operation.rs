//! What runs on a queue: a call on a transaction, which nobody else may enter meanwhile, or on a store.

#![warn(unsafe_op_in_unsafe_fn)]

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

use super::super::exclusive::{Inside, OnFree};
use super::super::guard::unwinding_stops_here;
use super::super::txn::{Inner, enter, ls_txn};
use crate::error::{Error, Result};
use crate::io::queue::Queue;
use crate::txn::SessionRef;

/// What an operation found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::capi) enum Found {
    /// It is done.
    Done,
    /// There is nothing: an answer, not a failure.
    Nothing,
    /// A session, of which the handle is made when it is handed out.
    Session(SessionRef),
}

/// What comes out of a queue, with the transaction, which stays entered until then.
pub(in crate::capi) struct Answer {
    pub(super) held: Option<Held>,
    pub(super) result: Result<Found>,
}

// SAFETY: a transaction may be entered by any thread, one at a time; whoever has this has entered it.
unsafe impl Send for Answer {}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Answer({:?})", self.result)
    }
}

/// A transaction that an operation is inside. Freeing it cancels the operation.
pub(super) struct Held(Inside<Inner>);

impl Held {
    /// The handle of a session; NULL if the transaction was freed since the operation began.
    pub(super) fn session_handle(&mut self, at: SessionRef) -> *mut super::ls_session {
        if self.0.is_doomed() { std::ptr::null_mut() } else { self.0.session_handle(at) }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.set_on_free(None);
    }
}

impl OnFree for Queue<Answer> {
    fn freed(&self, operation: u64) {
        // A queue that was freed has cancelled it already.
        let _ = self.cancel(operation);
    }
}

/// Work inside a transaction.
///
/// Not an `async` block around `work`: that would have room for it twice, which is several KiB to copy.
struct OnTxn<F> {
    /// Borrows what is held: it is dropped first.
    work: F,
    /// Until it is handed out.
    held: Option<Held>,
}

// SAFETY: what is in it that could not go to another thread is the content of a transaction, which may be entered by any
// thread, one at a time; whoever polls this has entered it. What else it holds, the futures of the core, can go
// (tests/queue.rs puts them on queues without this).
unsafe impl<F> Send for OnTxn<F> {}

impl<F: Future<Output = Result<Found>>> Future for OnTxn<F> {
    type Output = Result<Answer>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        // SAFETY: `work` is pinned and moved by nobody; `held` is not pinned.
        let (work, held) = unsafe {
            let this = self.get_unchecked_mut();
            (Pin::new_unchecked(&mut this.work), &mut this.held)
        };
        let Poll::Ready(result) = shielded(work, context) else { return Poll::Pending };
        let held = held.take();
        if matches!(result, Err(Error::Panic(_)))
            && let Some(held) = &held
        {
            held.0.poison();
        }
        Poll::Ready(Ok(Answer { held, result }))
    }
}

/// Starts `work` on a transaction; the number of the operation. Until it is handed out, nobody else gets into the
/// transaction.
///
/// # Safety
/// `txn` is NULL or alive. `work` leaves nothing that it was lent to anybody.
pub(super) unsafe fn start_on_txn<F>(
    txn: *const ls_txn,
    queue: &Arc<Queue<Answer>>,
    user_data: u64,
    work: impl FnOnce(&'static mut Inner) -> F,
) -> Result<u64>
where
    F: Future<Output = Result<Found>> + 'static,
{
    queue.check()?;
    // SAFETY: the caller's promise is this one's.
    let mut held = Held(unsafe { enter(txn) }?);
    let number = queue.number();
    let this: Weak<dyn OnFree> = Arc::<Queue<Answer>>::downgrade(queue);
    held.0.set_on_free(Some((this, number)));
    let inner: *mut Inner = &raw mut *held.0;
    let mut place = Box::<OnTxn<F>>::new_uninit();
    let operation = place.as_mut_ptr();
    // SAFETY: both fields are written, each where it belongs, before the whole counts as initialized. What was entered
    // lives, and is nobody else's, for as long as we are inside, which is longer than the future lives.
    let operation = unsafe {
        (&raw mut (*operation).work).write(work(&mut *inner));
        (&raw mut (*operation).held).write(Some(held));
        Box::into_pin(place.assume_init())
    };
    queue.start(number, user_data, operation)?;
    Ok(number)
}

/// Starts `work` that needs no transaction; the number of the operation.
pub(super) fn start_alone(
    queue: &Arc<Queue<Answer>>,
    user_data: u64,
    work: impl Future<Output = Result<Found>> + Send + 'static,
) -> Result<u64> {
    queue.check()?;
    let number = queue.number();
    let mut work = Box::pin(work);
    let operation =
        poll_fn(move |context| shielded(work.as_mut(), context).map(|result| Ok(Answer { held: None, result })));
    queue.start(number, user_data, Box::pin(operation))?;
    Ok(number)
}

/// Polls, and turns a panic into an error, as the guard does for calls.
fn shielded(work: Pin<&mut impl Future<Output = Result<Found>>>, context: &mut Context<'_>) -> Poll<Result<Found>> {
    match unwinding_stops_here(|| Ok(work.poll(context))) {
        Ok(polled) => polled,
        Err(panic) => Poll::Ready(Err(panic)),
    }
}
