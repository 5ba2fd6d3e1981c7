//! What runs on a queue: a call on a transaction, which nobody else may enter meanwhile, or on a store.

#![warn(unsafe_op_in_unsafe_fn)]

use std::future::{Future, poll_fn};
use std::ops::{Deref, DerefMut};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use super::super::exclusive::Inside;
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

impl Deref for Held {
    type Target = Inner;
    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl DerefMut for Held {
    fn deref_mut(&mut self) -> &mut Inner {
        &mut self.0
    }
}

/// A future that may go from thread to thread.
struct Movable<F: ?Sized>(Pin<Box<F>>);

// SAFETY: what is in it that could not go to another thread is the content of a transaction, which may be entered by any
// thread, one at a time; whoever polls this has entered it. What else it holds, the futures of the core, can go
// (tests/queue.rs puts them on queues without this).
unsafe impl<F: ?Sized> Send for Movable<F> {}

impl<F: Future + ?Sized> Future for Movable<F> {
    type Output = F::Output;
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        self.0.as_mut().poll(context)
    }
}

/// Starts `work` on a transaction; the number of the operation. Until it is handed out, nobody else gets into the
/// transaction.
///
/// # Safety
/// `txn` is NULL or alive.
pub(super) unsafe fn start_on_txn<W>(
    txn: *const ls_txn,
    queue: &Arc<Queue<Answer>>,
    user_data: u64,
    work: W,
) -> Result<u64>
where
    W: AsyncFnOnce(&mut Inner) -> Result<Found> + 'static,
{
    queue.check()?;
    // SAFETY: the caller's promise is this one's.
    let mut held = Held(unsafe { enter(txn) }?);
    let number = queue.number();
    let weak = Arc::downgrade(queue);
    held.0.set_on_free(Some(Arc::new(move || {
        if let Some(queue) = weak.upgrade() {
            // A queue that was freed has cancelled it already.
            let _ = queue.cancel(number);
        }
    })));
    let operation = async move {
        let result = shielded(work(&mut held)).await;
        if matches!(result, Err(Error::Panic(_))) {
            held.0.poison();
        }
        Ok(Answer { held: Some(held), result })
    };
    queue.start(number, user_data, Box::pin(Movable(Box::pin(operation))))?;
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
    let operation = async move {
        let result = shielded(work).await;
        Ok(Answer { held: None, result })
    };
    queue.start(number, user_data, Box::pin(operation))?;
    Ok(number)
}

/// Turns a panic into an error, as the guard does for calls.
async fn shielded(work: impl Future<Output = Result<Found>>) -> Result<Found> {
    let mut work = pin!(work);
    poll_fn(|context| match unwinding_stops_here(|| Ok(work.as_mut().poll(context))) {
        Ok(polled) => polled,
        Err(panic) => Poll::Ready(Err(panic)),
    })
    .await
}
