//! What every export goes through.
//!
//! The guard lets no panic cross, refuses NULL receivers and outputs before anything is done, enters transactions,
//! writes outputs on success only, and turns errors into a status and the caller's `ls_error`. An export is one call
//! of a function of this module, with its arguments and its one core call in the closure.

#![warn(unsafe_op_in_unsafe_fn)]

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::args;
use super::error::{self, ls_error};
use super::out::Out;
use super::pkg::ls_pkg;
use super::session::ls_session;
use super::txn::{self, Inner, ls_txn};
use crate::error::{Error, Result, Status};
use crate::io::blocking;
use crate::txn::{PkgRef, SessionRef};

/// A call without a receiver, or with more than one.
///
/// The body answers with the value of the outputs, or with an `Option` of it, `None` being "not found".
///
/// # Safety
/// Outputs and `err` are NULL or may be written; so are those of every function here.
pub(super) unsafe fn call<O: Out, R: Into<Option<O::Value>>>(
    out: O,
    err: *mut ls_error,
    body: impl FnOnce() -> Result<R>,
) -> i32 {
    // SAFETY: the caller's promise is this one's.
    unsafe { out.clear() }
    let answer = unwinding_stops_here(|| {
        out.check()?;
        body()
    });
    let status = match answer.map(Into::into) {
        Ok(Some(value)) => {
            // SAFETY: checked above, or the body would not have answered.
            unsafe { out.set(value) }
            Status::Ok
        }
        Ok(None) => Status::NotFound,
        Err(failure) => {
            // SAFETY: the caller's promise is this one's.
            unsafe { error::fill(err, &failure) }
            return failure.status() as i32;
        }
    };
    // SAFETY: the caller's promise is this one's.
    unsafe { error::clear(err, status) }
    status as i32
}

/// A call on something that may be used by several threads at once. `name` is the receiver's.
///
/// # Safety
/// As [`call`]; `receiver` is NULL or alive.
pub(super) unsafe fn shared<T, O: Out, R: Into<Option<O::Value>>>(
    name: &str,
    receiver: *const T,
    out: O,
    err: *mut ls_error,
    body: impl FnOnce(&T) -> Result<R>,
) -> i32 {
    // SAFETY: the caller's promise is this one's.
    unsafe { call(out, err, || body(args::shared(name, receiver)?)) }
}

/// A call on a transaction.
///
/// # Safety
/// As [`shared`].
pub(super) unsafe fn txn<O: Out, R: Into<Option<O::Value>>>(
    txn: *const ls_txn,
    out: O,
    err: *mut ls_error,
    body: impl FnOnce(&mut Inner) -> Result<R>,
) -> i32 {
    // SAFETY: the caller's promise is this one's.
    unsafe { call(out, err, || inside::<O, R>(txn, body)) }
}

/// A call on a session.
///
/// # Safety
/// As [`shared`].
pub(super) unsafe fn session<O: Out, R: Into<Option<O::Value>>>(
    session: *const ls_session,
    out: O,
    err: *mut ls_error,
    body: impl FnOnce(&mut Inner, SessionRef) -> Result<R>,
) -> i32 {
    // SAFETY: the caller's promise is this one's; a session lives as long as its transaction.
    unsafe {
        call(out, err, || {
            let ls_session { txn, at } = *args::shared("session", session)?;
            inside::<O, R>(txn, |inner| body(inner, at))
        })
    }
}

/// A call on a package.
///
/// # Safety
/// As [`shared`].
pub(super) unsafe fn pkg<O: Out, R: Into<Option<O::Value>>>(
    pkg: *const ls_pkg,
    out: O,
    err: *mut ls_error,
    body: impl FnOnce(&mut Inner, PkgRef) -> Result<R>,
) -> i32 {
    // SAFETY: the caller's promise is this one's; a package lives as long as its transaction.
    unsafe {
        call(out, err, || {
            let ls_pkg { txn, at } = *args::shared("pkg", pkg)?;
            inside::<O, R>(txn, |inner| body(inner, at))
        })
    }
}

/// Enters a transaction for `body`. A panic in it poisons the transaction.
///
/// # Safety
/// `txn` is NULL or alive.
unsafe fn inside<O: Out, R>(txn: *const ls_txn, body: impl FnOnce(&mut Inner) -> Result<R>) -> Result<R> {
    // SAFETY: the caller's promise is this one's.
    let mut inner = unsafe { txn::enter(txn) }?;
    let answer = unwinding_stops_here(|| body(&mut inner));
    if matches!(answer, Err(Error::Panic(_))) {
        inner.poison();
    }
    // What it would point at goes with the transaction when we leave.
    if O::LENDS && inner.is_doomed() {
        return Err(Error::Misuse("transaction was freed during the call".into()));
    }
    answer
}

/// A getter that returns its answer, or 0, false or NULL if there is none.
pub(super) fn answer<T: Default>(body: impl FnOnce() -> Result<T>) -> T {
    unwinding_stops_here(body).unwrap_or_default()
}

/// A getter of a session that returns its answer.
///
/// # Safety
/// `session` is NULL or alive.
pub(super) unsafe fn answer_of_session<T: Default>(
    session: *const ls_session,
    body: impl FnOnce(&mut Inner, SessionRef) -> Result<T>,
) -> T {
    answer(|| {
        // SAFETY: the caller's promise is this one's.
        let ls_session { txn, at } = *unsafe { args::shared("session", session) }?;
        // SAFETY: a session lives as long as its transaction.
        unsafe { inside::<(), T>(txn, |inner| body(inner, at)) }
    })
}

