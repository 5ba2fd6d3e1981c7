//! The exported C functions, called as C calls them, behind types that keep the rules of the header: a transaction is
//! freed after the last handle that it lent. JSON goes in and out through the library's own functions.
#![allow(unsafe_code, reason = "it calls the C functions through raw pointers, which is what is tested")]
#![allow(dead_code, reason = "each test uses its part")]

use std::ffi::{CStr, c_char};
use std::mem::MaybeUninit;
use std::ptr;
use std::rc::Rc;

use lovely_session::capi::container as cc;
use lovely_session::capi::error::{ls_error, ls_status_name};
use lovely_session::capi::pkg as cp;
use lovely_session::capi::report as cr;
use lovely_session::capi::session as cs;
use lovely_session::capi::store as ct;
use lovely_session::capi::testing as cq;
use lovely_session::capi::txn as cx;
use lovely_session::capi::value as cv;
use serde_json::Value as Json;

/// A call that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub status: i32,
    /// The status as the header writes it.
    pub name: String,
    pub message: String,
    pub retryable: bool,
}

pub type Answer<T> = Result<T, Failure>;

/// Makes one call. True: done; false: not found. The error block begins uninitialized, as the header allows.
fn call(function: impl FnOnce(*mut ls_error) -> i32) -> Answer<bool> {
    let mut block = MaybeUninit::<ls_error>::uninit();
    let status = function(block.as_mut_ptr());
    // SAFETY: every call fills in status, flags and message.
    let (told, flags, message) = unsafe {
        let error = block.as_ptr();
        let message = CStr::from_ptr((&raw const (*error).message).cast::<c_char>());
        ((*error).status, (*error).flags, message.to_str().unwrap().to_owned())
    };
    assert_eq!(told, status, "the error block and the returned status agree");
    if status >= 0 {
        assert_eq!(message, "", "no message without a failure");
        return Ok(status == 0);
    }
    // SAFETY: static text.
    let name = unsafe { CStr::from_ptr(ls_status_name(status)) }.to_str().unwrap().to_owned();
    assert!(!message.is_empty() && !message.contains('\n'), "{name} says in one line what failed");
    Err(Failure { status, name, message, retryable: flags & 1 != 0 })
}

/// A call that has no "not found".
fn done(function: impl FnOnce(*mut ls_error) -> i32) -> Answer<()> {
    assert!(call(function)?, "not found is no answer to this call");
    Ok(())
}

/// A call that writes something out, or finds nothing.
fn get<T>(empty: T, function: impl FnOnce(*mut T, *mut ls_error) -> i32) -> Answer<Option<T>> {
    let mut out = empty;
    Ok(call(|err| function(&raw mut out, err))?.then_some(out))
}

fn get_some<T>(empty: T, function: impl FnOnce(*mut T, *mut ls_error) -> i32) -> Answer<T> {
    Ok(get(empty, function)?.expect("not found is no answer to this call"))
}

/// Text or an id that is lent.
fn lent(function: impl FnOnce(*mut *const c_char, *mut usize, *mut ls_error) -> i32) -> Answer<Vec<u8>> {
    let mut len = 0;
    let text = get_some(ptr::null(), |out, err| function(out, &raw mut len, err))?;
    // SAFETY: lent as `len` bytes with a NUL behind them.
    unsafe {
        assert_eq!(*text.add(len), 0, "what is lent ends with NUL");
        Ok(std::slice::from_raw_parts(text.cast::<u8>(), len).to_vec())
    }
}

fn of(text: &(impl AsRef<[u8]> + ?Sized)) -> (*const c_char, usize) {
    (text.as_ref().as_ptr().cast(), text.as_ref().len())
}

/// A value of the caller's.
struct Owned(*mut cv::ls_value);

impl Owned {
    fn new(json: &Json) -> Answer<Self> {
        let text = json.to_string();
        let (text, len) = of(&text);
        // SAFETY: the text outlives the call.
        get_some(ptr::null_mut(), |out, err| unsafe { cv::ls_value_from_json(text, len, out, err) }).map(Self)
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        // SAFETY: ours, once.
        unsafe { cv::ls_value_free(self.0) }
    }
}

