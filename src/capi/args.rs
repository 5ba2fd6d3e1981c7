//! Arguments in: pointers and lengths of C become slices, text and references, or an error that names the argument.

use std::ffi::{CStr, c_char, c_void};
use std::slice;

use crate::error::{Error, Result};

/// A length that says "up to the NUL".
pub const LS_NTS: usize = usize::MAX;

/// The error of an argument that is NULL and must not be.
pub(super) fn null(name: &str) -> Error {
    Error::Argument(format!("`{name}` is NULL").into())
}

/// A reference to what `pointer` points at.
///
/// # Safety
/// `pointer` is NULL, or points to a live `T` that nobody changes during `'a`.
pub(super) unsafe fn shared<'a, T>(name: &str, pointer: *const T) -> Result<&'a T> {
    // SAFETY: the caller's promise is this one's.
    unsafe { pointer.as_ref() }.ok_or_else(|| null(name))
}

/// The bytes of a (pointer, length) pair. Length 0 ignores the pointer, `LS_NTS` measures up to the NUL.
///
/// # Safety
/// If `len` is not 0, `data` is NULL or points to `len` bytes, or to a NUL-terminated string if `len` is `LS_NTS`,
/// that nobody changes during `'a`.
pub(super) unsafe fn bytes<'a>(name: &str, data: *const c_void, len: usize) -> Result<&'a [u8]> {
    if len == 0 {
        return Ok(&[]);
    }
    if data.is_null() {
        return Err(null(name));
    }
    if len == LS_NTS {
        // SAFETY: not NULL and NUL-terminated by the caller's promise.
        return Ok(unsafe { CStr::from_ptr(data.cast()) }.to_bytes());
    }
    // No object is larger than this: a negative number that was made a length.
    if isize::try_from(len).is_err() {
        return Err(Error::Argument(format!("length of `{name}` is more than memory can hold").into()));
    }
    // SAFETY: not NULL, and `len` bytes by the caller's promise.
    Ok(unsafe { slice::from_raw_parts(data.cast(), len) })
}

/// As [`bytes`], for UTF-8 text.
///
/// # Safety
/// As [`bytes`].
pub(super) unsafe fn text<'a>(name: &str, data: *const c_char, len: usize) -> Result<&'a str> {
    // SAFETY: the caller's promise is this one's.
    let bytes = unsafe { bytes(name, data.cast(), len) }?;
    std::str::from_utf8(bytes).map_err(|error| {
        Error::Argument(format!("`{name}` is not UTF-8: invalid from byte {} on", error.valid_up_to()).into())
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use std::ptr;

    #[test]
    fn length_zero_ignores_the_pointer() {
        // SAFETY: nothing is read.
        assert_eq!(unsafe { bytes("id", ptr::null(), 0) }.unwrap(), b"");
        // SAFETY: nothing is read.
        assert_eq!(unsafe { text("key", ptr::dangling(), 0) }.unwrap(), "");
    }

    #[test]
    fn null_with_a_length_is_an_error_that_names_the_argument() {
        // SAFETY: NULL is allowed.
        let error = unsafe { text("key", ptr::null(), LS_NTS) }.unwrap_err();
        assert_eq!(error, Error::Argument("`key` is NULL".into()));
    }

    #[test]
    fn a_negative_length_is_refused() {
        // SAFETY: refused before anything is read.
        let error = unsafe { bytes("id", c"x".as_ptr().cast(), usize::MAX - 1) }.unwrap_err();
        assert!(matches!(error, Error::Argument(_)));
    }

    #[test]
    fn text_is_measured_or_counted() {
        // SAFETY: a literal.
        assert_eq!(unsafe { text("key", c"ab".as_ptr(), LS_NTS) }.unwrap(), "ab");
        // SAFETY: a literal.
        assert_eq!(unsafe { text("key", c"ab".as_ptr(), 1) }.unwrap(), "a");
        // SAFETY: a literal of 3 bytes with its NUL.
        assert_eq!(unsafe { text("key", c"ab".as_ptr(), 3) }.unwrap(), "ab\0");
    }

    #[test]
    fn text_that_is_not_utf8_is_refused() {
        // SAFETY: a literal.
        let error = unsafe { text("key", c"a\xff".as_ptr(), LS_NTS) }.unwrap_err();
        assert_eq!(error, Error::Argument("`key` is not UTF-8: invalid from byte 1 on".into()));
    }
}
