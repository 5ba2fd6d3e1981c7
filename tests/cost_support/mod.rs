//! What the main paths cost, counted: allocations and decoding work, for sessions of two sizes.
//!
//! `tests/cost.rs` asserts these counts, `benches/session.rs` prints them beside times.
#![allow(unsafe_code, reason = "an allocator that counts has to be an allocator")]
#![allow(dead_code, reason = "each of the two uses its part")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

use lovely_session::container::Container;
use lovely_session::io::blocking::run;
use lovely_session::record::work::{self, Work};
use lovely_session::store::{Store, StoreOptions};
use lovely_session::txn::{PkgRef, SessionRef, Transaction};
use lovely_session::value::Value;

/// The system's allocator; counts what this thread asks for.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
    static ALLOCATED: Cell<u64> = const { Cell::new(0) };
}

fn count(bytes: usize) {
    ALLOCATIONS.set(ALLOCATIONS.get() + 1);
    ALLOCATED.set(ALLOCATED.get() + bytes as u64);
}

// SAFETY: every call goes to the system's allocator as it came; counting touches plain cells of the thread only.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller keeps the rules of `alloc`, which are the same there.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: `ptr` came from `System`, by `alloc` or `realloc`, with this layout.
        unsafe { System.dealloc(ptr, layout) }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        count(new_size);
        // SAFETY: as in `dealloc`, and the caller keeps the rules of `realloc`.
        unsafe { System.realloc(ptr, layout, new_size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What something cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cost {
    /// How often memory was asked for.
    pub(crate) allocations: u64,
    /// How many bytes were asked for in all.
    pub(crate) allocated: u64,
    /// Decoding work.
    pub(crate) work: Work,
}

/// Runs `what` and tells what it cost.
pub(crate) fn measure<T>(what: impl FnOnce() -> T) -> (T, Cost) {
    let (allocations, allocated, before) = (ALLOCATIONS.get(), ALLOCATED.get(), work::done());
    let result = what();
    let after = work::done();
    let cost = Cost {
        allocations: ALLOCATIONS.get() - allocations,
        allocated: ALLOCATED.get() - allocated,
        work: Work {
            tables: after.tables - before.tables,
            table_bytes: after.table_bytes - before.table_bytes,
            values: after.values - before.values,
            value_bytes: after.value_bytes - before.value_bytes,
        },
    };
    (result, cost)
}

/// The id of the session in a [`stored`] container.
pub(crate) const ID: &[u8] = b"a visitor";
/// Three keys that such a session has.
pub(crate) const KEYS: [&str; 3] = ["key000", "key001", "key003"];

/// A container of its own, with one session of about `size` bytes in two packages.
pub(crate) fn stored(size: usize) -> Container {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let url = format!("memory://cost-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    let container = Container::open(&Store::open(Some(&url), &StoreOptions::new()).unwrap(), "c").unwrap();
    store_session(&container, size);
    container
}

/// Stores a session of about `size` bytes in two packages.
pub(crate) fn store_session(container: &Container, size: usize) {
    let keys = (size / 4_000).clamp(4, 50);
    // What a record, a package and a key take beside their text.
    let len = (size.saturating_sub(150) / (2 * keys)).saturating_sub(20).max(1);
    let (mut txn, _, pkg) = open(container);
    let session = run(txn.open(container, ID)).unwrap().unwrap();
    for pkg in [pkg, txn.pkg(session, "other").unwrap()] {
        for key in 0..keys {
            txn.set(pkg, &format!("key{key:03}"), Value::text(&"x".repeat(len))).unwrap();
        }
    }
    run(txn.commit()).unwrap().unwrap();
}

/// Opens the session of a [`stored`] container, and its package.
pub(crate) fn open(container: &Container) -> (Transaction, SessionRef, PkgRef) {
    let mut txn = Transaction::new();
    let session = run(txn.open(container, ID)).unwrap().unwrap();
    let pkg = txn.pkg(session, "app").unwrap();
    (txn, session, pkg)
}

/// What the steps of a request cost on a session of one size.
#[derive(Debug)]
pub(crate) struct Costs {
    /// Beginning, opening the session and asking for a package.
    pub(crate) open: Cost,
    /// Reading three keys for the first time.
    pub(crate) read_three: Cost,
    /// Getting a value that was got before.
    pub(crate) get_again: Cost,
    /// Reading text of the loaded session without making a value of it.
    pub(crate) scalar: Cost,
    /// A savepoint, with one change before it.
    pub(crate) savepoint: Cost,
    /// Setting one key after a savepoint.
    pub(crate) set: Cost,
    /// Rolling that one change back.
    pub(crate) rollback: Cost,
    /// Committing a change of one key.
    pub(crate) commit: Cost,
}

/// Measures all steps on a session of about `size` bytes.
pub(crate) fn costs(size: usize) -> Costs {
    let container = stored(size);
    let ((mut txn, _, pkg), opened) = measure(|| open(&container));
    let (_, read_three) = measure(|| KEYS.map(|key| txn.get(pkg, key).unwrap().unwrap().kind()));
    let (_, get_again) = measure(|| txn.get(pkg, KEYS[0]).unwrap().unwrap().kind());
    let (_, scalar) = measure(|| txn.scalar(pkg, "key002").unwrap().is_some());
    txn.set(pkg, "key000", Value::Int(1)).unwrap();
    let (savepoint, making) = measure(|| txn.savepoint().unwrap());
    let ((), set) = measure(|| txn.set(pkg, "key001", Value::Int(2)).unwrap());
    let ((), rollback) = measure(|| txn.rollback(savepoint).unwrap());
    let ((), commit) = measure(|| run(txn.commit()).unwrap().unwrap());
    Costs { open: opened, read_three, get_again, scalar, savepoint: making, set, rollback, commit }
}

/// How large the session of a [`stored`] container is, as it is stored.
pub(crate) fn stored_len(container: &Container) -> u64 {
    use lovely_session::store::Counter;
    let read = || container.store().stats().get(Counter::BytesRead);
    let before = read();
    drop(open(container));
    read() - before
}
