//! The exported C functions, called as C calls them, behind types that keep the rules of the header: a transaction is
//! freed after the last handle that it lent. JSON goes in and out through the library's own functions.
#![allow(unsafe_code, reason = "it calls the C functions through raw pointers, which is what is tested")]
#![allow(dead_code, unused_imports, reason = "each test uses its part")]

mod pkg;
mod session;
mod store;
mod txn;

use std::ffi::{CStr, c_char};
use std::mem::MaybeUninit;
use std::ptr;

use lovely_session::capi::error::{ls_error, ls_status, ls_status_name};
use lovely_session::capi::value::{self, ls_value};
use serde_json::Value as Json;

pub use pkg::Pkg;
pub use session::Session;
pub use store::{Container, Store};
pub use txn::{Entry, Txn};

/// A call that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub status: i32,
    /// The status as the header writes it.
    pub name: String,
    pub message: String,
    pub retryable: bool,
}

pub type Answer<T> = Result<T, Failure>;

/// Makes one call. True: done; false: not found. The error block begins uninitialized, as the header allows.
fn call(function: impl FnOnce(*mut ls_error) -> i32) -> Answer<bool> {
    let mut block = MaybeUninit::<ls_error>::uninit();
    let status = function(block.as_mut_ptr());
    // SAFETY: every call fills in status, flags and message.
    let (told, flags, message) = unsafe {
        let error = block.as_ptr();
        let message = CStr::from_ptr((&raw const (*error).message).cast::<c_char>());
        ((*error).status, (*error).flags, message.to_str().unwrap().to_owned())
    };
    assert_eq!(told, status, "the error block and the returned status agree");
    if status >= 0 {
        assert_eq!(message, "", "no message without a failure");
        return Ok(status == 0);
    }
    assert_ne!(status, ls_status::LS_ERR_PANIC as i32, "a defect of the library: {message}");
    // SAFETY: static text.
    let name = unsafe { CStr::from_ptr(ls_status_name(status)) }.to_str().unwrap().to_owned();
    assert!(!message.is_empty() && !message.contains('\n'), "{name} says in one line what failed");
    Err(Failure { status, name, message, retryable: flags & 1 != 0 })
}

/// A call that has no "not found".
fn done(function: impl FnOnce(*mut ls_error) -> i32) -> Answer<()> {
    assert!(call(function)?, "not found is no answer to this call");
    Ok(())
}

/// A call that writes something out, or finds nothing.
fn get<T>(empty: T, function: impl FnOnce(*mut T, *mut ls_error) -> i32) -> Answer<Option<T>> {
    let mut out = empty;
    Ok(call(|err| function(&raw mut out, err))?.then_some(out))
}

fn get_some<T>(empty: T, function: impl FnOnce(*mut T, *mut ls_error) -> i32) -> Answer<T> {
    Ok(get(empty, function)?.expect("not found is no answer to this call"))
}

/// Text or an id that is lent.
fn lent(function: impl FnOnce(*mut *const c_char, *mut usize, *mut ls_error) -> i32) -> Answer<Vec<u8>> {
    let mut len = 0;
    let text = get_some(ptr::null(), |out, err| function(out, &raw mut len, err))?;
    // SAFETY: lent as `len` bytes with a NUL behind them.
    unsafe {
        assert_eq!(*text.add(len), 0, "what is lent ends with NUL");
        Ok(std::slice::from_raw_parts(text.cast::<u8>(), len).to_vec())
    }
}

fn of(text: &(impl AsRef<[u8]> + ?Sized)) -> (*const c_char, usize) {
    (text.as_ref().as_ptr().cast(), text.as_ref().len())
}

/// A value of the caller's.
struct Owned(*mut ls_value);

impl Owned {
    fn new(json: &Json) -> Answer<Self> {
        let text = json.to_string();
        let (text, len) = of(&text);
        // SAFETY: the text outlives the call.
        get_some(ptr::null_mut(), |out, err| unsafe { value::ls_value_from_json(text, len, out, err) }).map(Self)
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        // SAFETY: ours, once.
        unsafe { value::ls_value_free(self.0) }
    }
}

fn json(value: *const ls_value) -> Answer<Json> {
    let mut len = 0;
    // SAFETY: the value is lent by a transaction that is alive; the text is ours and freed once.
    unsafe {
        let text = get_some(ptr::null_mut(), |out, err| value::ls_value_to_json(value, out, &raw mut len, err))?;
        let json = serde_json::from_slice(std::slice::from_raw_parts(text.cast(), len)).expect("JSON");
        value::ls_text_free(text);
        Ok(json)
    }
}
