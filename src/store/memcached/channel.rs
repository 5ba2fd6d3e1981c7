//! A socket and what has arrived on it: lines and bytes, received without waiting or, where that is allowed, by a call
//! that waits itself and so saves two.

use std::io::{self, BufRead, IoSlice};
use std::mem;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use super::wire::Violation;
use crate::io::{may_block_for, readable, readable_or_writable, sys, time_passed};

/// Asked for at once where a length is not known: a small session arrives with one call.
const CHUNK: usize = 16 << 10;
/// The same where only lines are awaited.
const LINES: usize = 2 << 10;
/// The most that is asked for at once because records of that size came before.
const MOST: usize = 1 << 20;
/// No more than any socket has room for: sending it does not wait.
const SMALL: usize = 4 << 10;
/// Longer than any line that memcached sends in answer to what we ask.
const LONGEST_LINE: usize = 2_048;

/// Why an exchange cannot go on.
#[derive(Debug)]
pub(super) enum Fault {
    /// The peer has closed the connection.
    Closed,
    /// The system says so.
    System(io::Error),
    /// The peer does not speak the protocol.
    Violation(Violation),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}

impl From<Violation> for Fault {
    fn from(violation: Violation) -> Self {
        Self::Violation(violation)
    }
}

/// How long the line is that `bytes` begin with, without its last byte, the line feed; `None` if that has not arrived yet.
pub(super) fn line_len(bytes: &[u8]) -> Result<Option<usize>, Fault> {
    let mut unread = bytes.get(..LONGEST_LINE).unwrap_or(bytes);
    let is_too_long = bytes.len() >= LONGEST_LINE;
    // The standard library's search looks at many bytes in one step.
    let read = unread.skip_until(b'\n').unwrap_or(0);
    match read.checked_sub(1).filter(|last| bytes.get(*last) == Some(&b'\n')) {
        None if is_too_long => Err(Fault::Violation("has no end")),
        found => Ok(found),
    }
}

#[derive(Debug)]
pub(super) struct Channel {
    socket: OwnedFd,
    input: Vec<u8>,
    /// How much of the input was taken.
    taken: usize,
    /// Asked for at once where a record is awaited: as much as the last one was, so that one that is like it arrives with
    /// one call, in the memory that it stays in.
    room: usize,
    /// The buffer for lines, while the input is memory for a record.
    spare: Vec<u8>,
    /// How long a call may wait by itself; the socket was made with it.
    patience: Duration,
    /// Whether there may be more to receive at once.
    is_hot: bool,
}

impl Channel {
    pub(super) fn new(socket: OwnedFd, patience: Duration) -> Self {
        Self { socket, input: Vec::new(), taken: 0, room: CHUNK, spare: Vec::new(), patience, is_hot: false }
    }

    pub(super) fn into_socket(self) -> OwnedFd {
        self.socket
    }

    /// Whether it stands, and nothing has arrived that was not asked for.
    pub(super) fn is_quiet(&self) -> bool {
        self.taken == self.input.len() && sys::is_quiet(self.socket.as_fd())
    }

    /// Whether everything that has arrived was taken.
    pub(super) fn is_drained(&self) -> bool {
        self.taken == self.input.len()
    }

