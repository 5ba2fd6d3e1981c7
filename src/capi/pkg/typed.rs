//! Single keys of a package as plain types of C: no value is made, and nothing is allocated to read one.

use std::ffi::{c_char, c_void};

use super::ls_pkg;
use crate::capi::args;
use crate::capi::error::ls_error;
use crate::capi::guard;
use crate::capi::out::{self, LentBytes, LentText, Plain, WithNul};
use crate::capi::txn::Inner;
use crate::capi::value::wrong_type;
use crate::error::Result;
use crate::record::Scalar;
use crate::txn::PkgRef;
use crate::value::{Kind, Value};

/// Reads `key` as one type: `read` answers `None` for any other.
fn read<T>(
    inner: &mut Inner,
    at: PkgRef,
    key: &str,
    wanted: Kind,
    read: impl FnOnce(&Scalar<'_>) -> Option<T>,
) -> Result<Option<T>> {
    let Some(scalar) = inner.txn.scalar(at, key)? else { return Ok(None) };
    read(&scalar).map(Some).ok_or_else(|| wrong_type(scalar.kind(), wanted))
}

/// Tells the type of the value under a key.
///
/// `pkg`: the package.
/// `key`, `key_len`: see "Text".
/// `out`: set to an `ls_type`.
///
/// Returns `LS_OK`; `LS_NOT_FOUND` if the key is absent; `LS_ERR_ARGUMENT` for a key that is not UTF-8; `LS_ERR_CORRUPT`
/// if what is stored cannot be read; an error as any handle of a package gives, see `ls_pkg`.
/// Ownership: none.
/// I/O: none. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_pkg_type(
    pkg: *mut ls_pkg,
    key: *const c_char,
    key_len: usize,
    out: *mut i32,
    err: *mut ls_error,
) -> i32 {
    guard::pkg(pkg, Plain("out", out), err, |inner, at| {
        let scalar = inner.txn.scalar(at, args::text("key", key, key_len)?)?;
        Ok(scalar.map(|scalar| scalar.kind() as i32))
    })
}

/// Reads the boolean stored under a key.
///
/// `pkg`: the package.
/// `key`, `key_len`: see "Text".
/// `out`: set to its content.
///
/// Returns `LS_OK`; `LS_NOT_FOUND` if the key is absent; `LS_ERR_TYPE` if the value is anything else;
/// `LS_ERR_ARGUMENT` for a key that is not UTF-8; `LS_ERR_CORRUPT` if what is stored cannot be read; an error as any
/// handle of a package gives, see `ls_pkg`.
/// Ownership: none.
/// I/O: none. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_pkg_get_bool(
    pkg: *mut ls_pkg,
    key: *const c_char,
    key_len: usize,
    out: *mut bool,
    err: *mut ls_error,
) -> i32 {
    guard::pkg(pkg, Plain("out", out), err, |inner, at| {
        let key = args::text("key", key, key_len)?;
        read(inner, at, key, Kind::Bool, |scalar| match scalar {
            Scalar::Bool(content) => Some(*content),
            _ => None,
        })
    })
}

/// Reads the integer stored under a key.
///
/// `pkg`: the package.
/// `key`, `key_len`: see "Text".
/// `out`: set to its content.
///
/// Returns `LS_OK`; `LS_NOT_FOUND` if the key is absent; `LS_ERR_TYPE` if the value is anything else, a float included;
/// `LS_ERR_ARGUMENT` for a key that is not UTF-8; `LS_ERR_CORRUPT` if what is stored cannot be read; an error as any
/// handle of a package gives, see `ls_pkg`.
/// Ownership: none.
/// I/O: none. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_pkg_get_i64(
    pkg: *mut ls_pkg,
    key: *const c_char,
    key_len: usize,
    out: *mut i64,
    err: *mut ls_error,
) -> i32 {
    guard::pkg(pkg, Plain("out", out), err, |inner, at| {
        let key = args::text("key", key, key_len)?;
        read(inner, at, key, Kind::Int, |scalar| match scalar {
            Scalar::Int(content) => Some(*content),
            _ => None,
        })
    })
}

