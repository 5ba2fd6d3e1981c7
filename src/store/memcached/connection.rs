//! One connection: a batch of requests goes out while its answers come in, each checked against its request.
//!
//! A connection is good for another exchange only if the one before ended in step: whoever holds it drops it otherwise,
//! and if the exchange is given up half-way, it is dropped with it.

use std::io::IoSlice;
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::pin::pin;
use std::time::{Duration, Instant};

use smallvec::SmallVec;

use super::channel::{Channel, Fault};
use super::handshake::Facts;
use super::wire::{self, Answer, Line, Request};
use crate::io::{now, with_deadline};
use crate::store::stats::Open;

/// Pieces that are handed to the system at once.
const PIECES: usize = 64;
/// The same for a single request: a line, a payload, which may be in several pieces, and its end.
const FEW: usize = 6;
/// Reserved at once for a record: what a server only announces must not cost memory.
const RESERVED: usize = 1 << 20;
/// A buffer of requests larger than this is not kept.
const KEPT: usize = 64 << 10;

#[derive(Debug)]
pub(super) struct Connection {
    channel: Channel,
    pub(super) facts: Facts,
    /// Which unbroken life of the server the versions that it tells belong to.
    pub(super) epoch: u64,
    /// Whether it comes from the pool: the server may have closed it since.
    pub(super) is_used: bool,
    idle_since: Instant,
    last_token: u64,
    head: Vec<u8>,
    /// For the counters.
    open: Open,
}

/// What came of a batch.
#[derive(Debug)]
pub(super) struct Exchange {
    /// The answers to the first requests, in their order; to all of them, if nothing broke.
    pub(super) answers: Vec<Answer>,
    /// How many requests the server may have seen something of.
    pub(super) begun: usize,
    /// Why it did not end in step: the connection must not be used again.
    pub(super) broken: Option<Break>,
}

/// Why an exchange did not end in step.
#[derive(Debug)]
pub(super) enum Break {
    /// The connection was closed or reset, or does not speak the protocol.
    Fault(Fault),
    /// The time was over.
    Late,
    /// The server refused a request in a way that leaves open what it does with the rest.
    Rejected,
}

impl Exchange {
    /// One without requests.
    pub(super) fn nothing() -> Self {
        Self { answers: Vec::new(), begun: 0, broken: None }
    }

    /// Whether the connection was dead before the server saw anything of this.
    pub(super) fn was_dead(&self) -> bool {
        let is_end = match &self.broken {
            Some(Break::Fault(Fault::Closed)) => true,
            Some(Break::Fault(Fault::System(error))) => {
                matches!(error.kind(), std::io::ErrorKind::ConnectionReset | std::io::ErrorKind::BrokenPipe)
            }
            _ => false,
        };
        is_end && self.answers.is_empty()
    }
}

impl Connection {
    pub(super) fn new(channel: Channel, facts: Facts, epoch: u64, open: Open) -> Self {
        Self { channel, facts, epoch, is_used: false, idle_since: now(), last_token: 0, head: Vec::new(), open }
    }

    /// Its socket, with nothing on it that was not taken, and what counts it as open.
    pub(super) fn into_socket(self) -> (OwnedFd, Open) {
        (self.channel.into_socket(), self.open)
    }

    /// Takes note that it waits for its next use.
    pub(super) fn rest(&mut self) {
        self.is_used = true;
        self.idle_since = now();
    }

    /// Whether it seems to stand. One that was used a moment ago is not asked: that would cost every session a call.
    pub(super) fn seems_alive(&self) -> bool {
        const MOMENT: Duration = Duration::from_millis(100);
        now().saturating_duration_since(self.idle_since) < MOMENT || self.channel.is_quiet()
    }

    /// Whether it stands, asked of the system.
    pub(super) fn is_alive(&self) -> bool {
        self.channel.is_quiet()
    }

