//! Transactions: what C holds of one, and the calls on it as a whole.

use std::ptr::NonNull;

use smallvec::SmallVec;

use super::args;
use super::error::ls_error;
use super::exclusive::{Exclusive, Inside};
use super::guard;
use super::handles::{Handles, TextPool, grown};
use super::out::{Lent, Owned, Plain};
use super::pkg::ls_pkg;
use super::session::ls_session;
use crate::error::{Error, Result};
use crate::io::sys::watch_forks;
use crate::txn::{PkgRef, SessionRef, State, Transaction, TxnOption};

/// What a transaction takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub enum ls_state {
    /// Everything.
    LS_TXN_STATE_ACTIVE = 0,
    /// Reads, commit, abort and free.
    LS_TXN_STATE_PREPARED = 1,
    /// Free and the report: it was committed.
    LS_TXN_STATE_COMMITTED = 2,
    /// Free: it was aborted.
    LS_TXN_STATE_ABORTED = 3,
    /// Abort, free and the report: a commit or prepare failed.
    LS_TXN_STATE_FAILED = 4,
    /// Free: a call on it met a defect of this library.
    LS_TXN_STATE_POISONED = 5,
}

const _: () = {
    assert!(ls_state::LS_TXN_STATE_ACTIVE as i32 == State::Active as i32);
    assert!(ls_state::LS_TXN_STATE_PREPARED as i32 == State::Prepared as i32);
    assert!(ls_state::LS_TXN_STATE_COMMITTED as i32 == State::Committed as i32);
    assert!(ls_state::LS_TXN_STATE_ABORTED as i32 == State::Aborted as i32);
    assert!(ls_state::LS_TXN_STATE_FAILED as i32 == State::Failed as i32);
};

/// An option of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub enum ls_txn_option {
    /// Milliseconds that a whole commit or prepare may take, 0 to 86,400,000; reads as -1, and is the store's, until set.
    LS_TXN_COMMIT_TIMEOUT = 1,
}

const _: () = assert!(ls_txn_option::LS_TXN_COMMIT_TIMEOUT as i32 == TxnOption::CommitTimeout as i32);

/// A transaction: the sessions that are opened, changed, and stored or dropped together, of any containers of any
/// stores. It is one transaction; begin another for the next.
///
/// One call at a time: a second thread, or a log callback that calls back, gets `LS_ERR_MISUSE`.
///
/// Methods: `ls_txn_begin`, `ls_txn_savepoint`, `ls_txn_rollback`, `ls_txn_savepoint_valid`, `ls_txn_prepare`,
/// `ls_txn_prepare_start`, `ls_txn_commit`, `ls_txn_commit_start`, `ls_txn_prefetch`, `ls_txn_prefetch_start`, `ls_txn_abort`, `ls_txn_state`, `ls_txn_set`, `ls_txn_get`, `ls_txn_session_count`,
/// `ls_txn_session_at`, `ls_txn_report_count`, `ls_txn_report_container`, `ls_txn_report_id`, `ls_txn_report_kind`,
/// `ls_txn_report_outcome`, `ls_txn_report_status`, `ls_txn_report_timeout`, `ls_txn_free`.
// Never made: its address is that of an `Exclusive<Inner>`.
#[derive(Debug)]
pub struct ls_txn {
    _opaque: [u8; 0],
}

/// What stands behind an `ls_txn`, for the one call that is inside.
pub(super) struct Inner {
    pub(super) txn: Transaction,
    /// The address that C knows it by.
    this: *const ls_txn,
    sessions: Handles<ls_session>,
    /// Of each session.
    pkgs: SmallVec<[Handles<ls_pkg>; 1]>,
    pub(super) texts: TextPool,
}

impl Inner {
    /// The handle of a session: the same for the same session.
    pub(super) fn session_handle(&mut self, at: SessionRef) -> *mut ls_session {
        let txn = self.this;
        self.sessions.get(at.number(), || ls_session { txn, at })
    }