fn json(value: *const cv::ls_value) -> Answer<Json> {
    let mut len = 0;
    // SAFETY: the value is lent by a transaction that is alive; the text is ours and freed once.
    unsafe {
        let text =
            get_some(ptr::null_mut(), |out, err| cv::ls_value_to_json(value, out, &raw mut len, err))?;
        let json = serde_json::from_slice(std::slice::from_raw_parts(text.cast(), len)).expect("JSON");
        cv::ls_text_free(text);
        Ok(json)
    }
}

#[derive(Debug)]
pub struct Store(*mut ct::ls_store);

impl Store {
    pub fn open(url: &str) -> Answer<Self> {
        let (text, len) = of(url);
        // SAFETY: the text outlives the call.
        get_some(ptr::null_mut(), |out, err| unsafe { ct::ls_store_open(text, len, ptr::null(), out, err) }).map(Self)
    }

    pub fn flush(&self) -> Answer<()> {
        // SAFETY: ours.
        done(|err| unsafe { ct::ls_store_flush(self.0, err) })
    }

    pub fn advance_ms(&self, ms: i64) -> Answer<()> {
        // SAFETY: ours.
        done(|err| unsafe { cq::ls_test_clock_advance(self.0, ms, err) })
    }

    pub fn now_ms(&self) -> Answer<i64> {
        // SAFETY: ours.
        get_some(0, |out, err| unsafe { cq::ls_test_clock_now(self.0, out, err) })
    }

    /// Makes everything fail as if no server were there.
    pub fn take_down(&self) -> Answer<()> {
        let ops = cq::LS_FAULT_OP_LOAD | cq::LS_FAULT_OP_WRITE | cq::LS_FAULT_OP_VERSIONS;
        let kind = cq::ls_fault::LS_FAULT_UNAVAILABLE as i32;
        // SAFETY: ours.
        done(|err| unsafe { cq::ls_test_fault(self.0, kind, ops, 0, 0, err) })
    }

    pub fn bring_up(&self) -> Answer<()> {
        // SAFETY: ours.
        done(|err| unsafe { cq::ls_test_fault_clear(self.0, err) })
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // SAFETY: ours, once.
        unsafe { ct::ls_store_free(self.0) }
    }
}

#[derive(Debug)]
pub struct Container(*mut cc::ls_container);

impl Container {
    pub fn open(store: &Store, name: &str) -> Answer<Self> {
        let (text, len) = of(name);
        // SAFETY: store and text outlive the call.
        get_some(ptr::null_mut(), |out, err| unsafe { cc::ls_container_open(store.0, text, len, out, err) }).map(Self)
    }

    pub fn set(&self, option: cc::ls_container_option, value: i64) -> Answer<()> {
        // SAFETY: ours.
        done(|err| unsafe { cc::ls_container_set(self.0, option as i32, value, err) })
    }

    pub fn option(&self, option: cc::ls_container_option) -> Answer<i64> {
        // SAFETY: ours.
        get_some(0, |out, err| unsafe { cc::ls_container_get(self.0, option as i32, out, err) })
    }

    pub fn last_access_ms(&self) -> Answer<i64> {
        // SAFETY: ours.
        get_some(0, |out, err| unsafe { cc::ls_container_last_access(self.0, out, err) })
    }

    /// Loses a stored session as an eviction would; false if there is none.
    pub fn evict(&self, id: &str) -> Answer<bool> {
        let (id, len) = of(id);
        // SAFETY: ours, and the id outlives the call.
        call(|err| unsafe { cq::ls_test_session_drop(self.0, id, len, err) })
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        // SAFETY: ours, once.
        unsafe { cc::ls_container_free(self.0) }
    }
}

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
struct RawTxn(*mut cx::ls_txn);

impl Drop for RawTxn {
    fn drop(&mut self) {
        // SAFETY: ours, once, after the last handle.
        unsafe { cx::ls_txn_free(self.0) }
    }
}

#[derive(Debug, Clone)]
pub struct Txn(Rc<RawTxn>);

