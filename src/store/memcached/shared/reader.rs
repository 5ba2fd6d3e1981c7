//! Takes answers apart as they arrive, a piece at a time.

use std::io;
use std::os::fd::BorrowedFd;

use super::super::channel::{Fault, line_len};
use super::super::wire::{self, Answer, Kind, Line, Violation};
use crate::io::sys;

/// Asked for at once: many small answers arrive with one call.
const CHUNK: usize = 64 << 10;
/// A buffer larger than this is not kept.
const KEPT: usize = 256 << 10;
/// Reserved at once for a record: what a server only announces must not cost memory.
const RESERVED: usize = 1 << 20;

/// What has arrived and was not taken.
#[derive(Debug, Default)]
pub(super) struct Reader {
    input: Vec<u8>,
    taken: usize,
    record: Option<Record>,
}

/// A record that has arrived in part.
#[derive(Debug)]
struct Record {
    bytes: Vec<u8>,
    len: usize,
    cas: u64,
    t: i64,
}

impl Reader {
    /// Receives once; whether there may be more at once. `None` if there was nothing.
    pub(super) fn receive(&mut self, socket: BorrowedFd<'_>) -> Result<Option<bool>, Fault> {
        let (buffer, at_most) = match &mut self.record {
            // As much again as has come: a server that announces much and sends little costs little.
            Some(record) if self.taken == self.input.len() => {
                let missing = (record.len + 2).saturating_sub(record.bytes.len());
                let at_most = missing.min(record.bytes.len().max(RESERVED));
                (&mut record.bytes, at_most)
            }
            _ => {
                self.input.drain(..self.taken);
                self.taken = 0;
                if self.input.is_empty() && self.input.capacity() > KEPT {
                    self.input = Vec::new();
                }
                (&mut self.input, CHUNK)
            }
        };
        match sys::receive(socket, buffer, at_most, false) {
            Ok(0) => Err(Fault::Closed),
            Ok(received) => Ok(Some(received == at_most)),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether everything that has arrived was taken.
    pub(super) fn is_drained(&self) -> bool {
        self.taken == self.input.len() && self.record.is_none()
    }

    /// The answer to a request of this kind and token, once all of it has arrived; more than `largest` bytes no record of
    /// the server has.
    pub(super) fn answer(&mut self, kind: Kind, token: u64, largest: usize) -> Result<Option<Answer>, Fault> {
        if self.record.is_none() {
            let Some(line) = self.line()? else { return Ok(None) };
            let line = self.input.get(line).unwrap_or_default();
            match wire::parse(kind, token, line)? {
                Line::Whole(answer) => return Ok(Some(answer)),
                Line::Record { len, cas, t } => {
                    let len = usize::try_from(len).ok().filter(|len| *len <= largest);
                    let len = len.ok_or("announces more than the server can hold")?;
                    let mut bytes = Vec::new();
                    let reserved = bytes.try_reserve_exact((len + 2).min(RESERVED));
                    reserved.map_err(|_| Fault::System(io::ErrorKind::OutOfMemory.into()))?;
                    self.record = Some(Record { bytes, len, cas, t });
                }
            }
        }
        let Some(record) = &mut self.record else { return Ok(None) };
        let rest = self.input.get(self.taken..).unwrap_or_default();
        let missing = (record.len + 2).saturating_sub(record.bytes.len());
        let come = rest.get(..missing).unwrap_or(rest);
        self.taken += come.len();
        record.bytes.extend_from_slice(come);
        if record.bytes.len() < record.len + 2 {
            return Ok(None);
        }
        let Some(Record { mut bytes, len, cas, t }) = self.record.take() else { return Ok(None) };
        if !bytes.ends_with(b"\r\n") {
            return Err(Fault::Violation("has a record that is longer than was said"));
        }
        bytes.truncate(len);
        Ok(Some(Answer::Found { bytes, begin: 0, cas, t }))
    }

    /// Takes the next line, without its end, once all of it has arrived: where it stands.
    fn line(&mut self) -> Result<Option<std::ops::Range<usize>>, Fault> {
        const OTHERWISE: Violation = "has lines that end otherwise than memcached's";
        let begin = self.taken;
        let rest = self.input.get(begin..).unwrap_or_default();
        let Some(len) = line_len(rest)? else { return Ok(None) };
        let end = len.checked_sub(1).filter(|end| rest.get(*end) == Some(&b'\r')).ok_or(OTHERWISE)?;
        self.taken += len + 1;
        Ok(Some(begin..begin + end))
    }
}