    /// Sends what there is room for; `None` if there is none. With `is_alone`, the call itself may wait for room: right
    /// only for a single request, which the server reads to its end before it answers.
    pub(super) fn send(&self, pieces: &[IoSlice<'_>], is_alone: bool) -> io::Result<Option<usize>> {
        let may_wait = is_alone && pieces.iter().any(|piece| piece.len() > SMALL) && may_block_for(self.patience);
        let sent = sys::send(self.socket.as_fd(), pieces, may_wait);
        if may_wait {
            time_passed();
        }
        match sent {
            Ok(sent) => Ok(Some(sent)),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The next line, without its end, once all of it has arrived. To be called again after each
    /// [`fill`](Self::fill).
    pub(super) fn line(&mut self) -> Result<Option<&[u8]>, Fault> {
        let rest = self.input.get(self.taken..).unwrap_or_default();
        let Some(len) = line_len(rest)? else { return Ok(None) };
        self.taken += len + 1;
        let line = rest.get(..len).unwrap_or_default();
        line.strip_suffix(b"\r").map(Some).ok_or(Fault::Violation("has lines that end otherwise than memcached's"))
    }

    /// Takes up to `at_most` bytes of what has arrived.
    pub(super) fn take(&mut self, at_most: usize) -> &[u8] {
        let rest = self.input.get(self.taken..).unwrap_or_default();
        let taken = rest.get(..at_most).unwrap_or(rest);
        self.taken += taken.len();
        taken
    }

    /// Takes the next `len` bytes if all have arrived: memory, and where in it they begin. That is the memory in which
    /// they arrived, if they are most of it.
    pub(super) fn take_whole(&mut self, len: usize) -> Option<(Vec<u8>, usize)> {
        let begin = self.taken;
        let end = begin + len;
        self.room = (len + len / 16).clamp(CHUNK, MOST);
        if end == self.input.len() && len >= self.input.capacity() / 2 {
            self.taken = 0;
            return Some((mem::replace(&mut self.input, mem::take(&mut self.spare)), begin));
        }
        let bytes = self.input.get(begin..end)?.to_vec();
        self.taken = end;
        Some((bytes, 0))
    }

    /// Whether the next `len` bytes can arrive where the first of them did.
    pub(super) fn has_room(&self, len: usize) -> bool {
        self.taken + len <= self.input.capacity()
    }

    /// How many of the next `len` bytes have not arrived.
    pub(super) fn missing(&self, len: usize) -> usize {
        (self.taken + len).saturating_sub(self.input.len())
    }

    /// Makes room for what comes next, which has a record in it or has not, and gives how much to receive at once.
    pub(super) fn make_room(&mut self, is_record: bool) -> Result<usize, Fault> {
        let room = if is_record { self.room } else { LINES };
        if self.taken < self.input.len() {
            self.input.drain(..self.taken);
        } else {
            self.input.clear();
            if self.input.capacity() < room {
                // What is there already is no use, and not copied.
                let small = mem::take(&mut self.input);
                reserve(&mut self.input, room)?;
                self.spare = small;
            } else if self.input.capacity() / 4 > self.room {
                self.input = mem::take(&mut self.spare);
            }
        }
        self.taken = 0;
        Ok(room)
    }

    /// Receives up to `at_most` bytes by a call that waits itself, into its own memory or `into`, before which everything
    /// that has arrived must have been taken; false if it may not wait, or for no longer.
    pub(super) fn receive_at_once(&mut self, into: Option<&mut Vec<u8>>, at_most: usize) -> Result<bool, Fault> {
        if !may_block_for(self.patience) {
            return Ok(false);
        }
        let received = sys::receive(self.socket.as_fd(), into.unwrap_or(&mut self.input), at_most, true);
        time_passed();
        self.received(received, at_most)
    }

    /// The same, waiting in whichever way; or, if `is_sending`, waits until more can be sent or received.
    pub(super) async fn receive(
        &mut self,
        mut into: Option<&mut Vec<u8>>,
        at_most: usize,
        is_sending: bool,
    ) -> Result<(), Fault> {
        loop {
            if !is_sending && self.receive_at_once(into.as_deref_mut(), at_most)? {
                return Ok(());
            }
            // While sending, answers are taken as they come; otherwise there is nothing to receive before a wait.
            if is_sending || self.is_hot {
                let buffer = into.as_deref_mut().unwrap_or(&mut self.input);
                let received = sys::receive(self.socket.as_fd(), buffer, at_most, false);
                if self.received(received, at_most)? {
                    return Ok(());
                }
            }
            self.is_hot = true;
            if is_sending {
                readable_or_writable(self.socket.as_fd()).await;
                return Ok(());
            }
            if !may_block_for(self.patience) {
                readable(self.socket.as_fd()).await;
            }
        }
    }

    /// Whether anything was received.
    fn received(&mut self, received: io::Result<usize>, at_most: usize) -> Result<bool, Fault> {
        match received {
            Ok(0) => Err(Fault::Closed),
            Ok(received) => {
                self.is_hot = received == at_most;
                Ok(true)
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

/// Makes room for exactly so many more bytes.
pub(super) fn reserve(bytes: &mut Vec<u8>, more: usize) -> Result<(), Fault> {
    bytes.try_reserve_exact(more).map_err(|_| Fault::System(io::ErrorKind::OutOfMemory.into()))
}
