//! What became of each session that a commit was to write.

use std::sync::Arc;

use crate::error::Status;

/// What was to be done with a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum ReportKind {
    /// To store its content.
    Write = 0,
    /// To destroy it.
    Destroy = 1,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum Outcome {
    /// Definitely not done.
    NotStored = 0,
    /// Done.
    Stored = 1,
    /// Sent and not answered: done or not.
    Unknown = 2,
}

/// One session of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportEntry {
    /// Name of its container.
    pub container: Arc<str>,
    /// Its id; the new one, if it was given one.
    pub id: Arc<[u8]>,
    /// What was to be done.
    pub kind: ReportKind,
    /// What became of it.
    pub outcome: Outcome,
    /// Why it was not stored; `Ok` if it was, or if only the others of the transaction kept it from being stored.
    pub status: Status,
    /// The timeout that it was to be stored with, in milliseconds; 0 is never.
    pub timeout_ms: i64,
}
