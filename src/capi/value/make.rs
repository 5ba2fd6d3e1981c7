//! Making values, and changing those that the caller made.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use super::{borrow, change, give, ls_value, wrong_type};
use crate::capi::args;
use crate::capi::error::ls_error;
use crate::capi::guard;
use crate::capi::out::Owned;
use crate::value::{Kind, List, Map, Text, Value};

/// Makes null.
///
/// `out`: set to the value.
///
/// Returns `LS_OK`.
/// Ownership: the value is yours; free it with `ls_value_free`.
/// I/O: none. Threads: any. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_value_new_null(out: *mut *mut ls_value, err: *mut ls_error) -> i32 {
    guard::call(Owned(out), err, || Ok(give(Value::Null)))
}

/// Makes a boolean.
///
/// `value`: its content.
/// `out`: set to the value.
///
/// Returns `LS_OK`.
/// Ownership: the value is yours; free it with `ls_value_free`.
/// I/O: none. Threads: any. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_value_new_bool(value: bool, out: *mut *mut ls_value, err: *mut ls_error) -> i32 {
    guard::call(Owned(out), err, || Ok(give(Value::Bool(value))))
}

/// Makes an integer.
///
/// `value`: its content.
/// `out`: set to the value.
///
/// Returns `LS_OK`.
/// Ownership: the value is yours; free it with `ls_value_free`.
/// I/O: none. Threads: any. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_value_new_i64(value: i64, out: *mut *mut ls_value, err: *mut ls_error) -> i32 {
    guard::call(Owned(out), err, || Ok(give(Value::Int(value))))
}

/// Makes a float. All bits are kept, those of NaN included.
///
/// `value`: its content.
/// `out`: set to the value.
///
/// Returns `LS_OK`.
/// Ownership: the value is yours; free it with `ls_value_free`.
/// I/O: none. Threads: any. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_value_new_f64(value: f64, out: *mut *mut ls_value, err: *mut ls_error) -> i32 {
    guard::call(Owned(out), err, || Ok(give(Value::Float(value))))
}

/// Makes text.
///
/// `text`, `text_len`: its content, copied; see "Text".
/// `out`: set to the value.
///
/// Returns `LS_OK`; `LS_ERR_ARGUMENT` if it is not UTF-8.
/// Ownership: the value is yours; free it with `ls_value_free`.
/// I/O: none. Threads: any. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_value_new_text(
    text: *const c_char,
    text_len: usize,
    out: *mut *mut ls_value,
    err: *mut ls_error,
) -> i32 {
    guard::call(Owned(out), err, || {
        let text = args::text("text", text, text_len)?;
        Ok(give(Value::text(text)))
    })
}

/// Makes bytes.
///
/// `bytes`, `bytes_len`: its content, copied; see "Text".
/// `out`: set to the value.
///
/// Returns `LS_OK`.
/// Ownership: the value is yours; free it with `ls_value_free`.
/// I/O: none. Threads: any. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_value_new_bytes(
    bytes: *const c_void,
    bytes_len: usize,
    out: *mut *mut ls_value,
    err: *mut ls_error,
) -> i32 {
    guard::call(Owned(out), err, || {
        let bytes = args::bytes("bytes", bytes, bytes_len)?;
        Ok(give(Value::bytes(bytes)))
    })
}

/// Makes an empty list.
///
/// `out`: set to the value.
///
/// Returns `LS_OK`.
/// Ownership: the value is yours; free it with `ls_value_free`.
/// I/O: none. Threads: any. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_value_new_list(out: *mut *mut ls_value, err: *mut ls_error) -> i32 {
    guard::call(Owned(out), err, || Ok(give(Value::List(Arc::new(List::default())))))
}

/// Makes an empty map.
///
/// `out`: set to the value.
///
/// Returns `LS_OK`.
/// Ownership: the value is yours; free it with `ls_value_free`.
/// I/O: none. Threads: any. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_value_new_map(out: *mut *mut ls_value, err: *mut ls_error) -> i32 {
    guard::call(Owned(out), err, || Ok(give(Value::Map(Arc::new(Map::default())))))
}

/// Appends a copy of `item` to a list. The list may be appended to itself: it then holds what it was before.
///
/// `value`: the list.
/// `item`: what to append.
///
/// Returns `LS_OK`; `LS_ERR_TYPE` if it is no list; `LS_ERR_TOO_LARGE` if it would hold more than 1,000,000 entries or
/// 1 GiB (what it holds twice counting twice), or be nested more than 64 deep, and is then unchanged; `LS_ERR_MISUSE`
/// while another thread changes it.
/// Ownership: `item` stays whose it was. What was lent from the list ends.
/// I/O: none. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_value_list_push(value: *mut ls_value, item: *const ls_value, err: *mut ls_error) -> i32 {
    guard::call((), err, || {
        // Copied first: it may be the list itself, or lie in it.
        let item = borrow("item", item)?.clone();
        change(value, |value| match value {
            Value::List(list) => Arc::make_mut(list).push(item),
            other => Err(wrong_type(other.kind(), Kind::List)),
        })
    })
}

/// Sets a key of a map to a copy of `item`, in place of what it had.
///
/// `value`: the map.
/// `key`, `key_len`: see "Text".
/// `item`: what to set.
///
/// Returns `LS_OK`; `LS_ERR_TYPE` if it is no map; `LS_ERR_ARGUMENT` if the key is not UTF-8; `LS_ERR_TOO_LARGE` if the
/// key is over 65,535 bytes, or the map would hold more than 1,000,000 entries or 1 GiB (what it holds twice counting
/// twice), or be nested more than 64 deep, and is then unchanged; `LS_ERR_MISUSE` while another thread changes it.
/// Ownership: `item` stays whose it was. What was lent from the map ends.
/// I/O: none. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_value_map_set(
    value: *mut ls_value,
    key: *const c_char,
    key_len: usize,
    item: *const ls_value,
    err: *mut ls_error,
) -> i32 {
    guard::call((), err, || {
        let key = Text::new(args::text("key", key, key_len)?);
        // Copied first: it may be the map itself, or lie in it.
        let item = borrow("item", item)?.clone();
        change(value, |value| match value {
            Value::Map(map) => Arc::make_mut(map).insert(key, item),
            other => Err(wrong_type(other.kind(), Kind::Map)),
        })
    })
}
