//! When a session was created and accessed, and when it ends.

use super::ls_session;
use crate::capi::error::ls_error;
use crate::capi::guard;
use crate::capi::out::Plain;
use crate::error::{Error, Result};

/// Milliseconds of the core as C has them.
fn to_ms(ms: u64) -> Result<i64> {
    i64::try_from(ms).map_err(|_| Error::Range("time in milliseconds is over 2^63-1".into()))
}

/// Tells when the session was created. Regenerating its id does not change that.
///
/// `session`: the session.
/// `out_ms`: set to the time, in Unix milliseconds by the store's clock.
///
/// Returns `LS_OK`; an error as any handle of a session gives, see `ls_session`.
/// Ownership: none.
/// I/O: none. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_session_created(session: *mut ls_session, out_ms: *mut i64, err: *mut ls_error) -> i32 {
    guard::session(session, Plain("out_ms", out_ms), err, |inner, at| inner.txn.created_ms(at))
}

/// Tells when the session was last accessed, this opening included; it may lag by the container's resolution.
///
/// `session`: the session.
/// `out_ms`: set to the time, in Unix milliseconds by the store's clock.
///
/// Returns `LS_OK`; an error as any handle of a session gives, see `ls_session`.
/// Ownership: none.
/// I/O: none. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_session_accessed(session: *mut ls_session, out_ms: *mut i64, err: *mut ls_error) -> i32 {
    guard::session(session, Plain("out_ms", out_ms), err, |inner, at| inner.txn.accessed_ms(at))
}

/// Tells the session's own idle timeout.
///
/// `session`: the session.
/// `out_ms`: set to the timeout in milliseconds; 0 is never.
///
/// Returns `LS_OK`; `LS_NOT_FOUND` if it has none of its own, and the container's counts; `LS_ERR_RANGE` for one over
/// 2^63-1, which another program stored; an error as any handle of a session gives, see `ls_session`.
/// Ownership: none.
/// I/O: none. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_session_timeout(session: *mut ls_session, out_ms: *mut i64, err: *mut ls_error) -> i32 {
    guard::session(session, Plain("out_ms", out_ms), err, |inner, at| inner.txn.timeout_ms(at)?.map(to_ms).transpose())
}

/// Gives the session an idle timeout of its own. That is a change like any other: stored at commit, undone by rollback.
///
/// `session`: the session.
/// `ms`: the timeout in milliseconds, up to the container's `LS_CONTAINER_MAX_TIMEOUT`; 0 is never.
///
/// Returns `LS_OK`; `LS_ERR_RANGE` for a negative number, or more than that; `LS_ERR_UNSUPPORTED` in a container
/// whose sessions never expire; `LS_ERR_MISUSE` if the transaction is prepared; an error as any handle of a session
/// gives, see `ls_session`.
/// Ownership: none.
/// I/O: none. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_session_set_timeout(session: *mut ls_session, ms: i64, err: *mut ls_error) -> i32 {
    guard::session(session, (), err, |inner, at| {
        let ms = u64::try_from(ms).map_err(|_| Error::Range(format!("timeout of {ms} ms is negative").into()))?;
        inner.txn.set_timeout_ms(at, Some(ms))
    })
}

/// Takes the session's own idle timeout away: the container's counts again.
///
/// `session`: the session.
///
/// Returns `LS_OK`, also if it had none; `LS_ERR_MISUSE` if the transaction is prepared; an error as any handle of a
/// session gives, see `ls_session`.
/// Ownership: none.
/// I/O: none. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_session_clear_timeout(session: *mut ls_session, err: *mut ls_error) -> i32 {
    guard::session(session, (), err, |inner, at| inner.txn.set_timeout_ms(at, None))
}

/// Tells when the session ends, however much it is used.
///
/// `session`: the session.
/// `out_ms`: set to the deadline, in Unix milliseconds by the store's clock.
///
/// Returns `LS_OK`; `LS_NOT_FOUND` if it has none; an error as any handle of a session gives, see `ls_session`.
/// Ownership: none.
/// I/O: none. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_session_deadline(session: *mut ls_session, out_ms: *mut i64, err: *mut ls_error) -> i32 {
    guard::session(session, Plain("out_ms", out_ms), err, |inner, at| inner.txn.deadline_ms(at))
}

/// Sets when the session ends, however much it is used. That is a change like any other.
///
/// `session`: the session.
/// `unix_ms`: the deadline, in Unix milliseconds by the store's clock. Past it the session reads as absent.
///
/// Returns `LS_OK`; `LS_ERR_MISUSE` if the transaction is prepared; an error as any handle of a session gives, see
/// `ls_session`.
/// Ownership: none.
/// I/O: none. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_session_set_deadline(session: *mut ls_session, unix_ms: i64, err: *mut ls_error) -> i32 {
    guard::session(session, (), err, |inner, at| inner.txn.set_deadline_ms(at, Some(unix_ms)))
}

/// Takes the session's deadline away.
///
/// `session`: the session.
///
/// Returns `LS_OK`, also if it had none; `LS_ERR_MISUSE` if the transaction is prepared; an error as any handle of a
/// session gives, see `ls_session`.
/// Ownership: none.
/// I/O: none. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_session_clear_deadline(session: *mut ls_session, err: *mut ls_error) -> i32 {
    guard::session(session, (), err, |inner, at| inner.txn.set_deadline_ms(at, None))
}
