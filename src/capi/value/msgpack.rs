//! Values as MessagePack.

use std::ffi::c_void;

use super::{borrow, give, ls_value};
use crate::capi::args;
use crate::capi::error::ls_error;
use crate::capi::guard;
use crate::capi::out::{Owned, OwnedBytes, copy_bytes};
use crate::value::msgpack;

/// Writes a value as MessagePack, which has a form for every value: integers, lengths and counts in the shortest, floats
/// always as float 64; maps sorted by key.
///
/// `value`: what to write.
/// `out`, `out_len`: set to the MessagePack; neither may be NULL.
///
/// Returns `LS_OK`; `LS_ERR_TOO_LARGE` for text or bytes of 4 GiB or more.
/// Ownership: the bytes are yours; free them with `ls_bytes_free`.
/// I/O: none. Threads: concurrent. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_value_to_msgpack(
    value: *const ls_value,
    out: *mut *mut c_void,
    out_len: *mut usize,
    err: *mut ls_error,
) -> i32 {
    guard::call(OwnedBytes(out, out_len), err, || {
        let bytes = msgpack::to_msgpack(borrow("value", value)?)?;
        copy_bytes(&bytes)
    })
}

/// Reads MessagePack: integers of any width, float 32 and 64, str, bin, array, and map with str keys.
///
/// `bytes`, `bytes_len`: the MessagePack; see "Text".
/// `out`: set to the value.
///
/// Returns `LS_OK`; `LS_ERR_ARGUMENT` for what is not one whole value: duplicate keys, str that is not UTF-8 and bytes
/// after the end included; `LS_ERR_TYPE` for ext and for other keys; `LS_ERR_RANGE` for an integer over 2^63-1;
/// `LS_ERR_TOO_LARGE` if it is nested more than 64 deep, holds more than 1,000,000 entries in an array or map, or has a
/// key over 65,535 bytes. The message names the byte.
/// Ownership: the value is yours; free it with `ls_value_free`.
/// I/O: none. Threads: any. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_value_from_msgpack(
    bytes: *const c_void,
    bytes_len: usize,
    out: *mut *mut ls_value,
    err: *mut ls_error,
) -> i32 {
    guard::call(Owned(out), err, || {
        let bytes = args::bytes("bytes", bytes, bytes_len)?;
        msgpack::from_msgpack(bytes).map(give)
    })
}

/// Frees bytes that a call made for you: MessagePack.
///
/// `bytes`: what to free; NULL is allowed.
///
/// Ownership: takes the bytes.
/// I/O: none. Threads: any. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_bytes_free(bytes: *mut c_void) {
    guard::release(bytes, |bytes| libc::free(bytes));
}
