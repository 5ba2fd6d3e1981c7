//! Storing one session: compare-and-swap, and merging with whoever was faster.

use crate::container::Policy;
use crate::error::{Error, Message, Result};
use crate::planted::{Bug, is_planted};
use crate::record::{Record, Stamp};
use crate::session::{Origin, Place};
use crate::store::{Action, Counter, LoadItem, Loaded, Payload, WriteItem, Written};
use crate::txn::content::{Content, Kinship};
use crate::txn::job::{At, Expected, Next, Patience, Verdict, changed, gone, lost, out_of_time, refused, taken};
use crate::txn::report::Outcome;
use crate::txn::stands::Stands;

/// What a [`Save`] does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Read what stands there.
    Look,
    /// Write over what is known to stand there.
    Write,
}

/// Storing one session.
#[derive(Debug)]
pub(crate) struct Save {
    pub(crate) content: Content,
    /// Where to store it, if that is not where it was opened.
    elsewhere: Option<Place>,
    stage: Stage,
    /// What somebody else made of what was opened, if the changes are made to that.
    theirs: Option<Record>,
    /// The stamp of what comes out.
    stamp: Stamp,
    at: At,
    /// What to write, once it is made for this basis.
    payload: Option<Payload>,
    /// The stamps of writes that were sent and not answered.
    unanswered: Vec<Stamp>,
    /// Why the server refused, until it is known what it did with what was stored.
    refusal: Option<Message>,
    last_error: Option<Error>,
    patience: Patience,
    verdict: Option<Verdict>,
}

impl Save {
    /// Stores `content` where it was opened or, for a session created here, maybe `elsewhere`.
    pub(crate) fn new(content: Content, elsewhere: Option<Place>) -> Self {
        let at = At::found(&content.origin);
        let stage = if content.may_have_expired() { Stage::Look } else { Stage::Write };
        Self {
            stamp: content.stamp(content.origin.record()),
            content,
            elsewhere,
            stage,
            theirs: None,
            at,
            payload: None,
            unanswered: Vec::new(),
            refusal: None,
            last_error: None,
            patience: Patience::default(),
            verdict: None,
        }
    }

    pub(crate) fn place(&self) -> &Place {
        self.elsewhere.as_ref().unwrap_or(&self.content.place)
    }

    /// The record that the changes are made to.
    fn basis(&self) -> Option<&Record> {
        self.theirs.as_ref().or_else(|| self.content.origin.record())
    }

    pub(crate) fn expected(&self) -> Expected {
        if self.is_overwriting() { Expected::Any } else { self.at.expected() }
    }

    pub(crate) fn verdict(&self) -> Option<&Verdict> {
        self.verdict.as_ref()
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.stage == Stage::Write
    }

    pub(crate) fn look_first(&mut self) {
        self.stage = Stage::Look;
    }

    /// Takes the container's options as they are now; the session, or what was merged into it, may have expired since
    /// it was prepared.
    pub(crate) fn refresh_options(&mut self) {
        self.content.refresh_options();
        self.payload = None;
        let is_recreated = self.content.is_first(self.stamp) && self.content.origin.record().is_some();
        if is_recreated || self.content.may_have_expired() || self.content.is_merged(self.basis()) {
            self.look_first();
        }
    }

    /// The timeout that is stored, in milliseconds, 0 is never.
    pub(crate) fn timeout_ms(&self) -> u64 {
        self.content.timeout_ms(self.basis())
    }

    pub(crate) fn check(&mut self) {
        if let Err(error) = self.compose() {
            self.fail(error);
        }
    }

    pub(crate) fn fail(&mut self, error: Error) {
        // What this commit created may have been there, and have been destroyed or evicted before one could look: then
        // nothing that stands there now tells. Of any other write that was not answered it is certain by then that it
        // was not applied.
        let is_in_doubt = self.unanswered.iter().any(|ours| self.content.is_first(*ours));
        self.end(if is_in_doubt { Verdict::unknown(self.place(), Some(&error)) } else { Verdict::not_stored(error) });
    }

