//! A socket and what has arrived on it: lines and bytes, received without waiting or, where that is allowed, by a call
//! that waits itself and so saves two.

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use super::wire::Violation;
use crate::io::{may_block_until, now, readable, readable_or_writable, sys, time_passed};

/// Asked for at once where a length is not known: a small session arrives with one call.
const CHUNK: usize = 16 << 10;
/// No more than any socket has room for: sending it does not wait.
const SMALL: usize = 4 << 10;
/// Longer than any line that memcached sends in answer to what we ask.
pub(super) const LONGEST_LINE: usize = 2_048;

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

#[derive(Debug)]
pub(super) struct Channel {
    socket: OwnedFd,
    input: Vec<u8>,
    /// How much of the input was taken.
    taken: usize,
    /// How long a call may wait by itself; the socket was made with it.
    patience: Duration,
    /// Whether there may be more to receive at once.
    is_hot: bool,
}

impl Channel {
    pub(super) fn new(socket: OwnedFd, patience: Duration) -> Self {
        Self { socket, input: Vec::new(), taken: 0, patience, is_hot: false }
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
        let Some(len) = rest.get(..LONGEST_LINE).unwrap_or(rest).iter().position(|&byte| byte == b'\n') else {
            return if rest.len() >= LONGEST_LINE { Err(Fault::Violation("has no end")) } else { Ok(None) };
        };
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

    /// Receives more, waiting for it; or, if `is_sending`, waits until more can be sent or received.
    pub(super) async fn fill(&mut self, is_sending: bool) -> Result<(), Fault> {
        if self.taken == self.input.len() {
            self.input.clear();
        } else {
            self.input.drain(..self.taken);
        }
        self.taken = 0;
        let Self { socket, input, patience, is_hot, .. } = self;
        receive(socket, *patience, is_hot, input, CHUNK, is_sending).await
    }

    /// The same into `bytes`, up to `at_most`. Everything that has arrived must have been taken.
    pub(super) async fn fill_into(
        &mut self,
        bytes: &mut Vec<u8>,
        at_most: usize,
        is_sending: bool,
    ) -> Result<(), Fault> {
        let Self { socket, patience, is_hot, .. } = self;
        receive(socket, *patience, is_hot, bytes, at_most, is_sending).await
    }
}

async fn receive(
    socket: &OwnedFd,
    patience: Duration,
    is_hot: &mut bool,
    buffer: &mut Vec<u8>,
    at_most: usize,
    is_sending: bool,
) -> Result<(), Fault> {
    loop {
        let may_wait = !is_sending && may_block_for(patience);
        // While sending, answers are taken as they come; otherwise there is nothing to receive before a wait.
        if may_wait || is_sending || *is_hot {
            let received = sys::receive(socket.as_fd(), buffer, at_most, may_wait);
            if may_wait {
                time_passed();
            }
            match received {
                Ok(0) => return Err(Fault::Closed),
                Ok(received) => {
                    *is_hot = received == at_most;
                    return Ok(());
                }
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
                Err(error) => return Err(error.into()),
            }
        }
        *is_hot = true;
        if is_sending {
            readable_or_writable(socket.as_fd()).await;
            return Ok(());
        }
        if !may_block_for(patience) {
            readable(socket.as_fd()).await;
        }
    }
}

/// Whether a call may wait for `patience`.
fn may_block_for(patience: Duration) -> bool {
    may_block_until().is_some_and(|until| until.saturating_duration_since(now()) >= patience)
}
