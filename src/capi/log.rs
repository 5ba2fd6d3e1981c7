//! The log callback.

use std::ffi::{c_char, c_void};

use super::error::ls_error;
use super::guard;
use super::value::with_nul;
use crate::error::Error;
use crate::log::{self, Level};

/// How much a line of the log matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub enum ls_log_level {
    /// Something failed that the caller cannot see otherwise.
    LS_LOG_ERROR = 1,
    /// Something that should be set right.
    LS_LOG_WARN = 2,
    /// What happened, for whoever runs the program.
    LS_LOG_INFO = 3,
    /// What happened, for whoever works on the library.
    LS_LOG_DEBUG = 4,
}

const _: () = {
    assert!(ls_log_level::LS_LOG_ERROR as i32 == Level::Error as i32);
    assert!(ls_log_level::LS_LOG_WARN as i32 == Level::Warn as i32);
    assert!(ls_log_level::LS_LOG_INFO as i32 == Level::Info as i32);
    assert!(ls_log_level::LS_LOG_DEBUG as i32 == Level::Debug as i32);
};

/// Takes one line of the log: UTF-8 text that lives until the callback returns, NUL-terminated, and its length.
///
/// Called only on a thread that is inside a call of this library, by several at once if several are. It may call the
/// library, but not with the transaction of the call that it is inside of: that answers `LS_ERR_MISUSE`. It must
/// return: no `longjmp` and no C++ exception may leave it.
pub type ls_log_callback =
    Option<unsafe extern "C" fn(user_data: *mut c_void, level: i32, line: *const c_char, line_len: usize)>;

/// Sets the log callback of the process, in place of the one before.
///
/// Lines name neither session ids nor values. After this returns, a thread that was already inside the old callback
/// may still be there.
///
/// `callback`: what takes the lines; NULL for silence, which is the default.
/// `user_data`: passed on to the callback; may be NULL.
/// `level`: the least important lines that are wanted, an `ls_log_level`; ignored if `callback` is NULL.
///
/// Returns `LS_OK`; `LS_ERR_ARGUMENT` for a level that does not exist.
/// Ownership: `user_data` stays the caller's and has to live until another callback is set and the old one is left.
/// I/O: none. Threads: any. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_log_set(
    callback: ls_log_callback,
    user_data: *mut c_void,
    level: i32,
    err: *mut ls_error,
) -> i32 {
    guard::call((), err, || {
        let Some(callback) = callback else {
            log::set(None, Level::Error);
            return Ok(());
        };
        let level = Level::from_number(level)
            .ok_or_else(|| Error::Argument(format!("log level {level} does not exist").into()))?;
        let user_data = UserData(user_data);
        log::set(Some(Box::new(move |level, line| user_data.call(callback, level, line))), level);
        Ok(())
    })
}

/// The caller's pointer, which goes to any thread that logs.
struct UserData(*mut c_void);

// SAFETY: the library only passes the address on; the header says that several threads may come with it at once.
unsafe impl Send for UserData {}
// SAFETY: as for `Send`.
unsafe impl Sync for UserData {}

impl UserData {
    fn call(&self, callback: unsafe extern "C" fn(*mut c_void, i32, *const c_char, usize), level: Level, line: &str) {
        let line = with_nul(line.as_bytes());
        // SAFETY: the callback is the caller's, called as the header says; the line outlives the call.
        unsafe { callback(self.0, level as i32, line.as_ptr().cast(), line.len() - 1) }
    }
}