/// Reads the float stored under a key.
///
/// `pkg`: the package.
/// `key`, `key_len`: see "Text".
/// `out`: set to its content.
///
/// Returns `LS_OK`; `LS_NOT_FOUND` if the key is absent; `LS_ERR_TYPE` if the value is anything else, an integer included;
/// `LS_ERR_ARGUMENT` for a key that is not UTF-8; `LS_ERR_CORRUPT` if what is stored cannot be read; an error as any
/// handle of a package gives, see `ls_pkg`.
/// Ownership: none.
/// I/O: none. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_pkg_get_f64(
    pkg: *mut ls_pkg,
    key: *const c_char,
    key_len: usize,
    out: *mut f64,
    err: *mut ls_error,
) -> i32 {
    guard::pkg(pkg, Plain("out", out), err, |inner, at| {
        let key = args::text("key", key, key_len)?;
        read(inner, at, key, Kind::Float, |scalar| match scalar {
            Scalar::Float(content) => Some(*content),
            _ => None,
        })
    })
}

/// Reads the text stored under a key.
///
/// `pkg`: the package.
/// `key`, `key_len`: see "Text".
/// `out`, `out_len`: set to the text; see "Text".
///
/// Returns `LS_OK`; `LS_NOT_FOUND` if the key is absent; `LS_ERR_TYPE` if the value is anything else, bytes included;
/// `LS_ERR_ARGUMENT` for a key that is not UTF-8; `LS_ERR_CORRUPT` if what is stored cannot be read; an error as any
/// handle of a package gives, see `ls_pkg`.
/// Ownership: the text belongs to the transaction and lives until `ls_txn_free`.
/// I/O: none. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_pkg_get_text(
    pkg: *mut ls_pkg,
    key: *const c_char,
    key_len: usize,
    out: *mut *const c_char,
    out_len: *mut usize,
    err: *mut ls_error,
) -> i32 {
    guard::pkg(pkg, LentText("out", out, out_len), err, |inner, at| {
        let key = args::text("key", key, key_len)?;
        let text = read(inner, at, key, Kind::Text, |scalar| match scalar {
            Scalar::Text(text) => Some(WithNul::new(text.as_str_with_nul().as_bytes())),
            _ => None,
        })?;
        text.transpose()
    })
}

/// Reads the bytes stored under a key.
///
/// `pkg`: the package.
/// `key`, `key_len`: see "Text".
/// `out`, `out_len`: set to the bytes, which no NUL follows; neither may be NULL.
///
/// Returns `LS_OK`; `LS_NOT_FOUND` if the key is absent; `LS_ERR_TYPE` if the value is anything else, text included;
/// `LS_ERR_ARGUMENT` for a key that is not UTF-8; `LS_ERR_CORRUPT` if what is stored cannot be read; an error as any
/// handle of a package gives, see `ls_pkg`.
/// Ownership: the bytes belong to the transaction and live until `ls_txn_free`.
/// I/O: none. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_pkg_get_bytes(
    pkg: *mut ls_pkg,
    key: *const c_char,
    key_len: usize,
    out: *mut *const c_void,
    out_len: *mut usize,
    err: *mut ls_error,
) -> i32 {
    guard::pkg(pkg, LentBytes(out, out_len), err, |inner, at| {
        let key = args::text("key", key, key_len)?;
        read(inner, at, key, Kind::Bytes, |scalar| match scalar {
            Scalar::Bytes(content) => Some(out::bytes(content)),
            _ => None,
        })
    })
}

/// Sets a key to null, in place of what it had. Setting an equal value is no change.
///
/// `pkg`: the package.
/// `key`, `key_len`: see "Text"; 0 to 65,535 bytes.
///
/// Returns `LS_OK`; else as `ls_pkg_set`.
/// Ownership: none.
/// I/O: none. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_pkg_set_null(
    pkg: *mut ls_pkg,
    key: *const c_char,
    key_len: usize,
    err: *mut ls_error,
) -> i32 {
    guard::pkg(pkg, (), err, |inner, at| {
        let key = args::text("key", key, key_len)?;
        inner.txn.set(at, key, Value::Null)
    })
}

