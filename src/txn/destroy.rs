//! Destroying one session: a tombstone, whatever stands there.
//!
//! It goes over the version that is known to stand there, and not over just anything: a request that got stuck on its way
//! may arrive long after it was given up on and done again, and would destroy what was created since.

use crate::container::Policy;
use crate::error::{Error, Message, Result};
use crate::session::Place;
use crate::store::{Action, Counter, LoadItem, Loaded, WriteItem, Written};
use crate::txn::content::tombstone;
use crate::txn::job::{At, Expected, Next, Patience, Verdict, lost, out_of_time, refused};
use crate::txn::random;
use crate::txn::stands::Stands;

/// Destroying one session.
#[derive(Debug)]
pub(crate) struct Destroy {
    place: Place,
    /// Tells the tombstone that is written next from all others.
    writer: u64,
    /// The same of those that were sent and not answered.
    unanswered: Vec<u64>,
    is_looking: bool,
    /// What stands there, once that is known; where versions do not count, it never is.
    at: Option<At>,
    refusal: Option<Message>,
    last_error: Option<Error>,
    patience: Patience,
    verdict: Option<Verdict>,
}

impl Destroy {
    /// Destroys what is at `place`; `at` is what was found there, if the transaction looked.
    pub(crate) fn new(place: Place, writer: u64, at: Option<At>) -> Self {
        let is_overwriting = place.container.options().policy == Policy::Overwrite;
        let at = at.filter(|_| !is_overwriting);
        Self {
            place,
            writer,
            unanswered: Vec::new(),
            is_looking: at.is_none() && !is_overwriting,
            at,
            refusal: None,
            last_error: None,
            patience: Patience::default(),
            verdict: None,
        }
    }

    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    #[allow(clippy::unused_self, reason = "the other jobs answer from what they know")]
    pub(crate) fn expected(&self) -> Expected {
        Expected::Any
    }

    #[allow(clippy::unused_self, reason = "a tombstone has nothing to check")]
    pub(crate) fn check(&mut self) {}

    pub(crate) fn verdict(&self) -> Option<&Verdict> {
        self.verdict.as_ref()
    }

    pub(crate) fn is_ready(&self) -> bool {
        !self.is_looking
    }

    pub(crate) fn fail(&mut self, error: Error) {
        self.verdict = Some(Verdict::not_stored(error));
    }

    pub(crate) fn expire(&mut self) {
        if self.unanswered.is_empty() {
            self.fail(match &self.refusal {
                // Nobody could look, so that what stood there may be gone.
                Some(message) if !matches!(self.at, Some(At::Nothing)) => lost(&self.place, message),
                Some(message) => refused(&self.place, message),
                None => match &self.last_error {
                    Some(error) => error.clone(),
                    None => out_of_time(&self.place, self.patience.is_tried()),
                },
            });
        } else {
            self.place.count(Counter::Unknown);
            self.verdict = Some(Verdict::unknown(&self.place, self.last_error.as_ref()));
        }
    }

    pub(crate) fn next(&mut self) -> Next {
        if self.verdict.is_some() {
            return Next::Ended;
        }
        if let Some(until) = self.patience.wait() {
            return Next::Wait(until);
        }
        let key = self.place.key.clone();
        if self.is_looking {
            return Next::Load(LoadItem { key, renew: None });
        }
        let blob = tombstone(&self.place, self.writer);
        let action = match self.at {
            None => Action::Put(blob),
            Some(At::Nothing) => Action::Create(blob),
            Some(At::Version(token)) => Action::Replace(blob, token),
        };
        Next::Write(WriteItem { key, action, ttl: Some(self.place.container.options().tombstone_life()) })
    }

    pub(crate) fn written(&mut self, written: Written) {
        match written {
            Written::Done(_) => self.verdict = Some(Verdict::stored()),
            Written::Failed(error) if self.unanswered.is_empty() => self.fail(error),
            Written::Failed(error) => self.look_again(Some(error)),
            Written::Unknown(error) => {
                self.unanswered.push(self.writer);
                self.look_again(Some(error));
            }
            Written::Refused(message) => {
                self.refusal = Some(message);
                self.is_looking = true;
            }
            Written::Changed | Written::Absent => self.look_again(None),
        }
    }

    pub(crate) fn loaded(&mut self, loaded: Result<Loaded>) {
        let stands = match loaded {
            Ok(loaded) => {
                let at = match &loaded {
                    Loaded::Absent => At::Nothing,
                    Loaded::Found { token, .. } => At::Version(*token),
                };
                // Bytes that cannot be read are destroyed like any others (contract 6.5).
                (at, Stands::read(&self.place, &self.place.container.options(), loaded).ok())
            }
            Err(error) if self.at.is_none() && self.unanswered.is_empty() && self.refusal.is_none() => {
                return self.fail(error);
            }
            Err(error) => return self.look_again(Some(error)),
        };
        let (at, stands) = stands;
        let is_done = match &stands {
            // Over another one ours has to go too: who opened the id after that one must not store anything.
            Some(Stands::Tombstone { writer, .. }) => self.is_ours(*writer),
            Some(Stands::Session { record, .. }) => self.is_ours(record.header().successor_of),
            _ => false,
        };
        if is_done {
            self.verdict = Some(Verdict::stored());
        } else if let Some(message) = self.refusal.take() {
            self.fail(match at {
                At::Nothing => lost(&self.place, &message),
                At::Version(_) => refused(&self.place, &message),
            });
        } else {
            self.at = Some(at);
            self.is_looking = false;
            self.begin_anew();
        }
    }

    fn is_ours(&self, writer: u64) -> bool {
        writer == self.writer || self.unanswered.contains(&writer)
    }

    /// After a tombstone that was not answered the next one is another: somebody may have found the first one, and must
    /// notice that there was a session since.
    fn begin_anew(&mut self) {
        if self.unanswered.last() == Some(&self.writer) {
            match random::unique() {
                Ok(writer) => self.writer = writer,
                Err(error) => self.look_again(Some(error)),
            }
        }
    }

    fn look_again(&mut self, error: Option<Error>) {
        self.last_error = error.or(self.last_error.take());
        self.patience.set_back();
        self.is_looking = true;
    }
}
