//! One connection that many operations use at once: what goes out is gathered, what comes in is handed to those who
//! asked, in the order in which they did.
//!
//! When it breaks, everything on it fails as it must: what was sent may have been applied, what was not was not.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::super::channel::Fault;
use super::super::connection::{Break, Exchange};
use super::super::handshake::Facts;
use super::super::pool::Pool;
use super::super::wire::{Answer, Request};
use super::entry::{Entry, Outcome, Spare};
use super::reader::Reader;
use crate::io::queue::{Line, LineState};
use crate::io::{now, sys};
use crate::store::Results;
use crate::store::stats::Open;

/// Pieces that are handed to the system at once.
const PIECES: usize = 128;
/// More than this is not held back for answers that are awaited.
const HELD: usize = 64 << 10;

/// A connection that the operations of one queue share.
#[derive(Debug)]
pub(in crate::store::memcached) struct SharedLine {
    socket: OwnedFd,
    /// For the counters.
    _open: Open,
    pub(in crate::store::memcached) facts: Facts,
    pub(in crate::store::memcached) epoch: u64,
    /// How long a server may be silent that owes an answer.
    patience: Duration,
    pool: Weak<Pool>,
    /// What the hub calls it.
    number: AtomicU64,
    /// Whether anything was ever answered on it.
    is_used: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    reader: Reader,
    /// What was asked and not answered, in order; the first `sent` of them went out to their end.
    entries: VecDeque<Entry>,
    /// The number of the first of the entries, counted from the beginning.
    first: u64,
    sent: usize,
    /// How many bytes of the next one went out.
    offset: usize,
    unsent: usize,
    last_token: u64,
    heard: Option<Instant>,
    is_full: bool,
    is_retired: bool,
    is_over: bool,
    spare: Spare,
}

/// The right to what an exchange on a line comes to. Dropped, the exchange is given up.
#[derive(Debug)]
pub(super) struct Ticket<'l> {
    line: &'l SharedLine,
    number: u64,
    outcome: Outcome,
}

