//! What the main paths cost: counts, which are the same on every machine, and beside them times, which are not.
//!
//! `tests/cost.rs` asserts the counts. The times are of whole cycles on the embedded store, by the size of the session.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "benchmarks"
)]

#[path = "../tests/cost_support/mod.rs"]
mod cost_support;

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion};
use lovely_session::container::Container;
use lovely_session::io::blocking::run;
use lovely_session::value::Value;

use cost_support::{Cost, Costs, KEYS, costs, open, stored};

/// The sizes of sessions whose cycles are timed.
const SIZES: [(&str, usize); 4] = [("200 B", 200), ("2 KiB", 2 << 10), ("16 KiB", 16 << 10), ("200 KiB", 200 << 10)];

/// A line of the table of counts: what is done, and where its cost stands.
type Step = (&'static str, fn(&Costs) -> Cost);

/// The lines of that table.
const STEPS: [Step; 8] = [
    ("begin, open, ask for a package", |costs| costs.open),
    ("get three values", |costs| costs.read_three),
    ("get a value again", |costs| costs.get_again),
    ("read text without a value", |costs| costs.scalar),
    ("savepoint", |costs| costs.savepoint),
    ("set a key after it", |costs| costs.set),
    ("roll that back", |costs| costs.rollback),
    ("commit one changed key", |costs| costs.commit),
];

fn print_counts() {
    println!(
        "Counts, for a session of 1 KB and one of 200 KB: allocations and their bytes; what was decoded: tables of"
    );
    println!("packages or keys and their bytes, values and their bytes.\n");
    println!(
        "{:<32} {:>6} {:>6} {:>8} {:>6} {:>6} {:>6} {:>6}",
        "", "", "alloc", "bytes", "tables", "bytes", "values", "bytes"
    );
    let sizes = [("1 KB", costs(1_000)), ("200 KB", costs(200_000))];
    for (step, of) in STEPS {
        for (size, costs) in &sizes {
            let Cost { allocations, allocated, work } = of(costs);
            println!(
                "{step:<32} {size:>6} {allocations:>6} {allocated:>8} {:>6} {:>6} {:>6} {:>6}",
                work.tables, work.table_bytes, work.values, work.value_bytes
            );
        }
    }
    println!();
}

/// A request that reads three keys.
fn read_three(container: &Container) {
    let (mut txn, _, pkg) = open(container);
    for key in KEYS {
        black_box(txn.scalar(pkg, key).unwrap());
    }
}

/// A request that changes one key and commits.
fn change_one(container: &Container, value: i64) {
    let (mut txn, _, pkg) = open(container);
    txn.set(pkg, "key000", Value::Int(value)).unwrap();
    run(txn.commit()).unwrap().unwrap();
}

fn cycles(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("open and read 3 keys");
    for (name, size) in SIZES {
        let container = stored(size);
        group.bench_function(BenchmarkId::from_parameter(name), |bencher| bencher.iter(|| read_three(&container)));
    }
    group.finish();
    let mut group = criterion.benchmark_group("open, change 1 key, commit");
    for (name, size) in SIZES {
        let container = stored(size);
        let mut value = 0;
        group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
            bencher.iter(|| {
                value += 1;
                change_one(&container, value);
            });
        });
    }
    group.finish();
}

fn main() {
    print_counts();
    let criterion =
        Criterion::default().warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    let mut criterion = criterion.without_plots().configure_from_args();
    cycles(&mut criterion);
    criterion.final_summary();
}
