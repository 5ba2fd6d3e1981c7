//! What the main paths cost, counted and not timed, so that it is the same on every machine.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod cost_support;
mod support;

use lovely_session::container::Container;
use lovely_session::io::blocking::run;
use lovely_session::value::Value;

use cost_support::{Cost, Costs, costs, measure, open, store_session, stored, stored_len};
use support::store::TestStore;

const SMALL: usize = 1_000;
const LARGE: usize = 200_000;

fn both() -> [Costs; 2] {
    [costs(SMALL), costs(LARGE)]
}

#[test]
fn the_sessions_that_are_measured_have_the_size_that_is_said() {
    for size in [SMALL, LARGE] {
        let len = stored_len(&stored(size));
        assert!(len.abs_diff(size as u64) < size as u64 / 10, "{len} bytes instead of {size}");
    }
}

#[test]
fn opening_a_large_session_decodes_no_value_of_it() {
    let [small, large] = both();
    assert_eq!((large.open.work.tables, large.open.work.values), (1, 0));
    assert_eq!(large.open.work, small.open.work);
    assert_eq!(large.open.allocations, small.open.allocations);
    assert_eq!(large.open.allocated, small.open.allocated);
}

#[test]
fn reading_three_keys_of_a_large_session_decodes_three_values() {
    let [_, large] = both();
    let work = large.read_three.work;
    assert_eq!((work.tables, work.values), (1, 3));
    // Three texts of 2 KB, and the table of one package of 50 keys.
    assert!(work.value_bytes < 3 * 2_100, "{work:?}");
    assert!(work.table_bytes < 1_000, "{work:?}");
}

#[test]
fn getting_an_unchanged_value_again_allocates_and_decodes_nothing() {
    for costs in both() {
        assert_eq!((costs.get_again.allocations, costs.get_again.work.values), (0, 0));
    }
}

#[test]
fn reading_text_of_the_loaded_session_allocates_nothing() {
    for costs in both() {
        assert_eq!((costs.scalar.allocations, costs.scalar.work.values), (0, 1));
    }
}

// Contract 3.6.
#[test]
fn a_savepoint_costs_the_same_whatever_the_size_of_the_session() {
    let [small, large] = both();
    assert_eq!(small.savepoint, large.savepoint);
    assert!(large.savepoint.allocations <= 1 && large.savepoint.allocated <= 64, "{:?}", large.savepoint);
    assert_eq!(large.savepoint.work.values, 0);
}

// Contract 3.6.
#[test]
fn a_rollback_costs_what_was_changed_and_not_what_is_there() {
    let [small, large] = both();
    assert_eq!(small.set, large.set);
    assert_eq!(small.rollback, large.rollback);
    assert!(large.rollback.allocated <= 256, "{:?}", large.rollback);
    assert_eq!(large.rollback.work.values, 0);
}

#[test]
fn a_commit_copies_a_large_session_once_and_decodes_nothing_of_it() {
    let [small, large] = both();
    assert_eq!(large.commit.work.values, 0);
    assert_eq!(large.commit.work.values, small.commit.work.values);
    assert!(large.commit.allocated < LARGE as u64 + LARGE as u64 / 4, "{:?}", large.commit);
}

/// Opening a session of about `size` bytes on memcached, and committing a change of one key; not for the first time.
fn on_memcached(size: usize) -> [Cost; 2] {
    let at = TestStore::memcached(&[]);
    let container = Container::open(&at.store, "c").unwrap();
    store_session(&container, size);
    let cycle = |value| {
        let ((mut txn, _, pkg), opened) = measure(|| open(&container));
        txn.set(pkg, "key000", Value::Int(value)).unwrap();
        let ((), commit) = measure(|| run(txn.commit()).unwrap().unwrap());
        [opened, commit]
    };
    cycle(1);
    cycle(2)
}

#[test]
fn a_cycle_on_memcached_asks_for_memory_a_few_times_whatever_the_size() {
    let [small_open, small_commit] = on_memcached(SMALL);
    let [large_open, large_commit] = on_memcached(LARGE);
    assert!(small_open.allocations <= 7 && large_open.allocations <= 7, "{small_open:?} {large_open:?}");
    // What is lent of a large one has to be listed.
    assert!(small_commit.allocations <= 5, "{small_commit:?}");
    assert!(large_commit.allocations <= 6, "{large_commit:?}");
}

#[test]
fn a_commit_on_memcached_copies_nothing_of_a_large_session() {
    let [opened, commit] = on_memcached(LARGE);
    // Received once, into memory of its own size.
    assert!(opened.allocated < LARGE as u64 + LARGE as u64 / 8, "{opened:?}");
    // The table of 50 keys, twice: the list of where its entries come from, and its bytes.
    assert!(commit.allocated < 6_000, "{commit:?}");
}
