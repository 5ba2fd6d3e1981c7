//! One connection: a batch of requests goes out while its answers come in, each checked against its request.
//!
//! A connection is good for another exchange only if the one before ended in step: whoever holds it drops it otherwise,
//! and if the exchange is given up half-way, it is dropped with it.

use std::io::IoSlice;
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use smallvec::SmallVec;

use super::channel::{Channel, Fault, reserve};
use super::handshake::Facts;
use super::wire::{self, Answer, Kind, Line, Request};
use crate::io::{blocking_until, now, with_deadline};
use crate::store::Results;
use crate::store::stats::Open;

/// Pieces that are handed to the system at once.
const PIECES: usize = 64;
/// The same for a single request: a line, a payload, which may be in several pieces, and its end.
const FEW: usize = 6;
/// A payload, or a piece of one, that is shorter is copied behind its line: that costs less than sending one more piece.
const WORTH_LENDING: usize = 4 << 10;
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
    pub(super) answers: Results<Answer>,
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
        Self { answers: Results::new(), begun: 0, broken: None }
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
        let mut under_way = match self.exchange_at_once(requests, deadline) {
            Ok(exchange) => return exchange,
            Err(under_way) => under_way,
        };
        let broken = match with_deadline(deadline, Box::pin(under_way.run())).await {
            Ok(ran) => ran.err(),
            Err(_) => Some(Break::Late),
        };
        under_way.end(broken)
    }

    /// The whole exchange, if it can end without the driver. What goes on with it is on the heap: in place every call
    /// would be as large, also one on a queue, which never comes here.
    fn exchange_at_once<'c, 'r>(
        &'c mut self,
        requests: &'c [Request<'r>],
        deadline: Instant,
    ) -> Result<Exchange, Box<Turn<'c, 'r>>> {
        let first_token = self.last_token + 1;
        self.last_token += requests.len() as u64;
        let sending = match Sending::new(std::mem::take(&mut self.head), requests, first_token) {
            Ok(sending) => sending,
            Err(violation) => {
                let broken = Some(Break::Fault(Fault::Violation(violation)));
                return Ok(Exchange { answers: Results::new(), begun: 0, broken });
            }
        };
        let mut turn = Turn {
            channel: &mut self.channel,
            kept: &mut self.head,
            requests,
            sending,
            first_token,
            answers: Results::with_capacity(requests.len()),
            largest: self.facts.item_size,
            record: None,
        };
        match blocking_until(deadline, || turn.run_at_once()) {
            Ok(true) => Ok(turn.end(None)),
            Ok(false) => Err(Box::new(turn)),
            Err(broken) => Ok(turn.end(Some(broken))),
        }
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

/// A stretch of the batch: of the lines and what was copied behind them, or of a payload.
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
                let mut add = |piece: &'r [u8]| {
                    if piece.len() < WORTH_LENDING {
                        return head.extend_from_slice(piece);
                    }
                    pieces.extend([Piece::Head(begin..head.len()), Piece::Payload(piece)]);
                    begin = head.len();
                    payloads += piece.len();
                };
                match payload.whole() {
                    Some(whole) => add(whole),
                    None => payload.pieces().for_each(add),
                }
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
    /// Where the buffer of requests is kept for the next exchange.
    kept: &'t mut Vec<u8>,
    requests: &'t [Request<'r>],
    sending: Sending<'r>,
    first_token: u64,
    answers: Results<Answer>,
    /// More bytes than this no record of this server has.
    largest: usize,
    /// The record that is arriving.
    record: Option<Record>,
}

/// A record of which the line has arrived.
struct Record {
    len: usize,
    cas: u64,
    t: i64,
    /// What has come of it, if it has no room where the line arrived.
    bytes: Vec<u8>,
}

impl Turn<'_, '_> {
    /// The whole exchange, as far as the thread may wait in system calls: without the futures that any other wait takes.
    /// Whether it has ended; if not, [`run`](Self::run) goes on.
    fn run_at_once(&mut self) -> Result<bool, Break> {
        loop {
            self.sending.send(self.channel).map_err(Break::Fault)?;
            if self.take_in()? {
                return Ok(true);
            }
            let is_sent = self.sending.is_done();
            let (channel, into, at_most) = self.missing().map_err(Break::Fault)?;
            if !is_sent || !channel.receive_at_once(into, at_most).map_err(Break::Fault)? {
                return Ok(false);
            }
        }
    }

