//! The envelope of every record, and what stands before the packages: header and tombstone.

use bincode::config::{self, Configuration, Fixint, LittleEndian};
use serde::{Deserialize, Serialize};

use super::Corrupt;

/// First bytes of every record. The first never stands in UTF-8 and never starts a pickle, a Ruby Marshal dump or
/// `MessagePack`: what another program stored under the key is not mistaken for a record.
pub(super) const MAGIC: [u8; 4] = *b"\xC1LSR";
/// The version of the format that this library writes, and the newest that it reads.
pub const FORMAT_VERSION: u8 = 1;
/// Length of the envelope: magic, version, kind, flags.
pub(super) const ENVELOPE: usize = 8;

/// Fixed-width numbers: header and tombstone hold times and random numbers, which a variable width would lengthen.
pub(super) const FIXED: Configuration<LittleEndian, Fixint> = config::standard().with_fixed_int_encoding();

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum RecordKind {
    Session = 1,
    Tombstone = 2,
}

/// The version of a session: equal stamps are equal content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Stamp {
    /// Random, drawn when the session was created: another incarnation is another session.
    pub incarnation: u64,
    /// Counts the commits of this incarnation.
    pub sequence: u64,
    /// Random, drawn for each commit: tells two commits of the same sequence apart.
    pub writer: u64,
}

/// What is stored of a session beside its packages. Times are Unix milliseconds, durations milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The version.
    pub stamp: Stamp,
    /// Writer of the tombstone over which this incarnation was created, 0 if there was none.
    pub successor_of: u64,
    /// When the session was created.
    pub created_ms: i64,
    /// Last access as far as it was written: it may lag (contract 4.3).
    pub accessed_ms: i64,
    /// The container's timeout at commit, 0 = never.
    pub timeout_ms: u64,
    /// The container's `max_timeout` at commit, from which the time to live was reckoned; 0 = never.
    pub max_timeout_ms: u64,
    /// The session's own timeout, if it has one.
    pub own_timeout_ms: Option<u64>,
    /// When the session ends however busy it is, if ever.
    pub deadline_ms: Option<i64>,
}

/// What stands in the place of a destroyed session, so that a late writer is told "gone" (contract 5.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tombstone {
    /// Random, drawn by the commit that destroyed.
    pub writer: u64,
    /// When that was, in Unix milliseconds.
    pub destroyed_ms: i64,
}

/// Appends the envelope of a record of `kind`.
pub(super) fn write_envelope(kind: RecordKind, out: &mut Vec<u8>) {
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&[FORMAT_VERSION, kind as u8, 0, 0]);
}

/// Checks the envelope and answers what the record is and what stands behind the envelope.
pub(super) fn read_envelope(bytes: &[u8]) -> Result<(RecordKind, &[u8]), Corrupt> {
    let Some((&[m0, m1, m2, m3, version, kind, flags0, flags1], body)) = bytes.split_first_chunk::<ENVELOPE>() else {
        return Err(Corrupt::new("shorter than the envelope of a record"));
    };
    if [m0, m1, m2, m3] != MAGIC {
        return Err(Corrupt::new("not a record of this library"));
    }
    if version > FORMAT_VERSION {
        let reason = format!("format version {version} is newer than {FORMAT_VERSION}, the newest known here");
        return Err(Corrupt(reason.into()));
    }
    if version == 0 {
        return Err(Corrupt::new("format version 0 does not exist"));
    }
    let flags = u16::from_le_bytes([flags0, flags1]);
    if flags != 0 {
        return Err(Corrupt(format!("flags {flags:#06x} are not known to this version").into()));
    }
    match kind {
        1 => Ok((RecordKind::Session, body)),
        2 => Ok((RecordKind::Tombstone, body)),
        _ => Err(Corrupt(format!("kind {kind} is not known to this version").into())),
    }
}

/// Decodes a header or a tombstone from the start of `body`, and answers how many bytes it took.
pub(super) fn read_fixed<'de, T: Deserialize<'de>>(body: &'de [u8]) -> Result<(T, usize), Corrupt> {
    bincode::serde::borrow_decode_from_slice(body, FIXED).map_err(|error| match error {
        bincode::error::DecodeError::UnexpectedEnd { .. } => Corrupt::new("truncated in the header"),
        _ => Corrupt::new("header with an option that is neither absent nor present"),
    })
}