impl Txn {
    pub fn begin() -> Answer<Self> {
        // SAFETY: nothing goes in.
        let raw = get_some(ptr::null_mut(), |out, err| unsafe { cx::ls_txn_begin(out, err) })?;
        Ok(Self(Rc::new(RawTxn(raw))))
    }

    fn raw(&self) -> *mut cx::ls_txn {
        self.0.0
    }

    pub fn open(&self, container: &Container, id: &str) -> Answer<Session> {
        let (id, len) = of(id);
        // SAFETY: all of it outlives the call.
        let raw = get_some(ptr::null_mut(), |out, err| unsafe {
            cs::ls_session_get(self.raw(), container.0, id, len, out, err)
        })?;
        Ok(Session { raw, txn: self.clone() })
    }

    pub fn exists(&self, container: &Container, id: &str) -> Answer<bool> {
        let (id, len) = of(id);
        // SAFETY: all of it outlives the call.
        call(|err| unsafe { cs::ls_session_exists(self.raw(), container.0, id, len, err) })
    }

    pub fn commit(&self) -> Answer<()> {
        // SAFETY: ours.
        done(|err| unsafe { cx::ls_txn_commit(self.raw(), err) })
    }

    pub fn abort(&self) -> Answer<()> {
        // SAFETY: ours.
        done(|err| unsafe { cx::ls_txn_abort(self.raw(), err) })
    }

    pub fn state(&self) -> i32 {
        // SAFETY: ours.
        unsafe { cx::ls_txn_state(self.raw()) }
    }

    pub fn savepoint(&self) -> Answer<u64> {
        // SAFETY: ours.
        get_some(0, |out, err| unsafe { cx::ls_txn_savepoint(self.raw(), out, err) })
    }

    pub fn rollback(&self, savepoint: u64) -> Answer<()> {
        // SAFETY: ours.
        done(|err| unsafe { cx::ls_txn_rollback(self.raw(), savepoint, err) })
    }

    pub fn is_valid(&self, savepoint: u64) -> bool {
        // SAFETY: ours.
        unsafe { cx::ls_txn_savepoint_valid(self.raw(), savepoint) }
    }

    /// The open sessions, in the order of opening.
    pub fn sessions(&self) -> Answer<Vec<Session>> {
        // SAFETY: ours.
        let count = unsafe { cx::ls_txn_session_count(self.raw()) };
        let at = |index| {
            // SAFETY: ours.
            let raw = get_some(ptr::null_mut(), |out, err| unsafe {
                cx::ls_txn_session_at(self.raw(), index, out, err)
            })?;
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
                container: text(lent(|out, len, err| cr::ls_txn_report_container(raw, i, out, len, err))?),
                id: text(lent(|out, len, err| cr::ls_txn_report_id(raw, i, out, len, err))?),
                is_write: get_some(-1, |out, err| cr::ls_txn_report_kind(raw, i, out, err))?
                    == cr::ls_report_kind::LS_REPORT_WRITE as i32,
                is_stored: get_some(-1, |out, err| cr::ls_txn_report_outcome(raw, i, out, err))?
                    == cr::ls_outcome::LS_OUTCOME_STORED as i32,
                timeout_ms: get_some(-1, |out, err| cr::ls_txn_report_timeout(raw, i, out, err))?,
            })
        };
        // SAFETY: ours.
        (0..unsafe { cr::ls_txn_report_count(raw) }).map(entry).collect()
    }
}

/// A session handle; two are equal if they are one pointer.
#[derive(Debug, Clone)]
pub struct Session {
    raw: *mut cs::ls_session,
    txn: Txn,
}

impl PartialEq for Session {
    fn eq(&self, other: &Self) -> bool {
        self.raw == other.raw
    }
}

impl Session {
    pub fn id(&self) -> Answer<String> {
        // SAFETY: lent by a transaction that is alive.
        lent(|out, len, err| unsafe { cs::ls_session_id(self.raw, out, len, err) })
            .map(|id| String::from_utf8(id).unwrap())
    }

    pub fn is_new(&self) -> bool {
        // SAFETY: as above.
        unsafe { cs::ls_session_is_new(self.raw) }
    }

