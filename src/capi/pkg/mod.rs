//! Packages: named maps inside a session, read and changed as a whole or by values. Single keys of plain types are in
//! `typed`.

mod typed;

pub use typed::*;

use std::ffi::c_char;

use super::args;
use super::error::ls_error;
use super::guard;
use super::out::{LentConst, LentText, Optional, Plain, WithNul};
use super::txn::ls_txn;
use super::value::{borrow, borrow_map, lend, ls_value};
use crate::txn::PkgRef;

/// A package: a named map in a session. The same handle for the same package. It names the package, and stays good if
/// the package is deleted, rolled back or replaced: it then reads as empty, and writing through it creates the package
/// anew. It lives until `ls_txn_free`; calls through it answer the errors of its session's handle, see `ls_session`.
///
/// Methods: `ls_pkg_name`, `ls_pkg_get`, `ls_pkg_set`, `ls_pkg_type`, `ls_pkg_get_bool`, `ls_pkg_get_i64`,
/// `ls_pkg_get_f64`, `ls_pkg_get_text`, `ls_pkg_get_bytes`, `ls_pkg_set_null`, `ls_pkg_set_bool`, `ls_pkg_set_i64`,
/// `ls_pkg_set_f64`, `ls_pkg_set_text`, `ls_pkg_set_bytes`, `ls_pkg_add`, `ls_pkg_delete`, `ls_pkg_contains`,
/// `ls_pkg_len`, `ls_pkg_clear`, `ls_pkg_keys`, `ls_pkg_content`, `ls_pkg_replace`, `ls_pkg_update`.
#[derive(Debug)]
pub struct ls_pkg {
    pub(super) txn: *const ls_txn,
    pub(super) at: PkgRef,
}

/// Tells the name of a package.
///
/// `pkg`: the package.
/// `out`, `out_len`: set to the name; see "Text".
///
/// Returns `LS_OK`; an error as any handle of a package gives, see `ls_pkg`.
/// Ownership: the text belongs to the transaction and lives until `ls_txn_free`.
/// I/O: none. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_pkg_name(
    pkg: *mut ls_pkg,
    out: *mut *const c_char,
    out_len: *mut usize,
    err: *mut ls_error,
) -> i32 {
    guard::pkg(pkg, LentText("out", out, out_len), err, |inner, at| {
        WithNul::new(inner.txn.pkg_name(at)?.as_str_with_nul().as_bytes())
    })
}

/// Reads the value under a key. The same unchanged value is lent from the same address.
///
/// `pkg`: the package.
/// `key`, `key_len`: see "Text".
/// `out`: set to the value, which later changes do not change.
///
/// Returns `LS_OK`; `LS_NOT_FOUND` if the key is absent; `LS_ERR_ARGUMENT` for a key that is not UTF-8; `LS_ERR_CORRUPT`
/// if what is stored cannot be read; an error as any handle of a package gives, see `ls_pkg`.
/// Ownership: the value belongs to the transaction and lives until `ls_txn_free`.
/// I/O: none. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_pkg_get(
    pkg: *mut ls_pkg,
    key: *const c_char,
    key_len: usize,
    out: *mut *const ls_value,
    err: *mut ls_error,
) -> i32 {
    guard::pkg(pkg, LentConst(out), err, |inner, at| Ok(inner.txn.get(at, args::text("key", key, key_len)?)?.map(lend)))
}

/// Sets a key to a copy of a value, in place of what it had. Setting an equal value is no change.
///
/// `pkg`: the package.
/// `key`, `key_len`: see "Text"; 0 to 65,535 bytes.
/// `value`: what to set.
///
/// Returns `LS_OK`; `LS_ERR_ARGUMENT` for a key that is not UTF-8; `LS_ERR_TOO_LARGE` for a key that is too long, a value
/// nested too deep to be stored, or more than 1,000,000 keys; `LS_ERR_CORRUPT` if the stored package cannot be read;
/// `LS_ERR_MISUSE` if the transaction is prepared; an error as any handle of a package gives, see `ls_pkg`. After an error
/// the key has what it had.
/// Ownership: `value` stays whose it was.
/// I/O: none. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_pkg_set(
    pkg: *mut ls_pkg,
    key: *const c_char,
    key_len: usize,
    value: *const ls_value,
    err: *mut ls_error,
) -> i32 {
    guard::pkg(pkg, (), err, |inner, at| {
        let key = args::text("key", key, key_len)?;
        inner.txn.set(at, key, borrow("value", value)?.clone())
    })
}

/// Adds to an integer. Increments by concurrent transactions are all kept: they merge by adding.
///
/// `pkg`: the package.
/// `key`, `key_len`: see "Text"; an absent key counts as 0.
/// `delta`: what to add; may be negative.
/// `out`: set to the sum as this transaction sees it; may be NULL.
///
/// Returns `LS_OK`; `LS_ERR_TYPE` if the key holds anything but an integer; `LS_ERR_RANGE` if the sum does not fit in 64
/// bits, or all that the transaction added to what was loaded does not; else as `ls_pkg_set`. After an error the key has
/// what it had.
/// Ownership: none.
/// I/O: none. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_pkg_add(
    pkg: *mut ls_pkg,
    key: *const c_char,
    key_len: usize,
    delta: i64,
    out: *mut i64,
    err: *mut ls_error,
) -> i32 {
    guard::pkg(pkg, Optional(out), err, |inner, at| inner.txn.add(at, args::text("key", key, key_len)?, delta))
}

