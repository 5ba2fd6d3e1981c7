//! Statuses, and how an error of the core becomes a status and one line of text in the caller's `ls_error`.

use std::ffi::{CStr, c_char};

use super::guard;
use crate::error::{Error, Status};

/// What a call returns: 0 done, below 0 failed, above 0 answered with nothing to hand back. Numbers are fixed for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub enum ls_status {
    /// Done.
    LS_OK = 0,
    /// Nothing there: an answer, not a failure.
    LS_NOT_FOUND = 1,
    /// An argument that can never be right: NULL where something is needed, text that is not UTF-8, an unknown option.
    LS_ERR_ARGUMENT = -10,
    /// A right call at the wrong time: after commit or abort, from a second thread, in a forked child.
    LS_ERR_MISUSE = -11,
    /// A value of another type than the call needs.
    LS_ERR_TYPE = -12,
    /// Over a size limit; the message names the limit.
    LS_ERR_TOO_LARGE = -13,
    /// A number outside what can be represented or is allowed.
    LS_ERR_RANGE = -14,
    /// Something that this store, server or build cannot do.
    LS_ERR_UNSUPPORTED = -15,
    /// A savepoint that is not, or no longer, one of this transaction.
    LS_ERR_SAVEPOINT = -16,
    /// A server that cannot be reached, or that refused; nothing was applied.
    LS_ERR_UNAVAILABLE = -20,
    /// No answer in time to something that changes nothing.
    LS_ERR_TIMEOUT = -21,
    /// A server that does not speak the protocol.
    LS_ERR_PROTOCOL = -22,
    /// A write was sent and not answered: it may or may not have been applied.
    LS_ERR_UNKNOWN = -23,
    /// The caller cancelled the call.
    LS_ERR_CANCELLED = -24,
    /// Stored bytes that cannot be read.
    LS_ERR_CORRUPT = -30,
    /// Another transaction changed the same key differently; running the work again may succeed.
    LS_ERR_CONFLICT = -40,
    /// The session that was loaded, or found absent, was destroyed, evicted or expired since.
    LS_ERR_GONE = -41,
    /// Some sessions of a commit were stored and some were not; the report says which.
    LS_ERR_PARTIAL = -42,
    /// The transaction failed earlier and takes nothing but abort and free.
    LS_ERR_FAILED = -43,
    /// The server refused the write and dropped what was stored.
    LS_ERR_LOST = -44,
    /// A defect in this library; the transaction can only be freed.
    LS_ERR_PANIC = -90,
}

/// Set in `ls_error.flags`: the same work, run again in a new transaction, may succeed.
pub const LS_ERROR_RETRYABLE: u32 = 1;

/// Length of `ls_error.message` in bytes, the NUL included.
pub const LS_ERROR_MESSAGE_SIZE: usize = 244;

/// What went wrong. The memory is the caller's: 256 bytes, on the stack as a rule, that need no initialization.
///
/// Every call that takes one fills it in: after `LS_OK` and `LS_NOT_FOUND` it holds that status, no flags and an
/// empty message, so that one `ls_error` serves any number of calls.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct ls_error {
    /// The status that the call returned.
    pub status: i32,
    /// The system's error number (`errno`) behind the failure, or 0.
    pub sys_errno: i32,
    /// A sum of `LS_ERROR_...` flags.
    pub flags: u32,
    /// One line of text in UTF-8, NUL-terminated, cut between characters if it is too long; never a session id or a value.
    pub message: [c_char; LS_ERROR_MESSAGE_SIZE],
}

/// Returns the name of a status, such as `LS_ERR_CONFLICT`, for logs and for the messages of bindings.
///
/// `status`: any number.
///
/// Returns the name; "unknown status" for a number that is no status of this version; never NULL.
/// Ownership: static text.
/// I/O: none. Threads: any. Since: 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn ls_status_name(status: i32) -> *const c_char {
    guard::constant(|| name(status).as_ptr())
}

