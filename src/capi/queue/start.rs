//! The calls that start operations on a queue: the twins of those that wait.
//!
//! Each does what its twin does, and says here only what is different.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use super::super::args;
use super::super::container::ls_container;
use super::super::error::ls_error;
use super::super::guard;
use super::super::out::Optional;
use super::super::store::{deadline, ls_store};
use super::super::txn::ls_txn;
use super::operation::{Found, start_alone, start_on_txn};
use super::{ls_queue, shared};
use crate::error::{Error, Result};

/// Starts opening a session: `ls_session_get` that does not wait.
///
/// Until the operation is handed out by `ls_queue_wait`, every other call on the transaction and what it lent answers
/// `LS_ERR_MISUSE`, but `ls_txn_free`, which cancels it: then its completion has no session.
///
/// `txn`: an active transaction; a prepared one gives what it has open.
/// `container`: where the session is.
/// `id`, `id_len`: which session; see `ls_session_get`.
/// `queue`: where the operation runs.
/// `user_data`: any number; the completion has it.
/// `op`: set to the number of the operation; may be NULL.
///
/// Returns `LS_OK` if it was started: what else `ls_session_get` can return is the status of the completion;
/// `LS_ERR_MISUSE` if the transaction is in use, or the queue was made before a fork.
/// Ownership: `container` and `queue` stay yours. The session of the completion belongs to the transaction.
/// I/O: store, but never waits. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_session_get_start(
    txn: *mut ls_txn,
    container: *const ls_container,
    id: *const c_char,
    id_len: usize,
    queue: *const ls_queue,
    user_data: u64,
    op: *mut u64,
    err: *mut ls_error,
) -> i32 {
    guard::call(Optional(op), err, || {
        let container = args::shared("container", container)?.container.clone();
        let id = Arc::from(args::bytes("id", id.cast(), id_len)?);
        start_on_txn(txn, shared(queue)?, user_data, |inner| async move {
            inner.txn.open_shared(&container, id).await.map(Found::Session)
        })
    })
}

/// Starts asking whether there is a session: `ls_session_exists` that does not wait.
///
/// Until the operation is handed out by `ls_queue_wait`, every other call on the transaction and what it lent answers
/// `LS_ERR_MISUSE`, but `ls_txn_free`, which cancels it.
///
/// `txn`: an active or prepared transaction.
/// `container`: where it would be.
/// `id`, `id_len`: which session; see "Text".
/// `queue`: where the operation runs.
/// `user_data`: any number; the completion has it.
/// `op`: set to the number of the operation; may be NULL.
///
/// Returns `LS_OK` if it was started: what `ls_session_exists` returns is the status of the completion; `LS_ERR_MISUSE`
/// if the transaction is in use, or the queue was made before a fork.
/// Ownership: `container` and `queue` stay yours.
/// I/O: store, but never waits. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_session_exists_start(
    txn: *mut ls_txn,
    container: *const ls_container,
    id: *const c_char,
    id_len: usize,
    queue: *const ls_queue,
    user_data: u64,
    op: *mut u64,
    err: *mut ls_error,
) -> i32 {
    guard::call(Optional(op), err, || {
        let container = args::shared("container", container)?.container.clone();
        let id = args::bytes("id", id.cast(), id_len)?.to_vec();
        start_on_txn(txn, shared(queue)?, user_data, |inner| async move {
            let exists = inner.txn.exists(&container, &id).await?;
            Ok(if exists { Found::Done } else { Found::Nothing })
        })
    })
}

/// Opens many sessions of a container at once, in one round trip to each server: `ls_session_get` then finds them open.
///
/// `txn`: an active transaction.
/// `container`: where they are.
/// `ids`, `id_lens`: which sessions: `n` pointers and `n` lengths; see "Text". Without lengths (NULL) each id ends with
/// its NUL. The same id twice is once.
/// `n`: how many.
///
/// Returns `LS_OK` if all are open; else, as `ls_session_get`, the status of the first that could not be opened: the
/// others are open, and opening it tries again. `LS_ERR_MISUSE` also if the transaction is prepared.
/// Ownership: the sessions belong to the transaction. `container` stays yours.
/// I/O: store. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_txn_prefetch(
    txn: *mut ls_txn,
    container: *const ls_container,
    ids: *const *const c_char,
    id_lens: *const usize,
    n: usize,
    err: *mut ls_error,
) -> i32 {
    guard::txn(txn, (), err, |inner| {
        let container = args::shared("container", container)?;
        let ids = ids_of(ids, id_lens, n)?;
        let ids: Vec<&[u8]> = ids.iter().map(Vec::as_slice).collect();
        guard::wait(inner.txn.prefetch(&container.container, &ids))
    })
}

/// Starts opening many sessions: `ls_txn_prefetch` that does not wait.
///
/// Until the operation is handed out by `ls_queue_wait`, every other call on the transaction and what it lent answers
/// `LS_ERR_MISUSE`, but `ls_txn_free`, which cancels it.
///
/// `txn`: an active transaction.
/// `container`: where they are.
/// `ids`, `id_lens`, `n`: which sessions; see `ls_txn_prefetch`.
/// `queue`: where the operation runs.
/// `user_data`: any number; the completion has it.
/// `op`: set to the number of the operation; may be NULL.
///
/// Returns `LS_OK` if it was started: what else `ls_txn_prefetch` can return is the status of the completion;
/// `LS_ERR_MISUSE` if the transaction is in use, or the queue was made before a fork.
/// Ownership: `container` and `queue` stay yours.
/// I/O: store, but never waits. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_txn_prefetch_start(
    txn: *mut ls_txn,
    container: *const ls_container,
    ids: *const *const c_char,
    id_lens: *const usize,
    n: usize,
    queue: *const ls_queue,
    user_data: u64,
    op: *mut u64,
    err: *mut ls_error,
) -> i32 {
    guard::call(Optional(op), err, || {
        let container = args::shared("container", container)?.container.clone();
        let ids = ids_of(ids, id_lens, n)?;
        start_on_txn(txn, shared(queue)?, user_data, |inner| async move {
            let ids: Vec<&[u8]> = ids.iter().map(Vec::as_slice).collect();
            inner.txn.prefetch(&container, &ids).await.map(|()| Found::Done)
        })
    })
}