/// Sets a key to a boolean, in place of what it had. Setting an equal value is no change.
///
/// `pkg`: the package.
/// `key`, `key_len`: see "Text"; 0 to 65,535 bytes.
/// `value`: what to set.
///
/// Returns `LS_OK`; else as `ls_pkg_set`.
/// Ownership: none.
/// I/O: none. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_pkg_set_bool(
    pkg: *mut ls_pkg,
    key: *const c_char,
    key_len: usize,
    value: bool,
    err: *mut ls_error,
) -> i32 {
    guard::pkg(pkg, (), err, |inner, at| {
        let key = args::text("key", key, key_len)?;
        inner.txn.set(at, key, Value::Bool(value))
    })
}

/// Sets a key to an integer, in place of what it had. Setting an equal value is no change.
///
/// `pkg`: the package.
/// `key`, `key_len`: see "Text"; 0 to 65,535 bytes.
/// `value`: what to set.
///
/// Returns `LS_OK`; else as `ls_pkg_set`.
/// Ownership: none.
/// I/O: none. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_pkg_set_i64(
    pkg: *mut ls_pkg,
    key: *const c_char,
    key_len: usize,
    value: i64,
    err: *mut ls_error,
) -> i32 {
    guard::pkg(pkg, (), err, |inner, at| {
        let key = args::text("key", key, key_len)?;
        inner.txn.set(at, key, Value::Int(value))
    })
}

/// Sets a key to a float, in place of what it had. Setting an equal value is no change.
///
/// `pkg`: the package.
/// `key`, `key_len`: see "Text"; 0 to 65,535 bytes.
/// `value`: what to set; all bits are kept, those of NaN included.
///
/// Returns `LS_OK`; else as `ls_pkg_set`.
/// Ownership: none.
/// I/O: none. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_pkg_set_f64(
    pkg: *mut ls_pkg,
    key: *const c_char,
    key_len: usize,
    value: f64,
    err: *mut ls_error,
) -> i32 {
    guard::pkg(pkg, (), err, |inner, at| {
        let key = args::text("key", key, key_len)?;
        inner.txn.set(at, key, Value::Float(value))
    })
}

/// Sets a key to text, in place of what it had. Setting an equal value is no change.
///
/// `pkg`: the package.
/// `key`, `key_len`: see "Text"; 0 to 65,535 bytes.
/// `text`, `text_len`: what to set, copied; see "Text".
///
/// Returns `LS_OK`; `LS_ERR_ARGUMENT` for text that is not UTF-8; else as `ls_pkg_set`.
/// Ownership: none.
/// I/O: none. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_pkg_set_text(
    pkg: *mut ls_pkg,
    key: *const c_char,
    key_len: usize,
    text: *const c_char,
    text_len: usize,
    err: *mut ls_error,
) -> i32 {
    guard::pkg(pkg, (), err, |inner, at| {
        let key = args::text("key", key, key_len)?;
        let text = args::text("text", text, text_len)?;
        inner.txn.set(at, key, Value::text(text))
    })
}

/// Sets a key to bytes, in place of what it had. Setting an equal value is no change.
///
/// `pkg`: the package.
/// `key`, `key_len`: see "Text"; 0 to 65,535 bytes.
/// `bytes`, `bytes_len`: what to set, copied; see "Text".
///
/// Returns `LS_OK`; else as `ls_pkg_set`.
/// Ownership: none.
/// I/O: none. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_pkg_set_bytes(
    pkg: *mut ls_pkg,
    key: *const c_char,
    key_len: usize,
    bytes: *const c_void,
    bytes_len: usize,
    err: *mut ls_error,
) -> i32 {
    guard::pkg(pkg, (), err, |inner, at| {
        let key = args::text("key", key, key_len)?;
        let bytes = args::bytes("bytes", bytes, bytes_len)?;
        inner.txn.set(at, key, Value::bytes(bytes))
    })
}
