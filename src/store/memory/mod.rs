//! The embedded store: a hash table in shards, exact expiry, compare-and-swap numbers, and a bound on its bytes.
//!
//! A record is counted with its key and [`ENTRY_OVERHEAD`] bytes. Over the bound, expired records go first, then the
//! one that was used longest ago in the whole store, until it fits; a load that renews, a touch and a write that is
//! applied are uses. Expired records are never seen, and are swept by later calls, a few at each.

mod expiry;
mod fault;
mod recency;
mod shard;
mod table;

pub use fault::{Fault, FaultKind, FaultOps};

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use foldhash::quality::RandomState;

use super::{Action, Counter, Key, Left, LoadItem, Loaded, Results, Store, StoreOptions, Token, WriteItem, Written};
use crate::error::{Error, Result};
use fault::Faults;
use shard::Shard;
use table::{ENTRY_OVERHEAD, Hashed, Moment, Table};

const SHARDS: usize = 16;
/// Alarms that a call looks after for each of its items: far more than it can set.
const SWEPT_PER_ITEM: usize = 16;

#[derive(Debug)]
pub(super) struct Memory {
    shards: [Shard; SHARDS],
    hashing: RandomState,
    last_cas: AtomicU64,
    last_tick: AtomicU64,
    /// Which shard is swept next.
    next_swept: AtomicUsize,
    /// Held while records are evicted: two threads that both see the bound passed must not both evict for it.
    evicting: Mutex<()>,
    size: u64,
    item_limit: usize,
    faults: Faults,
}

impl Memory {
    pub(super) fn new(options: &StoreOptions) -> Self {
        Self {
            shards: std::array::from_fn(|_| Shard::new()),
            hashing: RandomState::default(),
            last_cas: AtomicU64::new(0),
            last_tick: AtomicU64::new(0),
            next_swept: AtomicUsize::new(0),
            evicting: Mutex::new(()),
            size: options.memory_size(),
            item_limit: options.item_limit(),
            faults: Faults::default(),
        }
    }

    pub(super) fn faults(&self) -> &Faults {
        &self.faults
    }

    /// The item limit, or what fits if the store were empty.
    pub(super) fn record_limit(&self, key: &Key) -> usize {
        let room = usize::try_from(self.size).unwrap_or(usize::MAX);
        self.item_limit.min(room.saturating_sub(key.as_str().len() + ENTRY_OVERHEAD))
    }

    pub(super) fn load(&self, store: &Store, items: &[LoadItem]) -> Results<Result<Loaded>> {
        let moment = moment(store);
        let answers = items.iter().map(|item| self.load_one(store, item, moment)).collect();
        self.sweep(items.len(), moment);
        answers
    }

    fn load_one(&self, store: &Store, item: &LoadItem, moment: Moment<'_>) -> Result<Loaded> {
        moment.stats.add(Counter::Requests, 1);
        let fault = self.faults.next(FaultOps::LOAD);
        if let Some(kind) = fault.filter(|&kind| kind != FaultKind::LostAnswer) {
            return Err(scripted(store, kind));
        }
        let loaded = self.with_table(&item.key, |table, hashed| {
            let Some(slot) = table.find(hashed, moment) else { return Loaded::Absent };
            let Some(entry) = table.get(slot) else { return Loaded::Absent };
            let left = entry.expires().map(|expires| Left(expires.saturating_sub(moment.now)));
            let found = Loaded::Found { blob: entry.blob.clone(), token: token(entry.cas), left };
            if let Some(ttl) = item.renew {
                table.set_expiry(slot, moment.now.checked_add(ttl));
                table.touch(slot, self.tick());
            }
            found
        });
        if let Some(kind) = fault {
            return Err(scripted(store, kind));
        }
        match &loaded {
            Loaded::Absent => moment.stats.add(Counter::Misses, 1),
            Loaded::Found { blob, .. } => {
                moment.stats.add(Counter::Hits, 1);
                moment.stats.add(Counter::BytesRead, blob.len() as u64);
            }
        }
        Ok(loaded)
    }

