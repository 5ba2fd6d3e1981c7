//! One table of the embedded store: an index of keys, entries in the order of their use, and when they expire.
//!
//! A table is used under its shard's lock. It counts what it holds and drops in the store's statistics.

use std::hash::BuildHasher;
use std::time::Duration;

use foldhash::quality::RandomState;
use hashbrown::HashTable;

use super::expiry::{Alarm, Alarms};
use super::recency::Slots;
use crate::store::{Blob, Counter, Key, Stats};

/// What an entry is counted with beyond its key and its bytes: its slot, index, alarms and allocations, about.
pub(super) const ENTRY_OVERHEAD: usize = 256;

/// One stored record.
#[derive(Debug)]
pub(super) struct Entry {
    key: Key,
    hash: u64,
    pub(super) blob: Blob,
    pub(super) cas: u64,
    expires: Option<Duration>,
    /// The alarm that it waits for, at `expires` or before.
    alarm: Option<Alarm>,
}

impl Entry {
    /// When it expires by the store's clock; `None` is never.
    pub(super) fn expires(&self) -> Option<Duration> {
        self.expires
    }

    fn is_expired(&self, now: Duration) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }
}

/// A key and its hash, computed once for each use.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hashed<'a> {
    key: &'a Key,
    pub(super) hash: u64,
}

impl<'a> Hashed<'a> {
    pub(super) fn new(key: &'a Key, state: &RandomState) -> Self {
        Self { key, hash: state.hash_one(key.as_str()) }
    }
}

/// What all operations need to know: the store's counters and the time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment<'a> {
    pub(super) stats: &'a Stats,
    pub(super) now: Duration,
}

#[derive(Debug)]
pub(super) struct Table {
    index: HashTable<usize>,
    entries: Slots<Entry>,
    alarms: Alarms,
}

impl Table {
    pub(super) fn new() -> Self {
        Self { index: HashTable::new(), entries: Slots::new(), alarms: Alarms::default() }
    }

    /// When the entry that was used longest ago was used.
    pub(super) fn oldest_tick(&self) -> Option<u64> {
        self.entries.oldest().map(|(_, tick)| tick)
    }

    /// Before when nothing expires.
    pub(super) fn earliest_expiry(&self) -> Option<Duration> {
        self.alarms.earliest()
    }

    /// The slot of `hashed`. An entry that expired is removed and not found.
    pub(super) fn find(&mut self, hashed: Hashed<'_>, moment: Moment<'_>) -> Option<usize> {
        let entries = &self.entries;
        let same = |&slot: &usize| entries.get(slot).is_some_and(|entry| entry.key == *hashed.key);
        let slot = *self.index.find(hashed.hash, same)?;
        if self.get(slot)?.is_expired(moment.now) {
            self.expire(slot, moment);
            return None;
        }
        Some(slot)
    }

    pub(super) fn get(&self, slot: usize) -> Option<&Entry> {
        self.entries.get(slot)
    }

    /// Notes a use.
    pub(super) fn touch(&mut self, slot: usize, tick: u64) {
        self.entries.touch(slot, tick);
    }

    /// Stores `blob` under a key that is not there.
    pub(super) fn insert(&mut self, hashed: Hashed<'_>, blob: Blob, cas: u64, tick: u64, stats: &Stats) -> usize {
        let entry = Entry { key: hashed.key.clone(), hash: hashed.hash, blob, cas, expires: None, alarm: None };
        stats.add(Counter::Items, 1);
        stats.add(Counter::BytesStored, cost(&entry.key, &entry.blob));
        let slot = self.entries.insert(entry, tick);
        let entries = &self.entries;
        self.index.insert_unique(hashed.hash, slot, |&slot| entries.get(slot).map_or(0, |entry| entry.hash));
        slot
    }

    /// Stores `blob` over what is in `slot`.
    pub(super) fn replace(&mut self, slot: usize, blob: Blob, cas: u64, stats: &Stats) {
        let Some(entry) = self.entries.get_mut(slot) else { return };
        // In one step: others look at the sum without this lock.
        let (old, new) = (cost(&entry.key, &entry.blob), cost(&entry.key, &blob));
        if new >= old {
            stats.add(Counter::BytesStored, new - old);
        } else {
            stats.subtract(Counter::BytesStored, old - new);
        }
        entry.blob = blob;
        entry.cas = cas;
    }

