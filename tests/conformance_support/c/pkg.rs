//! Packages.

use std::ptr;

use lovely_session::capi::pkg::{self, ls_pkg};
use serde_json::Value as Json;

use super::{Answer, Owned, Txn, call, done, get, get_some, json, of};

/// A package handle; two are equal if they are one pointer.
#[derive(Debug, Clone)]
pub struct Pkg {
    pub(super) raw: *mut ls_pkg,
    pub(super) txn: Txn,
}

impl PartialEq for Pkg {
    fn eq(&self, other: &Self) -> bool {
        self.raw == other.raw
    }
}

impl Pkg {
    pub fn get(&self, key: &str) -> Answer<Option<Json>> {
        let (key, len) = of(key);
        // SAFETY: lent by a transaction that is alive.
        get(ptr::null(), |out, err| unsafe { pkg::ls_pkg_get(self.raw, key, len, out, err) })?.map(json).transpose()
    }

    pub fn set(&self, key: &str, value: &Json) -> Answer<()> {
        let (key, len) = of(key);
        let value = Owned::new(value)?;
        // SAFETY: as above; the value is ours.
        done(|err| unsafe { pkg::ls_pkg_set(self.raw, key, len, value.0, err) })
    }

    pub fn delete(&self, key: &str) -> Answer<bool> {
        let (key, len) = of(key);
        // SAFETY: as above.
        call(|err| unsafe { pkg::ls_pkg_delete(self.raw, key, len, err) })
    }

    pub fn contains(&self, key: &str) -> Answer<bool> {
        let (key, len) = of(key);
        // SAFETY: as above.
        call(|err| unsafe { pkg::ls_pkg_contains(self.raw, key, len, err) })
    }

    pub fn keys(&self) -> Answer<Json> {
        // SAFETY: as above.
        json(get_some(ptr::null(), |out, err| unsafe { pkg::ls_pkg_keys(self.raw, out, err) })?)
    }

    pub fn len(&self) -> Answer<usize> {
        // SAFETY: as above.
        get_some(usize::MAX, |out, err| unsafe { pkg::ls_pkg_len(self.raw, out, err) })
    }

    pub fn content(&self) -> Answer<Json> {
        // SAFETY: as above.
        json(get_some(ptr::null(), |out, err| unsafe { pkg::ls_pkg_content(self.raw, out, err) })?)
    }

    pub fn clear(&self) -> Answer<()> {
        // SAFETY: as above.
        done(|err| unsafe { pkg::ls_pkg_clear(self.raw, err) })
    }

    pub fn replace(&self, content: &Json) -> Answer<()> {
        let content = Owned::new(content)?;
        // SAFETY: as above; the value is ours.
        done(|err| unsafe { pkg::ls_pkg_replace(self.raw, content.0, err) })
    }

    pub fn update(&self, content: &Json) -> Answer<()> {
        let content = Owned::new(content)?;
        // SAFETY: as above; the value is ours.
        done(|err| unsafe { pkg::ls_pkg_update(self.raw, content.0, err) })
    }
}