    /// The handle of a package: the same for the same package.
    pub(super) fn pkg_handle(&mut self, at: PkgRef) -> *mut ls_pkg {
        let txn = self.this;
        grown(&mut self.pkgs, at.session().number(), Handles::new).get(at.number(), || ls_pkg { txn, at })
    }
}

/// Enters a transaction.
///
/// # Safety
/// `txn` is NULL or alive.
pub(super) unsafe fn enter(txn: *const ls_txn) -> Result<Inside<Inner>> {
    let txn = NonNull::new(txn.cast_mut()).ok_or_else(|| args::null("txn"))?;
    // SAFETY: not NULL, so it is from `ls_txn_begin`.
    unsafe { Exclusive::enter(txn.cast::<Exclusive<Inner>>()) }
}

fn option(number: i32) -> Result<TxnOption> {
    TxnOption::from_number(number)
        .ok_or_else(|| Error::Argument(format!("transaction option {number} does not exist").into()))
}

/// Begins a transaction.
///
/// `out`: set to the transaction.
///
/// Returns `LS_OK`; `LS_ERR_UNAVAILABLE` if the system cannot watch for forks.
/// Ownership: the transaction is yours; free it with `ls_txn_free`.
/// I/O: none. Threads: any. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_txn_begin(out: *mut *mut ls_txn, err: *mut ls_error) -> i32 {
    guard::call(Owned(out), err, || {
        // Before it is known in which process the transaction begins.
        watch_forks()?;
        let txn = Exclusive::boxed(|this| Inner {
            txn: Transaction::new(),
            this: this.cast::<ls_txn>().as_ptr(),
            sessions: Handles::new(),
            pkgs: SmallVec::new(),
            texts: TextPool::new(),
        });
        Ok(txn.cast::<ls_txn>().as_ptr())
    })
}

/// Makes a savepoint: a mark to roll back to. Its cost does not depend on what the transaction holds.
///
/// `txn`: an active transaction.
/// `out`: set to the savepoint, a number that is unique in the process.
///
/// Returns `LS_OK`; `LS_ERR_MISUSE` if the transaction is prepared or has ended; `LS_ERR_FAILED` if it failed.
/// Ownership: none: savepoints end with the transaction.
/// I/O: none. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_txn_savepoint(txn: *mut ls_txn, out: *mut u64, err: *mut ls_error) -> i32 {
    guard::txn(txn, Plain("out", out), err, |inner| inner.txn.savepoint())
}

/// Puts everything back to what it was when the savepoint was made: values, packages, ids, timeouts, deadlines and
/// destroyed sessions, of all sessions of the transaction.
///
/// Handles that were taken before stay valid and show what was put back. A session that was opened after the savepoint
/// leaves the transaction: its handle answers `LS_ERR_MISUSE` from then on. Later savepoints end; this one stays.
///
/// `txn`: an active transaction.
/// `savepoint`: from `ls_txn_savepoint` on this transaction.
///
/// Returns `LS_OK`; `LS_ERR_SAVEPOINT` if the savepoint has ended or is not one of this transaction, and nothing is
/// changed; `LS_ERR_MISUSE` if the transaction is prepared; `LS_ERR_FAILED` if it failed.
/// Ownership: values that were lent before stay readable as they were.
/// I/O: none. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_txn_rollback(txn: *mut ls_txn, savepoint: u64, err: *mut ls_error) -> i32 {
    guard::txn(txn, (), err, |inner| inner.txn.rollback(savepoint))
}

/// Tells whether a savepoint can be rolled back to.
///
/// `txn`: the transaction.
/// `savepoint`: any number.
///
/// Returns true if it can; false also for NULL and while another call is inside.
/// Ownership: none.
/// I/O: none. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_txn_savepoint_valid(txn: *mut ls_txn, savepoint: u64) -> bool {
    guard::answer_of_txn(txn, |inner| Ok(inner.txn.savepoint_valid(savepoint)))
}

