//! What a client was told, and what it was about to do: a file of one record a line for each client, which outlives it.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::state::Content;

/// Nanoseconds of the clock that all processes of the machine share.
pub type Nanos = u64;

/// That clock, now.
#[allow(unsafe_code, reason = "the standard library's clock cannot be compared between processes")]
pub fn now() -> Nanos {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: fills a local.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    u64::try_from(time.tv_sec).unwrap() * 1_000_000_000 + u64::try_from(time.tv_nsec).unwrap()
}

/// The moment `at` of that clock, in Unix milliseconds.
pub fn unix_ms(at: Nanos) -> i64 {
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
    i64::try_from((wall + u128::from(at) - u128::from(now())) / 1_000_000).unwrap()
}

/// Names what one transaction does to one session: no two have the same, so that a value tells who wrote it, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Tag(u64);

impl Tag {
    /// Transaction `txn` of `client`, as a whole.
    pub fn new(client: u32, txn: u32) -> Self {
        Self(u64::from(client) << 40 | u64::from(txn) << 8)
    }

    /// The same transaction, as far as it is about its session `number`, from 0.
    pub fn of_session(self, number: usize) -> Self {
        Self(self.txn().0 | u64::try_from(number + 1).unwrap())
    }

    /// The transaction as a whole.
    pub fn txn(self) -> Self {
        Self(self.0 & !0xFF)
    }

    /// The tag that `text` spells.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix('c')?.split('.');
        let tag = Self::new(parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let session: u64 = parts.next().map_or(Ok(0), str::parse).ok()?;
        (parts.next().is_none() && session < 256).then_some(Self(tag.0 | session))
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "c{}.{}", self.0 >> 40, self.0 >> 8 & 0xFFFF_FFFF)?;
        match self.0 & 0xFF {
            0 => Ok(()),
            session => write!(f, ".{session}"),
        }
    }
}

/// A session's place: which container, and its id there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    pub container: usize,
    pub id: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", crate::config::CONTAINERS[self.container].0, self.id)
    }
}

/// What a transaction is about to do to a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Act {
    pub tag: Tag,
    /// Where it opened the session.
    pub place: Place,
    pub deed: Deed,
}

/// What it is about to do there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Deed {
    /// To add `delta` to the counter, and set and delete keys in both packages; to give it a new id, the time at which it
    /// ends, and for how long it may be idle.
    Write {
        delta: i64,
        sets: Vec<u8>,
        deletes: Vec<u8>,
        new_id: Option<String>,
        deadline: Option<Nanos>,
        timeout: Option<Nanos>,
    },
    /// To destroy it.
    Destroy,
}

/// One session in the report of a commit; `outcome` is the library's number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub place: Place,
    pub is_destroy: bool,
    pub outcome: i32,
    pub status: i32,
}

/// One line of a history.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Record {
    /// A session was opened, or created: its whole content, `None` where nothing is stored.
    Opened { tag: Tag, place: Place, t0: Nanos, t1: Nanos, is_created: bool, content: Option<Content> },
    /// Whether there is a session was asked.
    Existed { tag: Tag, place: Place, t0: Nanos, t1: Nanos, found: bool },
    /// A commit is about to begin.
    Intent { tag: Tag, t0: Nanos, acts: Vec<Act> },
    /// It ended.
    Outcome { tag: Tag, t1: Nanos, status: i32, report: Vec<Entry> },
    /// A call that does I/O ended, well or not. For `starved_ms` of it the machine ran other things than what it waited for.
    Called {
        tag: Tag,
        what: Call,
        t0: Nanos,
        t1: Nanos,
        allowed_ms: u64,
        starved_ms: u64,
        status: i32,
        message: String,
    },
    /// A session is about to be opened, which renews its idle timeout whatever the client hears of it.
    Trying { place: Place, t0: Nanos },
    /// The client did something that shows nowhere else.
    Did { what: Feat },
    /// The client found something wrong by itself.
    Wrong { tag: Tag, at: Nanos, text: String },
    /// The machine did not let the client run in this time.
    Stalled { t0: Nanos, t1: Nanos },
}

/// The calls whose time is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Call {
    Open,
    Prefetch,
    Exists,
    Prepare,
    Commit,
}

/// What shows in no answer, and is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Feat {
    RolledBack,
    RolledBackTwice,
    LeftByRollback,
    Prefetched,
    QueueFreed,
    EndedWithQueue,
    TxnFreed,
    CQueueFreed,
}

impl Feat {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::RolledBack,
        Self::RolledBackTwice,
        Self::LeftByRollback,
        Self::Prefetched,
        Self::QueueFreed,
        Self::EndedWithQueue,
        Self::TxnFreed,
        Self::CQueueFreed,
    ];

    /// It in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::RolledBack => "rollbacks",
            Self::RolledBackTwice => "rollbacks to an earlier savepoint",
            Self::LeftByRollback => "sessions opened after a savepoint and rolled back",
            Self::Prefetched => "sessions prefetched",
            Self::QueueFreed => "queues freed",
            Self::EndedWithQueue => "operations that a freed queue ended",
            Self::TxnFreed => "transactions freed inside an operation",
            Self::CQueueFreed => "queues freed inside an operation of theirs",
        }
    }
}

/// A history that is being written.
#[derive(Debug)]
pub struct Log(File);

impl Log {
    /// A new one.
    pub fn create(path: &Path) -> io::Result<Self> {
        Ok(Self(OpenOptions::new().create_new(true).append(true).open(path)?))
    }

    /// Adds a record: it is in the system's hands, whatever becomes of this process, when this returns.
    pub fn write(&self, record: &Record) {
        let mut line = serde_json::to_vec(record).unwrap();
        line.push(b'\n');
        (&self.0).write_all(&line).unwrap();
    }
}

/// The records of a history so far. One that a killed client did not write to its end is left out.
pub fn read(path: &Path) -> Vec<Record> {
    let text = std::fs::read(path).unwrap();
    let mut lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
    lines.pop();
    lines.into_iter().map(|line| serde_json::from_slice(line).unwrap()).collect()
}
