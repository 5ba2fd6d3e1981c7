//! Sessions of a transaction: opening, ids, packages. When they begin and end is in `times`.

mod times;

pub use times::*;

use std::ffi::c_char;

use super::args;
use super::container::ls_container;
use super::error::ls_error;
use super::guard;
use super::out::{Lent, LentConst, LentText};
use super::pkg::ls_pkg;
use super::txn::ls_txn;
use super::value::{lend, ls_value};
use crate::txn::SessionRef;

/// A session in a transaction: the same handle for the same session. It lives until `ls_txn_free`; calls through it
/// answer `LS_ERR_MISUSE` after commit and abort, `LS_ERR_FAILED` after a commit that failed, `LS_ERR_GONE` while the
/// transaction destroys the session, and `LS_ERR_MISUSE` after a rollback to before the session was opened.
///
/// Methods: `ls_session_get`, `ls_session_get_start`, `ls_session_create`, `ls_session_exists`,
/// `ls_session_exists_start`, `ls_session_destroy`, `ls_session_id`,
/// `ls_session_is_new`, `ls_session_created`, `ls_session_accessed`, `ls_session_timeout`, `ls_session_set_timeout`,
/// `ls_session_clear_timeout`, `ls_session_deadline`, `ls_session_set_deadline`, `ls_session_clear_deadline`,
/// `ls_session_regenerate`, `ls_session_clear`, `ls_session_pkg_names`, `ls_session_content`, `ls_session_pkg`,
/// `ls_session_peek_pkg`, `ls_session_delete_pkg`.
#[derive(Debug)]
pub struct ls_session {
    pub(super) txn: *const ls_txn,
    pub(super) at: SessionRef,
}

/// Opens a session: the one that is open in this transaction already, else as it is stored, else a new, empty one.
///
/// Opening renews the session's idle timeout in the same round trip, also if the transaction is aborted later. It
/// stores nothing. A session that was opened in this transaction its timeout or longer ago is loaded anew: changes that
/// were not committed are dropped, and handles of it answer `LS_ERR_MISUSE`.
///
/// `txn`: an active transaction; a prepared one gives what it has open.
/// `container`: where it is.
/// `id`, `id_len`: which session, 1 to 8,192 bytes of any kind; see "Text".
/// `out`: set to the session.
///
/// Returns `LS_OK`; `LS_ERR_ARGUMENT` for an empty id, `LS_ERR_TOO_LARGE` for one that is too long; `LS_ERR_GONE` if this
/// transaction destroys the session; `LS_ERR_UNAVAILABLE`, `LS_ERR_TIMEOUT` or `LS_ERR_PROTOCOL` for a server that does
/// not answer as it should: the transaction is as before, and opening again tries again; `LS_ERR_CORRUPT` if what is
/// stored cannot be read; `LS_ERR_UNSUPPORTED` for a store that cannot keep sessions safely, or a `memory://` store that
/// was opened before a fork; `LS_ERR_MISUSE` if the transaction has ended; `LS_ERR_FAILED` if it failed.
/// Ownership: the session belongs to the transaction and lives until `ls_txn_free`. `container` stays yours.
/// I/O: store. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_session_get(
    txn: *mut ls_txn,
    container: *const ls_container,
    id: *const c_char,
    id_len: usize,
    out: *mut *mut ls_session,
    err: *mut ls_error,
) -> i32 {
    guard::txn(txn, Lent(out), err, |inner| {
        let container = args::shared("container", container)?;
        let id = args::bytes("id", id.cast(), id_len)?;
        let session = guard::wait(inner.txn.open(&container.container, id))?;
        Ok(inner.session_handle(session))
    })
}

/// Makes a new session with a random id of 192 bits, 32 URL-safe characters. It is stored at commit, even if empty.
///
/// `txn`: an active transaction.
/// `container`: where it is to be.
/// `out`: set to the session.
///
/// Returns `LS_OK`; `LS_ERR_UNAVAILABLE` if the system has no random numbers; `LS_ERR_MISUSE` if the transaction is
/// prepared or has ended; `LS_ERR_FAILED` if it failed.
/// Ownership: the session belongs to the transaction and lives until `ls_txn_free`. `container` stays yours.
/// I/O: none. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_session_create(
    txn: *mut ls_txn,
    container: *const ls_container,
    out: *mut *mut ls_session,
    err: *mut ls_error,
) -> i32 {
    guard::txn(txn, Lent(out), err, |inner| {
        let container = args::shared("container", container)?;
        let session = inner.txn.create(&container.container)?;
        Ok(inner.session_handle(session))
    })
}

