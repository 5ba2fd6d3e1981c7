//! Faults that can be scripted: what a server can do to a client, at the item that a test wants it for.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::{Error, Result};

/// What goes wrong. The numbers are those of the C surface and fixed for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(i32)]
pub enum FaultKind {
    /// The server is away: nothing is applied, and the client knows it. `Unavailable`; a write `Failed`.
    Unavailable = 1,
    /// The item is lost on its way: not applied, no answer. `Timeout`; a write `Unknown`.
    Timeout = 2,
    /// The answer is lost on its way: applied, no answer. `Timeout`; a write `Unknown`.
    LostAnswer = 3,
    /// The server refuses a write and keeps what is stored: `Refused`. Anything else: `Unavailable`.
    Refused = 4,
    /// The server refuses a write and drops what is stored: `Refused`. Anything else: `Unavailable`.
    RefusedDropped = 5,
}

impl FaultKind {
    /// The kind of this number.
    pub fn from_number(number: i32) -> Option<Self> {
        [Self::Unavailable, Self::Timeout, Self::LostAnswer, Self::Refused, Self::RefusedDropped]
            .into_iter()
            .find(|&kind| kind as i32 == number)
    }
}

/// Which operations a fault meets: a set of bits, those of the C surface.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct FaultOps(u32);

impl FaultOps {
    /// Loads.
    pub const LOAD: Self = Self(1);
    /// Writes of every kind.
    pub const WRITE: Self = Self(2);
    /// Asking for versions.
    pub const VERSIONS: Self = Self(4);
    /// All of them.
    pub const ALL: Self = Self(7);

    /// The set of these bits; `Argument` for none, or for one that does not exist.
    pub fn from_bits(bits: u32) -> Result<Self> {
        if bits == 0 || bits & !Self::ALL.0 != 0 {
            return Err(Error::Argument(format!("operations of a fault: {bits} is not a set of 1, 2 and 4").into()));
        }
        Ok(Self(bits))
    }

    /// Both sets together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

impl fmt::Debug for FaultOps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FaultOps({})", self.0)
    }
}

/// A fault: `kind` happens to `count` items of `ops`, after `skip` such items that it lets pass.
///
/// Of several scripted faults the first that has one to give wins; an item that it takes is not counted by later ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What goes wrong.
    pub kind: FaultKind,
    /// For which operations.
    pub ops: FaultOps,
    /// How many items pass first.
    pub skip: u64,
    /// For how many items then; 0 until the faults are cleared.
    pub count: u64,
}

/// More than any test needs; a caller that scripts in a loop must not use memory without a bound.
const MAX_FAULTS: usize = 1_000;

/// The faults of one store.
#[derive(Debug, Default)]
pub(in crate::store) struct Faults {
    /// So that a store without faults takes no lock for them.
    any: AtomicBool,
    pauses: AtomicBool,
    scripted: Mutex<Vec<Fault>>,
}

impl Faults {
    pub(in crate::store) fn script(&self, fault: Fault) -> Result<()> {
        let mut scripted = self.lock();
        if scripted.len() >= MAX_FAULTS {
            return Err(Error::TooLarge(format!("more than {MAX_FAULTS} scripted faults").into()));
        }
        scripted.push(fault);
        self.any.store(true, Ordering::Release);
        Ok(())
    }

    pub(in crate::store) fn clear(&self) {
        let mut scripted = self.lock();
        scripted.clear();
        self.any.store(false, Ordering::Release);
    }

    pub(in crate::store) fn set_pauses(&self, on: bool) {
        self.pauses.store(on, Ordering::Relaxed);
    }

    pub(in crate::store) fn has_pauses(&self) -> bool {
        self.pauses.load(Ordering::Relaxed)
    }

    /// What happens to the next item of `op`.
    pub(super) fn next(&self, op: FaultOps) -> Option<FaultKind> {
        if !self.any.load(Ordering::Acquire) {
            return None;
        }
        let mut scripted = self.lock();
        let at = scripted.iter_mut().position(|fault| {
            let passes = !fault.ops.meets(op) || fault.skip > 0;
            if fault.ops.meets(op) {
                fault.skip = fault.skip.saturating_sub(1);
            }
            !passes
        })?;
        let fault = scripted.get_mut(at)?;
        let kind = fault.kind;
        if fault.count == 1 {
            scripted.remove(at);
            self.any.store(!scripted.is_empty(), Ordering::Release);
        } else {
            // 0 stays 0: until cleared.
            fault.count = fault.count.saturating_sub(1);
        }
        Some(kind)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Fault>> {
        self.scripted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