    pub(super) fn write(&self, store: &Store, items: &[WriteItem]) -> Results<Written> {
        let moment = moment(store);
        let answers = items.iter().map(|item| self.write_one(store, item, moment)).collect();
        self.sweep(items.len(), moment);
        answers
    }

    fn write_one(&self, store: &Store, item: &WriteItem, moment: Moment<'_>) -> Written {
        moment.stats.add(Counter::Requests, 1);
        if let Err(error) = self.check_limit(store, item) {
            return Written::Failed(error);
        }
        let fault = self.faults.next(FaultOps::WRITE);
        let written = match fault {
            Some(FaultKind::Unavailable) => Written::Failed(scripted(store, FaultKind::Unavailable)),
            Some(FaultKind::Timeout) => Written::Unknown(scripted(store, FaultKind::Timeout)),
            Some(FaultKind::LostAnswer) => {
                self.apply(item, moment);
                Written::Unknown(scripted(store, FaultKind::LostAnswer))
            }
            Some(kind @ (FaultKind::Refused | FaultKind::RefusedDropped)) => {
                if kind == FaultKind::RefusedDropped {
                    self.with_table(&item.key, |table, hashed| {
                        if let Some(slot) = table.find(hashed, moment) {
                            table.remove(slot, moment.stats);
                        }
                    });
                }
                Written::Refused(format!("store {} refused a write (scripted)", store.name()).into())
            }
            None => self.apply(item, moment),
        };
        match &written {
            Written::Changed => moment.stats.add(Counter::Conflicts, 1),
            Written::Refused(_) => moment.stats.add(Counter::Refused, 1),
            _ => {}
        }
        written
    }

    /// Nothing over the limit is sent, so that a server cannot drop what it stores for it.
    fn check_limit(&self, store: &Store, item: &WriteItem) -> Result<()> {
        let Some(payload) = item.action.payload() else { return Ok(()) };
        let limit = self.record_limit(&item.key);
        if payload.len() <= limit {
            return Ok(());
        }
        let (len, name) = (payload.len(), store.name());
        Err(Error::TooLarge(format!("record of {len} bytes is over the limit of {limit} of store {name}").into()))
    }

    fn apply(&self, item: &WriteItem, moment: Moment<'_>) -> Written {
        let written = self.with_table(&item.key, |table, hashed| {
            let found = table.find(hashed, moment);
            let tick = self.tick();
            let cas = found.and_then(|slot| table.get(slot)).map(|entry| entry.cas);
            let (slot, cas) = match (&item.action, found, cas) {
                (Action::Create(payload) | Action::Put(payload), None, _) => {
                    let cas = self.next_cas();
                    (table.insert(hashed, payload.to_blob(), cas, tick, moment.stats), cas)
                }
                (Action::Create(_), Some(_), _) => return Written::Changed,
                (Action::Replace(..) | Action::Touch, None, _) => return Written::Absent,
                (Action::Replace(_, token), _, Some(cas)) if token.cas != cas => return Written::Changed,
                (Action::Replace(payload, _) | Action::Put(payload), Some(slot), _) => {
                    let cas = self.next_cas();
                    table.replace(slot, payload.to_blob(), cas, moment.stats);
                    (slot, cas)
                }
                (Action::Touch, Some(slot), cas) => (slot, cas.unwrap_or_default()),
            };
            table.set_expiry(slot, item.ttl.and_then(|ttl| moment.now.checked_add(ttl)));
            table.touch(slot, tick);
            Written::Done(token(cas))
        });
        if let (Written::Done(_), Some(payload)) = (&written, item.action.payload()) {
            moment.stats.add(Counter::Writes, 1);
            moment.stats.add(Counter::BytesWritten, payload.len() as u64);
            self.evict(moment);
        }
        written
    }

    pub(super) fn versions(&self, store: &Store, keys: &[Key]) -> Results<Result<Option<Token>>> {
        let moment = moment(store);
        let answers = keys.iter().map(|key| self.version(store, key, moment)).collect();
        self.sweep(keys.len(), moment);
        answers
    }

    fn version(&self, store: &Store, key: &Key, moment: Moment<'_>) -> Result<Option<Token>> {
        moment.stats.add(Counter::Requests, 1);
        if let Some(kind) = self.faults.next(FaultOps::VERSIONS) {
            return Err(scripted(store, kind));
        }
        Ok(self.with_table(key, |table, hashed| {
            let slot = table.find(hashed, moment)?;
            table.get(slot).map(|entry| token(entry.cas))
        }))
    }

