//! Storing one session under a new id, and destroying the old one.
//!
//! The new record is created first, then the tombstone goes over the old one by compare-and-swap: a crash in between
//! leaves both, never none. If the old one changed meanwhile, it is merged into the new. If it is gone, or cannot be
//! merged or destroyed, the new one is withdrawn. Here is the machine; `new` and `old` say how it goes on with
//! either record.

mod new;
mod old;

use crate::container::Policy;
use crate::error::{Error, Message, Result};
use crate::record::Record;
use crate::session::Place;
use crate::store::{Action, Counter, Key, LoadItem, Loaded, Token, WriteItem, Written};
use crate::txn::content::Content;
use crate::txn::job::{At, Expected, Next, Patience, Verdict, out_of_time, refused, taken};
use crate::txn::report::Outcome;
use crate::txn::stands::Stands;

/// What a [`Regenerate`] does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Read the old record, before anything is written.
    LookFirst,
    /// Store the new record.
    WriteNew,
    /// Read the new record, because its write was not answered, or refused.
    LookNew,
    /// Store the tombstone over the old record.
    WriteOld,
    /// Read the old record, because somebody was faster, or the tombstone was not answered.
    LookOld,
    /// Store a tombstone over the new record.
    Withdraw,
    /// Read the new record to withdraw it.
    LookWithdrawn,
}

/// Storing one session under a new id.
#[derive(Debug)]
pub(crate) struct Regenerate {
    pub(crate) content: Content,
    new: Place,
    stage: Stage,
    /// The record that the changes are made to, as it is known to stand under the old id.
    basis: Option<Record>,
    old_at: At,
    /// The version under the new id, once it is stored.
    new_token: Option<Token>,
    /// The sequence numbers of the first and of the latest record for the new id.
    first_sequence: u64,
    sequence: u64,
    /// Whether a write of the new record, or of the old tombstone, was sent and not answered.
    is_new_unanswered: bool,
    is_old_unanswered: bool,
    /// Whether the server dropped the old record as it refused the tombstone: then the new one is all there is.
    is_old_dropped: bool,
    refusal: Option<Message>,
    /// Why the new record is being withdrawn.
    failure: Option<Error>,
    last_error: Option<Error>,
    patience: Patience,
    verdict: Option<Verdict>,
}

impl Regenerate {
    /// Stores `content` at `new` and destroys it where it was opened.
    pub(crate) fn new(content: Content, new: Place) -> Self {
        let (basis, old_at) = (content.origin.record().cloned(), At::found(&content.origin));
        let stage = if content.may_have_expired() { Stage::LookFirst } else { Stage::WriteNew };
        let sequence = content.stamp(basis.as_ref()).sequence;
        Self {
            first_sequence: sequence,
            sequence,
            content,
            new,
            stage,
            basis,
            old_at,
            new_token: None,
            is_new_unanswered: false,
            is_old_unanswered: false,
            is_old_dropped: false,
            refusal: None,
            failure: None,
            last_error: None,
            patience: Patience::default(),
            verdict: None,
        }
    }

    /// Where it was opened.
    pub(crate) fn place(&self) -> &Place {
        &self.content.place
    }

    pub(crate) fn expected(&self) -> Expected {
        if self.is_overwriting() { Expected::Any } else { self.old_at.expected() }
    }

    /// The key under which the session shall be.
    pub(crate) fn new_key(&self) -> &Key {
        &self.new.key
    }

    pub(crate) fn new_id_is_taken(&mut self) {
        self.fail(taken(&self.new));
    }

    pub(crate) fn verdict(&self) -> Option<&Verdict> {
        self.verdict.as_ref()
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.stage == Stage::WriteNew
    }

    pub(crate) fn look_first(&mut self) {
        self.stage = Stage::LookFirst;
    }

    /// Takes the container's options as they are now; the session, or what was merged into it, may have expired since
    /// it was prepared.
    pub(crate) fn refresh_options(&mut self) {
        self.content.refresh_options();
        let is_vanished = matches!(self.old_at, At::Nothing) && self.content.origin.record().is_some();
        if is_vanished || self.content.may_have_expired() || self.content.is_merged(self.basis.as_ref()) {
            self.look_first();
        }
    }

    /// The timeout that is stored, in milliseconds, 0 is never.
    pub(crate) fn timeout_ms(&self) -> u64 {
        self.content.timeout_ms(self.basis.as_ref())
    }

    pub(crate) fn check(&mut self) {
        if let Err(error) = self.compose() {
            self.fail(error);
        }
    }

