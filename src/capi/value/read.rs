//! Reading values.

use std::ffi::{c_char, c_void};

use super::{borrow, borrow_map, lend, ls_value, wrong_type};
use crate::capi::args;
use crate::capi::error::ls_error;
use crate::capi::guard;
use crate::capi::out::{self, LentBytes, LentConst, LentText, Plain, WithNul};
use crate::value::{Kind, Value};

/// Tells the type of a value.
///
/// `value`: what to look at.
///
/// Returns an `ls_type`; -1 for NULL.
/// Ownership: none.
/// I/O: none. Threads: concurrent. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_value_type(value: *const ls_value) -> i32 {
    guard::answer(|| Ok(borrow("value", value).map_or(-1, |value| value.kind() as i32)))
}

/// Reads a boolean.
///
/// `value`: what to read.
/// `out`: set to its content.
///
/// Returns `LS_OK`; `LS_ERR_TYPE` if it is something else.
/// Ownership: none.
/// I/O: none. Threads: concurrent. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_value_as_bool(value: *const ls_value, out: *mut bool, err: *mut ls_error) -> i32 {
    guard::call(Plain("out", out), err, || match borrow("value", value)? {
        Value::Bool(content) => Ok(*content),
        other => Err(wrong_type(other.kind(), Kind::Bool)),
    })
}

/// Reads an integer.
///
/// `value`: what to read.
/// `out`: set to its content.
///
/// Returns `LS_OK`; `LS_ERR_TYPE` if it is something else, a float included.
/// Ownership: none.
/// I/O: none. Threads: concurrent. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_value_as_i64(value: *const ls_value, out: *mut i64, err: *mut ls_error) -> i32 {
    guard::call(Plain("out", out), err, || match borrow("value", value)? {
        Value::Int(content) => Ok(*content),
        other => Err(wrong_type(other.kind(), Kind::Int)),
    })
}

/// Reads a float.
///
/// `value`: what to read.
/// `out`: set to its content.
///
/// Returns `LS_OK`; `LS_ERR_TYPE` if it is something else, an integer included.
/// Ownership: none.
/// I/O: none. Threads: concurrent. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_value_as_f64(value: *const ls_value, out: *mut f64, err: *mut ls_error) -> i32 {
    guard::call(Plain("out", out), err, || match borrow("value", value)? {
        Value::Float(content) => Ok(*content),
        other => Err(wrong_type(other.kind(), Kind::Float)),
    })
}

/// Reads text.
///
/// `value`: what to read.
/// `out`, `out_len`: set to its content; see "Text".
///
/// Returns `LS_OK`; `LS_ERR_TYPE` if it is something else.
/// Ownership: the text belongs to the value, and ends when that is changed or freed.
/// I/O: none. Threads: concurrent. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_value_as_text(
    value: *const ls_value,
    out: *mut *const c_char,
    out_len: *mut usize,
    err: *mut ls_error,
) -> i32 {
    guard::call(LentText("out", out, out_len), err, || match borrow("value", value)? {
        Value::Text(content) => WithNul::new(content.as_str_with_nul().as_bytes()),
        other => Err(wrong_type(other.kind(), Kind::Text)),
    })
}

/// Reads bytes.
///
/// `value`: what to read.
/// `out`, `out_len`: set to its content, which no NUL follows; neither may be NULL.
///
/// Returns `LS_OK`; `LS_ERR_TYPE` if it is something else, text included.
/// Ownership: the bytes belong to the value, and end when that is changed or freed.
/// I/O: none. Threads: concurrent. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_value_as_bytes(
    value: *const ls_value,
    out: *mut *const c_void,
    out_len: *mut usize,
    err: *mut ls_error,
) -> i32 {
    guard::call(LentBytes(out, out_len), err, || match borrow("value", value)? {
        Value::Bytes(content) => Ok(out::bytes(content)),
        other => Err(wrong_type(other.kind(), Kind::Bytes)),
    })
}

/// Tells how much a value holds.
///
/// `value`: what to look at.
///
/// Returns the number of entries of a list or map, the number of bytes of text or bytes; 0 for anything else and NULL.
/// Ownership: none.
/// I/O: none. Threads: concurrent. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_value_len(value: *const ls_value) -> usize {
    guard::answer(|| {
        Ok(match borrow("value", value)? {
            Value::Text(text) => text.len(),
            Value::Bytes(bytes) => bytes.len(),
            Value::List(list) => list.items().len(),
            Value::Map(map) => map.entries().len(),
            _ => 0,
        })
    })
}

/// Reads an item of a list.
///
/// `value`: the list.
/// `index`: which item, from 0.
/// `out`: set to the item.
///
/// Returns `LS_OK`; `LS_NOT_FOUND` behind the last item; `LS_ERR_TYPE` if it is no list.
/// Ownership: the item belongs to the list, and ends when that is changed or freed.
/// I/O: none. Threads: concurrent. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_value_list_at(
    value: *const ls_value,
    index: usize,
    out: *mut *const ls_value,
    err: *mut ls_error,
) -> i32 {
    guard::call(LentConst(out), err, || match borrow("value", value)? {
        Value::List(list) => Ok(list.items().get(index).map(lend)),
        other => Err(wrong_type(other.kind(), Kind::List)),
    })
}

/// Reads an entry of a map by its place. The keys of a map are sorted by their bytes.
///
/// `value`: the map.
/// `index`: which entry, from 0.
/// `key`, `key_len`: set to its key; see "Text".
/// `out`: set to its value.
///
/// Returns `LS_OK`; `LS_NOT_FOUND` behind the last entry; `LS_ERR_TYPE` if it is no map.
/// Ownership: key and value belong to the map, and end when that is changed or freed.
/// I/O: none. Threads: concurrent. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_value_map_at(
    value: *const ls_value,
    index: usize,
    key: *mut *const c_char,
    key_len: *mut usize,
    out: *mut *const ls_value,
    err: *mut ls_error,
) -> i32 {
    let outs = (LentText("key", key, key_len), LentConst(out));
    guard::call(outs, err, || match borrow("value", value)? {
        Value::Map(map) => {
            let Some((key, value)) = map.entries().get(index) else { return Ok(None) };
            Ok(Some((WithNul::new(key.as_str_with_nul().as_bytes())?, lend(value))))
        }
        other => Err(wrong_type(other.kind(), Kind::Map)),
    })
}

/// Reads an entry of a map by its key.
///
/// `value`: the map.
/// `key`, `key_len`: see "Text".
/// `out`: set to the value under the key.
///
/// Returns `LS_OK`; `LS_NOT_FOUND` if the key is absent; `LS_ERR_TYPE` if it is no map; `LS_ERR_ARGUMENT` if the key is
/// not UTF-8.
/// Ownership: the value belongs to the map, and ends when that is changed or freed.
/// I/O: none. Threads: concurrent. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_value_map_get(
    value: *const ls_value,
    key: *const c_char,
    key_len: usize,
    out: *mut *const ls_value,
    err: *mut ls_error,
) -> i32 {
    guard::call(LentConst(out), err, || {
        let map = borrow_map("value", value)?;
        let key = args::text("key", key, key_len)?;
        Ok(map.get(key).map(lend))
    })
}
