//! Models: code of the library, run in every order in which threads can meet (loom). A wake-up that is lost shows as a
//! deadlock.
//!
//! The files under test are the library's own; what they are made of is replaced: locks and atomics by loom's, system calls
//! and neighbours by what stands here.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    unsafe_code,
    reason = "tests"
)]
#![allow(unreachable_pub, unused_imports, dead_code, reason = "files of another crate, and not all of it")]

mod io;
mod pool;
mod queue;

/// The library's.
mod error {
    pub use lovely_session::error::*;
}

/// Runs `model` in every order of its threads, but with no more than `changes` changes of mind: moments at which a thread
/// that could go on does not.
fn in_every_order(changes: Option<usize>, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = changes;
    builder.max_branches = 10_000;
    builder.check(model);
}
