//! Values as JSON.

use std::ffi::c_char;

use super::{borrow, give, ls_value};
use crate::capi::args;
use crate::capi::error::ls_error;
use crate::capi::guard;
use crate::capi::out::{Owned, OwnedText, copy_text};
use crate::value::json;

/// Writes a value as JSON: integers as digits, all 64 bits; floats in the shortest form that reads back the same, with
/// '.' or 'e'; maps sorted by key.
///
/// `value`: what to write.
/// `out`, `out_len`: set to the JSON; see "Text".
///
/// Returns `LS_OK`; `LS_ERR_TYPE` for bytes, NaN and infinities, which JSON has not, the message naming the path.
/// Ownership: the text is yours; free it with `ls_text_free`.
/// I/O: none. Threads: concurrent. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_value_to_json(
    value: *const ls_value,
    out: *mut *mut c_char,
    out_len: *mut usize,
    err: *mut ls_error,
) -> i32 {
    guard::call(OwnedText(out, out_len), err, || {
        let json = json::to_json(borrow("value", value)?)?;
        copy_text(&json)
    })
}

/// Reads JSON. A number without '.' and 'e' is an integer.
///
/// `text`, `text_len`: the JSON; see "Text".
/// `out`: set to the value.
///
/// Returns `LS_OK`; `LS_ERR_ARGUMENT` for what is not JSON: duplicate names, lone surrogates, text after the end and
/// invalid UTF-8 included; `LS_ERR_RANGE` for a number outside 64 bits; `LS_ERR_TOO_LARGE` if it is nested more than 64
/// deep, holds more than 1,000,000 entries in a list or map, or has a name over 65,535 bytes.
/// Ownership: the value is yours; free it with `ls_value_free`.
/// I/O: none. Threads: any. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_value_from_json(
    text: *const c_char,
    text_len: usize,
    out: *mut *mut ls_value,
    err: *mut ls_error,
) -> i32 {
    guard::call(Owned(out), err, || {
        let text = args::bytes("text", text.cast(), text_len)?;
        json::from_json(text).map(give)
    })
}

/// Frees text that a call made for you: JSON, and the statistics of a store.
///
/// `text`: what to free; NULL is allowed.
///
/// Ownership: takes the text.
/// I/O: none. Threads: any. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_text_free(text: *mut c_char) {
    guard::release(text, |text| libc::free(text.cast()));
}
