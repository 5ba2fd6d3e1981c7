//! Transactions that are left in the middle, through the C functions: freed while an operation is inside them, or their
//! queue freed, or the operation cancelled.
#![allow(unsafe_code, reason = "the C functions are what is tested")]

use std::ffi::c_char;
use std::ptr::{null, null_mut};
use std::time::{Duration, Instant};

use lovely_session::capi::container::{ls_container, ls_container_free, ls_container_open, ls_container_set};
use lovely_session::capi::options::{ls_options_free, ls_options_new, ls_options_set};
use lovely_session::capi::pkg::{ls_pkg, ls_pkg_add, ls_pkg_set_i64, ls_pkg_set_text};
use lovely_session::capi::queue::{
    ls_completion, ls_queue, ls_queue_cancel, ls_queue_flush, ls_queue_free, ls_queue_new, ls_queue_set, ls_queue_wait,
    ls_session_get_start, ls_txn_commit_start, ls_txn_prefetch_start,
};
use lovely_session::capi::session::{ls_session, ls_session_content, ls_session_is_new, ls_session_pkg};
use lovely_session::capi::store::{ls_store, ls_store_free, ls_store_open};
use lovely_session::capi::txn::{ls_txn, ls_txn_begin, ls_txn_free, ls_txn_state};
use lovely_session::capi::value::{ls_text_free, ls_value_to_json};
use lovely_session::container::ContainerOption;
use lovely_session::error::Status;
use lovely_session::store::StoreOption;
use lovely_session::txn::{Outcome, State};

use crate::config::{CONTAINERS, RECREATE};
use crate::history::{Act, Call, Deed, Entry, Feat, Nanos, Place, Record, now};
use crate::random::Random;
use crate::state::{Content, Datum, KEYS};
use crate::work::Worker;

/// The containers of one thread.
#[derive(Debug)]
pub struct Containers {
    store: *mut ls_store,
    containers: Vec<*mut ls_container>,
}

impl Containers {
    /// Those on the store at `url`, which is opened with `settings`.
    pub fn open(url: &str, settings: &[(StoreOption, u64)]) -> Self {
        let (mut store, mut options) = (null_mut(), null_mut());
        // SAFETY: texts and places for results outlive the calls, here and below.
        unsafe {
            check(ls_options_new(&raw mut options, null_mut()));
            for (option, value) in settings {
                let value = i64::try_from(*value).unwrap();
                check(ls_options_set(options, *option as i32, value, null_mut()));
            }
            check(ls_store_open(text(url), url.len(), options, &raw mut store, null_mut()));
            ls_options_free(options);
        }
        let open = |(name, policy): (&str, lovely_session::container::Policy)| unsafe {
            let mut container = null_mut();
            check(ls_container_open(store, text(name), name.len(), &raw mut container, null_mut()));
            let recreate = (ContainerOption::Recreate, i64::from(name == RECREATE));
            for (option, value) in [(ContainerOption::Policy, i64::from(policy as i32)), recreate] {
                check(ls_container_set(container, option as i32, value, null_mut()));
            }
            container
        };
        Self { store, containers: CONTAINERS.into_iter().map(open).collect() }
    }
}

impl Drop for Containers {
    fn drop(&mut self) {
        // SAFETY: ours, once.
        unsafe {
            self.containers.iter().for_each(|container| ls_container_free(*container));
            ls_store_free(self.store);
        }
    }
}

/// How an operation is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leave {
    Not,
    FreeTxn,
    FreeQueue,
    Cancel,
}

impl Leave {
    fn random(random: &mut Random) -> Self {
        [Self::Not, Self::FreeTxn, Self::FreeQueue, Self::Cancel][random.below(4)]
    }
}

/// What became of an operation.
#[derive(Debug, Clone, Copy)]
enum Ended {
    /// Its completion came.
    With { status: i32, session: *mut ls_session },
    /// Its queue was freed.
    Untold,
    /// Its transaction was freed.
    Freed,
}

/// One transaction on a queue of its own; both are freed with it if they were not before.
struct Abandoned<'w, 'a> {
    worker: &'w mut Worker<'a>,
    txn: *mut ls_txn,
    queue: *mut ls_queue,
}

/// Opens a session, changes it and commits, and may leave any of it half done.
pub fn transaction(worker: &mut Worker<'_>, containers: &Containers) {
    let (mut txn, mut queue) = (null_mut(), null_mut());
    // SAFETY: places for results outlive the calls.
    unsafe {
        check(ls_txn_begin(&raw mut txn, null_mut()));
        check(ls_queue_new(&raw mut queue, null_mut()));
        check(ls_queue_set(queue, 2, i64::from(worker.one_in(2)), null_mut()));
    }
    worker.next_tag();
    let place = worker.some_place();
    let container = containers.containers[place.container];
    Abandoned { worker, txn, queue }.run(&place, container);
}

