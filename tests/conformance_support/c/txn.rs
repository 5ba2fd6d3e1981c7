//! Transactions and their reports.

use std::ptr;
use std::rc::Rc;

use lovely_session::capi::report::{self, ls_outcome, ls_report_kind};
use lovely_session::capi::session;
use lovely_session::capi::txn::{self, ls_txn};

use super::{Answer, Container, Session, call, done, get_some, lent, of};

/// One session of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub container: String,
    pub id: String,
    pub is_write: bool,
    pub is_stored: bool,
    pub timeout_ms: i64,
}

#[derive(Debug)]
struct RawTxn(*mut ls_txn);

impl Drop for RawTxn {
    fn drop(&mut self) {
        // SAFETY: ours, once, after the last handle.
        unsafe { txn::ls_txn_free(self.0) }
    }
}

#[derive(Debug, Clone)]
pub struct Txn(Rc<RawTxn>);

impl Txn {
    pub fn begin() -> Answer<Self> {
        // SAFETY: nothing goes in.
        let raw = get_some(ptr::null_mut(), |out, err| unsafe { txn::ls_txn_begin(out, err) })?;
        Ok(Self(Rc::new(RawTxn(raw))))
    }

    fn raw(&self) -> *mut ls_txn {
        self.0.0
    }

    pub fn open(&self, container: &Container, id: &str) -> Answer<Session> {
        let (id, len) = of(id);
        // SAFETY: all of it outlives the call.
        let raw = get_some(ptr::null_mut(), |out, err| unsafe {
            session::ls_session_get(self.raw(), container.0, id, len, out, err)
        })?;
        Ok(Session { raw, txn: self.clone() })
    }

    pub fn exists(&self, container: &Container, id: &str) -> Answer<bool> {
        let (id, len) = of(id);
        // SAFETY: all of it outlives the call.
        call(|err| unsafe { session::ls_session_exists(self.raw(), container.0, id, len, err) })
    }

    pub fn commit(&self) -> Answer<()> {
        // SAFETY: ours.
        done(|err| unsafe { txn::ls_txn_commit(self.raw(), err) })
    }

    pub fn abort(&self) -> Answer<()> {
        // SAFETY: ours.
        done(|err| unsafe { txn::ls_txn_abort(self.raw(), err) })
    }

    pub fn state(&self) -> i32 {
        // SAFETY: ours.
        unsafe { txn::ls_txn_state(self.raw()) }
    }

    pub fn savepoint(&self) -> Answer<u64> {
        // SAFETY: ours.
        get_some(0, |out, err| unsafe { txn::ls_txn_savepoint(self.raw(), out, err) })
    }

    pub fn rollback(&self, savepoint: u64) -> Answer<()> {
        // SAFETY: ours.
        done(|err| unsafe { txn::ls_txn_rollback(self.raw(), savepoint, err) })
    }

    pub fn is_valid(&self, savepoint: u64) -> bool {
        // SAFETY: ours.
        unsafe { txn::ls_txn_savepoint_valid(self.raw(), savepoint) }
    }

    /// The open sessions, in the order of opening.
    pub fn sessions(&self) -> Answer<Vec<Session>> {
        // SAFETY: ours.
        let count = unsafe { txn::ls_txn_session_count(self.raw()) };
        let at = |index| {
            // SAFETY: ours.
            let raw =
                get_some(ptr::null_mut(), |out, err| unsafe { txn::ls_txn_session_at(self.raw(), index, out, err) })?;
            Ok(Session { raw, txn: self.clone() })
        };
        (0..count).map(at).collect()
    }

    pub fn report(&self) -> Answer<Vec<Entry>> {
        let raw = self.raw();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        // SAFETY: ours.
        let entry = |i| unsafe {
            Ok(Entry {
                container: text(lent(|out, len, err| report::ls_txn_report_container(raw, i, out, len, err))?),
                id: text(lent(|out, len, err| report::ls_txn_report_id(raw, i, out, len, err))?),
                is_write: get_some(-1, |out, err| report::ls_txn_report_kind(raw, i, out, err))?
                    == ls_report_kind::LS_REPORT_WRITE as i32,
                is_stored: get_some(-1, |out, err| report::ls_txn_report_outcome(raw, i, out, err))?
                    == ls_outcome::LS_OUTCOME_STORED as i32,
                timeout_ms: get_some(-1, |out, err| report::ls_txn_report_timeout(raw, i, out, err))?,
            })
        };
        // SAFETY: ours.
        (0..unsafe { report::ls_txn_report_count(raw) }).map(entry).collect()
    }
}