    pub(crate) fn expire(&mut self) {
        let verdict = if !self.unanswered.is_empty() {
            Verdict::unknown(self.place(), self.last_error.as_ref())
        } else if let Some(message) = &self.refusal {
            // Nobody could look, so that what stood there may be gone.
            Verdict::not_stored(self.refusal_error(message, true))
        } else {
            Verdict::not_stored(out_of_time(self.place(), self.patience.is_tried()))
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
        if self.stage == Stage::Look {
            return Next::Load(LoadItem { key: self.place().key.clone(), renew: None });
        }
        match self.compose() {
            Ok(()) => {
                // Somebody else made the same change: what stands there is what was to be stored.
                let Some(payload) = self.payload.take() else {
                    self.end(Verdict::stored());
                    return Next::Ended;
                };
                let ttl = self.content.ttl(self.basis());
                let action = match self.at {
                    _ if self.is_overwriting() => Action::Put(payload),
                    At::Nothing => Action::Create(payload),
                    At::Version(token) => Action::Replace(payload, token),
                };
                Next::Write(WriteItem { key: self.place().key.clone(), action, ttl })
            }
            Err(error) => {
                self.fail(error);
                Next::Ended
            }
        }
    }

    pub(crate) fn written(&mut self, written: Written) {
        match written {
            Written::Done(_) => self.end(Verdict::stored()),
            Written::Failed(error) if self.unanswered.is_empty() => self.fail(error),
            Written::Failed(error) => self.look_again(error),
            Written::Unknown(error) => {
                self.unanswered.push(self.stamp);
                self.look_again(error);
            }
            Written::Refused(message) => {
                self.refusal = Some(message);
                self.stage = Stage::Look;
            }
            Written::Changed => {
                self.count(Counter::Retries);
                self.patience.set_back();
                self.stage = Stage::Look;
            }
            Written::Absent => self.stands(&Stands::Nothing),
        }
    }

    pub(crate) fn loaded(&mut self, loaded: Result<Loaded>) {
        let is_open = !self.unanswered.is_empty() || self.refusal.is_some();
        match loaded {
            Ok(loaded) => match Stands::read(self.place(), &self.content.options, loaded) {
                Ok(stands) => self.stands(&stands),
                Err(error) if self.unanswered.is_empty() => self.fail(error),
                Err(error) => self.end(Verdict::unknown(self.place(), Some(&error))),
            },
            Err(error) if is_open => self.look_again(error),
            Err(error) => self.fail(error),
        }
    }

    /// Goes on with what was found to stand there.
    fn stands(&mut self, stands: &Stands) {
        if let Stands::Session { record, .. } = stands
            && self.is_ours(record)
        {
            return self.end(Verdict::stored());
        }
        if let Some(message) = self.refusal.take() {
            return self.after_refusal(stands, &message);
        }
        if !self.unanswered.is_empty() && !self.is_still_missing(stands) {
            return self.end(Verdict::unknown(self.place(), self.last_error.as_ref()));
        }
        self.at = At::of(stands);
        self.stage = Stage::Write;
        self.payload = None;
        if self.is_overwriting() {
            return;
        }
        match (self.content.kinship(stands), stands) {
            (Kinship::Same, _) => {
                // What was merged meanwhile is not there any more: its content must not come back.
                self.theirs = None;
                self.stamp = self.content.stamp(self.basis());
            }
            (Kinship::Changed, Stands::Session { record, .. }) => self.merge(record),
            (Kinship::Vanished, _) if self.content.may_recreate() => {
                // A new incarnation: whoever knew the one that vanished is told so, and not merged with what may be
                // an older state of it.
                self.theirs = None;
                self.stamp = self.content.first_stamp();
            }
            (Kinship::Gone, _) if matches!(self.content.origin, Origin::Created) => self.fail(taken(self.place())),
            (Kinship::Changed | Kinship::Vanished | Kinship::Gone, _) => self.fail(gone(self.place())),
        }
    }

    fn merge(&mut self, record: &Record) {
        if self.content.options.policy == Policy::Strict {
            return self.fail(changed(self.place()));
        }
        self.count(Counter::Merges);
        self.theirs = Some(record.clone());
        self.stamp = self.content.stamp(Some(record));
        // At once, so that a conflict is found before anything else of the transaction is written.
        self.check();
    }

    /// Whether a record comes from this commit, as it is or changed by others since.
    fn is_ours(&self, record: &Record) -> bool {
        record.header().stamp.writer == self.content.writer
            || !self.unanswered.is_empty() && self.content.has_created(record)
    }

    /// Whether it is certain that none of the writes that were not answered has been applied.
    ///
    /// The sequence numbers of an incarnation are a chain: where another commit stands at ours, ours lost; where a later
    /// one stands, ours may be among those before it. What this commit created it would recognize.
    fn is_still_missing(&self, stands: &Stands) -> bool {
        self.is_overwriting()
            || self.unanswered.iter().all(|ours| {
                let is_created = self.content.is_first(*ours);
                match (&self.content.origin, stands) {
                    (_, Stands::Session { record, .. }) => {
                        let stamp = record.header().stamp;
                        is_created || stamp.incarnation == ours.incarnation && stamp.sequence <= ours.sequence
                    }
                    (_, Stands::Nothing) => is_created,
                    (Origin::Absent { tombstone, .. }, Stands::Tombstone { writer, .. }) => {
                        is_created && tombstone == writer
                    }
                    (_, Stands::Tombstone { .. }) => false,
                }
            })
    }

    fn after_refusal(&mut self, stands: &Stands, message: &Message) {
        let error = self.refusal_error(message, matches!(stands, Stands::Nothing));
        if self.unanswered.is_empty() {
            self.fail(error);
        } else {
            self.end(Verdict::unknown(self.place(), Some(&error)));
        }
    }

    /// The error for a write that the server refused, where nothing stands, or may stand, since then.
    fn refusal_error(&self, message: &Message, is_gone: bool) -> Error {
        let was_there = self.basis().is_some() && matches!(self.at, At::Version(_));
        let is_lost = is_gone && was_there && !is_planted(Bug::Lost);
        if is_lost { lost(self.place(), message) } else { refused(self.place(), message) }
    }

    fn look_again(&mut self, error: Error) {
        self.last_error = Some(error);
        self.patience.set_back();
        self.stage = Stage::Look;
    }

    /// Makes what to write, once for each basis; nothing if what stands there already says all of it.
    fn compose(&mut self) -> Result<()> {
        if self.payload.is_none() {
            // What is created, and what is stored anew, is written even if it is empty.
            let must = matches!(self.content.origin, Origin::Created) || self.stamp.sequence == 1;
            let payload = if must {
                Some(self.content.compose_always(self.basis(), self.stamp)?)
            } else {
                self.content.compose(self.basis(), self.stamp)?
            };
            let Some(payload) = payload else { return Ok(()) };
            self.payload = Some(self.content.check_size(&self.place().key, payload)?);
        }
        Ok(())
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
