//! What stores count, in all and for each server.

use std::ffi::c_char;

use super::args;
use super::error::ls_error;
use super::guard;
use super::out::{LentText, OwnedText, Plain, WithNul, copy_text};
use super::store::ls_store;
use crate::error::{Error, Result};
use crate::store::Counter;

/// A counter of a store, or of one of its servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub enum ls_stat {
    /// Items that the store was asked to load, write or tell the version of.
    LS_STAT_REQUESTS = 1,
    /// Loads that found a record.
    LS_STAT_HITS = 2,
    /// Loads that found none.
    LS_STAT_MISSES = 3,
    /// Records stored; renewals are not counted.
    LS_STAT_WRITES = 4,
    /// Writes not applied because another version stood there.
    LS_STAT_CONFLICTS = 5,
    /// Sessions that a commit merged with another writer's.
    LS_STAT_MERGES = 6,
    /// Writes that a commit tried again.
    LS_STAT_RETRIES = 7,
    /// Commits that found a session gone.
    LS_STAT_GONE = 8,
    /// Writes whose outcome stayed unknown.
    LS_STAT_UNKNOWN = 9,
    /// Writes that the server refused.
    LS_STAT_REFUSED = 10,
    /// Records dropped for want of memory.
    LS_STAT_EVICTIONS = 11,
    /// Records removed because their time was over.
    LS_STAT_EXPIRED = 12,
    /// Bytes of records loaded.
    LS_STAT_BYTES_READ = 13,
    /// Bytes of records stored since the store was opened.
    LS_STAT_BYTES_WRITTEN = 14,
    /// Records stored now, expired ones that were not swept yet included; `memory://` only.
    LS_STAT_ITEMS = 15,
    /// Bytes stored now, keys and overhead included; `memory://` only.
    LS_STAT_BYTES_STORED = 16,
    /// Connections made.
    LS_STAT_CONNECTIONS = 17,
    /// Connections that are open now.
    LS_STAT_CONNECTIONS_OPEN = 18,
    /// Tries to connect that failed.
    LS_STAT_CONNECTIONS_FAILED = 19,
    /// Exchanges and tries to connect whose time was over.
    LS_STAT_TIMEOUTS = 20,
    /// Times that a server was set aside because it failed.
    LS_STAT_SET_ASIDE = 21,
    /// Exchanges that were answered: those whose latencies the next ones tell. None on `memory://`.
    LS_STAT_EXCHANGES = 22,
    /// Nanoseconds that half of the exchanges took at most; off by 1.6 % at most, as the next three.
    LS_STAT_LATENCY_P50 = 23,
    /// The same for 90 of 100.
    LS_STAT_LATENCY_P90 = 24,
    /// The same for 99 of 100.
    LS_STAT_LATENCY_P99 = 25,
    /// The same for 999 of 1,000.
    LS_STAT_LATENCY_P999 = 26,
    /// Nanoseconds that the longest exchange took.
    LS_STAT_LATENCY_MAX = 27,
}

const _: () = {
    assert!(ls_stat::LS_STAT_REQUESTS as i32 == Counter::Requests as i32);
    assert!(ls_stat::LS_STAT_HITS as i32 == Counter::Hits as i32);
    assert!(ls_stat::LS_STAT_MISSES as i32 == Counter::Misses as i32);
    assert!(ls_stat::LS_STAT_WRITES as i32 == Counter::Writes as i32);
    assert!(ls_stat::LS_STAT_CONFLICTS as i32 == Counter::Conflicts as i32);
    assert!(ls_stat::LS_STAT_MERGES as i32 == Counter::Merges as i32);
    assert!(ls_stat::LS_STAT_RETRIES as i32 == Counter::Retries as i32);
    assert!(ls_stat::LS_STAT_GONE as i32 == Counter::Gone as i32);
    assert!(ls_stat::LS_STAT_UNKNOWN as i32 == Counter::Unknown as i32);
    assert!(ls_stat::LS_STAT_REFUSED as i32 == Counter::Refused as i32);
    assert!(ls_stat::LS_STAT_EVICTIONS as i32 == Counter::Evictions as i32);
    assert!(ls_stat::LS_STAT_EXPIRED as i32 == Counter::Expired as i32);
    assert!(ls_stat::LS_STAT_BYTES_READ as i32 == Counter::BytesRead as i32);
    assert!(ls_stat::LS_STAT_BYTES_WRITTEN as i32 == Counter::BytesWritten as i32);
    assert!(ls_stat::LS_STAT_ITEMS as i32 == Counter::Items as i32);
    assert!(ls_stat::LS_STAT_BYTES_STORED as i32 == Counter::BytesStored as i32);
    assert!(ls_stat::LS_STAT_CONNECTIONS as i32 == Counter::Connections as i32);
    assert!(ls_stat::LS_STAT_CONNECTIONS_OPEN as i32 == Counter::ConnectionsOpen as i32);
    assert!(ls_stat::LS_STAT_CONNECTIONS_FAILED as i32 == Counter::ConnectionsFailed as i32);
    assert!(ls_stat::LS_STAT_TIMEOUTS as i32 == Counter::Timeouts as i32);
    assert!(ls_stat::LS_STAT_SET_ASIDE as i32 == Counter::SetAside as i32);
    assert!(ls_stat::LS_STAT_EXCHANGES as i32 == Counter::Exchanges as i32);
    assert!(ls_stat::LS_STAT_LATENCY_P50 as i32 == Counter::LatencyP50 as i32);
    assert!(ls_stat::LS_STAT_LATENCY_P90 as i32 == Counter::LatencyP90 as i32);
    assert!(ls_stat::LS_STAT_LATENCY_P99 as i32 == Counter::LatencyP99 as i32);
    assert!(ls_stat::LS_STAT_LATENCY_P999 as i32 == Counter::LatencyP999 as i32);
    assert!(ls_stat::LS_STAT_LATENCY_MAX as i32 == Counter::LatencyMax as i32);
};

