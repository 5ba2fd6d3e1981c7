//! For tests of programs that use the library: moving time, losing sessions, making a store fail.

use std::ffi::c_char;
use std::time::Duration;

use super::args;
use super::container::ls_container;
use super::error::ls_error;
use super::guard;
use super::out::Plain;
use super::store::{deadline, ls_store};
use crate::error::{Error, Result};
use crate::session::id::check_id;
use crate::store::{Fault, FaultKind, FaultOps};

/// What goes wrong in a `memory://` store, at each item that the fault meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub enum ls_fault {
    /// The server is away: nothing is applied, and the caller knows it.
    LS_FAULT_UNAVAILABLE = 1,
    /// The request is lost: nothing is applied, and no answer comes.
    LS_FAULT_TIMEOUT = 2,
    /// The answer is lost: it is applied, and no answer comes.
    LS_FAULT_LOST_ANSWER = 3,
    /// The server refuses a write and keeps what is stored.
    LS_FAULT_REFUSED = 4,
    /// The server refuses a write and drops what is stored.
    LS_FAULT_REFUSED_DROPPED = 5,
}

const _: () = {
    assert!(ls_fault::LS_FAULT_UNAVAILABLE as i32 == FaultKind::Unavailable as i32);
    assert!(ls_fault::LS_FAULT_TIMEOUT as i32 == FaultKind::Timeout as i32);
    assert!(ls_fault::LS_FAULT_LOST_ANSWER as i32 == FaultKind::LostAnswer as i32);
    assert!(ls_fault::LS_FAULT_REFUSED as i32 == FaultKind::Refused as i32);
    assert!(ls_fault::LS_FAULT_REFUSED_DROPPED as i32 == FaultKind::RefusedDropped as i32);
};

/// Operations that a fault meets: loads.
pub const LS_FAULT_OP_LOAD: u32 = 1;
/// Operations that a fault meets: writes of every kind.
pub const LS_FAULT_OP_WRITE: u32 = 2;
/// Operations that a fault meets: asking for versions, which the check before a commit of several sessions does.
pub const LS_FAULT_OP_VERSIONS: u32 = 4;

/// A span of time that an argument gives.
fn span(ms: i64) -> Result<Duration> {
    u64::try_from(ms)
        .map(Duration::from_millis)
        .map_err(|_| Error::Range(format!("a time of {ms} ms is negative").into()))
}

/// Moves the store's clock forward: everything in it ages, idle timeouts and deadlines included.
///
/// `store`: whose clock; all handles to the store in this process see it.
/// `ms`: by how many milliseconds.
///
/// Returns `LS_OK`; `LS_ERR_RANGE` for a negative number, or a time beyond what can be represented.
/// Ownership: none.
/// I/O: none. Threads: concurrent. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_test_clock_advance(store: *const ls_store, ms: i64, err: *mut ls_error) -> i32 {
    guard::shared("store", store, (), err, |store| store.store.clock().advance(span(ms)?))
}

/// Reads the store's clock.
///
/// `store`: whose clock.
/// `out_ms`: set to the time in Unix milliseconds.
///
/// Returns `LS_OK`.
/// Ownership: none.
/// I/O: none. Threads: concurrent. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_test_clock_now(store: *const ls_store, out_ms: *mut i64, err: *mut ls_error) -> i32 {
    guard::shared("store", store, Plain("out_ms", out_ms), err, |store| Ok(store.store.clock().now_ms()))
}

/// Makes one stored session look as if it had not been opened for a time, in addition to what it was. One that has
/// less of its timeout left is gone.
///
/// `container`: where it is.
/// `id`, `id_len`: which session; see "Text".
/// `ms`: for how many milliseconds.
///
/// Returns `LS_OK`; `LS_NOT_FOUND` if it is not stored; `LS_ERR_RANGE` for a negative number; `LS_ERR_ARGUMENT` or
/// `LS_ERR_TOO_LARGE` for an id that cannot be; else as `ls_store_ping`.
/// Ownership: none.
/// I/O: store. Threads: concurrent. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_test_session_idle(
    container: *const ls_container,
    id: *const c_char,
    id_len: usize,
    ms: i64,
    err: *mut ls_error,
) -> i32 {
    guard::shared("container", container, (), err, |container| {
        let id = args::bytes("id", id.cast(), id_len)?;
        check_id(id)?;
        let (store, key) = (container.container.store(), container.container.key(id));
        let found = guard::wait(store.make_idle(&key, span(ms)?, deadline(store)))?;
        Ok(found.then_some(()))
    })
}

/// Removes one stored session as if the server had evicted it: no tombstone stays.
///
/// `container`: where it is.
/// `id`, `id_len`: which session; see "Text".
///
/// Returns `LS_OK`; `LS_NOT_FOUND` if it is not stored; `LS_ERR_ARGUMENT` or `LS_ERR_TOO_LARGE` for an id that cannot
/// be; else as `ls_store_ping`.
/// Ownership: none.
/// I/O: store. Threads: concurrent. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_test_session_drop(
    container: *const ls_container,
    id: *const c_char,
    id_len: usize,
    err: *mut ls_error,
) -> i32 {
    guard::shared("container", container, (), err, |container| {
        let id = args::bytes("id", id.cast(), id_len)?;
        check_id(id)?;
        let (store, key) = (container.container.store(), container.container.key(id));
        let found = guard::wait(store.drop_record(&key, deadline(store)))?;
        Ok(found.then_some(()))
    })
}

/// Makes a `memory://` store fail. Of several faults the first that was scripted and still has some left wins.
///
/// `store`: which store; all handles to it in this process see it.
/// `kind`: what goes wrong, an `ls_fault`.
/// `ops`: a sum of `LS_FAULT_OP_...`: the operations that it meets.
/// `skip`: how many items of these operations pass before.
/// `count`: for how many items after that; 0 until `ls_test_fault_clear`.
///
/// Returns `LS_OK`; `LS_ERR_ARGUMENT` for a kind or an operation that does not exist; `LS_ERR_UNSUPPORTED` for a store
/// that cannot be made to fail, or that was opened before a fork; `LS_ERR_TOO_LARGE` after 1,000 faults.
/// Ownership: none.
/// I/O: none. Threads: concurrent. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_test_fault(
    store: *const ls_store,
    kind: i32,
    ops: u32,
    skip: u64,
    count: u64,
    err: *mut ls_error,
) -> i32 {
    guard::shared("store", store, (), err, |store| {
        let kind = FaultKind::from_number(kind)
            .ok_or_else(|| Error::Argument(format!("fault {kind} does not exist").into()))?;
        store.store.script_fault(Fault { kind, ops: FaultOps::from_bits(ops)?, skip, count })
    })
}

/// Forgets all faults of a store.
///
/// `store`: which store.
///
/// Returns `LS_OK`; `LS_ERR_UNSUPPORTED` for a store that cannot be made to fail, or that was opened before a fork.
/// Ownership: none.
/// I/O: none. Threads: concurrent. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_test_fault_clear(store: *const ls_store, err: *mut ls_error) -> i32 {
    guard::shared("store", store, (), err, |store| store.store.clear_faults())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bits_of_operations_are_those_of_the_core() {
        assert_eq!(FaultOps::from_bits(LS_FAULT_OP_LOAD), Ok(FaultOps::LOAD));
        assert_eq!(FaultOps::from_bits(LS_FAULT_OP_WRITE), Ok(FaultOps::WRITE));
        assert_eq!(FaultOps::from_bits(LS_FAULT_OP_VERSIONS), Ok(FaultOps::VERSIONS));
    }
}
