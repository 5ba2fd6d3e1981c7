//! What a store counts.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

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

const COUNT: usize = 16;

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
}

impl Counter {
    /// The counter of this number.
    pub fn from_number(number: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|&counter| counter as i32 == number)
    }
}

/// The counters of one store, shared by all its handles. Reading and counting take no lock; two counters that are read
/// one after the other may be from two moments.
#[derive(Debug, Default)]
pub struct Stats {
    counts: [AtomicU64; COUNT],
}

impl Stats {
    /// Adds `amount`.
    pub fn add(&self, counter: Counter, amount: u64) {
        self.apply(counter, |count| count.fetch_add(amount, Ordering::Relaxed));
    }

    /// Takes `amount` off, for what is stored now.
    pub(super) fn subtract(&self, counter: Counter, amount: u64) {
        self.apply(counter, |count| count.fetch_sub(amount, Ordering::Relaxed));
    }

    /// The count.
    pub fn get(&self, counter: Counter) -> u64 {
        self.apply(counter, |count| count.load(Ordering::Relaxed))
    }

    /// All counters as text, one in a line: name, space, count.
    pub fn dump(&self) -> String {
        let mut text = String::new();
        for counter in Counter::ALL {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{} {}", counter.name(), self.get(counter));
        }
        text
    }

    /// Numbers start at 1 and leave none out, so each has its place.
    fn apply(&self, counter: Counter, work: impl FnOnce(&AtomicU64) -> u64) -> u64 {
        self.counts.get(counter as usize - 1).map_or(0, work)
    }
}