    pub fn accessed_ms(&self) -> Answer<i64> {
        // SAFETY: as above.
        get_some(0, |out, err| unsafe { cs::ls_session_accessed(self.raw, out, err) })
    }

    pub fn content(&self) -> Answer<Json> {
        // SAFETY: as above.
        json(get_some(ptr::null(), |out, err| unsafe { cs::ls_session_content(self.raw, out, err) })?)
    }

    pub fn pkg_names(&self) -> Answer<Json> {
        // SAFETY: as above.
        json(get_some(ptr::null(), |out, err| unsafe { cs::ls_session_pkg_names(self.raw, out, err) })?)
    }

    pub fn clear(&self) -> Answer<()> {
        // SAFETY: as above.
        done(|err| unsafe { cs::ls_session_clear(self.raw, err) })
    }

    pub fn pkg(&self, name: &str) -> Answer<Pkg> {
        let (name, len) = of(name);
        // SAFETY: as above.
        get_some(ptr::null_mut(), |out, err| unsafe { cs::ls_session_pkg(self.raw, name, len, out, err) })
            .map(|raw| Pkg { raw, txn: self.txn.clone() })
    }

    pub fn peek_pkg(&self, name: &str) -> Answer<Option<Pkg>> {
        let (name, len) = of(name);
        // SAFETY: as above.
        let raw = get(ptr::null_mut(), |out, err| unsafe { cs::ls_session_peek_pkg(self.raw, name, len, out, err) })?;
        Ok(raw.map(|raw| Pkg { raw, txn: self.txn.clone() }))
    }

    pub fn delete_pkg(&self, name: &str) -> Answer<bool> {
        let (name, len) = of(name);
        // SAFETY: as above.
        call(|err| unsafe { cs::ls_session_delete_pkg(self.raw, name, len, err) })
    }
}

/// A package handle; two are equal if they are one pointer.
#[derive(Debug, Clone)]
pub struct Pkg {
    raw: *mut cp::ls_pkg,
    txn: Txn,
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
        get(ptr::null(), |out, err| unsafe { cp::ls_pkg_get(self.raw, key, len, out, err) })?.map(json).transpose()
    }

    pub fn set(&self, key: &str, value: &Json) -> Answer<()> {
        let (key, len) = of(key);
        let value = Owned::new(value)?;
        // SAFETY: as above; the value is ours.
        done(|err| unsafe { cp::ls_pkg_set(self.raw, key, len, value.0, err) })
    }

    pub fn delete(&self, key: &str) -> Answer<bool> {
        let (key, len) = of(key);
        // SAFETY: as above.
        call(|err| unsafe { cp::ls_pkg_delete(self.raw, key, len, err) })
    }

    pub fn contains(&self, key: &str) -> Answer<bool> {
        let (key, len) = of(key);
        // SAFETY: as above.
        call(|err| unsafe { cp::ls_pkg_contains(self.raw, key, len, err) })
    }

    pub fn keys(&self) -> Answer<Json> {
        // SAFETY: as above.
        json(get_some(ptr::null(), |out, err| unsafe { cp::ls_pkg_keys(self.raw, out, err) })?)
    }

    pub fn len(&self) -> Answer<usize> {
        // SAFETY: as above.
        get_some(usize::MAX, |out, err| unsafe { cp::ls_pkg_len(self.raw, out, err) })
    }

    pub fn content(&self) -> Answer<Json> {
        // SAFETY: as above.
        json(get_some(ptr::null(), |out, err| unsafe { cp::ls_pkg_content(self.raw, out, err) })?)
    }

    pub fn clear(&self) -> Answer<()> {
        // SAFETY: as above.
        done(|err| unsafe { cp::ls_pkg_clear(self.raw, err) })
    }

    pub fn replace(&self, content: &Json) -> Answer<()> {
        let content = Owned::new(content)?;
        // SAFETY: as above; the value is ours.
        done(|err| unsafe { cp::ls_pkg_replace(self.raw, content.0, err) })
    }

    pub fn update(&self, content: &Json) -> Answer<()> {
        let content = Owned::new(content)?;
        // SAFETY: as above; the value is ours.
        done(|err| unsafe { cp::ls_pkg_update(self.raw, content.0, err) })
    }
}
