//! Queues: operations that are started and not waited for, behind one descriptor. The calls that start them are in
//! `start`, what runs and comes out is in `operation`.

mod operation;
mod start;

pub use start::*;

use std::sync::Arc;
use std::time::Duration;

use super::args;
use super::error::{self, ls_error};
use super::guard;
use super::out::{Owned, Plain};
use super::session::ls_session;
use crate::error::{Error, Result, Status};
use crate::io::queue::{Finished, Queue, ended};
use operation::{Answer, Found};
use std::os::fd::AsRawFd;

/// An option of a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub enum ls_queue_option {
    /// How many connections operations make to one server; 1 to 4, default 1. More are of use where answers are large, or
    /// come from far away.
    LS_QUEUE_CONNECTIONS = 1,
    /// 1: starting sends nothing; `ls_queue_flush`, called once for everything that was started in a round of the host's
    /// scheduler, does, and so does `ls_queue_wait`. 0, the default: starting sends at once if no answer is awaited, and
    /// what is started meanwhile goes out together by the next `ls_queue_wait`.
    LS_QUEUE_CORK = 2,
}

/// Many operations at once, for hosts that must not block: what is started on a queue goes on while the host does
/// something else, and comes out of `ls_queue_wait` when it is finished, once for each. One descriptor tells when to call
/// it. Operations of a queue share their connections and send together, which is what makes them cheap. Any thread may
/// start and wait; a host with several threads is best served by a queue for each.
///
/// Methods: `ls_queue_new`, `ls_queue_set`, `ls_queue_get`, `ls_queue_fd`, `ls_queue_wait`, `ls_queue_flush`,
/// `ls_queue_cancel`, `ls_queue_free`.
#[derive(Debug)]
pub struct ls_queue(Arc<Queue<Answer>>);

/// A finished operation: 320 bytes of the caller's memory that need no initialization.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct ls_completion {
    /// The number of the operation, as the call that started it gave it.
    pub op: u64,
    /// What the caller gave with it; the library never looks behind it.
    pub user_data: u64,
    /// Of an `ls_session_get_start` that succeeded the session; else NULL. It belongs to the transaction.
    pub session: *mut ls_session,
    /// What the call that does the same and waits would have returned.
    pub status: i32,
    /// 0 in this version.
    pub reserved: [i32; 9],
    /// As that call would have filled it in.
    pub error: ls_error,
}

const _: () = assert!(size_of::<ls_completion>() == 320);

/// The queue behind a handle.
///
/// # Safety
/// `queue` is NULL or alive.
pub(super) unsafe fn shared<'a>(queue: *const ls_queue) -> Result<&'a Arc<Queue<Answer>>> {
    args::shared("queue", queue).map(|queue| &queue.0)
}

/// Makes a queue.
///
/// `out`: set to the queue.
///
/// Returns `LS_OK`; `LS_ERR_UNAVAILABLE` if the system has no descriptors left, or cannot watch for forks.
/// Ownership: the queue is yours; free it with `ls_queue_free`.
/// I/O: none. Threads: any. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_queue_new(out: *mut *mut ls_queue, err: *mut ls_error) -> i32 {
    guard::call(Owned(out), err, || Ok(guard::give(ls_queue(Arc::new(Queue::new()?)))))
}

/// Sets one option.
///
/// `queue`: the queue.
/// `option`: which, an `ls_queue_option`.
/// `value`: its value.
///
/// Returns `LS_OK`; `LS_ERR_ARGUMENT` for an option that does not exist; `LS_ERR_RANGE` for a value outside what it may
/// be; `LS_ERR_MISUSE` in a forked child.
/// Ownership: none.
/// I/O: none. Threads: concurrent. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_queue_set(queue: *const ls_queue, option: i32, value: i64, err: *mut ls_error) -> i32 {
    guard::shared("queue", queue, (), err, |ls_queue(queue)| {
        queue.check()?;
        match option {
            CONNECTIONS => queue.set_lines_per_server(within(value, 1, 4)?),
            CORK => queue.set_corked(within(value, 0, 1)? == 1),
            _ => return Err(no_option(option)),
        }
        Ok(())
    })
}

/// Reads one option.
///
/// `queue`: the queue.
/// `option`: which, an `ls_queue_option`.
/// `out`: set to the value.
///
/// Returns `LS_OK`; `LS_ERR_ARGUMENT` for an option that does not exist.
/// Ownership: none.
/// I/O: none. Threads: concurrent. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_queue_get(queue: *const ls_queue, option: i32, out: *mut i64, err: *mut ls_error) -> i32 {
    guard::shared("queue", queue, Plain("out", out), err, |ls_queue(queue)| match option {
        CONNECTIONS => Ok(i64::try_from(queue.lines_per_server()).unwrap_or(i64::MAX)),
        CORK => Ok(i64::from(queue.is_corked())),
        _ => Err(no_option(option)),
    })
}

const CONNECTIONS: i32 = ls_queue_option::LS_QUEUE_CONNECTIONS as i32;
const CORK: i32 = ls_queue_option::LS_QUEUE_CORK as i32;

fn within(value: i64, least: usize, most: usize) -> Result<usize> {
    usize::try_from(value)
        .ok()
        .filter(|value| (least..=most).contains(value))
        .ok_or_else(|| Error::Range(format!("queue option of {value} is not between {least} and {most}").into()))
}

fn no_option(option: i32) -> Error {
    Error::Argument(format!("queue option {option} does not exist").into())
}

