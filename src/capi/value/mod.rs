//! The value tree: what C holds of a value. Making, reading, JSON and MessagePack are in the files below.

mod json;
mod make;
mod msgpack;
mod read;

pub use json::*;
pub use make::*;
pub use msgpack::*;
pub use read::*;

use std::sync::atomic::{AtomicBool, Ordering};

use super::args;
use super::error::ls_error;
use super::guard;
use super::out::Owned;
use crate::error::{Error, Result};
use crate::value::{Kind, Map, Value};

/// The type of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub enum ls_type {
    /// No content; differs from an absent key.
    LS_TYPE_NULL = 0,
    /// true or false.
    LS_TYPE_BOOL = 1,
    /// 64-bit signed integer.
    LS_TYPE_I64 = 2,
    /// 64-bit IEEE float, NaN and infinities included.
    LS_TYPE_F64 = 3,
    /// UTF-8 text.
    LS_TYPE_TEXT = 4,
    /// Bytes.
    LS_TYPE_BYTES = 5,
    /// List of values.
    LS_TYPE_LIST = 6,
    /// Map from text to values, sorted by the bytes of the keys.
    LS_TYPE_MAP = 7,
}

const _: () = {
    assert!(ls_type::LS_TYPE_NULL as i32 == Kind::Null as i32);
    assert!(ls_type::LS_TYPE_BOOL as i32 == Kind::Bool as i32);
    assert!(ls_type::LS_TYPE_I64 as i32 == Kind::Int as i32);
    assert!(ls_type::LS_TYPE_F64 as i32 == Kind::Float as i32);
    assert!(ls_type::LS_TYPE_TEXT as i32 == Kind::Text as i32);
    assert!(ls_type::LS_TYPE_BYTES as i32 == Kind::Bytes as i32);
    assert!(ls_type::LS_TYPE_LIST as i32 == Kind::List as i32);
    assert!(ls_type::LS_TYPE_MAP as i32 == Kind::Map as i32);
};

/// A value: null, boolean, integer, float, text, bytes, list or map.
///
/// A value that you made, copied or read from JSON or MessagePack is yours to change and to free. A `const` one that a
/// transaction or another value lends is only to be read. Putting a value into a list, a map or a package copies it, at a cost that
/// does not depend on its size: changing it afterwards does not change what was put.
///
/// Any number of threads may read a value at once, while none changes it. Two that change it at once: the second gets
/// `LS_ERR_MISUSE`.
///
/// Methods: `ls_value_new_null`, `ls_value_new_bool`, `ls_value_new_i64`, `ls_value_new_f64`, `ls_value_new_text`,
/// `ls_value_new_bytes`, `ls_value_new_list`, `ls_value_new_map`, `ls_value_list_push`, `ls_value_map_set`,
/// `ls_value_type`, `ls_value_as_bool`, `ls_value_as_i64`, `ls_value_as_f64`, `ls_value_as_text`, `ls_value_as_bytes`,
/// `ls_value_len`, `ls_value_list_at`, `ls_value_map_at`, `ls_value_map_get`, `ls_value_equal`, `ls_value_copy`,
/// `ls_value_to_json`, `ls_value_from_json`, `ls_value_to_msgpack`, `ls_value_from_msgpack`, `ls_value_free`.
// Never made: its address is that of a `Value`, alone if it is lent, the first field of `OwnedValue` if it is owned.
#[derive(Debug)]
pub struct ls_value {
    _opaque: [u8; 0],
}

/// A value that is the caller's.
#[repr(C)]
struct OwnedValue {
    value: Value,
    /// Whether somebody changes it.
    busy: AtomicBool,
}

/// Gives `value` to the caller.
pub(super) fn give(value: Value) -> *mut ls_value {
    guard::give(OwnedValue { value, busy: AtomicBool::new(false) }).cast()
}

/// The address under which `value` is lent.
pub(super) fn lend(value: &Value) -> *const ls_value {
    std::ptr::from_ref(value).cast()
}

/// The value behind an argument.
///
/// # Safety
/// `value` is NULL, or lent and alive, or owned, alive and not being changed.
pub(super) unsafe fn borrow<'a>(name: &str, value: *const ls_value) -> Result<&'a Value> {
    // SAFETY: not NULL, it is the address of a `Value` in either case.
    unsafe { args::shared(name, value.cast()) }
}

/// The map behind an argument.
///
/// # Safety
/// As [`borrow`].
pub(super) unsafe fn borrow_map<'a>(name: &str, value: *const ls_value) -> Result<&'a Map> {
    // SAFETY: the caller's promise is this one's.
    match unsafe { borrow(name, value) }? {
        Value::Map(map) => Ok(map),
        other => Err(wrong_type(other.kind(), Kind::Map)),
    }
}

/// The error of a value of another type than was asked for.
pub(super) fn wrong_type(found: Kind, wanted: Kind) -> Error {
    Error::Type(format!("value is {}, not {}", found.name(), wanted.name()).into())
}

/// `bytes` and a NUL.
pub(super) fn with_nul(bytes: &[u8]) -> Vec<u8> {
    let mut with_nul = Vec::with_capacity(bytes.len() + 1);
    with_nul.extend_from_slice(bytes);
    with_nul.push(0);
    with_nul
}

/// Changes an owned value, alone.
///
/// # Safety
/// `value` is NULL, or from [`give`] and alive.
unsafe fn change(value: *mut ls_value, change: impl FnOnce(&mut Value) -> Result<()>) -> Result<()> {
    let owned = value.cast::<OwnedValue>();
    if owned.is_null() {
        return Err(args::null("value"));
    }
    // SAFETY: alive, and an atomic may be shared with whoever is inside.
    let busy = unsafe { &(*owned).busy };
    if busy.swap(true, Ordering::Acquire) {
        return Err(Error::Misuse("value is being changed by another call".into()));
    }
    // SAFETY: `busy` keeps out everyone who would change it, and the header those who would read it.
    let result = change(unsafe { &mut (*owned).value });
    busy.store(false, Ordering::Release);
    result
}

/// Tells whether two values are equal: of the same type, in depth, floats by their bits.
///
/// `a`, `b`: what to compare.
///
/// Returns true if they are; false if either is NULL.
/// Ownership: none.
/// I/O: none. Threads: concurrent. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_value_equal(a: *const ls_value, b: *const ls_value) -> bool {
    guard::answer(|| Ok(borrow("a", a)? == borrow("b", b)?))
}

/// Copies a value, such as one that a transaction lends.
///
/// `value`: what to copy.
/// `out`: set to the copy.
///
/// Returns `LS_OK`.
/// Ownership: the copy is yours; free it with `ls_value_free`.
/// I/O: none. Threads: concurrent. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_value_copy(value: *const ls_value, out: *mut *mut ls_value, err: *mut ls_error) -> i32 {
    guard::call(Owned(out), err, || borrow("value", value).map(|value| give(value.clone())))
}

/// Frees a value that you made, copied or read from JSON or MessagePack; not one that is lent.
///
/// `value`: what to free; NULL is allowed.
///
/// Ownership: takes the value; what was lent from it ends.
/// I/O: none. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_value_free(value: *mut ls_value) {
    guard::free(value.cast::<OwnedValue>());
}