/// Deletes a key.
///
/// `pkg`: the package.
/// `key`, `key_len`: see "Text".
///
/// Returns `LS_OK`; `LS_NOT_FOUND` if it is absent; `LS_ERR_ARGUMENT` for a key that is not UTF-8; `LS_ERR_CORRUPT` if the
/// stored package cannot be read; `LS_ERR_MISUSE` if the transaction is prepared; an error as any handle of a package
/// gives, see `ls_pkg`.
/// Ownership: a value that was lent before stays readable as it was.
/// I/O: none. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_pkg_delete(
    pkg: *mut ls_pkg,
    key: *const c_char,
    key_len: usize,
    err: *mut ls_error,
) -> i32 {
    guard::pkg(pkg, (), err, |inner, at| Ok(inner.txn.delete(at, args::text("key", key, key_len)?)?.then_some(())))
}

/// Deletes all keys. The package stays.
///
/// `pkg`: the package.
///
/// Returns `LS_OK`; `LS_ERR_CORRUPT` if the stored package cannot be read; `LS_ERR_MISUSE` if the transaction is prepared;
/// an error as any handle of a package gives, see `ls_pkg`.
/// Ownership: values that were lent before stay readable as they were.
/// I/O: none. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_pkg_clear(pkg: *mut ls_pkg, err: *mut ls_error) -> i32 {
    guard::pkg(pkg, (), err, |inner, at| inner.txn.pkg_clear(at))
}

/// Asks whether a key is there. Null counts: it is a value.
///
/// `pkg`: the package.
/// `key`, `key_len`: see "Text".
///
/// Returns `LS_OK` if it is; `LS_NOT_FOUND` if not; `LS_ERR_ARGUMENT` for a key that is not UTF-8; `LS_ERR_CORRUPT` if the
/// stored package cannot be read; an error as any handle of a package gives, see `ls_pkg`.
/// Ownership: none.
/// I/O: none. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_pkg_contains(
    pkg: *mut ls_pkg,
    key: *const c_char,
    key_len: usize,
    err: *mut ls_error,
) -> i32 {
    guard::pkg(pkg, (), err, |inner, at| Ok(inner.txn.contains(at, args::text("key", key, key_len)?)?.then_some(())))
}

/// Counts the keys.
///
/// `pkg`: the package.
/// `out`: set to the number.
///
/// Returns `LS_OK`; `LS_ERR_CORRUPT` if the stored package cannot be read; an error as any handle of a package gives, see
/// `ls_pkg`.
/// Ownership: none.
/// I/O: none. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_pkg_len(pkg: *mut ls_pkg, out: *mut usize, err: *mut ls_error) -> i32 {
    guard::pkg(pkg, Plain("out", out), err, |inner, at| inner.txn.len(at))
}

/// Lists the keys, sorted by their bytes.
///
/// `pkg`: the package.
/// `out`: set to a list of text: a snapshot, which later changes do not change.
///
/// Returns `LS_OK`; `LS_ERR_CORRUPT` if the stored package cannot be read; an error as any handle of a package gives, see
/// `ls_pkg`.
/// Ownership: the list belongs to the transaction and lives until `ls_txn_free`.
/// I/O: none. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_pkg_keys(pkg: *mut ls_pkg, out: *mut *const ls_value, err: *mut ls_error) -> i32 {
    guard::pkg(pkg, LentConst(out), err, |inner, at| inner.txn.keys(at).map(lend))
}

/// Reads the whole package.
///
/// `pkg`: the package.
/// `out`: set to a map: a snapshot, which later changes do not change.
///
/// Values may be 64 deep, and are one deeper in this map, which can be read but not stored as a value.
///
/// Returns `LS_OK`; `LS_ERR_CORRUPT` if what is stored cannot be read; an error as any handle of a package gives, see
/// `ls_pkg`.
/// Ownership: the map belongs to the transaction and lives until `ls_txn_free`.
/// I/O: none. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_pkg_content(pkg: *mut ls_pkg, out: *mut *const ls_value, err: *mut ls_error) -> i32 {
    guard::pkg(pkg, LentConst(out), err, |inner, at| inner.txn.content(at).map(lend))
}

/// Makes a map the whole content of the package: other keys are deleted.
///
/// `pkg`: the package.
/// `map`: the content.
///
/// Returns `LS_OK`; `LS_ERR_TYPE` if it is no map; else as `ls_pkg_set`.
/// Ownership: `map` stays whose it was.
/// I/O: none. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_pkg_replace(pkg: *mut ls_pkg, map: *const ls_value, err: *mut ls_error) -> i32 {
    guard::pkg(pkg, (), err, |inner, at| inner.txn.replace(at, borrow_map("map", map)?))
}

/// Sets each key of a map. Other keys stay.
///
/// `pkg`: the package.
/// `map`: what to set.
///
/// Returns `LS_OK`; `LS_ERR_TYPE` if it is no map; else as `ls_pkg_set`. After an error the package is as it was.
/// Ownership: `map` stays whose it was.
/// I/O: none. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_pkg_update(pkg: *mut ls_pkg, map: *const ls_value, err: *mut ls_error) -> i32 {
    guard::pkg(pkg, (), err, |inner, at| inner.txn.update(at, borrow_map("map", map)?))
}
