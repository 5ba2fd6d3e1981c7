//! What a store counts: each of its servers for itself, and what belongs to none.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::latency::{self, Latencies};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $text:literal;)*) => {
        /// What is counted. The numbers are those of the C surface and fixed for ever.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(i32)]
        pub enum Counter {
            $($(#[$doc])* $name = $number,)*
        }

        impl Counter {
            /// All counters, by number.
            pub const ALL: [Self; COUNT] = [$(Self::$name),*];

            /// The counter's name as [`Stats::dump`] spells it.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

const COUNT: usize = 27;
/// How many are counted; the others are computed.
const COUNTED: usize = 22;

counters! {
    /// Items that the store was asked to load, write or tell the version of.
    Requests = 1, "requests";
    /// Loads that found a record.
    Hits = 2, "hits";
    /// Loads that found none.
    Misses = 3, "misses";
    /// Records stored; renewals are not counted.
    Writes = 4, "writes";
    /// Writes not applied because another version stood there.
    Conflicts = 5, "conflicts";
    /// Sessions that a commit merged with another writer's.
    Merges = 6, "merges";
    /// Writes that a commit tried again.
    Retries = 7, "retries";
    /// Commits that found a session gone.
    Gone = 8, "gone";
    /// Writes whose outcome stayed unknown.
    Unknown = 9, "unknown";
    /// Writes that the server refused.
    Refused = 10, "refused";
    /// Records dropped for want of memory.
    Evictions = 11, "evictions";
    /// Records removed because their time was over.
    Expired = 12, "expired";
    /// Bytes of records loaded.
    BytesRead = 13, "bytes_read";
    /// Bytes of records stored since the store was opened.
    BytesWritten = 14, "bytes_written";
    /// Records stored now, expired ones that were not swept yet included; embedded store only.
    Items = 15, "items";
    /// Bytes stored now, keys and overhead included; embedded store only.
    BytesStored = 16, "bytes_stored";
    /// Connections made.
    Connections = 17, "connections";
    /// Connections that are open now.
    ConnectionsOpen = 18, "connections_open";
    /// Tries to connect that failed.
    ConnectionsFailed = 19, "connections_failed";
    /// Exchanges and tries to connect whose time was over.
    Timeouts = 20, "timeouts";
    /// Times that a server was set aside because it failed.
    SetAside = 21, "set_aside";
    /// Exchanges that were answered: those whose latencies the next ones tell.
    Exchanges = 22, "exchanges";
    /// Nanoseconds that half of the exchanges took at most; off by 1.6 % at most, as the next three.
    LatencyP50 = 23, "latency_p50_ns";
    /// The same for 90 of 100.
    LatencyP90 = 24, "latency_p90_ns";
    /// The same for 99 of 100.
    LatencyP99 = 25, "latency_p99_ns";
    /// The same for 999 of 1,000.
    LatencyP999 = 26, "latency_p999_ns";
    /// Nanoseconds that the longest exchange took.
    LatencyMax = 27, "latency_max_ns";
}

impl Counter {
    /// The counter of this number.
    pub fn from_number(number: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|&counter| counter as i32 == number)
    }
}

/// One number for each counter that is counted.
#[derive(Debug, Default)]
struct Counts([AtomicU64; COUNTED]);

impl Counts {
    /// Numbers start at 1 and leave none out, so each has its place; what is computed has none.
    fn apply(&self, counter: Counter, work: impl FnOnce(&AtomicU64) -> u64) -> u64 {
        self.0.get(counter as usize - 1).map_or(0, work)
    }

    fn add(&self, counter: Counter, amount: u64) {
        self.apply(counter, |count| count.fetch_add(amount, Ordering::Relaxed));
    }

    fn subtract(&self, counter: Counter, amount: u64) {
        self.apply(counter, |count| count.fetch_sub(amount, Ordering::Relaxed));
    }

    fn get(&self, counter: Counter) -> u64 {
        self.apply(counter, |count| count.load(Ordering::Relaxed))
    }
}

/// The counters of one store, shared by all its handles. Reading and counting take no lock; two counters that are read
/// one after the other may be from two moments.
#[derive(Debug, Default)]
pub struct Stats {
    /// What belongs to no server.
    own: Counts,
    servers: Vec<Arc<ServerStats>>,
}

impl Stats {
    /// Those of a store on these servers.
    pub(super) fn of(servers: Vec<Arc<ServerStats>>) -> Self {
        Self { own: Counts::default(), servers }
    }

    /// Adds `amount`.
    pub fn add(&self, counter: Counter, amount: u64) {
        self.own.add(counter, amount);
    }

    /// Takes `amount` off, for what is stored now.
    pub(super) fn subtract(&self, counter: Counter, amount: u64) {
        self.own.subtract(counter, amount);
    }

    /// The count, over all servers.
    pub fn get(&self, counter: Counter) -> u64 {
        let latencies = || self.servers.iter().map(|server| &server.latencies).collect::<Vec<_>>();
        computed(counter, latencies).unwrap_or_else(|| {
            self.own.get(counter) + self.servers.iter().map(|server| server.counts.get(counter)).sum::<u64>()
        })
    }

    /// Those of each server of a store on memcached, in the order of their addresses.
    pub fn servers(&self) -> &[Arc<ServerStats>] {
        &self.servers
    }

    /// All counters as text for people: one in a line, name and count. Where there are servers it is a table with a line
    /// above it: first the counts of all together, then those of each server.
    pub fn dump(&self) -> String {
        if self.servers.is_empty() {
            return Counter::ALL.map(|counter| format!("{} {}\n", counter.name(), self.get(counter))).concat();
        }
        let names = column("", |counter| counter.name().to_owned());
        let all = column("all", |counter| self.get(counter).to_string());
        let servers =
            self.servers.iter().map(|server| column(server.name(), |counter| server.get(counter).to_string()));
        table(&[names, all].into_iter().chain(servers).collect::<Vec<_>>())
    }
}

/// A title, and what stands below it for each counter.
fn column(title: &str, cell: impl Fn(Counter) -> String) -> Vec<String> {
    std::iter::once(title.to_owned()).chain(Counter::ALL.map(cell)).collect()
}

/// Lines of cells, each column as wide as its widest; the first begins at the left, the others end at the right.
fn table(columns: &[Vec<String>]) -> String {
    let mut text = String::new();
    for line in 0..=COUNT {
        for (at, column) in columns.iter().enumerate() {
            let width = column.iter().map(String::len).max().unwrap_or(0);
            let cell = column.get(line).map(String::as_str).unwrap_or_default();
            // Writing to a string cannot fail.
            let _ = if at == 0 { write!(text, "{cell:width$}") } else { write!(text, "  {cell:>width$}") };
        }
        text.push('\n');
    }
    text
}

/// The counters of one server of a store.
#[derive(Debug)]
pub struct ServerStats {
    name: String,
    counts: Counts,
    latencies: Latencies,
}

impl ServerStats {
    pub(super) fn new(name: String) -> Self {
        Self { name, counts: Counts::default(), latencies: Latencies::default() }
    }

    /// The server's name, as the store's URL has it: host and port, or the path of a socket.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The count for this server alone.
    pub fn get(&self, counter: Counter) -> u64 {
        computed(counter, || vec![&self.latencies]).unwrap_or_else(|| self.counts.get(counter))
    }

    pub(super) fn add(&self, counter: Counter, amount: u64) {
        self.counts.add(counter, amount);
    }

    /// Counts an exchange that was answered after so long.
    pub(super) fn answered(&self, took: Duration) {
        self.counts.add(Counter::Exchanges, 1);
        self.latencies.add(took);
    }
}

/// A connection as the counters see it: open until it is dropped.
#[derive(Debug)]
pub(super) struct Open(Arc<ServerStats>);

impl Open {
    pub(super) fn new(stats: &Arc<ServerStats>) -> Self {
        stats.add(Counter::Connections, 1);
        stats.add(Counter::ConnectionsOpen, 1);
        Self(Arc::clone(stats))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.counts.subtract(Counter::ConnectionsOpen, 1);
    }
}

/// What is not counted but computed, from how long exchanges took.
fn computed<'l>(counter: Counter, latencies: impl FnOnce() -> Vec<&'l Latencies>) -> Option<u64> {
    let thousandths = match counter {
        Counter::LatencyP50 => 500,
        Counter::LatencyP90 => 900,
        Counter::LatencyP99 => 990,
        Counter::LatencyP999 => 999,
        Counter::LatencyMax => return Some(latency::longest(&latencies())),
        _ => return None,
    };
    Some(latency::quantile(&latencies(), thousandths))
}
