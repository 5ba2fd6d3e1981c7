//! The report of a transaction: what became of each session that it was to write.

use std::ffi::c_char;

use super::error::ls_error;
use super::guard;
use super::out::{LentText, Plain};
use super::txn::{Inner, ls_txn};
use crate::txn::{Outcome, ReportEntry, ReportKind};

/// What was to be done with a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub enum ls_report_kind {
    /// To store its content.
    LS_REPORT_WRITE = 0,
    /// To destroy it.
    LS_REPORT_DESTROY = 1,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub enum ls_outcome {
    /// Definitely not done.
    LS_OUTCOME_NOT_STORED = 0,
    /// Done.
    LS_OUTCOME_STORED = 1,
    /// Sent and not answered: done or not.
    LS_OUTCOME_UNKNOWN = 2,
}

const _: () = {
    assert!(ls_report_kind::LS_REPORT_WRITE as i32 == ReportKind::Write as i32);
    assert!(ls_report_kind::LS_REPORT_DESTROY as i32 == ReportKind::Destroy as i32);
    assert!(ls_outcome::LS_OUTCOME_NOT_STORED as i32 == Outcome::NotStored as i32);
    assert!(ls_outcome::LS_OUTCOME_STORED as i32 == Outcome::Stored as i32);
    assert!(ls_outcome::LS_OUTCOME_UNKNOWN as i32 == Outcome::Unknown as i32);
};

/// One entry, if there are so many.
fn entry<T>(inner: &Inner, index: usize, read: impl FnOnce(&ReportEntry) -> T) -> Option<T> {
    inner.txn.report().get(index).map(read)
}

/// Counts the entries of the report: one for each session that a commit or prepare was to write or destroy.
///
/// `txn`: a transaction that was committed or failed, aborted since or not; any other has no report yet.
///
/// Returns the number; 0 also for NULL and while another call is inside.
/// Ownership: none.
/// I/O: none. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_txn_report_count(txn: *mut ls_txn) -> usize {
    guard::answer_of_txn(txn, |inner| Ok(inner.txn.report().len()))
}

/// Reads the name of the container of a session in the report.
///
/// `txn`: the transaction.
/// `index`: which entry, from 0.
/// `out`, `out_len`: set to the name; see "Text".
///
/// Returns `LS_OK`; `LS_NOT_FOUND` behind the last entry.
/// Ownership: the text belongs to the transaction and lives until `ls_txn_free`.
/// I/O: none. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_txn_report_container(
    txn: *mut ls_txn,
    index: usize,
    out: *mut *const c_char,
    out_len: *mut usize,
    err: *mut ls_error,
) -> i32 {
    guard::txn(txn, LentText("out", out, out_len), err, |inner| {
        inner.txn.report().get(index).map(|entry| inner.texts.lend(entry.container.as_bytes())).transpose()
    })
}

/// Reads the id of a session in the report: the new one, if it was given one.
///
/// `txn`: the transaction.
/// `index`: which entry, from 0.
/// `out`, `out_len`: set to the id, any bytes, with a NUL behind them; see "Text".
///
/// Returns `LS_OK`; `LS_NOT_FOUND` behind the last entry.
/// Ownership: the id belongs to the transaction and lives until `ls_txn_free`.
/// I/O: none. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_txn_report_id(
    txn: *mut ls_txn,
    index: usize,
    out: *mut *const c_char,
    out_len: *mut usize,
    err: *mut ls_error,
) -> i32 {
    guard::txn(txn, LentText("out", out, out_len), err, |inner| {
        inner.txn.report().get(index).map(|entry| inner.texts.lend(&entry.id)).transpose()
    })
}

/// Reads what was to be done with a session in the report.
///
/// `txn`: the transaction.
/// `index`: which entry, from 0.
/// `out`: set to an `ls_report_kind`.
///
/// Returns `LS_OK`; `LS_NOT_FOUND` behind the last entry.
/// Ownership: none.
/// I/O: none. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_txn_report_kind(txn: *mut ls_txn, index: usize, out: *mut i32, err: *mut ls_error) -> i32 {
    guard::txn(txn, Plain("out", out), err, |inner| Ok(entry(inner, index, |entry| entry.kind as i32)))
}

/// Reads what became of a session in the report.
///
/// `txn`: the transaction.
/// `index`: which entry, from 0.
/// `out`: set to an `ls_outcome`.
///
/// Returns `LS_OK`; `LS_NOT_FOUND` behind the last entry.
/// Ownership: none.
/// I/O: none. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_txn_report_outcome(
    txn: *mut ls_txn,
    index: usize,
    out: *mut i32,
    err: *mut ls_error,
) -> i32 {
    guard::txn(txn, Plain("out", out), err, |inner| Ok(entry(inner, index, |entry| entry.outcome as i32)))
}

/// Reads why a session in the report was not stored.
///
/// `txn`: the transaction.
/// `index`: which entry, from 0.
/// `out`: set to an `ls_status`: `LS_OK` if it was stored, or if only the other sessions kept it from being stored.
///
/// Returns `LS_OK`; `LS_NOT_FOUND` behind the last entry.
/// Ownership: none.
/// I/O: none. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_txn_report_status(
    txn: *mut ls_txn,
    index: usize,
    out: *mut i32,
    err: *mut ls_error,
) -> i32 {
    guard::txn(txn, Plain("out", out), err, |inner| Ok(entry(inner, index, |entry| entry.status as i32)))
}

/// Reads the timeout that a session in the report was to be stored with: what a cookie's age should be.
///
/// `txn`: the transaction.
/// `index`: which entry, from 0.
/// `out_ms`: set to the timeout in milliseconds; 0 is never.
///
/// Returns `LS_OK`; `LS_NOT_FOUND` behind the last entry.
/// Ownership: none.
/// I/O: none. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_txn_report_timeout(
    txn: *mut ls_txn,
    index: usize,
    out_ms: *mut i64,
    err: *mut ls_error,
) -> i32 {
    guard::txn(txn, Plain("out_ms", out_ms), err, |inner| Ok(entry(inner, index, |entry| entry.timeout_ms)))
}