/// A getter of a transaction that returns its answer.
///
/// # Safety
/// `txn` is NULL or alive.
pub(super) unsafe fn answer_of_txn<T: Default>(txn: *const ls_txn, body: impl FnOnce(&mut Inner) -> Result<T>) -> T {
    // SAFETY: the caller's promise is this one's.
    answer(|| unsafe { inside::<(), T>(txn, body) })
}

/// A getter of something that is always there.
pub(super) fn constant<T>(body: impl FnOnce() -> T) -> T {
    // Reads constants: there is nothing in it that could panic, and nothing to answer if it did.
    body()
}

/// Frees what `pointer` points at, unless it is NULL.
///
/// # Safety
/// `pointer` is NULL or came from [`give`], and is not used again.
pub(super) unsafe fn free<T>(pointer: *mut T) {
    // SAFETY: the caller's promise is this one's.
    unsafe { release(pointer, |pointer| drop(Box::from_raw(pointer))) }
}

/// Hands `pointer`, unless it is NULL, to what frees it.
///
/// # Safety
/// What `release` demands of the pointer.
pub(super) unsafe fn release<T>(pointer: *mut T, release: impl FnOnce(*mut T)) {
    if !pointer.is_null() {
        // There is nobody to tell about a failure: what cannot be freed stays.
        let _ = unwinding_stops_here(|| {
            release(pointer);
            Ok(())
        });
    }
}

/// Gives `content` to the caller, to be freed by [`free`].
pub(super) fn give<T>(content: T) -> *mut T {
    Box::into_raw(Box::new(content))
}

/// Runs an operation that may wait to its end, on this thread.
pub(super) fn wait<T>(operation: impl Future<Output = Result<T>>) -> Result<T> {
    blocking::run(operation)?
}

/// Turns a panic into an error. Its message is not shown: it could name what errors must not.
pub(super) fn unwinding_stops_here<T>(body: impl FnOnce() -> Result<T>) -> Result<T> {
    // Nothing half-done is seen again: a transaction is poisoned, and what is shared is behind locks of its own.
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|payload| {
        // Dropping it could panic again.
        mem::forget(payload);
        Err(Error::Panic("defect in lovely-session: a panic was caught".into()))
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic, reason = "tests")]

    use super::super::out::{Lent, Owned, Plain};
    use super::super::txn::{ls_txn_begin, ls_txn_free, ls_txn_savepoint, ls_txn_state};
    use super::*;
    use std::ptr;

    fn begin() -> *mut ls_txn {
        let mut txn = ptr::null_mut();
        // SAFETY: the output is a local.
        assert_eq!(unsafe { ls_txn_begin(&raw mut txn, ptr::null_mut()) }, 0);
        txn
    }

    fn panics() -> Result<()> {
        panic!("on purpose");
    }

    #[test]
    fn a_panic_becomes_a_status() {
        // SAFETY: no outputs.
        let status = unsafe { call((), ptr::null_mut(), panics) };
        assert_eq!(status, Status::Panic as i32);
    }

    #[test]
    fn a_panicked_transaction_can_only_be_freed() {
        let txn_ = begin();
        let mut savepoint = 0;
        // SAFETY: freed last.
        unsafe {
            assert_eq!(txn(txn_, (), ptr::null_mut(), |_| panics()), Status::Panic as i32);
            assert_eq!(ls_txn_savepoint(txn_, &raw mut savepoint, ptr::null_mut()), Status::Panic as i32);
            assert_eq!(ls_txn_state(txn_), 5);
            ls_txn_free(txn_);
        }
    }

    #[test]
    fn freeing_what_panics_is_survived() {
        struct Panics;
        impl Drop for Panics {
            fn drop(&mut self) {
                panic!("on purpose");
            }
        }
        // SAFETY: from `give`, and freed once.
        unsafe { free(give(Panics)) }
    }

    #[test]
    fn a_missing_output_is_refused_before_anything_is_done() {
        // SAFETY: NULL outputs are what is tested.
        let status = unsafe {
            call(Plain("out", ptr::null_mut::<i64>()), ptr::null_mut(), || -> Result<i64> { panic!("was called") })
        };
        assert_eq!(status, Status::Argument as i32);
    }

    #[test]
    fn handles_are_null_and_numbers_untouched_after_a_failure() {
        let (mut handle, mut number) = (ptr::dangling_mut::<u8>(), 7);
        let outs = (Owned(&raw mut handle), Plain("n", &raw mut number));
        let fails = || Err::<(*mut u8, i32), _>(Error::Misuse("no".into()));
        // SAFETY: the outputs are locals.
        unsafe { call(outs, ptr::null_mut(), fails) };
        assert_eq!((handle, number), (ptr::null_mut(), 7));
    }

    #[test]
    fn nothing_is_lent_from_a_transaction_that_was_freed_during_the_call() {
        let txn_ = begin();
        let mut lent = ptr::null_mut::<u8>();
        // SAFETY: not used after the call in which it was freed.
        let status = unsafe {
            txn(txn_, Lent(&raw mut lent), ptr::null_mut(), |_| {
                ls_txn_free(txn_);
                Ok(ptr::dangling_mut::<u8>())
            })
        };
        assert_eq!((status, lent), (Status::Misuse as i32, ptr::null_mut()));
    }

    #[test]
    fn a_call_from_inside_a_call_is_a_misuse() {
        let txn_ = begin();
        let mut savepoint = 0;
        // SAFETY: freed last.
        unsafe {
            let status = txn(txn_, (), ptr::null_mut(), |_| {
                assert_eq!(ls_txn_savepoint(txn_, &raw mut savepoint, ptr::null_mut()), Status::Misuse as i32);
                Ok(())
            });
            assert_eq!(status, 0);
            ls_txn_free(txn_);
        }
    }
}
