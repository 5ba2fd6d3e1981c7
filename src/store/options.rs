//! A store's options: what may be set, its range, and its default.

use std::time::Duration;

use crate::error::{Error, Result};

/// An option of a store. The numbers are those of the C surface and fixed for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(i32)]
pub enum StoreOption {
    /// Milliseconds to connect to a server.
    ConnectTimeout = 1,
    /// Milliseconds for one exchange with a server.
    ExchangeTimeout = 2,
    /// Milliseconds for a whole commit.
    CommitTimeout = 3,
    /// Bytes that the embedded store may hold: each record is counted with its key and 256 bytes of overhead.
    MemorySize = 4,
    /// Bytes of the largest record.
    ItemLimit = 5,
    /// 1 if flushing is allowed. The embedded store allows it in any case.
    FlushAllowed = 6,
    /// Milliseconds of the longest pause before a server that failed is tried again.
    RetryPause = 7,
}

const COUNT: usize = 7;
/// Timeouts over a day are mistakes.
const MAX_TIMEOUT_MS: i64 = 86_400_000;

impl StoreOption {
    /// All options, by number.
    pub const ALL: [Self; COUNT] = [
        Self::ConnectTimeout,
        Self::ExchangeTimeout,
        Self::CommitTimeout,
        Self::MemorySize,
        Self::ItemLimit,
        Self::FlushAllowed,
        Self::RetryPause,
    ];

    /// The option of this number.
    pub fn from_number(number: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|&option| option as i32 == number)
    }

    /// The option's name as a URL spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::ConnectTimeout => "connect_timeout",
            Self::ExchangeTimeout => "exchange_timeout",
            Self::CommitTimeout => "commit_timeout",
            Self::MemorySize => "size",
            Self::ItemLimit => "item_limit",
            Self::FlushAllowed => "flush",
            Self::RetryPause => "retry_pause",
        }
    }

    /// What counts if nobody set it.
    pub fn default_value(self) -> i64 {
        match self {
            Self::ConnectTimeout | Self::ExchangeTimeout => 1_000,
            Self::CommitTimeout => 5_000,
            Self::MemorySize => 64 << 20,
            Self::ItemLimit => 1 << 20,
            Self::FlushAllowed => 0,
            Self::RetryPause => 10_000,
        }
    }

    fn range(self) -> (i64, i64) {
        match self {
            Self::ConnectTimeout | Self::ExchangeTimeout | Self::CommitTimeout | Self::RetryPause => {
                (1, MAX_TIMEOUT_MS)
            }
            Self::MemorySize => (1, i64::MAX),
            // Offsets inside a record have 32 bits.
            Self::ItemLimit => (1, i64::from(u32::MAX)),
            Self::FlushAllowed => (0, 1),
        }
    }
}

/// The options that a store is opened with. What was not set is the default, and agrees with a store that is open.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoreOptions {
    values: [Option<i64>; COUNT],
}

impl StoreOptions {
    /// Nothing set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets `option`; `Range`, and no change, if `value` is outside what it may be.
    pub fn set(&mut self, option: StoreOption, value: i64) -> Result<()> {
        let (low, high) = option.range();
        if value < low || value > high {
            return Err(Error::Range(
                format!("store option {}: {value} is not in {low}..{high}", option.name()).into(),
            ));
        }
        // Numbers start at 1 and leave none out, so each has its place.
        if let Some(slot) = self.values.get_mut(option as usize - 1) {
            *slot = Some(value);
        }
        Ok(())
    }

    /// What either sets; `Argument` for what they set differently.
    pub fn joined(&self, other: &Self) -> Result<Self> {
        let mut joined = self.clone();
        for ((slot, theirs), option) in joined.values.iter_mut().zip(other.values).zip(StoreOption::ALL) {
            if slot.is_some() && theirs.is_some() && *slot != theirs {
                return Err(Error::Argument(
                    format!("store option {} is set differently by the URL and by the options", option.name()).into(),
                ));
            }
            *slot = slot.or(theirs);
        }
        Ok(joined)
    }

    /// What `option` is: as set, or the default.
    pub fn get(&self, option: StoreOption) -> i64 {
        self.explicit(option).unwrap_or_else(|| option.default_value())
    }

    /// What `option` was set to.
    pub fn explicit(&self, option: StoreOption) -> Option<i64> {
        self.values.get(option as usize - 1).copied().flatten()
    }

    /// How long connecting to a server may take.
    pub fn connect_timeout(&self) -> Duration {
        self.duration(StoreOption::ConnectTimeout)
    }

    /// How long one exchange with a server may take.
    pub fn exchange_timeout(&self) -> Duration {
        self.duration(StoreOption::ExchangeTimeout)
    }

    /// How long a whole commit may take.
    pub fn commit_timeout(&self) -> Duration {
        self.duration(StoreOption::CommitTimeout)
    }

    /// The longest pause before a server that failed is tried again.
    pub fn retry_pause(&self) -> Duration {
        self.duration(StoreOption::RetryPause)
    }

    /// How many bytes the embedded store may hold.
    pub fn memory_size(&self) -> u64 {
        u64::try_from(self.get(StoreOption::MemorySize)).unwrap_or(0)
    }

    /// How many bytes a record may have.
    pub fn item_limit(&self) -> usize {
        usize::try_from(self.get(StoreOption::ItemLimit)).unwrap_or(usize::MAX)
    }

    /// Whether flushing is allowed.
    pub fn flush_allowed(&self) -> bool {
        self.get(StoreOption::FlushAllowed) != 0
    }

    fn duration(&self, option: StoreOption) -> Duration {
        Duration::from_millis(u64::try_from(self.get(option)).unwrap_or(0))
    }
}
