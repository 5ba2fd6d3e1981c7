//! The options that a store is opened with.

use std::sync::{RwLock, TryLockError};

use super::error::ls_error;
use super::guard;
use super::out::{Owned, Plain};
use crate::error::{Error, Result};
use crate::store::{StoreOption, StoreOptions};

/// An option of a store. What is not set is the default, or as it is in a store that is open already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub enum ls_option {
    /// Milliseconds to connect to a server; 1 to 86,400,000, default 1,000.
    LS_OPTION_CONNECT_TIMEOUT = 1,
    /// Milliseconds for one exchange with a server; 1 to 86,400,000, default 1,000.
    LS_OPTION_EXCHANGE_TIMEOUT = 2,
    /// Milliseconds for a whole commit; 1 to 86,400,000, default 5,000.
    LS_OPTION_COMMIT_TIMEOUT = 3,
    /// Bytes that a `memory://` store may hold, keys and overhead included; default 64 MiB.
    LS_OPTION_MEMORY_SIZE = 4,
    /// Bytes of the largest record of a `memory://` store; default 1 MiB.
    LS_OPTION_ITEM_LIMIT = 5,
    /// 1 if `ls_store_flush` is allowed, which it always is on `memory://`; default 0.
    LS_OPTION_FLUSH_ALLOWED = 6,
    /// Milliseconds of the longest pause before a server that failed is tried again; 1 to 86,400,000, default 10,000.
    LS_OPTION_RETRY_PAUSE = 7,
}

const _: () = {
    assert!(ls_option::LS_OPTION_CONNECT_TIMEOUT as i32 == StoreOption::ConnectTimeout as i32);
    assert!(ls_option::LS_OPTION_EXCHANGE_TIMEOUT as i32 == StoreOption::ExchangeTimeout as i32);
    assert!(ls_option::LS_OPTION_COMMIT_TIMEOUT as i32 == StoreOption::CommitTimeout as i32);
    assert!(ls_option::LS_OPTION_MEMORY_SIZE as i32 == StoreOption::MemorySize as i32);
    assert!(ls_option::LS_OPTION_ITEM_LIMIT as i32 == StoreOption::ItemLimit as i32);
    assert!(ls_option::LS_OPTION_FLUSH_ALLOWED as i32 == StoreOption::FlushAllowed as i32);
    assert!(ls_option::LS_OPTION_RETRY_PAUSE as i32 == StoreOption::RetryPause as i32);
};

/// Options for `ls_store_open`.
///
/// Methods: `ls_options_new`, `ls_options_set`, `ls_options_get`, `ls_options_free`.
// Never waited for: a lock that is held says that another thread is inside, which is what has to be told.
#[derive(Debug)]
pub struct ls_options(RwLock<StoreOptions>);

impl ls_options {
    /// A copy of the options.
    pub(super) fn copy(&self) -> Result<StoreOptions> {
        match self.0.try_read() {
            Ok(options) => Ok(options.clone()),
            Err(TryLockError::Poisoned(poisoned)) => Ok(poisoned.into_inner().clone()),
            Err(TryLockError::WouldBlock) => Err(busy()),
        }
    }

    fn change(&self, change: impl FnOnce(&mut StoreOptions) -> Result<()>) -> Result<()> {
        match self.0.try_write() {
            Ok(mut options) => change(&mut options),
            Err(TryLockError::Poisoned(poisoned)) => change(&mut poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => Err(busy()),
        }
    }
}

fn busy() -> Error {
    Error::Misuse("options are in use by another call".into())
}

fn option(number: i32) -> Result<StoreOption> {
    StoreOption::from_number(number)
        .ok_or_else(|| Error::Argument(format!("store option {number} does not exist").into()))
}

/// Makes options of which none is set.
///
/// `out`: set to the options.
///
/// Returns `LS_OK`.
/// Ownership: the options are yours; free them with `ls_options_free`.
/// I/O: none. Threads: any. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_options_new(out: *mut *mut ls_options, err: *mut ls_error) -> i32 {
    guard::call(Owned(out), err, || Ok(guard::give(ls_options(RwLock::new(StoreOptions::new())))))
}

/// Sets one option.
///
/// `options`: what to change.
/// `option`: which, an `ls_option`.
/// `value`: its value, in the unit that the option states.
///
/// Returns `LS_OK`; `LS_ERR_ARGUMENT` for an option that does not exist; `LS_ERR_RANGE` for a value outside what it
/// may be; `LS_ERR_MISUSE` while another thread uses the options.
/// Ownership: none.
/// I/O: none. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_options_set(options: *mut ls_options, option: i32, value: i64, err: *mut ls_error) -> i32 {
    guard::shared("options", options, (), err, |options| {
        let option = self::option(option)?;
        options.change(|options| options.set(option, value))
    })
}

/// Reads one option: as it was set, else its default.
///
/// `options`: what to read.
/// `option`: which, an `ls_option`.
/// `out`: set to the value.
///
/// Returns `LS_OK`; `LS_ERR_ARGUMENT` for an option that does not exist; `LS_ERR_MISUSE` while another thread sets one.
/// Ownership: none.
/// I/O: none. Threads: concurrent. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_options_get(
    options: *const ls_options,
    option: i32,
    out: *mut i64,
    err: *mut ls_error,
) -> i32 {
    guard::shared("options", options, Plain("out", out), err, |options| {
        let option = self::option(option)?;
        options.copy().map(|options| options.get(option))
    })
}

/// Frees options. Stores that were opened with them keep theirs.
///
/// `options`: what to free; NULL is allowed.
///
/// Ownership: takes the options.
/// I/O: none. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_options_free(options: *mut ls_options) {
    guard::free(options);
}