impl SharedLine {
    pub(super) fn new(
        (socket, open): (OwnedFd, Open),
        facts: Facts,
        epoch: u64,
        patience: Duration,
        pool: &Arc<Pool>,
    ) -> Self {
        Self {
            socket,
            _open: open,
            facts,
            epoch,
            patience,
            pool: Arc::downgrade(pool),
            number: AtomicU64::new(0),
            is_used: AtomicBool::new(false),
            state: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn number(&self) -> u64 {
        self.number.load(Ordering::Relaxed)
    }

    pub(super) fn set_number(&self, number: u64) {
        self.number.store(number, Ordering::Relaxed);
    }

    /// Whether anything was ever answered on it: else it is no wonder that the server closed it.
    pub(in crate::store::memcached) fn is_used(&self) -> bool {
        self.is_used.load(Ordering::Relaxed)
    }

    /// Whether the peer has not closed it, whatever arrived before.
    pub(in crate::store::memcached) fn is_alive(&self) -> bool {
        sys::is_open(self.socket.as_fd())
    }

    /// Whether something may be asked on it. If the server owes an answer for too long, it is given up here, and `woken` are
    /// those who waited on it.
    pub(super) fn is_good(&self, woken: &mut Vec<u64>) -> bool {
        let mut state = self.lock();
        self.end_if_stuck(&mut state, woken);
        !(state.is_over || state.is_retired)
    }

    /// Nothing is asked on it any more; what was asked is still answered.
    pub(super) fn retire(&self) {
        self.lock().is_retired = true;
    }

    /// Takes requests, to be sent when the time has come.
    pub(super) fn append<'l>(
        line: &'l Arc<Self>,
        requests: &[Request<'_>],
        operation: u64,
    ) -> Result<Ticket<'l>, Fault> {
        let mut state = line.lock();
        if state.is_over {
            return Err(Fault::Closed);
        }
        let first_token = state.last_token + 1;
        let entry = Entry::new(requests, first_token, operation, &mut state.spare)?;
        state.last_token += requests.len() as u64;
        state.unsent += entry.bytes.len();
        let (number, outcome) = (state.first + state.entries.len() as u64, entry.outcome());
        state.entries.push_back(entry);
        Ok(Ticket { line, number, outcome })
    }

    /// Ends everything on the line. The first to wait hears why; to the others the connection was closed.
    fn broke(&self, state: &mut State, why: Break, woken: &mut Vec<u64>) {
        state.is_over = true;
        // A server that refuses a request speaks: nothing says that it was restarted.
        if !matches!(why, Break::Rejected)
            && let Some(pool) = self.pool.upgrade()
        {
            pool.broke_epoch(self.epoch);
        }
        let (sent, offset) = (state.sent, state.offset);
        let mut why = Some(why);
        for (at, entry) in state.entries.drain(..).enumerate() {
            let begun = if at < sent { entry.len() } else { entry.begun(if at == sent { offset } else { 0 }) };
            woken.push(entry.operation);
            let broken = why.take().unwrap_or(Break::Fault(Fault::Closed));
            entry.finish(begun, Some(broken));
        }
        sys::shut(self.socket.as_fd());
    }

    /// Gives it up if the server owes an answer for too long. What has come and was not looked at is no debt: the host may have
    /// been busy, or asleep.
    fn end_if_stuck(&self, state: &mut State, woken: &mut Vec<u64>) {
        if state.is_over || !state.is_stuck(self.patience) {
            return;
        }
        match self.take_in(state, woken) {
            Err(why) => self.broke(state, why, woken),
            Ok(()) if state.is_stuck(self.patience) => self.broke(state, Break::Late, woken),
            Ok(()) => {}
        }
    }

    fn take_in(&self, state: &mut State, woken: &mut Vec<u64>) -> Result<(), Break> {
        loop {
            let Some(may_be_more) = state.reader.receive(self.socket.as_fd()).map_err(Break::Fault)? else {
                return Ok(());
            };
            state.heard = Some(Instant::now());
            self.is_used.store(true, Ordering::Relaxed);
            self.hand_out(state, woken)?;
            if !may_be_more {
                return Ok(());
            }
        }
    }

    /// Hands out the answers that are complete.
    fn hand_out(&self, state: &mut State, woken: &mut Vec<u64>) -> Result<(), Break> {
        loop {
            state.drop_withdrawn();
            let begun = if state.sent > 0 { usize::MAX } else { state.offset };
            let Some(entry) = state.entries.front_mut() else {
                let is_quiet = state.reader.is_drained();
                return if is_quiet { Ok(()) } else { Err(violated("goes on after its end")) };
            };
            while let Some((kind, token)) = entry.next() {
                let answer = state.reader.answer(kind, token, self.facts.item_size).map_err(Break::Fault)?;
                let Some(answer) = answer else { return Ok(()) };
                if begun != usize::MAX && entry.answers.len() >= entry.begun(begun) {
                    return Err(violated("came before the request"));
                }
                let is_rejected = matches!(answer, Answer::Rejected(_));
                entry.answers.push(answer);
                if is_rejected {
                    return Err(Break::Rejected);
                }
            }
            if state.sent == 0 {
                // All is answered and not all was sent: the server skips the rest as it comes.
                return Ok(());
            }
            state.sent -= 1;
            state.first += 1;
            if let Some(entry) = state.entries.pop_front() {
                woken.push(entry.operation);
                let begun = entry.len();
                entry.finish(begun, None);
            }
        }
    }

    fn send_some(&self, state: &mut State) -> Result<(), Fault> {
        state.is_full = false;
        while state.unsent > 0 {
            let mut slices = [IoSlice::new(&[]); PIECES];
            let mut count = 0;
            let mut skip = state.offset;
            for (slice, entry) in slices.iter_mut().zip(state.entries.range(state.sent..)) {
                *slice = IoSlice::new(entry.bytes.get(skip..).unwrap_or_default());
                skip = 0;
                count += 1;
            }
            match sys::send(self.socket.as_fd(), slices.get(..count).unwrap_or_default(), false) {
                Ok(sent) => state.advance(sent),
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {
                    state.is_full = true;
                    return Ok(());
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

impl State {
    /// Whether an answer is awaited.
    fn owes(&self) -> bool {
        self.sent > 0 || self.offset > 0
    }

    /// Whether the server owes an answer, and has been silent for `patience`.
    fn is_stuck(&self, patience: Duration) -> bool {
        let since = self.entries.front().and_then(|entry| entry.sent_at).max(self.heard);
        self.sent > 0 && since.is_some_and(|since| now().saturating_duration_since(since) >= patience)
    }

    fn advance(&mut self, sent: usize) {
        self.unsent = self.unsent.saturating_sub(sent);
        let mut left = sent + self.offset;
        let now = Instant::now();
        while let Some(entry) = self.entries.get_mut(self.sent) {
            if entry.bytes.len() > left {
                self.offset = left;
                return;
            }
            left -= entry.bytes.len();
            self.spare.keep_buffer(std::mem::take(&mut entry.bytes));
            entry.sent_at = Some(now);
            self.sent += 1;
        }
        self.offset = 0;
    }

    /// Forgets what was given up before it was sent, where it is first.
    fn drop_withdrawn(&mut self) {
        while self.entries.front().is_some_and(|entry| entry.len() == 0) {
            self.entries.pop_front();
            self.first += 1;
            self.sent = self.sent.saturating_sub(1);
        }
    }
}

impl Line for SharedLine {
    fn socket(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    fn receive(&self, woken: &mut Vec<u64>) {
        let mut state = self.lock();
        if !state.is_over
            && let Err(why) = self.take_in(&mut state, woken)
        {
            self.broke(&mut state, why, woken);
        }
    }

    fn send(&self, woken: &mut Vec<u64>) {
        let mut state = self.lock();
        if state.is_over {
            return;
        }
        let mut sent = self.send_some(&mut state).map_err(Break::Fault);
        // One that was refused while it was on its way is over when it is out.
        if sent.is_ok() && state.sent > 0 && state.entries.front().is_some_and(|entry| entry.next().is_none()) {
            sent = self.hand_out(&mut state, woken);
        }
        if let Err(why) = sent {
            self.broke(&mut state, why, woken);
        }
    }

    fn state(&self) -> LineState {
        let state = self.lock();
        let is_unwanted = || state.is_retired || self.pool.strong_count() == 0;
        if state.is_over || (state.entries.is_empty() && is_unwanted()) {
            LineState::Over
        } else if state.unsent == 0 {
            LineState::Idle
        } else if state.is_full {
            LineState::Full
        } else if state.owes() && state.unsent < HELD {
            LineState::Holding
        } else {
            LineState::Eager
        }
    }
}

impl Ticket<'_> {
    /// What it came to, once it did.
    pub(super) fn take(&self) -> Option<Exchange> {
        self.outcome.take()
    }

    /// Gives it up because its time is over; if the server has been silent for long, the line with it.
    pub(super) fn give_up(self) -> Exchange {
        let mut state = self.line.lock();
        let begun = self.withdraw(&mut state);
        // Those who are woken have their deadlines too; they find out when they are polled.
        let mut woken = Vec::new();
        self.line.end_if_stuck(&mut state, &mut woken);
        drop(state);
        if let Some(seat) = crate::io::seat().filter(|_| !woken.is_empty()) {
            seat.hub.wake(woken);
        }
        Exchange { answers: Results::new(), begun, broken: Some(Break::Late) }
    }

    /// Keeps from being sent what was not begun; how many requests the server may have seen something of.
    fn withdraw(&self, state: &mut State) -> usize {
        let Some(at) = self.number.checked_sub(state.first).and_then(|at| usize::try_from(at).ok()) else { return 0 };
        let (sent, offset) = (state.sent, state.offset);
        let Some(entry) = state.entries.get_mut(at) else { return 0 };
        if at < sent || (at == sent && offset > 0) {
            return if at < sent { entry.len() } else { entry.begun(offset) };
        }
        let len = entry.bytes.len();
        entry.withdraw();
        state.unsent = state.unsent.saturating_sub(len);
        0
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        let mut state = self.line.lock();
        self.withdraw(&mut state);
        state.spare.keep_outcome(&mut self.outcome);
    }
}

fn violated(what: super::super::wire::Violation) -> Break {
    Break::Fault(Fault::Violation(what))
}