fn counter(number: i32) -> Result<Counter> {
    Counter::from_number(number).ok_or_else(|| Error::Argument(format!("counter {number} does not exist").into()))
}

/// Reads one counter of the store, counted since it was opened in this process, for all handles and all servers together.
///
/// `store`: what to ask.
/// `counter`: which, an `ls_stat`.
/// `out`: set to the count.
///
/// Returns `LS_OK`; `LS_ERR_ARGUMENT` for a counter that does not exist.
/// Ownership: none.
/// I/O: none. Threads: concurrent. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_store_stat(store: *const ls_store, counter: i32, out: *mut u64, err: *mut ls_error) -> i32 {
    guard::shared("store", store, Plain("out", out), err, |store| Ok(store.store.stats().get(self::counter(counter)?)))
}

/// Reads all counters of the store as text for people: it may grow. Each line has a name and its count; where there are
/// servers it is a table, with the counts of all together and then those of each server, and their names in the first line.
///
/// `store`: what to ask.
/// `out`, `out_len`: set to the text; see "Text".
///
/// Returns `LS_OK`.
/// Ownership: the text is yours; free it with `ls_text_free`.
/// I/O: none. Threads: concurrent. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_store_stats_text(
    store: *const ls_store,
    out: *mut *mut c_char,
    out_len: *mut usize,
    err: *mut ls_error,
) -> i32 {
    guard::shared("store", store, OwnedText(out, out_len), err, |store| copy_text(&store.store.stats().dump()))
}

/// Counts the servers of the store; 0 for a `memory://` store, for NULL, and in a call that is misused.
///
/// `store`: what to ask.
///
/// Returns the number.
/// Ownership: none.
/// I/O: none. Threads: concurrent. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_store_server_count(store: *const ls_store) -> usize {
    guard::answer(|| Ok(args::shared("store", store)?.store.stats().servers().len()))
}

/// Tells the name of one server: host and port, or the path of a socket, as errors and the log name it.
///
/// `store`: what to ask.
/// `index`: which server, from 0, in the order of their addresses.
/// `out`, `out_len`: set to the name; see "Text".
///
/// Returns `LS_OK`; `LS_NOT_FOUND` behind the last server.
/// Ownership: the text belongs to the handle and lives until `ls_store_free`.
/// I/O: none. Threads: concurrent. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_store_server_name(
    store: *const ls_store,
    index: usize,
    out: *mut *const c_char,
    out_len: *mut usize,
    err: *mut ls_error,
) -> i32 {
    guard::shared("store", store, LentText("out", out, out_len), err, |store| {
        store.servers.get(index).map(|name| WithNul::new(name.as_str_with_nul().as_bytes())).transpose()
    })
}

/// Reads one counter of one server, counted since the store was opened in this process, for all handles together.
///
/// `store`: what to ask.
/// `index`: which server, from 0, in the order of their addresses.
/// `counter`: which, an `ls_stat`.
/// `out`: set to the count.
///
/// Returns `LS_OK`; `LS_NOT_FOUND` behind the last server; `LS_ERR_ARGUMENT` for a counter that does not exist.
/// Ownership: none.
/// I/O: none. Threads: concurrent. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_store_server_stat(
    store: *const ls_store,
    index: usize,
    counter: i32,
    out: *mut u64,
    err: *mut ls_error,
) -> i32 {
    guard::shared("store", store, Plain("out", out), err, |store| {
        let counter = self::counter(counter)?;
        Ok(store.store.stats().servers().get(index).map(|server| server.get(counter)))
    })
}