    pub(super) fn flush(&self, store: &Store) {
        for shard in &self.shards {
            shard.with(|table| table.clear(store.stats()));
        }
    }

    pub(super) fn drop_record(&self, store: &Store, key: &Key) -> bool {
        let moment = moment(store);
        self.with_table(key, |table, hashed| {
            let Some(slot) = table.find(hashed, moment) else { return false };
            table.remove(slot, moment.stats);
            moment.stats.add(Counter::Evictions, 1);
            true
        })
    }

    pub(super) fn make_idle(&self, store: &Store, key: &Key, idle: Duration) -> bool {
        let moment = moment(store);
        self.with_table(key, |table, hashed| {
            let Some(slot) = table.find(hashed, moment) else { return false };
            if let Some(expires) = table.get(slot).and_then(table::Entry::expires) {
                match expires.checked_sub(idle).filter(|&expires| expires > moment.now) {
                    Some(expires) => table.set_expiry(slot, Some(expires)),
                    None => table.expire(slot, moment),
                }
            }
            true
        })
    }

    /// Works on the table that `key` belongs to.
    fn with_table<R>(&self, key: &Key, work: impl FnOnce(&mut Table, Hashed<'_>) -> R) -> R {
        let hashed = Hashed::new(key, &self.hashing);
        // The table itself uses the lowest and the highest bits.
        let [_, _, _, bits, ..] = hashed.hash.to_le_bytes();
        let [first, ..] = &self.shards;
        let shard = self.shards.get(usize::from(bits) % SHARDS).unwrap_or(first);
        shard.with(|table| work(table, hashed))
    }

    /// Brings the store under its bound.
    fn evict(&self, moment: Moment<'_>) {
        let is_over = || moment.stats.get(Counter::BytesStored) > self.size;
        if !is_over() {
            return;
        }
        let _alone = self.evicting.lock().unwrap_or_else(PoisonError::into_inner);
        while is_over() {
            let due = self.shards.iter().filter(|shard| shard.is_due(moment.now));
            if due.map(|shard| shard.with(|table| table.sweep(SWEPT_PER_ITEM, moment))).any(|swept| swept > 0) {
                continue;
            }
            let used = self.shards.iter().filter_map(|shard| shard.oldest_tick().map(|tick| (tick, shard)));
            let Some((_, oldest)) = used.min_by_key(|(tick, _)| *tick) else { return };
            oldest.with(|table| table.evict(moment.stats));
        }
    }

    /// Sweeps the next shard, a bounded number of alarms for each of the call's items.
    fn sweep(&self, items: usize, moment: Moment<'_>) {
        let budget = SWEPT_PER_ITEM.saturating_mul(items.div_ceil(SHARDS));
        for _ in 0..items.min(SHARDS) {
            let next = self.next_swept.fetch_add(1, Ordering::Relaxed) % SHARDS;
            if let Some(shard) = self.shards.get(next).filter(|shard| shard.is_due(moment.now)) {
                shard.with(|table| table.sweep(budget, moment));
            }
        }
    }

    fn tick(&self) -> u64 {
        self.last_tick.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn next_cas(&self) -> u64 {
        self.last_cas.fetch_add(1, Ordering::Relaxed) + 1
    }
}

fn moment(store: &Store) -> Moment<'_> {
    Moment { stats: store.stats(), now: store.clock().mono() }
}

fn token(cas: u64) -> Token {
    Token { cas, epoch: 0 }
}

/// The error that a scripted fault comes to.
fn scripted(store: &Store, kind: FaultKind) -> Error {
    let name = store.name();
    match kind {
        FaultKind::Timeout | FaultKind::LostAnswer => {
            Error::Timeout(format!("store {name} did not answer in time (scripted)").into())
        }
        FaultKind::Unavailable | FaultKind::Refused | FaultKind::RefusedDropped => {
            Error::Unavailable { message: format!("store {name} is unavailable (scripted)").into(), errno: 0 }
        }
    }
}
