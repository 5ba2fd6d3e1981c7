//! When which entries expire: a heap of alarms, each at or before the time of its entry.
//!
//! A renewal, which happens at every load, costs nothing here: the alarm stays where it is, and when it goes off too
//! early it is set anew. Only a time that moves forward, to before the alarm, needs another; alarms that nobody waits
//! for any more are thrown out when they are more than the others.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

/// An alarm that was set. Numbers are never used again, so an alarm is known to be the one that an entry waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Alarm {
    pub(super) at: Duration,
    pub(super) number: u64,
    pub(super) slot: usize,
}

#[derive(Debug, Default)]
pub(super) struct Alarms {
    heap: BinaryHeap<Reverse<Alarm>>,
    last_number: u64,
}

/// Below this many it is not worth throwing any out.
const FEW: usize = 64;

impl Alarms {
    pub(super) fn set(&mut self, at: Duration, slot: usize) -> Alarm {
        self.last_number += 1;
        let alarm = Alarm { at, number: self.last_number, slot };
        self.heap.push(Reverse(alarm));
        alarm
    }

    /// The earliest alarm's time: nothing expires before.
    pub(super) fn earliest(&self) -> Option<Duration> {
        self.heap.peek().map(|alarm| alarm.0.at)
    }

    /// Takes out one alarm that is due.
    pub(super) fn pop_due(&mut self, now: Duration) -> Option<Alarm> {
        if self.earliest()? > now {
            return None;
        }
        self.heap.pop().map(|alarm| alarm.0)
    }

    /// Throws out alarms that nobody waits for if they may be more than half; `entries` is how many may wait.
    pub(super) fn tidy(&mut self, entries: usize, is_awaited: impl Fn(&Alarm) -> bool) {
        if self.heap.len() > FEW.saturating_add(entries.saturating_mul(2)) {
            self.heap.retain(|alarm| is_awaited(&alarm.0));
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.heap.len()
    }
}
