//! Storing one session under a new id, and destroying the old one.
//!
//! The new record is created first, then the tombstone goes over the old one by compare-and-swap: a crash in between
//! leaves both, never none. If the old one changed meanwhile, it is merged into the new. If it is gone, or cannot be
//! merged or destroyed, the new one is withdrawn.

use crate::container::Policy;
use crate::error::{Error, Message, Result};
use crate::record::{Record, Stamp};
use crate::session::Place;
use crate::store::{Action, Counter, Key, LoadItem, Loaded, Payload, Token, WriteItem, Written};
use crate::txn::content::{Content, Kinship};
use crate::txn::job::{At, Expected, Next, Patience, Verdict, changed, gone, out_of_time, refused, taken};
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

    fn written_new(&mut self, written: Written) {
        match written {
            Written::Done(token) => {
                self.new_token = Some(token);
                self.stage = Stage::WriteOld;
            }
            Written::Failed(error) => self.fail(error),
            Written::Unknown(error) => {
                self.is_new_unanswered = true;
                self.stage = Stage::LookNew;
                self.try_again(Some(error));
            }
            Written::Refused(message) => {
                self.refusal = Some(message);
                self.stage = Stage::LookNew;
            }
            Written::Changed | Written::Absent => self.stage = Stage::LookNew,
        }
    }

    fn written_old(&mut self, written: Written) {
        match written {
            Written::Done(_) => self.end(Verdict::stored()),
            Written::Failed(error) if !self.is_old_unanswered && !self.is_old_dropped => self.fail(error),
            Written::Failed(error) => {
                self.stage = Stage::LookOld;
                self.try_again(Some(error));
            }
            Written::Unknown(error) => {
                self.is_old_unanswered = true;
                self.stage = Stage::LookOld;
                self.try_again(Some(error));
            }
            Written::Refused(message) => {
                self.refusal = Some(message);
                self.stage = Stage::LookOld;
            }
            Written::Changed => {
                self.count(Counter::Retries);
                self.stage = Stage::LookOld;
                self.try_again(None);
            }
            Written::Absent => self.old_stands(&Stands::Nothing),
        }
    }

    fn written_withdrawal(&mut self, written: Written) {
        match written {
            Written::Done(_) | Written::Absent => self.end_withdrawn(),
            Written::Changed | Written::Refused(_) => {
                self.stage = Stage::LookWithdrawn;
                self.try_again(None);
            }
            Written::Failed(error) | Written::Unknown(error) => {
                self.stage = Stage::LookWithdrawn;
                self.try_again(Some(error));
            }
        }
    }

    /// Goes on with what was found under the new id.
    fn new_stands(&mut self, stands: &Stands) {
        let refusal = self.refusal.take();
        match stands {
            Stands::Session { record, token, .. } if record.header().stamp.writer == self.content.writer => {
                self.new_token = Some(*token);
                let is_latest = record.header().stamp.sequence == self.sequence;
                self.stage = if is_latest { Stage::WriteOld } else { Stage::WriteNew };
                if let (Some(message), false) = (refusal, is_latest) {
                    self.fail(refused(&self.new, &message));
                }
            }
            // Somebody knows the new id already and went on from our record. If there was only one, it is in theirs.
            Stands::Session { record, token, .. } if self.content.has_created(record) => {
                self.new_token = Some(*token);
                if self.sequence == self.first_sequence {
                    self.stage = Stage::WriteOld;
                } else {
                    self.fail(changed(&self.new));
                }
            }
            Stands::Nothing => {
                self.new_token = None;
                self.is_new_unanswered = false;
                match refusal {
                    Some(message) => self.fail(refused(&self.new, &message)),
                    None => self.stage = Stage::WriteNew,
                }
            }
            // It was stored there, and somebody who knew the new id destroyed it: so it is destroyed under the old one.
            _ if self.new_token.take().is_some() => self.stage = Stage::WriteOld,
            // It may have been.
            _ if self.is_new_unanswered => {
                self.end(Verdict::unknown(&self.new, self.last_error.as_ref()));
            }
            Stands::Session { .. } | Stands::Tombstone { .. } => self.fail(taken(&self.new)),
        }
    }

    /// Goes on with what was found under the old id.
    fn old_stands(&mut self, stands: &Stands) {
        let refusal = self.refusal.take();
        let is_first = self.stage == Stage::LookFirst;
        let is_buried = match stands {
            Stands::Tombstone { writer, .. } => *writer == self.content.writer,
            Stands::Session { record, .. } => record.header().successor_of == self.content.writer,
            // The session is not there any more, and the server takes no tombstone: nothing is left to destroy.
            Stands::Nothing => {
                refusal.is_some() && self.content.origin.record().is_some() && matches!(self.old_at, At::Nothing)
            }
        };
        if is_buried {
            return self.end(Verdict::stored());
        }
        if let Some(message) = refusal {
            if !matches!((stands, self.old_at), (Stands::Nothing, At::Version(_))) {
                return self.fail(refused(self.place(), &message));
            }
            self.is_old_dropped = true;
        }
        self.old_at = At::of(stands);
        self.stage = if is_first { Stage::WriteNew } else { Stage::WriteOld };
        // Where the tombstone that was not answered did not arrive, or came and went, or the server dropped the session
        // for it, it is only written again: without it somebody could store the session anew.
        let is_begun = self.is_old_unanswered || self.is_old_dropped;
        if self.is_overwriting() || is_begun && matches!(stands, Stands::Nothing) {
            return;
        }
        match (self.content.kinship(stands), stands) {
            (Kinship::Same, _) => self.forget_merged(),
            (Kinship::Changed, Stands::Session { record, .. }) if self.is_known(record) => {}
            (Kinship::Changed, Stands::Session { record, .. }) => self.merge(record),
            (Kinship::Vanished, _) if self.content.may_recreate() => self.forget_merged(),
            (Kinship::Changed | Kinship::Vanished | Kinship::Gone, _) => {
                let error = gone(self.place());
                // Our tombstone may have been there, and have given way to what others stored since.
                let doubt = Verdict::unknown(self.place(), Some(&error)).error.filter(|_| self.is_old_unanswered);
                self.fail(doubt.unwrap_or(error));
            }
        }
    }

    /// What was merged and is not there any more must not live on under the new id.
    fn forget_merged(&mut self) {
        if self.content.is_merged(self.basis.as_ref()) {
            self.rebase(self.content.origin.record().cloned());
        }
    }

    /// Whether a record under the old id is the one that the new record was made of.
    fn is_known(&self, record: &Record) -> bool {
        self.basis.as_ref().is_some_and(|basis| basis.header().stamp == record.header().stamp)
    }

    fn merge(&mut self, record: &Record) {
        if self.content.options.policy == Policy::Strict {
            return self.fail(changed(self.place()));
        }
        self.count(Counter::Merges);
        self.rebase(Some(record.clone()));
        self.check();
    }

    /// Makes the new record anew, of another basis.
    fn rebase(&mut self, basis: Option<Record>) {
        self.sequence = self.sequence.max(self.content.stamp(basis.as_ref()).sequence).wrapping_add(1);
        if self.new_token.is_none() && !self.is_new_unanswered {
            self.first_sequence = self.sequence;
        }
        self.basis = basis;
        self.stage = Stage::WriteNew;
    }

    /// Goes on with what was found under the new id when it has to be withdrawn.
    fn withdrawn_stands(&mut self, stands: &Stands) {
        match stands {
            // Whoever went on from our record went on from what does not come to be.
            Stands::Session { record, token, .. } if self.content.has_created(record) => {
                self.new_token = Some(*token);
                self.stage = Stage::Withdraw;
            }
            _ => self.end_withdrawn(),
        }
    }

    fn end_withdrawn(&mut self) {
        let error = self.failure.take().unwrap_or_else(|| gone(self.place()));
        let outcome = if matches!(error, Error::Unknown(_)) { Outcome::Unknown } else { Outcome::NotStored };
        self.end(Verdict { outcome, error: Some(error) });
    }

    fn try_again(&mut self, error: Option<Error>) {
        self.last_error = error.or(self.last_error.take());
        self.patience.set_back();
    }

    /// The bytes of the new record.
    fn compose(&self) -> Result<Payload> {
        let stamp = Stamp { sequence: self.sequence, ..self.content.first_stamp() };
        let payload = self.content.compose_always(self.basis.as_ref(), stamp)?;
        self.content.check_size(&self.new.key, payload)
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