    /// Sends `requests` and takes their answers, until `deadline`.
    pub(super) async fn exchange(&mut self, requests: &[Request<'_>], deadline: Instant) -> Exchange {
        let first_token = self.last_token + 1;
        self.last_token += requests.len() as u64;
        let mut exchange = Exchange { answers: Vec::with_capacity(requests.len()), begun: 0, broken: None };
        let mut sending = match Sending::new(std::mem::take(&mut self.head), requests, first_token) {
            Ok(sending) => sending,
            Err(violation) => {
                exchange.broken = Some(Break::Fault(Fault::Violation(violation)));
                return exchange;
            }
        };
        let largest = self.facts.item_size;
        let answers = &mut exchange.answers;
        let mut turn = Turn { channel: &mut self.channel, requests, first_token, answers, largest };
        exchange.broken = match with_deadline(deadline, pin!(turn.run(&mut sending))).await {
            Ok(Ok(())) => None,
            Ok(Err(broken)) => Some(broken),
            Err(_) => Some(Break::Late),
        };
        exchange.begun = sending.begun();
        if sending.head.capacity() <= KEPT {
            self.head = sending.head;
        }
        exchange
    }
}

/// A batch on its way out.
struct Sending<'r> {
    head: Vec<u8>,
    pieces: SmallVec<[Piece<'r>; FEW]>,
    /// Where each request begins, in bytes from the start.
    starts: SmallVec<[usize; 1]>,
    /// The piece that is next, and how much of it is gone.
    next: (usize, usize),
    sent: usize,
}

/// A stretch of the batch: of the lines, or a payload, which is never copied.
enum Piece<'r> {
    Head(Range<usize>),
    Payload(&'r [u8]),
}

impl<'r> Sending<'r> {
    fn new(mut head: Vec<u8>, requests: &[Request<'r>], first_token: u64) -> Result<Self, wire::Violation> {
        head.clear();
        let (mut pieces, mut starts) = (SmallVec::new(), SmallVec::with_capacity(requests.len()));
        let (mut begin, mut payloads) = (0, 0);
        for (token, request) in (first_token..).zip(requests) {
            starts.push(head.len() + payloads);
            wire::encode(request, token, &mut head)?;
            if let Request::Set { payload, .. } = *request {
                pieces.push(Piece::Head(begin..head.len()));
                pieces.extend(payload.pieces().map(Piece::Payload));
                begin = head.len();
                payloads += payload.len();
                head.extend_from_slice(b"\r\n");
            }
        }
        if begin < head.len() {
            pieces.push(Piece::Head(begin..head.len()));
        }
        Ok(Self { head, pieces, starts, next: (0, 0), sent: 0 })
    }

    fn is_done(&self) -> bool {
        self.next.0 >= self.pieces.len()
    }

    /// How many requests the peer may have seen something of.
    fn begun(&self) -> usize {
        self.starts.partition_point(|&start| start < self.sent)
    }

    fn bytes<'a>(&'a self, piece: &'a Piece<'_>) -> &'a [u8] {
        match piece {
            Piece::Head(range) => self.head.get(range.clone()).unwrap_or_default(),
            Piece::Payload(bytes) => bytes,
        }
    }

    /// Sends what there is room for.
    fn send(&mut self, channel: &Channel) -> Result<(), Fault> {
        while !self.is_done() {
            // One request is a few pieces: no need to lay out room for a batch.
            let sent = if self.pieces.len() <= FEW {
                self.send_some::<FEW>(channel)
            } else {
                self.send_some::<PIECES>(channel)
            };
            let Some(sent) = sent? else { return Ok(()) };
            self.advance(sent);
        }
        Ok(())
    }