/// Tells the descriptor to watch: it is readable when `ls_queue_wait` has something to do, deadlines included. That may
/// turn out to be nothing to hand out.
///
/// It may be watched in any way, for changes only (edge-triggered) too, and by several sets. A host that gives the number
/// away to something that closes it, or that goes on watching a closed number, gives it a duplicate (`dup`), and closes
/// that before `ls_queue_free`.
///
/// `queue`: the queue.
///
/// Returns the descriptor; -1 for NULL and in a forked child.
/// Ownership: the descriptor belongs to the queue: do nothing with it but watch it.
/// I/O: none. Threads: concurrent. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_queue_fd(queue: *const ls_queue) -> i32 {
    guard::answer(|| {
        let queue = shared(queue)?;
        queue.check()?;
        Ok(Descriptor(queue.descriptor().as_raw_fd()))
    })
    .0
}

struct Descriptor(i32);

impl Default for Descriptor {
    fn default() -> Self {
        Self(-1)
    }
}

/// Goes on with everything that can go on, and hands out finished operations.
///
/// If it hands out fewer than `n`, everything that had happened is done, and the descriptor tells of more. If it hands out
/// `n`, call it again before sleeping. Several threads may wait on one queue.
///
/// `queue`: the queue.
/// `out`: where finished operations are written; the rest of it is not touched.
/// `n`: how many there is room for; with 0 it hands out nothing and does not wait.
/// `count`: set to how many were handed out.
/// `timeout_ms`: how long to wait if there are none; 0 is not at all, below 0 is for ever.
///
/// Returns `LS_OK`, also with a count of 0; `LS_ERR_MISUSE` in a forked child, from a log callback inside a call on this
/// queue, and if the queue was freed meanwhile; `LS_ERR_UNAVAILABLE` if the system cannot wait.
/// Ownership: sessions that are handed out belong to their transactions.
/// I/O: store, and waits as long as `timeout_ms` says. Threads: concurrent. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_queue_wait(
    queue: *const ls_queue,
    out: *mut ls_completion,
    n: usize,
    count: *mut usize,
    timeout_ms: i64,
    err: *mut ls_error,
) -> i32 {
    guard::shared("queue", queue, Plain("count", count), err, |ls_queue(queue)| {
        if out.is_null() && n > 0 {
            return Err(args::null("out"));
        }
        // Freed while we wait, it stays until we leave.
        let queue = Arc::clone(queue);
        let timeout = u64::try_from(timeout_ms).ok().map(Duration::from_millis);
        let mut next = out;
        queue.wait(n, timeout, |finished| {
            write(next, finished);
            next = next.add(1);
        })
    })
}

/// Writes what came of an operation; its transaction may be used again from here on.
///
/// # Safety
/// `out` is memory for one `ls_completion`, initialized or not.
unsafe fn write(out: *mut ls_completion, finished: Finished<Answer>) {
    let Finished { number, user_data, ended_by, result } = finished;
    let mut session = std::ptr::null_mut();
    let result = result.and_then(|answer| {
        // What had succeeded before it was ended stays so.
        let found = answer.result.map_err(|error| match &ended_by {
            Some(by) => ended(error, by),
            None => error,
        })?;
        if let (Found::Session(at), Some(mut held)) = (found, answer.held) {
            session = held.session_handle(at);
        }
        Ok(found)
    });
    out.cast::<u8>().write_bytes(0, std::mem::offset_of!(ls_completion, error));
    (*out).op = number;
    (*out).user_data = user_data;
    (*out).session = session;
    let error = &raw mut (*out).error;
    (*out).status = match result {
        Ok(found) => {
            let status = if found == Found::Nothing { Status::NotFound } else { Status::Ok };
            error::clear(error, status);
            status as i32
        }
        Err(failure) => {
            error::fill(error, &failure);
            failure.status() as i32
        }
    };
}

/// Sends what was started and not sent. Of use with `LS_QUEUE_CORK`, and harmless without.
///
/// `queue`: the queue.
///
/// Returns `LS_OK`; `LS_ERR_MISUSE` in a forked child, and from a log callback inside a call on this queue.
/// Ownership: none.
/// I/O: store, but never waits. Threads: concurrent. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_queue_flush(queue: *const ls_queue, err: *mut ls_error) -> i32 {
    guard::shared("queue", queue, (), err, |ls_queue(queue)| Arc::clone(queue).flush())
}

/// Cancels an operation: what was not sent is not sent any more. It comes out of `ls_queue_wait` like any other.
///
/// What was cancelled in time comes out as `LS_ERR_CANCELLED`. The transaction of a load stays usable. A commit or prepare
/// that is cancelled has failed: with `LS_ERR_CANCELLED` nothing is stored; if something was sent and not answered it is
/// `LS_ERR_UNKNOWN`, or `LS_ERR_PARTIAL` if some is stored, and the report says what became of each session.
///
/// `queue`: the queue.
/// `op`: which operation; one that has finished, or that there never was, is none.
///
/// Returns `LS_OK`; `LS_ERR_MISUSE` in a forked child.
/// Ownership: none.
/// I/O: none. Threads: concurrent. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_queue_cancel(queue: *const ls_queue, op: u64, err: *mut ls_error) -> i32 {
    guard::shared("queue", queue, (), err, |ls_queue(queue)| Arc::clone(queue).cancel(op))
}

/// Frees a queue: cancels its operations, as `ls_queue_cancel` does, and hands out none of them. Their transactions are
/// the caller's as before. A thread that is inside `ls_queue_wait` returns with `LS_ERR_MISUSE`.
///
/// In a forked child it leaves everything where it is: the descriptors are the parent's.
///
/// `queue`: what to free; NULL is allowed.
///
/// Ownership: takes the queue.
/// I/O: none. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_queue_free(queue: *mut ls_queue) {
    guard::release(queue, |queue| {
        let queue = Box::from_raw(queue);
        if queue.0.is_of_this_process() {
            queue.0.close();
        } else {
            // Closing copies of the parent's descriptors could close what took their numbers since.
            std::mem::forget(queue);
        }
    });
}
