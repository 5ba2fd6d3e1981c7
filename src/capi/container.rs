//! Containers: named families of sessions in a store.

use std::ffi::c_char;

use super::args;
use super::error::ls_error;
use super::guard;
use super::out::{LentText, Owned, Plain, WithNul};
use super::store::ls_store;
use crate::container::{Container, ContainerOption, Policy};
use crate::error::{Error, Result};
use crate::value::Text;

/// An option of a container. Times are in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub enum ls_container_option {
    /// Idle timeout of a session: not opened for so long, it is gone. 0 is never; default 3,600,000.
    LS_CONTAINER_TIMEOUT = 1,
    /// Grain of the last access that is reported; default 300,000. No timeout is decided by it.
    LS_CONTAINER_RESOLUTION = 2,
    /// The longest timeout that a session may have of its own; at least the timeout, which it follows until it is set.
    /// 0 is never, and needs a timeout of 0. To raise both, set this one first; to lower both, the timeout.
    LS_CONTAINER_MAX_TIMEOUT = 3,
    /// Absolute lifetime of a session from its creation; 0, the default, is none.
    LS_CONTAINER_LIFETIME = 4,
    /// What to do about a key that two transactions changed differently: an `ls_policy`, default `LS_POLICY_MERGE`.
    LS_CONTAINER_POLICY = 5,
    /// 1: a session that was evicted or expired between load and commit is stored anew. 0, the default: it is gone.
    LS_CONTAINER_RECREATE = 6,
}

const _: () = {
    assert!(ls_container_option::LS_CONTAINER_TIMEOUT as i32 == ContainerOption::Timeout as i32);
    assert!(ls_container_option::LS_CONTAINER_RESOLUTION as i32 == ContainerOption::Resolution as i32);
    assert!(ls_container_option::LS_CONTAINER_MAX_TIMEOUT as i32 == ContainerOption::MaxTimeout as i32);
    assert!(ls_container_option::LS_CONTAINER_LIFETIME as i32 == ContainerOption::Lifetime as i32);
    assert!(ls_container_option::LS_CONTAINER_POLICY as i32 == ContainerOption::Policy as i32);
    assert!(ls_container_option::LS_CONTAINER_RECREATE as i32 == ContainerOption::Recreate as i32);
};

/// What a commit does about a key that another transaction changed differently since it was loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub enum ls_policy {
    /// Different keys are merged; the same key fails with `LS_ERR_CONFLICT`, and nothing is stored.
    LS_POLICY_MERGE = 0,
    /// Different keys are merged; for the same key the later commit wins.
    LS_POLICY_MINE = 1,
    /// Any change of the session by somebody else fails with `LS_ERR_CONFLICT`.
    LS_POLICY_STRICT = 2,
    /// Nothing is looked at: the later commit replaces the whole session.
    LS_POLICY_OVERWRITE = 3,
}

const _: () = {
    assert!(ls_policy::LS_POLICY_MERGE as i32 == Policy::Merge as i32);
    assert!(ls_policy::LS_POLICY_MINE as i32 == Policy::Mine as i32);
    assert!(ls_policy::LS_POLICY_STRICT as i32 == Policy::Strict as i32);
    assert!(ls_policy::LS_POLICY_OVERWRITE as i32 == Policy::Overwrite as i32);
};

/// A handle to a container. A container is its store and name: all handles to it share its options.
///
/// Methods: `ls_container_open`, `ls_container_name`, `ls_container_set`, `ls_container_get`,
/// `ls_container_last_access`, `ls_container_free`.
#[derive(Debug)]
pub struct ls_container {
    pub(super) container: Container,
    /// With its NUL, to be lent.
    name: Text,
}

fn option(number: i32) -> Result<ContainerOption> {
    ContainerOption::from_number(number)
        .ok_or_else(|| Error::Argument(format!("container option {number} does not exist").into()))
}