/// Votes on a commit, for hosts with a transaction manager of their own: finds what can be known to fail, and stores
/// nothing. Afterwards the transaction takes reads, `ls_txn_commit`, `ls_txn_abort` and `ls_txn_free` only.
///
/// A commit that follows can still fail: another writer may be faster, or a server go away.
///
/// `txn`: an active transaction.
///
/// Returns `LS_OK`; `LS_ERR_MISUSE` if the transaction is prepared already or has ended; `LS_ERR_FAILED` if it failed
/// before; else as `ls_txn_commit`, of which `LS_ERR_PARTIAL`, `LS_ERR_UNKNOWN` and `LS_ERR_LOST` cannot occur. After
/// any failure but `LS_ERR_ARGUMENT` and `LS_ERR_MISUSE` the transaction has failed, and nothing is stored.
/// Ownership: none.
/// I/O: store. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_txn_prepare(txn: *mut ls_txn, err: *mut ls_error) -> i32 {
    guard::txn(txn, (), err, |inner| guard::wait(inner.txn.prepare()))
}

/// Stores every session that was changed, and ends the transaction.
///
/// A session that somebody else changed since it was loaded is merged, key by key, and tried again until the commit
/// timeout. A transaction that changed nothing writes nothing. What is stored after each status:
///
/// - `LS_OK`: everything.
/// - `LS_ERR_TOO_LARGE`: nothing. A session, merged or not, is over the limit that the message names.
/// - `LS_ERR_RANGE`: nothing. Merging made a counter overflow.
/// - `LS_ERR_CONFLICT` (retryable): nothing. Somebody changed the same key differently, or under `LS_POLICY_STRICT`
///   anything in the session; or a new id is in use; or others were faster each time until the commit timeout.
/// - `LS_ERR_GONE`: nothing. A session that was changed was destroyed, evicted or expired since it was loaded; or it was
///   found absent, and so long ago that one cannot tell whether it was created and destroyed since: as long as the mark of
///   a destroyed session lives, which is the container's longest timeout.
/// - `LS_ERR_CORRUPT`: nothing. What somebody else stored meanwhile cannot be read, and so not be merged with.
/// - `LS_ERR_UNSUPPORTED`: nothing. A store cannot do what the container's policy needs, or was opened before a fork.
/// - `LS_ERR_UNAVAILABLE`, `LS_ERR_PROTOCOL`: nothing. A server is away, refused, or does not speak the protocol.
/// - `LS_ERR_TIMEOUT`: nothing. The commit timeout passed, or a server did not answer, before anything was stored.
/// - `LS_ERR_UNKNOWN`: a session's write was sent and not answered, and no time was left to look, or what stands there by
///   now does not tell: that session is stored or as it was. One that was given a new id, of which time ran out half-way,
///   is there under the old id, the new one, or both; one that somebody else destroyed or replaced under the old id
///   meanwhile is there under neither. The report says which it is; what it calls not stored is not, and nothing is known
///   to be.
/// - `LS_ERR_LOST`: nothing, and a session that was to be replaced is gone too, or may be: the server refused the write,
///   and drops what it had as it does so.
/// - `LS_ERR_PARTIAL`: some of several sessions. The report says of each: stored, not stored, unknown. Not retryable:
///   running the work again would do some of it twice.
/// - `LS_ERR_FAILED`: nothing by this call; an earlier prepare or commit failed.
/// - `LS_ERR_MISUSE`: nothing by this call; the transaction was committed or aborted before, or another call is inside.
/// - `LS_ERR_PANIC`: unknown.
///
/// After `LS_OK` the transaction is committed. After any failure but `LS_ERR_ARGUMENT` and `LS_ERR_MISUSE` it has
/// failed: it keeps its report and takes `ls_txn_abort` and `ls_txn_free` only. To try again, run the work in a new one.
///
/// `txn`: an active or prepared transaction.
///
/// Returns one of these.
/// Ownership: none; values that were lent stay readable until `ls_txn_free`.
/// I/O: store. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_txn_commit(txn: *mut ls_txn, err: *mut ls_error) -> i32 {
    guard::txn(txn, (), err, |inner| guard::wait(inner.txn.commit()))
}

