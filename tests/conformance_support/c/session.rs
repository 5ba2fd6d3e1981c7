//! Sessions.

use std::ptr;

use lovely_session::capi::session::{self, ls_session};
use serde_json::Value as Json;

use super::{Answer, Pkg, Txn, call, done, get, get_some, json, lent, of};

/// A session handle; two are equal if they are one pointer.
#[derive(Debug, Clone)]
pub struct Session {
    pub(super) raw: *mut ls_session,
    pub(super) txn: Txn,
}

impl PartialEq for Session {
    fn eq(&self, other: &Self) -> bool {
        self.raw == other.raw
    }
}

impl Session {
    pub fn id(&self) -> Answer<String> {
        // SAFETY: lent by a transaction that is alive.
        lent(|out, len, err| unsafe { session::ls_session_id(self.raw, out, len, err) })
            .map(|id| String::from_utf8(id).unwrap())
    }

    pub fn is_new(&self) -> bool {
        // SAFETY: as above.
        unsafe { session::ls_session_is_new(self.raw) }
    }

    pub fn accessed_ms(&self) -> Answer<i64> {
        // SAFETY: as above.
        get_some(0, |out, err| unsafe { session::ls_session_accessed(self.raw, out, err) })
    }

    pub fn content(&self) -> Answer<Json> {
        // SAFETY: as above.
        json(get_some(ptr::null(), |out, err| unsafe { session::ls_session_content(self.raw, out, err) })?)
    }

    pub fn pkg_names(&self) -> Answer<Json> {
        // SAFETY: as above.
        json(get_some(ptr::null(), |out, err| unsafe { session::ls_session_pkg_names(self.raw, out, err) })?)
    }

    pub fn clear(&self) -> Answer<()> {
        // SAFETY: as above.
        done(|err| unsafe { session::ls_session_clear(self.raw, err) })
    }

    pub fn pkg(&self, name: &str) -> Answer<Pkg> {
        let (name, len) = of(name);
        // SAFETY: as above.
        get_some(ptr::null_mut(), |out, err| unsafe { session::ls_session_pkg(self.raw, name, len, out, err) })
            .map(|raw| Pkg { raw, txn: self.txn.clone() })
    }

    pub fn peek_pkg(&self, name: &str) -> Answer<Option<Pkg>> {
        let (name, len) = of(name);
        // SAFETY: as above.
        let raw =
            get(ptr::null_mut(), |out, err| unsafe { session::ls_session_peek_pkg(self.raw, name, len, out, err) })?;
        Ok(raw.map(|raw| Pkg { raw, txn: self.txn.clone() }))
    }

    pub fn delete_pkg(&self, name: &str) -> Answer<bool> {
        let (name, len) = of(name);
        // SAFETY: as above.
        call(|err| unsafe { session::ls_session_delete_pkg(self.raw, name, len, err) })
    }
}