/// Asks whether there is a session, as this transaction sees it. Asking does not open it and does not renew its
/// timeout.
///
/// `txn`: an active or prepared transaction.
/// `container`: where it would be.
/// `id`, `id_len`: which session; see "Text".
///
/// Returns `LS_OK` if there is; `LS_NOT_FOUND` if not; else as `ls_session_get`, but never `LS_ERR_GONE`.
/// Ownership: `container` stays yours.
/// I/O: store, unless the transaction knows. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_session_exists(
    txn: *mut ls_txn,
    container: *const ls_container,
    id: *const c_char,
    id_len: usize,
    err: *mut ls_error,
) -> i32 {
    guard::txn(txn, (), err, |inner| {
        let container = args::shared("container", container)?;
        let id = args::bytes("id", id.cast(), id_len)?;
        let exists = guard::wait(inner.txn.exists(&container.container, id))?;
        Ok(exists.then_some(()))
    })
}

/// Destroys a session at commit, whatever it is by then. It need not be open, nor exist, nor be readable.
///
/// Its handles, and opening it again in this transaction, answer `LS_ERR_GONE`, until a rollback brings it back. Another
/// transaction that has it open and changed it will get `LS_ERR_GONE` at its commit.
///
/// `txn`: an active transaction.
/// `container`: where it is.
/// `id`, `id_len`: which session; see "Text".
///
/// Returns `LS_OK`; `LS_ERR_ARGUMENT` for an empty id, `LS_ERR_TOO_LARGE` for one that is too long; `LS_ERR_MISUSE` if the
/// transaction is prepared or has ended; `LS_ERR_FAILED` if it failed.
/// Ownership: `container` stays yours.
/// I/O: none. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_session_destroy(
    txn: *mut ls_txn,
    container: *const ls_container,
    id: *const c_char,
    id_len: usize,
    err: *mut ls_error,
) -> i32 {
    guard::txn(txn, (), err, |inner| {
        let container = args::shared("container", container)?;
        inner.txn.destroy(&container.container, args::bytes("id", id.cast(), id_len)?)
    })
}

/// Tells the id that the session will have after the commit.
///
/// `session`: the session.
/// `out`, `out_len`: set to the id, any bytes, with a NUL behind them; see "Text".
///
/// Returns `LS_OK`; an error as any handle of a session gives, see `ls_session`.
/// Ownership: the id belongs to the transaction and lives until `ls_txn_free`.
/// I/O: none. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_session_id(
    session: *mut ls_session,
    out: *mut *const c_char,
    out_len: *mut usize,
    err: *mut ls_error,
) -> i32 {
    guard::session(session, LentText("out", out, out_len), err, |inner, at| inner.texts.lend(inner.txn.session_id(at)?))
}

/// Tells whether nothing was stored under the session's id when it was opened.
///
/// `session`: the session.
///
/// Returns true if nothing was; false also for NULL, while another call is inside, and for a handle that is no longer
/// usable.
/// Ownership: none.
/// I/O: none. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_session_is_new(session: *mut ls_session) -> bool {
    guard::answer_of_session(session, |inner, at| inner.txn.is_new(at))
}

/// Gives the session a new id at commit. Its content stays; the old id is destroyed. For use at login, against session
/// fixation.
///
/// `session`: the session.
/// `new_id`, `new_id_len`: the new id, 1 to 8,192 bytes; see "Text"; a random one if the
/// length is 0.
///
/// Returns `LS_OK`; `LS_ERR_ARGUMENT` for the id that it has, or one that this transaction uses; `LS_ERR_TOO_LARGE` for
/// one that is too long; `LS_ERR_UNAVAILABLE` if the system has no random numbers; `LS_ERR_MISUSE` if the transaction is
/// prepared; an error as any handle of a session gives, see `ls_session`.
/// Ownership: none.
/// I/O: none. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_session_regenerate(
    session: *mut ls_session,
    new_id: *const c_char,
    new_id_len: usize,
    err: *mut ls_error,
) -> i32 {
    guard::session(session, (), err, |inner, at| {
        let is_random = new_id_len == 0;
        let new_id = args::bytes("new_id", new_id.cast(), new_id_len)?;
        inner.txn.regenerate(at, if is_random { None } else { Some(new_id) })
    })
}

