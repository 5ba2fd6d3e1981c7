//! Counts of decoding work on this thread, so that tests and benchmarks can say what a read costs without a clock.

use std::cell::Cell;

/// What was done so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Work {
    /// Tables (of packages, of keys) that were checked.
    pub tables: u64,
    /// Bytes of those tables: counts, offsets and names.
    pub table_bytes: u64,
    /// Values that were decoded, whole or as a scalar.
    pub values: u64,
    /// Encoded bytes of those values.
    pub value_bytes: u64,
}

thread_local! {
    static WORK: Cell<Work> = const { Cell::new(Work { tables: 0, table_bytes: 0, values: 0, value_bytes: 0 }) };
}

/// The counts of this thread, from its start.
pub fn done() -> Work {
    WORK.get()
}

pub(super) fn table(bytes: usize) {
    let mut work = WORK.get();
    work.tables = work.tables.wrapping_add(1);
    work.table_bytes = work.table_bytes.wrapping_add(bytes as u64);
    WORK.set(work);
}

pub(super) fn value(bytes: usize) {
    let mut work = WORK.get();
    work.values = work.values.wrapping_add(1);
    work.value_bytes = work.value_bytes.wrapping_add(bytes as u64);
    WORK.set(work);
}