/// Writes the table of statuses once, for names and for the check against the core's numbers.
macro_rules! statuses {
    ($($c:ident = $core:ident),* $(,)?) => {
        // Every status of the core, and no other: this match does not compile with one missing.
        const fn of(status: Status) -> ls_status {
            match status { $(Status::$core => ls_status::$c),* }
        }
        $(const _: () = assert!(ls_status::$c as i32 == Status::$core as i32);)*

        #[allow(clippy::match_same_arms, reason = "one arm for each status, by construction")]
        fn name(status: i32) -> &'static CStr {
            $(if status == of(Status::$core) as i32 {
                return CStr::from_bytes_with_nul(concat!(stringify!($c), "\0").as_bytes()).unwrap_or(c"");
            })*
            c"unknown status"
        }
    };
}

statuses! {
    LS_OK = Ok,
    LS_NOT_FOUND = NotFound,
    LS_ERR_ARGUMENT = Argument,
    LS_ERR_MISUSE = Misuse,
    LS_ERR_TYPE = Type,
    LS_ERR_TOO_LARGE = TooLarge,
    LS_ERR_RANGE = Range,
    LS_ERR_UNSUPPORTED = Unsupported,
    LS_ERR_SAVEPOINT = Savepoint,
    LS_ERR_UNAVAILABLE = Unavailable,
    LS_ERR_TIMEOUT = Timeout,
    LS_ERR_PROTOCOL = Protocol,
    LS_ERR_UNKNOWN = Unknown,
    LS_ERR_CANCELLED = Cancelled,
    LS_ERR_CORRUPT = Corrupt,
    LS_ERR_CONFLICT = Conflict,
    LS_ERR_GONE = Gone,
    LS_ERR_PARTIAL = Partial,
    LS_ERR_FAILED = Failed,
    LS_ERR_LOST = Lost,
    LS_ERR_PANIC = Panic,
}

/// Fills `err`, if there is one, after a call that did not fail.
///
/// # Safety
/// `err` is NULL or memory for one `ls_error`, initialized or not.
pub(super) unsafe fn clear(err: *mut ls_error, status: Status) {
    if err.is_null() {
        return;
    }
    // SAFETY: not NULL, so the caller's 256 bytes; fields are written through places, no reference is made to what
    // may be uninitialized. Not the whole message: success must cost nothing.
    unsafe {
        (*err).status = status as i32;
        (*err).sys_errno = 0;
        (*err).flags = 0;
        (&raw mut (*err).message).cast::<c_char>().write(0);
    }
}

/// Fills `err`, if there is one, from an error of the core.
///
/// # Safety
/// As [`clear`].
pub(super) unsafe fn fill(err: *mut ls_error, error: &Error) {
    if err.is_null() {
        return;
    }
    let filled = ls_error {
        status: error.status() as i32,
        sys_errno: error.errno(),
        flags: if error.is_retryable() { LS_ERROR_RETRYABLE } else { 0 },
        message: message(&error.to_string()),
    };
    // SAFETY: not NULL, so memory for one `ls_error`.
    unsafe { err.write(filled) }
}

/// `text` with a NUL, cut between characters to fit.
fn message(text: &str) -> [c_char; LS_ERROR_MESSAGE_SIZE] {
    let mut end = text.len().min(LS_ERROR_MESSAGE_SIZE - 1);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let mut message = [0; LS_ERROR_MESSAGE_SIZE];
    for (to, from) in message.iter_mut().zip(text.bytes().take(end)) {
        *to = c_char::from_ne_bytes([from]);
    }
    message
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use super::*;

    #[test]
    fn an_error_is_256_bytes() {
        assert_eq!(size_of::<ls_error>(), 256);
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let long = format!("{}ä", "x".repeat(242));
        let cut = message(&long);
        assert_eq!(cut[241], c_char::from_ne_bytes([b'x']));
        assert_eq!(cut[242], 0, "half a character was left");
        assert_eq!(cut[243], 0);
    }

    #[test]
    fn a_message_that_just_fits_is_whole() {
        let cut = message(&"y".repeat(300));
        assert_eq!(cut[242], c_char::from_ne_bytes([b'y']));
        assert_eq!(cut[243], 0);
    }

    #[test]
    fn every_status_has_its_name() {
        assert_eq!(name(-40).to_str().unwrap(), "LS_ERR_CONFLICT");
        assert_eq!(name(1).to_str().unwrap(), "LS_NOT_FOUND");
        assert_eq!(name(2).to_str().unwrap(), "unknown status");
    }
}