    /// Sets when `slot` expires.
    pub(super) fn set_expiry(&mut self, slot: usize, expires: Option<Duration>) {
        let Some(entry) = self.entries.get_mut(slot) else { return };
        entry.expires = expires;
        if let Some(expires) = expires
            && entry.alarm.is_none_or(|alarm| alarm.at > expires)
        {
            entry.alarm = Some(self.alarms.set(expires, slot));
            self.tidy();
        }
    }

    /// Removes `slot`.
    pub(super) fn remove(&mut self, slot: usize, stats: &Stats) {
        let Some(entry) = self.entries.remove(slot) else { return };
        if let Ok(indexed) = self.index.find_entry(entry.hash, |&other| other == slot) {
            indexed.remove();
        }
        stats.subtract(Counter::Items, 1);
        stats.subtract(Counter::BytesStored, cost(&entry.key, &entry.blob));
    }

    /// Removes `slot` because its time is over.
    pub(super) fn expire(&mut self, slot: usize, moment: Moment<'_>) {
        moment.stats.add(Counter::Expired, 1);
        self.remove(slot, moment.stats);
    }

    /// Removes the entry that was used longest ago; whether there was one.
    pub(super) fn evict(&mut self, stats: &Stats) -> bool {
        let Some((slot, _)) = self.entries.oldest() else { return false };
        stats.add(Counter::Evictions, 1);
        self.remove(slot, stats);
        true
    }

    /// Looks after at most `budget` alarms that are due; how many there were.
    pub(super) fn sweep(&mut self, budget: usize, moment: Moment<'_>) -> usize {
        for done in 0..budget {
            let Some(alarm) = self.alarms.pop_due(moment.now) else { return done };
            let Some(entry) = self.entries.get_mut(alarm.slot).filter(|entry| entry.alarm == Some(alarm)) else {
                continue;
            };
            if entry.is_expired(moment.now) {
                self.expire(alarm.slot, moment);
            } else {
                entry.alarm = entry.expires.map(|expires| self.alarms.set(expires, alarm.slot));
            }
        }
        budget
    }

    /// Removes everything.
    pub(super) fn clear(&mut self, stats: &Stats) {
        while let Some((slot, _)) = self.entries.oldest() {
            self.remove(slot, stats);
        }
        *self = Self::new();
    }

    fn tidy(&mut self) {
        let entries = &self.entries;
        let is_awaited = |alarm: &Alarm| entries.get(alarm.slot).is_some_and(|entry| entry.alarm == Some(*alarm));
        self.alarms.tidy(entries.len(), is_awaited);
    }
}

/// What an entry is counted as.
pub(super) fn cost(key: &Key, blob: &Blob) -> u64 {
    (key.as_str().len() + blob.len() + ENTRY_OVERHEAD) as u64
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn alarms_stay_in_proportion_to_entries_however_often_times_move() {
        let (stats, hashing) = (Stats::default(), RandomState::default());
        let mut table = Table::new();
        let key = Key::new("a/b");
        let slot = table.insert(Hashed::new(&key, &hashing), Blob::new(vec![1]), 1, 1, &stats);
        for step in 0..10_000 {
            table.set_expiry(slot, Some(Duration::from_secs(20_000 - step)));
        }
        assert!(table.alarms.len() <= 70, "{}", table.alarms.len());
        // The last one set is the one that counts, and survived the tidying.
        table.sweep(100, Moment { stats: &stats, now: Duration::from_secs(10_000) });
        assert_eq!(stats.get(Counter::Items), 1);
        table.sweep(100, Moment { stats: &stats, now: Duration::from_secs(10_001) });
        assert_eq!(stats.get(Counter::Items), 0);
    }

    // Contract 4.1: gone at the timeout, never before.
    #[test]
    fn an_entry_is_found_until_the_last_nanosecond() {
        let (stats, hashing) = (Stats::default(), RandomState::default());
        let mut table = Table::new();
        let key = Key::new("a/b");
        let hashed = Hashed::new(&key, &hashing);
        let slot = table.insert(hashed, Blob::new(vec![1]), 1, 1, &stats);
        table.set_expiry(slot, Some(Duration::from_secs(10)));
        let before = Moment { stats: &stats, now: Duration::new(9, 999_999_999) };
        assert_eq!(table.sweep(100, before), 0);
        assert_eq!(table.find(hashed, before), Some(slot));
        assert_eq!(table.find(hashed, Moment { now: Duration::from_secs(10), ..before }), None);
        assert_eq!((stats.get(Counter::Items), stats.get(Counter::Expired)), (0, 1));
    }
}