    fn send_some<const N: usize>(&self, channel: &Channel) -> Result<Option<usize>, Fault> {
        let (first, mut skip) = self.next;
        let rest = self.pieces.get(first..).unwrap_or_default();
        let mut slices = [IoSlice::new(&[]); N];
        for (slice, piece) in slices.iter_mut().zip(rest) {
            *slice = IoSlice::new(self.bytes(piece).get(skip..).unwrap_or_default());
            skip = 0;
        }
        let slices = slices.get(..rest.len()).unwrap_or(&slices);
        Ok(channel.send(slices, self.starts.len() == 1)?)
    }

    fn advance(&mut self, sent: usize) {
        self.sent += sent;
        let mut left = sent;
        while let Some(piece) = self.pieces.get(self.next.0) {
            let rest = self.bytes(piece).len() - self.next.1;
            if rest > left {
                self.next.1 += left;
                return;
            }
            left -= rest;
            self.next = (self.next.0 + 1, 0);
        }
    }
}

/// The exchange while it is under way.
struct Turn<'t, 'r> {
    channel: &'t mut Channel,
    requests: &'t [Request<'r>],
    first_token: u64,
    answers: &'t mut Vec<Answer>,
    /// More bytes than this no record of this server has.
    largest: usize,
}

impl Turn<'_, '_> {
    async fn run(&mut self, sending: &mut Sending<'_>) -> Result<(), Break> {
        let mut is_rejected = false;
        sending.send(self.channel).map_err(Break::Fault)?;
        while let Some(request) = self.requests.get(self.answers.len()) {
            let token = self.first_token + self.answers.len() as u64;
            let Some(line) = self.channel.line().map_err(Break::Fault)? else {
                self.fill(sending).await?;
                continue;
            };
            let parsed = wire::parse(request.kind(), token, line).map_err(violated)?;
            if self.answers.len() >= sending.begun() {
                return Err(violated("came before the request"));
            }
            let answer = match parsed {
                Line::Whole(answer) => answer,
                Line::Record { len, cas, t } => {
                    let len = usize::try_from(len).ok().filter(|len| *len <= self.largest);
                    let len = len.ok_or_else(|| violated("announces more than the server can hold"))?;
                    let bytes = self.record(len, sending).await?;
                    Answer::Found { bytes, cas, t }
                }
            };
            is_rejected |= matches!(answer, Answer::Rejected(_));
            self.answers.push(answer);
            if is_rejected {
                return Err(Break::Rejected);
            }
        }
        // An answer to a request that was not sent to its end: a refusal, after which the server skips the rest.
        while !sending.is_done() {
            self.fill(sending).await?;
        }
        if self.channel.is_drained() { Ok(()) } else { Err(violated("goes on after its end")) }
    }

    /// The `len` bytes of a record and the line end after them.
    async fn record(&mut self, len: usize, sending: &mut Sending<'_>) -> Result<Vec<u8>, Break> {
        let all = len + 2;
        let mut bytes = Vec::new();
        let reserved = bytes.try_reserve_exact(all.min(RESERVED));
        reserved.map_err(|_| Break::Fault(Fault::System(std::io::ErrorKind::OutOfMemory.into())))?;
        bytes.extend_from_slice(self.channel.take(all));
        while bytes.len() < all {
            sending.send(self.channel).map_err(Break::Fault)?;
            // As much again as has come: a server that announces much and sends little costs little.
            let more = (all - bytes.len()).min(bytes.len().max(RESERVED));
            self.channel.fill_into(&mut bytes, more, !sending.is_done()).await.map_err(Break::Fault)?;
        }
        if !bytes.ends_with(b"\r\n") {
            return Err(violated("has a record that is longer than was said"));
        }
        bytes.truncate(len);
        Ok(bytes)
    }

    async fn fill(&mut self, sending: &mut Sending<'_>) -> Result<(), Break> {
        sending.send(self.channel).map_err(Break::Fault)?;
        self.channel.fill(!sending.is_done()).await.map_err(Break::Fault)
    }
}

fn violated(violation: wire::Violation) -> Break {
    Break::Fault(Fault::Violation(violation))
}