/// Copies of `n` ids.
///
/// # Safety
/// `ids` and `lens` are NULL or point to `n` elements, each as [`args::bytes`] wants it.
unsafe fn ids_of(ids: *const *const c_char, lens: *const usize, n: usize) -> Result<Vec<Vec<u8>>> {
    /// More than any transaction can hold.
    const MOST: usize = 1_000_000;
    if n > MOST {
        return Err(Error::TooLarge(format!("{n} ids are more than the limit of {MOST}").into()));
    }
    if n > 0 && ids.is_null() {
        return Err(args::null("ids"));
    }
    (0..n)
        .map(|at| {
            let len = if lens.is_null() { args::LS_NTS } else { lens.add(at).read() };
            args::bytes("ids", ids.add(at).read().cast::<c_void>(), len).map(<[u8]>::to_vec)
        })
        .collect()
}

/// Starts the vote on a commit: `ls_txn_prepare` that does not wait.
///
/// Until the operation is handed out by `ls_queue_wait`, every other call on the transaction and what it lent answers
/// `LS_ERR_MISUSE`, but `ls_txn_free`, which cancels it.
///
/// `txn`: an active transaction.
/// `queue`: where the operation runs.
/// `user_data`: any number; the completion has it.
/// `op`: set to the number of the operation; may be NULL.
///
/// Returns `LS_OK` if it was started: what else `ls_txn_prepare` can return is the status of the completion, or
/// `LS_ERR_CANCELLED`; `LS_ERR_MISUSE` if the transaction is in use, or the queue was made before a fork.
/// Ownership: `queue` stays yours.
/// I/O: store, but never waits. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_txn_prepare_start(
    txn: *mut ls_txn,
    queue: *const ls_queue,
    user_data: u64,
    op: *mut u64,
    err: *mut ls_error,
) -> i32 {
    guard::call(Optional(op), err, || {
        start_on_txn(txn, shared(queue)?, user_data, |inner| async { inner.txn.prepare().await.map(|()| Found::Done) })
    })
}

/// Starts a commit: `ls_txn_commit` that does not wait.
///
/// Until the operation is handed out by `ls_queue_wait`, every other call on the transaction and what it lent answers
/// `LS_ERR_MISUSE`, but `ls_txn_free`, which cancels it.
///
/// `txn`: an active or prepared transaction.
/// `queue`: where the operation runs.
/// `user_data`: any number; the completion has it.
/// `op`: set to the number of the operation; may be NULL.
///
/// Returns `LS_OK` if it was started: what else `ls_txn_commit` can return is the status of the completion, or
/// `LS_ERR_CANCELLED`: nothing is stored; `LS_ERR_MISUSE` if the transaction is in use, or the queue was made before a
/// fork.
/// Ownership: `queue` stays yours.
/// I/O: store, but never waits. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_txn_commit_start(
    txn: *mut ls_txn,
    queue: *const ls_queue,
    user_data: u64,
    op: *mut u64,
    err: *mut ls_error,
) -> i32 {
    guard::call(Optional(op), err, || {
        start_on_txn(txn, shared(queue)?, user_data, |inner| async { inner.txn.commit().await.map(|()| Found::Done) })
    })
}

/// Starts asking whether the store answers: `ls_store_ping` that does not wait.
///
/// `store`: what to ask.
/// `queue`: where the operation runs.
/// `user_data`: any number; the completion has it.
/// `op`: set to the number of the operation; may be NULL.
///
/// Returns `LS_OK` if it was started: what else `ls_store_ping` can return is the status of the completion;
/// `LS_ERR_MISUSE` if the queue was made before a fork.
/// Ownership: `queue` stays yours.
/// I/O: store, but never waits. Threads: concurrent. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_store_ping_start(
    store: *const ls_store,
    queue: *const ls_queue,
    user_data: u64,
    op: *mut u64,
    err: *mut ls_error,
) -> i32 {
    guard::shared("store", store, Optional(op), err, |store| {
        let store = store.store.clone();
        let work = async move { store.ping(deadline(&store)).await.map(|()| Found::Done) };
        start_alone(shared(queue)?, user_data, work)
    })
}

/// Starts removing everything from the store: `ls_store_flush` that does not wait.
///
/// `store`: what to empty.
/// `queue`: where the operation runs.
/// `user_data`: any number; the completion has it.
/// `op`: set to the number of the operation; may be NULL.
///
/// Returns `LS_OK` if it was started: what else `ls_store_flush` can return is the status of the completion;
/// `LS_ERR_MISUSE` if the queue was made before a fork.
/// Ownership: `queue` stays yours.
/// I/O: store, but never waits. Threads: concurrent. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_store_flush_start(
    store: *const ls_store,
    queue: *const ls_queue,
    user_data: u64,
    op: *mut u64,
    err: *mut ls_error,
) -> i32 {
    guard::shared("store", store, Optional(op), err, |store| {
        let store = store.store.clone();
        let work = async move { store.flush(deadline(&store)).await.map(|()| Found::Done) };
        start_alone(shared(queue)?, user_data, work)
    })
}