    async fn run(&mut self) -> Result<(), Break> {
        loop {
            self.sending.send(self.channel).map_err(Break::Fault)?;
            if self.take_in()? {
                return Ok(());
            }
            let is_sent = self.sending.is_done();
            let (channel, into, at_most) = self.missing().map_err(Break::Fault)?;
            channel.receive(into, at_most, !is_sent).await.map_err(Break::Fault)?;
        }
    }

    /// What came of it.
    fn end(self, broken: Option<Break>) -> Exchange {
        let begun = self.sending.begun();
        if self.sending.head.capacity() <= KEPT {
            *self.kept = self.sending.head;
        }
        Exchange { answers: self.answers, begun, broken }
    }

    /// Takes what has arrived; whether that was all.
    fn take_in(&mut self) -> Result<bool, Break> {
        while let Some(request) = self.requests.get(self.answers.len()) {
            let answer = if self.record.is_some() {
                self.take_record()?
            } else {
                let token = self.first_token + self.answers.len() as u64;
                let Some(line) = self.channel.line().map_err(Break::Fault)? else { return Ok(false) };
                let parsed = wire::parse(request.kind(), token, line).map_err(violated)?;
                if self.answers.len() >= self.sending.begun() {
                    return Err(violated("came before the request"));
                }
                match parsed {
                    Line::Whole(answer) => Some(answer),
                    Line::Record { len, cas, t } => {
                        let len = usize::try_from(len).ok().filter(|len| *len <= self.largest);
                        let len = len.ok_or_else(|| violated("announces more than the server can hold"))?;
                        self.record = Some(Record { len, cas, t, bytes: Vec::new() });
                        self.take_record()?
                    }
                }
            };
            let Some(answer) = answer else { return Ok(false) };
            let is_rejected = matches!(answer, Answer::Rejected(_));
            self.answers.push(answer);
            if is_rejected {
                return Err(Break::Rejected);
            }
        }
        if !self.sending.is_done() {
            // An answer to a request that was not sent to its end: a refusal, after which the server skips the rest.
            return Ok(false);
        }
        if self.channel.is_drained() { Ok(true) } else { Err(violated("goes on after its end")) }
    }

    /// The record that is arriving, once all of it has.
    fn take_record(&mut self) -> Result<Option<Answer>, Break> {
        let Some(record) = &mut self.record else { return Ok(None) };
        // With the line end after it.
        let all = record.len + 2;
        let is_apart = record.bytes.capacity() > 0;
        let whole = if is_apart { None } else { self.channel.take_whole(all) };
        let (mut bytes, begin) = if let Some(whole) = whole {
            whole
        } else if !is_apart && self.channel.has_room(all) {
            return Ok(None);
        } else {
            if !is_apart {
                reserve(&mut record.bytes, all.min(RESERVED)).map_err(Break::Fault)?;
            }
            record.bytes.extend_from_slice(self.channel.take(all - record.bytes.len()));
            if record.bytes.len() < all {
                return Ok(None);
            }
            (std::mem::take(&mut record.bytes), 0)
        };
        if !bytes.ends_with(b"\r\n") {
            return Err(violated("has a record that is longer than was said"));
        }
        bytes.truncate(begin + record.len);
        let answer = Answer::Found { bytes, begin, cas: record.cas, t: record.t };
        self.record = None;
        Ok(Some(answer))
    }

    /// Where to receive what is missing, the channel's own memory if not said, and how much of it at once.
    fn missing(&mut self) -> Result<(&mut Channel, Option<&mut Vec<u8>>, usize), Fault> {
        let (into, at_most) = match &mut self.record {
            // As much again as has come: a server that announces much and sends little costs little.
            Some(Record { len, bytes, .. }) if bytes.capacity() > 0 => {
                let at_most = (*len + 2 - bytes.len()).min(bytes.len().max(RESERVED));
                (Some(bytes), at_most)
            }
            Some(Record { len, .. }) => (None, self.channel.missing(*len + 2)),
            None => {
                let is_record = |request: &Request<'_>| request.kind() == Kind::Get { with_bytes: true };
                let is_record = self.requests.get(self.answers.len()).is_some_and(is_record);
                (None, self.channel.make_room(is_record)?)
            }
        };
        Ok((self.channel, into, at_most))
    }
}

fn violated(violation: wire::Violation) -> Break {
    Break::Fault(Fault::Violation(violation))
}