impl Abandoned<'_, '_> {
    fn run(mut self, place: &Place, container: *const ls_container) {
        let t0 = now();
        self.worker.trying(place, t0);
        let Some(session) = self.open(place, container) else { return };
        let t1 = now();
        // SAFETY: the session belongs to the transaction, which nobody else has.
        let content = if unsafe { ls_session_is_new(session) } { None } else { Some(self.content(session)) };
        let tag = self.worker.tag;
        let is_new = content.is_none();
        self.worker.log(&Record::Opened { tag, place: place.clone(), t0, t1, is_created: false, content });
        let act = self.change(session, place, is_new);
        let t0 = now();
        self.worker.log(&Record::Intent { tag, t0, acts: vec![act] });
        self.commit(place, t0);
    }

    fn open(&mut self, place: &Place, container: *const ls_container) -> Option<*mut ls_session> {
        let (t0, mut op) = (now(), 0);
        let (id, len) = (text(&place.id), place.id.len());
        if self.worker.one_in(3) {
            // SAFETY: all of it outlives the call; the operation has a copy.
            unsafe {
                check(ls_txn_prefetch_start(
                    self.txn,
                    container,
                    [id, id].as_ptr(),
                    [len, len].as_ptr(),
                    2,
                    self.queue,
                    1,
                    &raw mut op,
                    null_mut(),
                ));
            }
            // What it comes to does not matter: what is opened after it is open, or is opened then.
            self.end(op, Leave::Not, Call::Prefetch, t0);
        }
        // SAFETY: as above.
        unsafe {
            check(ls_session_get_start(self.txn, container, id, len, self.queue, 1, &raw mut op, null_mut()));
        }
        let leave = if self.worker.one_in(4) { Leave::random(&mut self.worker.random) } else { Leave::Not };
        match self.end(op, leave, Call::Open, t0) {
            Ended::With { status: 0, session } => Some(session),
            Ended::Untold => {
                self.expect_state(&[State::Active]);
                None
            }
            Ended::With { .. } | Ended::Freed => None,
        }
    }

    fn commit(&mut self, place: &Place, t0: Nanos) {
        let mut op = 0;
        // SAFETY: the place for the number outlives the call.
        unsafe { check(ls_txn_commit_start(self.txn, self.queue, 1, &raw mut op, null_mut())) };
        let leave = Leave::random(&mut self.worker.random);
        let status = match self.end(op, leave, Call::Commit, t0) {
            Ended::With { status, .. } => Some(status),
            // What it was not told, the transaction knows.
            Ended::Untold => {
                let state = self.expect_state(&[State::Committed, State::Failed, State::Active]);
                (state == State::Committed as i32).then_some(0)
            }
            Ended::Freed => None,
        };
        let Some(status) = status else { return };
        let outcome = match status {
            0 => Outcome::Stored,
            _ if status == Status::Unknown as i32 => Outcome::Unknown,
            _ => Outcome::NotStored,
        };
        let entry = Entry { place: place.clone(), is_destroy: false, outcome: outcome as i32, status };
        self.worker.log(&Record::Outcome { tag: self.worker.tag, t1: now(), status, report: vec![entry] });
    }

    /// Lets an operation end, or leaves it.
    fn end(&mut self, op: u64, leave: Leave, what: Call, t0: Nanos) -> Ended {
        let pause = Duration::from_micros(self.worker.random.next() % 1_500);
        // SAFETY: queue and transaction are alive until they are freed here.
        unsafe {
            check(ls_queue_flush(self.queue, null_mut()));
            if leave != Leave::Not {
                std::thread::sleep(pause);
            }
            match leave {
                Leave::Not => {}
                Leave::Cancel => check(ls_queue_cancel(self.queue, op, null_mut())),
                Leave::FreeTxn => {
                    self.worker.did(Feat::TxnFreed);
                    ls_txn_free(std::mem::replace(&mut self.txn, null_mut()));
                }
                Leave::FreeQueue => {
                    self.worker.did(Feat::CQueueFreed);
                    ls_queue_free(std::mem::replace(&mut self.queue, null_mut()));
                    return Ended::Untold;
                }
            }
        }
        let (status, session, message) = self.completion(op);
        let result = if status == 0 { Ok(()) } else { Err((status, message)) };
        self.worker.called_with(what, t0, now(), result);
        match leave {
            Leave::FreeTxn => {
                if !session.is_null() {
                    self.worker.wrong("a session was handed out of a transaction that was freed".to_owned());
                }
                Ended::Freed
            }
            _ => Ended::With { status, session },
        }
    }