    /// Ends it, or withdraws the new record if that may be stored.
    pub(crate) fn fail(&mut self, error: Error) {
        if self.new_token.is_none() && !self.is_new_unanswered {
            self.end(Verdict::not_stored(error));
            return;
        }
        self.stage = if self.new_token.is_some() { Stage::Withdraw } else { Stage::LookWithdrawn };
        self.failure = Some(error);
    }

    pub(crate) fn expire(&mut self) {
        let is_certain = self.new_token.is_none() && !self.is_new_unanswered;
        let verdict = if is_certain {
            let refused = self.refusal.as_ref().map(|message| refused(&self.new, message));
            let why = refused.or(self.last_error.take());
            Verdict::not_stored(why.unwrap_or_else(|| out_of_time(self.place(), self.patience.is_tried())))
        } else {
            Verdict::unknown(self.place(), self.failure.as_ref().or(self.last_error.as_ref()))
        };
        self.end(verdict);
    }

    pub(crate) fn next(&mut self) -> Next {
        if self.verdict.is_some() {
            return Next::Ended;
        }
        if let Some(until) = self.patience.wait() {
            return Next::Wait(until);
        }
        match self.stage {
            Stage::LookFirst | Stage::LookOld => self.load(self.place()),
            Stage::LookNew | Stage::LookWithdrawn => self.load(&self.new),
            Stage::WriteNew => match self.compose() {
                Ok(payload) => {
                    let action = match self.new_token {
                        Some(token) => Action::Replace(payload, token),
                        None => Action::Create(payload),
                    };
                    let ttl = self.content.ttl(self.basis.as_ref());
                    Next::Write(WriteItem { key: self.new.key.clone(), action, ttl })
                }
                Err(error) => {
                    self.fail(error);
                    self.next()
                }
            },
            Stage::WriteOld => {
                let mark = self.content.tombstone();
                let action = match self.old_at {
                    _ if self.is_overwriting() => Action::Put(mark),
                    At::Nothing => Action::Create(mark),
                    At::Version(token) => Action::Replace(mark, token),
                };
                self.bury(self.place(), action)
            }
            Stage::Withdraw => match self.new_token {
                Some(token) => self.bury(&self.new, Action::Replace(self.content.tombstone(), token)),
                None => self.load(&self.new),
            },
        }
    }

    pub(crate) fn written(&mut self, written: Written) {
        match self.stage {
            Stage::WriteNew => self.written_new(written),
            Stage::WriteOld => self.written_old(written),
            Stage::Withdraw => self.written_withdrawal(written),
            Stage::LookFirst | Stage::LookNew | Stage::LookOld | Stage::LookWithdrawn => {}
        }
    }

    pub(crate) fn loaded(&mut self, loaded: Result<Loaded>) {
        let place = match self.stage {
            Stage::LookFirst | Stage::LookOld => self.place(),
            _ => &self.new,
        };
        let stands = loaded.and_then(|loaded| Stands::read(place, &self.content.options, loaded));
        match (self.stage, stands) {
            (Stage::LookFirst | Stage::LookOld, Ok(stands)) => self.old_stands(&stands),
            // Nothing is written yet, or looking again would not help.
            (Stage::LookFirst, Err(error)) | (Stage::LookOld | Stage::LookNew, Err(error @ Error::Corrupt(_))) => {
                self.fail(error);
            }
            // What cannot be read is not ours.
            (Stage::LookWithdrawn | Stage::Withdraw, Err(Error::Corrupt(_))) => self.end_withdrawn(),
            (Stage::LookNew, Ok(stands)) => self.new_stands(&stands),
            (Stage::LookWithdrawn | Stage::Withdraw, Ok(stands)) => self.withdrawn_stands(&stands),
            (_, Err(error)) => self.try_again(Some(error)),
            (_, Ok(_)) => {}
        }
    }

    fn try_again(&mut self, error: Option<Error>) {
        self.last_error = error.or(self.last_error.take());
        self.patience.set_back();
    }

    #[allow(clippy::unused_self, reason = "reads as the job's next step")]
    fn load(&self, place: &Place) -> Next {
        Next::Load(LoadItem { key: place.key.clone(), renew: None })
    }

    fn bury(&self, place: &Place, action: Action) -> Next {
        Next::Write(WriteItem { key: place.key.clone(), action, ttl: Some(self.content.options.tombstone_life()) })
    }

    fn is_overwriting(&self) -> bool {
        self.content.options.policy == Policy::Overwrite
    }

    fn count(&self, counter: Counter) {
        self.place().count(counter);
    }

    fn end(&mut self, verdict: Verdict) {
        if verdict.outcome == Outcome::Unknown {
            self.count(Counter::Unknown);
        }
        self.verdict = Some(verdict);
    }
}