/// Opens a container of a store.
///
/// `store`: where its sessions live.
/// `name`, `name_len`: see "Text"; 1 to 100 characters, those other than `[A-Za-z0-9._~-]` counted percent-encoded.
/// `out`: set to the container.
///
/// Returns `LS_OK`; `LS_ERR_ARGUMENT` for a name that is empty or not UTF-8; `LS_ERR_TOO_LARGE` for one that is too long.
/// Ownership: the container is yours; free it with `ls_container_free`. It keeps the store open.
/// I/O: none. Threads: concurrent. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_container_open(
    store: *const ls_store,
    name: *const c_char,
    name_len: usize,
    out: *mut *mut ls_container,
    err: *mut ls_error,
) -> i32 {
    guard::shared("store", store, Owned(out), err, |store| {
        let container = Container::open(&store.store, args::text("name", name, name_len)?)?;
        let name = Text::new(container.name());
        Ok(guard::give(ls_container { container, name }))
    })
}

/// Tells the name of a container, as it was given.
///
/// `container`: what to ask.
/// `out`, `out_len`: set to the name; see "Text".
///
/// Returns `LS_OK`.
/// Ownership: the text belongs to the handle and lives until `ls_container_free`.
/// I/O: none. Threads: concurrent. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_container_name(
    container: *const ls_container,
    out: *mut *const c_char,
    out_len: *mut usize,
    err: *mut ls_error,
) -> i32 {
    guard::shared("container", container, LentText("out", out, out_len), err, |container| {
        WithNul::new(container.name.as_str_with_nul().as_bytes())
    })
}

/// Sets one option of a container, for all handles to it in this process, from now on.
///
/// The timeout that counts for a session is the one at the time of its commit, or a longer one of now. Options are the
/// process's own and are not stored: give a container the same ones wherever it is used, `LS_CONTAINER_MAX_TIMEOUT` above
/// all, from which the store reckons how long a session was idle. A session of another one may, until it is written
/// again, be taken for more or less idle than it is.
///
/// `container`: whose option.
/// `option`: which, an `ls_container_option`.
/// `value`: its value, in the unit that the option states.
///
/// Returns `LS_OK`; `LS_ERR_ARGUMENT` for an option or a policy that does not exist, and for anything but 0 and 1 where
/// these are the values; `LS_ERR_RANGE` for a time that is negative or over 10^15 ms, and for a timeout over the longest
/// that is allowed.
/// Ownership: none.
/// I/O: none. Threads: concurrent. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_container_set(
    container: *const ls_container,
    option: i32,
    value: i64,
    err: *mut ls_error,
) -> i32 {
    guard::shared("container", container, (), err, |container| {
        container.container.set_option(self::option(option)?, value)
    })
}

/// Reads one option of a container.
///
/// `container`: whose option.
/// `option`: which, an `ls_container_option`.
/// `out`: set to the value.
///
/// Returns `LS_OK`; `LS_ERR_ARGUMENT` for an option that does not exist.
/// Ownership: none.
/// I/O: none. Threads: concurrent. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_container_get(
    container: *const ls_container,
    option: i32,
    out: *mut i64,
    err: *mut ls_error,
) -> i32 {
    guard::shared("container", container, Plain("out", out), err, |container| {
        Ok(container.container.option(self::option(option)?))
    })
}

/// Tells when a session of the container was last opened in this process; it may lag by the resolution.
///
/// `container`: what to ask.
/// `out_ms`: set to the time, in Unix milliseconds by the store's clock; that of the container's first opening if no
/// session was opened yet.
///
/// Returns `LS_OK`.
/// Ownership: none.
/// I/O: none. Threads: concurrent. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_container_last_access(
    container: *const ls_container,
    out_ms: *mut i64,
    err: *mut ls_error,
) -> i32 {
    guard::shared("container", container, Plain("out_ms", out_ms), err, |container| {
        Ok(container.container.last_access_ms())
    })
}

/// Frees a handle. Transactions with sessions of the container, and other handles, go on working.
///
/// `container`: what to free; NULL is allowed.
///
/// Ownership: takes the handle.
/// I/O: none. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_container_free(container: *mut ls_container) {
    guard::free(container);
}