/// Deletes all packages of the session. The session stays.
///
/// `session`: the session.
///
/// Returns `LS_OK`; `LS_ERR_CORRUPT` if a stored package cannot be read, and nothing is changed; `LS_ERR_MISUSE` if the
/// transaction is prepared; an error as any handle of a session gives, see `ls_session`.
/// Ownership: values that were lent before stay readable as they were.
/// I/O: none. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_session_clear(session: *mut ls_session, err: *mut ls_error) -> i32 {
    guard::session(session, (), err, |inner, at| inner.txn.clear(at))
}

/// Lists the names of the session's packages, sorted by their bytes.
///
/// `session`: the session.
/// `out`: set to a list of text: a snapshot, which later changes do not change.
///
/// Returns `LS_OK`; an error as any handle of a session gives, see `ls_session`.
/// Ownership: the list belongs to the transaction and lives until `ls_txn_free`.
/// I/O: none. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_session_pkg_names(
    session: *mut ls_session,
    out: *mut *const ls_value,
    err: *mut ls_error,
) -> i32 {
    guard::session(session, LentConst(out), err, |inner, at| inner.txn.pkg_names(at).map(lend))
}

/// Reads the whole session.
///
/// `session`: the session.
/// `out`: set to a map from package names to maps: a snapshot, which later changes do not change.
///
/// Values may be 64 deep, and are two deeper in this map, which can be read but not stored as a value.
///
/// Returns `LS_OK`; `LS_ERR_CORRUPT` if a stored package cannot be read; an error as any handle of a session gives, see
/// `ls_session`.
/// Ownership: the map belongs to the transaction and lives until `ls_txn_free`.
/// I/O: none. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_session_content(
    session: *mut ls_session,
    out: *mut *const ls_value,
    err: *mut ls_error,
) -> i32 {
    guard::session(session, LentConst(out), err, |inner, at| inner.txn.session_content(at).map(lend))
}

/// Gets a package of the session, created, empty, if it is not there. It is stored only if it gets a key.
///
/// `session`: the session.
/// `name`, `name_len`: see "Text"; 0 to 65,535 bytes.
/// `out`: set to the package.
///
/// Returns `LS_OK`; `LS_ERR_ARGUMENT` for a name that is not UTF-8; `LS_ERR_TOO_LARGE` for one that is too long; an error
/// as any handle of a session gives, see `ls_session`.
/// Ownership: the package belongs to the transaction and lives until `ls_txn_free`.
/// I/O: none. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_session_pkg(
    session: *mut ls_session,
    name: *const c_char,
    name_len: usize,
    out: *mut *mut ls_pkg,
    err: *mut ls_error,
) -> i32 {
    guard::session(session, Lent(out), err, |inner, at| {
        let pkg = inner.txn.pkg(at, args::text("name", name, name_len)?)?;
        Ok(inner.pkg_handle(pkg))
    })
}

/// Gets a package of the session if it is there; creates nothing.
///
/// `session`: the session.
/// `name`, `name_len`: see "Text".
/// `out`: set to the package.
///
/// Returns `LS_OK`; `LS_NOT_FOUND` if there is none; `LS_ERR_ARGUMENT` for a name that is not UTF-8; an error as any
/// handle of a session gives, see `ls_session`.
/// Ownership: the package belongs to the transaction and lives until `ls_txn_free`.
/// I/O: none. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_session_peek_pkg(
    session: *mut ls_session,
    name: *const c_char,
    name_len: usize,
    out: *mut *mut ls_pkg,
    err: *mut ls_error,
) -> i32 {
    guard::session(session, Lent(out), err, |inner, at| {
        let pkg = inner.txn.peek_pkg(at, args::text("name", name, name_len)?)?;
        Ok(pkg.map(|pkg| inner.pkg_handle(pkg)))
    })
}

/// Deletes a package of the session. Handles of it stay good: writing through one creates the package anew.
///
/// `session`: the session.
/// `name`, `name_len`: see "Text".
///
/// Returns `LS_OK`; `LS_NOT_FOUND` if there is none; `LS_ERR_ARGUMENT` for a name that is not UTF-8; `LS_ERR_CORRUPT` if
/// the stored package cannot be read; `LS_ERR_MISUSE` if the transaction is prepared; an error as any handle of a session
/// gives, see `ls_session`.
/// Ownership: values that were lent before stay readable as they were.
/// I/O: none. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_session_delete_pkg(
    session: *mut ls_session,
    name: *const c_char,
    name_len: usize,
    err: *mut ls_error,
) -> i32 {
    guard::session(session, (), err, |inner, at| {
        Ok(inner.txn.delete_pkg(at, args::text("name", name, name_len)?)?.then_some(()))
    })
}
