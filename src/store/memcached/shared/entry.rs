//! What one operation asked on a shared line, and where it finds the answers.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use smallvec::SmallVec;

use super::super::channel::Fault;
use super::super::connection::{Break, Exchange};
use super::super::wire::{self, Answer, Kind, Request, Violation};
use crate::store::Results;

/// The requests of one exchange.
#[derive(Debug)]
pub(super) struct Entry {
    /// Who waits for it.
    pub(super) operation: u64,
    /// Of each request its kind, and where it begins in the bytes.
    requests: SmallVec<[(Kind, usize); 1]>,
    first_token: u64,
    /// What is to be sent; nothing any more when it was, or when it was given up.
    pub(super) bytes: Vec<u8>,
    pub(super) sent_at: Option<Instant>,
    pub(super) answers: Results<Answer>,
    outcome: Outcome,
}

/// The place of the answers: of the line and of whoever waits for them.
#[derive(Debug, Clone)]
pub(super) struct Outcome(Arc<Mutex<Option<Exchange>>>);

impl Outcome {
    fn lock(&self) -> MutexGuard<'_, Option<Exchange>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn take(&self) -> Option<Exchange> {
        self.lock().take()
    }
}

/// What entries that are over were made of, for the next ones.
#[derive(Debug, Default)]
pub(super) struct Spare {
    buffers: Vec<Vec<u8>>,
    outcomes: Vec<Outcome>,
}

impl Spare {
    /// More than so many of a kind are not kept.
    const MOST: usize = 128;
    /// A buffer larger than this is not kept.
    const LARGEST: usize = 8 << 10;

    pub(super) fn keep_buffer(&mut self, mut buffer: Vec<u8>) {
        if self.buffers.len() < Self::MOST && buffer.capacity() <= Self::LARGEST {
            buffer.clear();
            self.buffers.push(buffer);
        }
    }

    /// Keeps a place that nobody waits at any more, unless its entry is on the line still.
    pub(super) fn keep_outcome(&mut self, outcome: &mut Outcome) {
        if self.outcomes.len() < Self::MOST && Arc::get_mut(&mut outcome.0).is_some() {
            outcome.take();
            self.outcomes.push(outcome.clone());
        }
    }
}

impl Entry {
    /// The requests as bytes; the first has `first_token`.
    pub(super) fn new(
        requests: &[Request<'_>],
        first_token: u64,
        operation: u64,
        spare: &mut Spare,
    ) -> Result<Self, Violation> {
        /// Of a line of a request, generously.
        const LINE: usize = 160;
        let payload_len =
            |request: &Request<'_>| if let Request::Set { payload, .. } = request { payload.len() } else { 0 };
        let payloads: usize = requests.iter().map(payload_len).sum();
        let mut bytes = spare.buffers.pop().unwrap_or_default();
        bytes.reserve(payloads + LINE * requests.len());
        let mut kinds = SmallVec::with_capacity(requests.len());
        for (token, request) in (first_token..).zip(requests) {
            kinds.push((request.kind(), bytes.len()));
            wire::encode(request, token, &mut bytes)?;
            if let Request::Set { payload, .. } = request {
                payload.pieces().for_each(|piece| bytes.extend_from_slice(piece));
                bytes.extend_from_slice(b"\r\n");
            }
        }
        let answers = Results::with_capacity(requests.len());
        let outcome = spare.outcomes.pop().unwrap_or_else(|| Outcome(Arc::default()));
        Ok(Self { operation, requests: kinds, first_token, bytes, sent_at: None, answers, outcome })
    }

    pub(super) fn outcome(&self) -> Outcome {
        self.outcome.clone()
    }

    /// The request whose answer is next, and its token; `None` when all have theirs.
    pub(super) fn next(&self) -> Option<(Kind, u64)> {
        let (kind, _) = self.requests.get(self.answers.len())?;
        Some((*kind, self.first_token + self.answers.len() as u64))
    }

    /// How many requests the server may have seen something of if `sent` bytes were sent.
    pub(super) fn begun(&self, sent: usize) -> usize {
        self.requests.partition_point(|(_, start)| *start < sent)
    }

    /// How many requests there are.
    pub(super) fn len(&self) -> usize {
        self.requests.len()
    }

    /// Makes it one that asks nothing: the place in the row stays.
    pub(super) fn withdraw(&mut self) {
        self.requests.clear();
        self.bytes = Vec::new();
    }

    /// Tells whoever waits for it what it came to.
    pub(super) fn finish(self, begun: usize, broken: Option<Break>) {
        *self.outcome.lock() = Some(Exchange { answers: self.answers, begun, broken });
    }
}

impl Exchange {
    /// One on a connection that was closed before anything was sent.
    pub(super) fn dead() -> Self {
        Self { answers: Results::new(), begun: 0, broken: Some(Break::Fault(Fault::Closed)) }
    }
}
