//! Stores and containers.

use std::ptr;

use lovely_session::capi::container::{self, ls_container, ls_container_option};
use lovely_session::capi::store::{self, ls_store};
use lovely_session::capi::testing::{self, ls_fault};

use super::{Answer, call, done, get_some, of};

#[derive(Debug)]
pub struct Store(pub(super) *mut ls_store);

impl Store {
    pub fn open(url: &str) -> Answer<Self> {
        let (text, len) = of(url);
        // SAFETY: the text outlives the call.
        get_some(ptr::null_mut(), |out, err| unsafe { store::ls_store_open(text, len, ptr::null(), out, err) })
            .map(Self)
    }

    pub fn flush(&self) -> Answer<()> {
        // SAFETY: ours.
        done(|err| unsafe { store::ls_store_flush(self.0, err) })
    }

    pub fn advance_ms(&self, ms: i64) -> Answer<()> {
        // SAFETY: ours.
        done(|err| unsafe { testing::ls_test_clock_advance(self.0, ms, err) })
    }

    pub fn now_ms(&self) -> Answer<i64> {
        // SAFETY: ours.
        get_some(0, |out, err| unsafe { testing::ls_test_clock_now(self.0, out, err) })
    }

    /// Makes everything fail as if no server were there.
    pub fn take_down(&self) -> Answer<()> {
        let ops = testing::LS_FAULT_OP_LOAD | testing::LS_FAULT_OP_WRITE | testing::LS_FAULT_OP_VERSIONS;
        let kind = ls_fault::LS_FAULT_UNAVAILABLE as i32;
        // SAFETY: ours.
        done(|err| unsafe { testing::ls_test_fault(self.0, kind, ops, 0, 0, err) })
    }

    pub fn bring_up(&self) -> Answer<()> {
        // SAFETY: ours.
        done(|err| unsafe { testing::ls_test_fault_clear(self.0, err) })
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // SAFETY: ours, once.
        unsafe { store::ls_store_free(self.0) }
    }
}

#[derive(Debug)]
pub struct Container(pub(super) *mut ls_container);

impl Container {
    pub fn open(store: &Store, name: &str) -> Answer<Self> {
        let (text, len) = of(name);
        // SAFETY: store and text outlive the call.
        get_some(ptr::null_mut(), |out, err| unsafe { container::ls_container_open(store.0, text, len, out, err) })
            .map(Self)
    }

    pub fn set(&self, option: ls_container_option, value: i64) -> Answer<()> {
        // SAFETY: ours.
        done(|err| unsafe { container::ls_container_set(self.0, option as i32, value, err) })
    }

    pub fn option(&self, option: ls_container_option) -> Answer<i64> {
        // SAFETY: ours.
        get_some(0, |out, err| unsafe { container::ls_container_get(self.0, option as i32, out, err) })
    }

    pub fn last_access_ms(&self) -> Answer<i64> {
        // SAFETY: ours.
        get_some(0, |out, err| unsafe { container::ls_container_last_access(self.0, out, err) })
    }

    /// Loses a stored session as an eviction would; false if there is none.
    pub fn evict(&self, id: &str) -> Answer<bool> {
        let (id, len) = of(id);
        // SAFETY: ours, and the id outlives the call.
        call(|err| unsafe { testing::ls_test_session_drop(self.0, id, len, err) })
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        // SAFETY: ours, once.
        unsafe { container::ls_container_free(self.0) }
    }
}