/// Drops everything that the transaction changed, and ends it. The report of a failed commit stays.
///
/// `txn`: a transaction that has not ended, or that failed.
///
/// Returns `LS_OK`; `LS_ERR_MISUSE` if it was committed or aborted.
/// Ownership: none; values that were lent stay readable until `ls_txn_free`.
/// I/O: none. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_txn_abort(txn: *mut ls_txn, err: *mut ls_error) -> i32 {
    guard::txn(txn, (), err, |inner| inner.txn.abort())
}

/// Tells what the transaction takes.
///
/// `txn`: the transaction.
///
/// Returns an `ls_state`; 0 also for NULL, while another call is inside, and in a forked child.
/// Ownership: none.
/// I/O: none. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_txn_state(txn: *mut ls_txn) -> i32 {
    guard::answer(|| match enter(txn) {
        Ok(inner) => Ok(inner.txn.state() as i32),
        Err(Error::Panic(_)) => Ok(ls_state::LS_TXN_STATE_POISONED as i32),
        Err(error) => Err(error),
    })
}

/// Sets one option.
///
/// `txn`: the transaction.
/// `option`: which, an `ls_txn_option`.
/// `value`: its value, in the unit that the option states.
///
/// Returns `LS_OK`; `LS_ERR_ARGUMENT` for an option that does not exist; `LS_ERR_RANGE` for a value outside what it may
/// be.
/// Ownership: none.
/// I/O: none. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_txn_set(txn: *mut ls_txn, option: i32, value: i64, err: *mut ls_error) -> i32 {
    guard::txn(txn, (), err, |inner| inner.txn.set_option(self::option(option)?, value))
}

/// Reads one option.
///
/// `txn`: the transaction.
/// `option`: which, an `ls_txn_option`.
/// `out`: set to the value.
///
/// Returns `LS_OK`; `LS_ERR_ARGUMENT` for an option that does not exist.
/// Ownership: none.
/// I/O: none. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_txn_get(txn: *mut ls_txn, option: i32, out: *mut i64, err: *mut ls_error) -> i32 {
    guard::txn(txn, Plain("out", out), err, |inner| Ok(inner.txn.option(self::option(option)?)))
}

/// Counts the open sessions.
///
/// `txn`: the transaction.
///
/// Returns the number; 0 after the end of the transaction, for NULL and while another call is inside.
/// Ownership: none.
/// I/O: none. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_txn_session_count(txn: *mut ls_txn) -> usize {
    guard::answer_of_txn(txn, |inner| Ok(inner.txn.session_count()))
}

/// Gets an open session by its place, in the order of opening.
///
/// `txn`: the transaction.
/// `index`: which session, from 0.
/// `out`: set to the session.
///
/// Returns `LS_OK`; `LS_NOT_FOUND` behind the last one.
/// Ownership: the session belongs to the transaction and lives until `ls_txn_free`.
/// I/O: none. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_txn_session_at(
    txn: *mut ls_txn,
    index: usize,
    out: *mut *mut ls_session,
    err: *mut ls_error,
) -> i32 {
    guard::txn(txn, Lent(out), err, |inner| {
        Ok(inner.txn.session_at(index).map(|session| inner.session_handle(session)))
    })
}

/// Frees a transaction. One that was neither committed nor aborted is aborted by that.
///
/// While another thread is inside a call on it, it is freed when that call ends; no further call may begin.
///
/// `txn`: what to free; NULL is allowed.
///
/// Ownership: takes the transaction and all that it lent.
/// I/O: none. Threads: any. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_txn_free(txn: *mut ls_txn) {
    guard::release(txn.cast::<Exclusive<Inner>>(), |txn| {
        if let Some(txn) = NonNull::new(txn) {
            Exclusive::free(txn);
        }
    });
}
