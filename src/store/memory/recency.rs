//! Slots for the entries of a table, linked in the order of their last use.
//!
//! A use is a tick of a clock that all tables of a store share, drawn while the table is locked: so the order of the
//! list is the order of the ticks, and the oldest entry of the store is the oldest of the tables' oldest.

/// The end of a list.
const NONE: usize = usize::MAX;

/// Values in slots that are used again, and their order.
#[derive(Debug)]
pub(super) struct Slots<T> {
    all: Vec<Slot<T>>,
    /// The first free slot; the next ones follow by `newer`.
    free: usize,
    oldest: usize,
    newest: usize,
    len: usize,
}

#[derive(Debug)]
struct Slot<T> {
    value: Option<T>,
    tick: u64,
    older: usize,
    newer: usize,
}

impl<T> Slots<T> {
    pub(super) fn new() -> Self {
        Self { all: Vec::new(), free: NONE, oldest: NONE, newest: NONE, len: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn get(&self, slot: usize) -> Option<&T> {
        self.all.get(slot)?.value.as_ref()
    }

    pub(super) fn get_mut(&mut self, slot: usize) -> Option<&mut T> {
        self.all.get_mut(slot)?.value.as_mut()
    }

    /// The slot used longest ago, and when.
    pub(super) fn oldest(&self) -> Option<(usize, u64)> {
        self.all.get(self.oldest).map(|slot| (self.oldest, slot.tick))
    }

    /// Puts `value` into a slot, used now.
    pub(super) fn insert(&mut self, value: T, tick: u64) -> usize {
        let filled = Slot { value: Some(value), tick, older: NONE, newer: NONE };
        let at = self.free;
        if let Some(slot) = self.all.get_mut(at) {
            self.free = slot.newer;
            *slot = filled;
            self.len += 1;
            self.link_newest(at);
            return at;
        }
        let at = self.all.len();
        self.all.push(filled);
        self.len += 1;
        self.link_newest(at);
        at
    }

    /// Notes a use of `at`.
    pub(super) fn touch(&mut self, at: usize, tick: u64) {
        let Some(slot) = self.all.get_mut(at).filter(|slot| slot.value.is_some()) else { return };
        slot.tick = tick;
        if at != self.newest {
            self.unlink(at);
            self.link_newest(at);
        }
    }

    /// Empties `at`.
    pub(super) fn remove(&mut self, at: usize) -> Option<T> {
        let value = self.all.get_mut(at)?.value.take()?;
        self.unlink(at);
        if let Some(slot) = self.all.get_mut(at) {
            slot.newer = self.free;
        }
        self.free = at;
        self.len -= 1;
        Some(value)
    }

    fn link_newest(&mut self, at: usize) {
        let before = self.newest;
        if let Some(slot) = self.all.get_mut(at) {
            slot.older = before;
            slot.newer = NONE;
        }
        match self.all.get_mut(before) {
            Some(slot) => slot.newer = at,
            None => self.oldest = at,
        }
        self.newest = at;
    }

    fn unlink(&mut self, at: usize) {
        let Some(slot) = self.all.get(at) else { return };
        let (older, newer) = (slot.older, slot.newer);
        match self.all.get_mut(older) {
            Some(slot) => slot.newer = newer,
            None => self.oldest = newer,
        }
        match self.all.get_mut(newer) {
            Some(slot) => slot.older = older,
            None => self.newest = older,
        }
    }
}
