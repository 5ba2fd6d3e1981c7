//! A fork as a C host sees it: children go on with the parent's store and containers, and not with its transactions.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    reason = "tests"
)]
#![allow(unsafe_code, reason = "fork and waitpid")]

#[path = "conformance_support/c/mod.rs"]
mod c;
mod support;

use std::panic::{AssertUnwindSafe, catch_unwind};

use c::{Answer, Container, Store, Txn};
use lovely_session::capi::error::ls_status;
use serde_json::json;
use support::memcached::Memcached;

fn status<T: std::fmt::Debug>(answer: Answer<T>) -> i32 {
    answer.unwrap_err().status
}

/// What each process does on its own: sessions that nobody else has, and one that all share.
fn work(container: &Container, who: &str) {
    for i in 0..50 {
        let txn = Txn::begin().unwrap();
        let own = txn.open(container, who).unwrap();
        assert_eq!(own.is_new(), i == 0);
        let pkg = own.pkg("p").unwrap();
        if i > 0 {
            assert_eq!(pkg.get("who").unwrap(), Some(json!(who)), "an answer crossed over");
            assert_eq!(pkg.get("i").unwrap(), Some(json!(i - 1)));
        }
        pkg.set("who", &json!(who)).unwrap();
        pkg.set("i", &json!(i)).unwrap();
        txn.open(container, "shared").unwrap().pkg("p").unwrap().set(&format!("{who}-{i}"), &json!(i)).unwrap();
        txn.commit().unwrap();
    }
}

// What a fork must not break.
#[test]
fn children_work_on_and_the_parents_transactions_are_refused_in_them() {
    const MISUSE: i32 = ls_status::LS_ERR_MISUSE as i32;
    let server = Memcached::start(&[]);
    let store = Store::open(&server.url()).unwrap();
    let container = Container::open(&store, "c").unwrap();
    work(&container, "before");
    let txn = Txn::begin().unwrap();
    let session = txn.open(&container, "parents").unwrap();
    let pkg = session.pkg("p").unwrap();
    pkg.set("x", &json!(1)).unwrap();
    let children: Vec<libc::pid_t> = (0..4)
        .map(|i| {
            // SAFETY: the child leaves by `_exit` below.
            let child = unsafe { libc::fork() };
            assert!(child >= 0);
            if child == 0 {
                // SAFETY: without arguments that could be wrong.
                unsafe { libc::alarm(30) };
                let ended = catch_unwind(AssertUnwindSafe(|| {
                    assert_eq!(status(pkg.get("x")), MISUSE);
                    assert_eq!(status(pkg.set("x", &json!(2))), MISUSE);
                    assert_eq!(status(txn.open(&container, "other")), MISUSE);
                    assert_eq!(status(txn.commit()), MISUSE);
                    work(&container, &format!("child-{i}"));
                }));
                // SAFETY: leaves at once, whatever state the process is in.
                unsafe { libc::_exit(i32::from(ended.is_err())) };
            }
            child
        })
        .collect();
    work(&container, "parent");
    for child in children {
        let mut status = 0;
        // SAFETY: waits for a child of our own, into a local.
        while unsafe { libc::waitpid(child, &raw mut status, 0) } < 0 {}
        assert_eq!(status, 0);
    }
    txn.commit().unwrap();
    let txn = Txn::begin().unwrap();
    assert_eq!(txn.open(&container, "parents").unwrap().content().unwrap(), json!({"p": {"x": 1}}));
    let shared = txn.open(&container, "shared").unwrap().content().unwrap();
    assert_eq!(shared["p"].as_object().unwrap().len(), 6 * 50, "nobody's change was lost");
}