    /// Waits for the only operation that there is.
    fn completion(&mut self, op: u64) -> (i32, *mut ls_session, String) {
        let until = Instant::now() + Duration::from_secs(30);
        loop {
            let (mut completions, mut count) = ([std::mem::MaybeUninit::<ls_completion>::uninit(); 2], 0);
            // SAFETY: room for two; as many are initialized as the count says.
            unsafe {
                check(ls_queue_wait(self.queue, completions[0].as_mut_ptr(), 2, &raw mut count, 100, null_mut()));
                if count > 0 {
                    let completion = completions[0].assume_init();
                    assert!(
                        count == 1 && completion.op == op && completion.user_data == 1,
                        "another operation came out"
                    );
                    let message =
                        completion.error.message.iter().map(|byte| byte.cast_unsigned()).take_while(|byte| *byte != 0);
                    let message = String::from_utf8_lossy(&message.collect::<Vec<u8>>()).into_owned();
                    return (completion.status, completion.session, message);
                }
            }
            assert!(Instant::now() < until, "an operation never came out of its queue");
        }
    }

    fn expect_state(&self, expected: &[State]) -> i32 {
        // SAFETY: the transaction is alive.
        let state = unsafe { ls_txn_state(self.txn) };
        if expected.iter().all(|expected| *expected as i32 != state) {
            self.worker.wrong(format!("a transaction whose queue was freed is in state {state}"));
        }
        state
    }

    fn content(&self, session: *mut ls_session) -> Content {
        let (mut value, mut json, mut len) = (null(), null_mut(), 0);
        // SAFETY: places for results outlive the calls; the text is as long as it says.
        let mut content: Content = unsafe {
            check(ls_session_content(session, &raw mut value, null_mut()));
            check(ls_value_to_json(value, &raw mut json, &raw mut len, null_mut()));
            let content = serde_json::from_slice(std::slice::from_raw_parts(json.cast(), len)).unwrap();
            ls_text_free(json);
            content
        };
        for value in content.values_mut().flat_map(|pkg| pkg.values_mut()) {
            if let Datum::Text(text) = value {
                *text = self.worker.unpadded(text);
            }
        }
        content
    }

    /// Counts, and sets one key.
    fn change(&mut self, session: *mut ls_session, place: &Place, is_new: bool) -> Act {
        let tag = self.worker.tag.of_session(0);
        let pkgs = ["a", "b", "n", "m"].map(|name| {
            let mut pkg = null_mut();
            // SAFETY: all of it outlives the call; the package belongs to the transaction.
            unsafe { check(ls_session_pkg(session, text(name), name.len(), &raw mut pkg, null_mut())) };
            pkg
        });
        let [a, b, n, m] = pkgs;
        if is_new {
            set_text(m, "id", &place.id);
            for pkg in [a, b, n] {
                set_int(pkg, &format!("@{tag}"), 1);
            }
        }
        let delta = 1 + i64::try_from(self.worker.random.below(9)).unwrap();
        // SAFETY: as above.
        unsafe { check(ls_pkg_add(n, text("counter"), 7, delta, null_mut(), null_mut())) };
        set_int(n, &format!("+{tag}"), delta);
        let key = u8::try_from(self.worker.random.below(usize::from(KEYS))).unwrap();
        let value = self.worker.padded_text(&tag.to_string());
        for pkg in [a, b] {
            set_text(pkg, &format!("k{key}"), &value);
        }
        let (sets, deletes) = (vec![key], Vec::new());
        let deed = Deed::Write { delta, sets, deletes, new_id: None, deadline: None, timeout: None };
        Act { tag, place: place.clone(), deed }
    }
}

impl Drop for Abandoned<'_, '_> {
    fn drop(&mut self) {
        // SAFETY: ours, once; what was freed before is NULL. In either order.
        unsafe {
            if self.worker.one_in(2) {
                ls_queue_free(self.queue);
                ls_txn_free(self.txn);
            } else {
                ls_txn_free(self.txn);
                ls_queue_free(self.queue);
            }
        }
    }
}

fn set_text(pkg: *mut ls_pkg, key: &str, value: &str) {
    // SAFETY: all of it outlives the call.
    unsafe { check(ls_pkg_set_text(pkg, text(key), key.len(), text(value), value.len(), null_mut())) };
}

fn set_int(pkg: *mut ls_pkg, key: &str, value: i64) {
    // SAFETY: all of it outlives the call.
    unsafe { check(ls_pkg_set_i64(pkg, text(key), key.len(), value, null_mut())) };
}

fn text(text: &str) -> *const c_char {
    text.as_ptr().cast()
}

fn check(status: i32) {
    assert_eq!(status, 0, "a call that needs no server failed");
}
