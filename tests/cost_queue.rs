//! What a cycle on a queue asks of memory, counted as a C host runs it: many visitors at once on one thread.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]
#![allow(unsafe_code, reason = "the functions are C's")]

mod cost_support;
mod support;

use std::ffi::CString;
use std::mem::MaybeUninit;
use std::ptr::{null, null_mut};

use lovely_session::capi::LS_NTS;
use lovely_session::capi::container::{ls_container, ls_container_free, ls_container_open};
use lovely_session::capi::pkg::{ls_pkg, ls_pkg_add, ls_pkg_set_bytes};
use lovely_session::capi::queue::{
    ls_completion, ls_queue, ls_queue_free, ls_queue_new, ls_queue_wait, ls_session_get_start, ls_txn_commit_start,
};
use lovely_session::capi::session::{ls_session, ls_session_pkg};
use lovely_session::capi::store::{ls_store, ls_store_free, ls_store_open};
use lovely_session::capi::txn::{ls_txn, ls_txn_begin, ls_txn_free};

use cost_support::{Cost, measure};
use support::memcached::Memcached;

const VISITORS: usize = 32;
const OK: i32 = 0;

/// A queue, and a container on memcached.
struct Host {
    _server: Memcached,
    store: *mut ls_store,
    container: *mut ls_container,
    queue: *mut ls_queue,
    ids: Vec<CString>,
}

impl Host {
    fn new() -> Self {
        let server = Memcached::start(&[]);
        let url = CString::new(server.url()).unwrap();
        let ids = (0..VISITORS).map(|i| CString::new(format!("visitor-{i}")).unwrap()).collect();
        let (mut store, mut container, mut queue) = (null_mut(), null_mut(), null_mut());
        // SAFETY: texts end with a NUL, and places to write to are ours.
        unsafe {
            assert_eq!(ls_store_open(url.as_ptr(), LS_NTS, null(), &raw mut store, null_mut()), OK);
            assert_eq!(ls_container_open(store, c"c".as_ptr(), LS_NTS, &raw mut container, null_mut()), OK);
            assert_eq!(ls_queue_new(&raw mut queue, null_mut()), OK);
        }
        Self { _server: server, store, container, queue, ids }
    }

    /// Takes what comes out of the queue until each visitor had two completions.
    fn each(&self, mut then: impl FnMut(usize, *mut ls_session)) {
        let mut done = [const { MaybeUninit::<ls_completion>::uninit() }; VISITORS];
        let mut left = 2 * VISITORS;
        while left > 0 {
            let mut count = 0;
            // SAFETY: there is room for as many as are asked for, and as many are read as were written.
            let done = unsafe {
                let out = done.as_mut_ptr().cast();
                assert_eq!(ls_queue_wait(self.queue, out, VISITORS, &raw mut count, -1, null_mut()), OK);
                std::slice::from_raw_parts(out, count)
            };
            for completion in done {
                assert_eq!(completion.status, OK);
                then(usize::try_from(completion.user_data).unwrap(), completion.session);
            }
            left -= count;
        }
    }

    /// One cycle of every visitor: opens the session, has `change` done to its package, and commits.
    fn cycles(&self, change: impl Fn(*mut ls_pkg)) {
        let mut txns = [null_mut::<ls_txn>(); VISITORS];
        // SAFETY: everything is alive, and used by this thread only.
        unsafe {
            for (i, txn) in txns.iter_mut().enumerate() {
                let (id, container, queue) = (self.ids[i].as_ptr(), self.container, self.queue);
                assert_eq!(ls_txn_begin(txn, null_mut()), OK);
                let op = null_mut();
                assert_eq!(ls_session_get_start(*txn, container, id, LS_NTS, queue, i as u64, op, null_mut()), OK);
            }
            self.each(|i, session| {
                if session.is_null() {
                    return ls_txn_free(txns[i]);
                }
                let mut pkg = null_mut();
                assert_eq!(ls_session_pkg(session, c"p".as_ptr(), LS_NTS, &raw mut pkg, null_mut()), OK);
                change(pkg);
                assert_eq!(ls_txn_commit_start(txns[i], self.queue, i as u64, null_mut(), null_mut()), OK);
            });
        }
    }

    /// What the cycles cost that add to a counter, not for the first time.
    fn cost(&self) -> Cost {
        let add = |pkg| {
            // SAFETY: alive.
            let added = unsafe { ls_pkg_add(pkg, c"n".as_ptr(), LS_NTS, 1, null_mut(), null_mut()) };
            assert_eq!(added, OK);
        };
        self.cycles(add);
        self.cycles(add);
        measure(|| self.cycles(add)).1
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // SAFETY: each is freed once, and nothing is under way.
        unsafe {
            ls_queue_free(self.queue);
            ls_container_free(self.container);
            ls_store_free(self.store);
        }
    }
}

#[test]
fn a_cycle_on_a_queue_asks_for_memory_a_few_times() {
    let cost = Host::new().cost();
    assert!(cost.allocations < 19 * VISITORS as u64, "{cost:?}");
    // The futures of its two operations are the largest of it: each is below a kilobyte.
    assert!(cost.allocated < 5_500 * VISITORS as u64, "{cost:?}");
}

#[test]
fn a_cycle_on_a_queue_makes_room_for_the_record_twice() {
    const SIZE: usize = 3_000;
    let host = Host::new();
    let small = host.cost().allocated;
    host.cycles(|pkg| {
        let bytes = [b'x'; SIZE];
        // SAFETY: alive, and as long as is said.
        let set = unsafe { ls_pkg_set_bytes(pkg, c"b".as_ptr(), LS_NTS, bytes.as_ptr().cast(), SIZE, null_mut()) };
        assert_eq!(set, OK);
    });
    // As it is received and as it is sent; what goes out with it was made of what went out before.
    let more = (host.cost().allocated - small) / VISITORS as u64;
    assert!(more.abs_diff(2 * SIZE as u64) < 300, "{more}");
}
