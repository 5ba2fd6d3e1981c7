//! The new record of a session that gets a new id: storing it, and withdrawing it if the old one cannot be destroyed.

use super::{Regenerate, Stage};
use crate::error::{Error, Result};
use crate::record::Stamp;
use crate::store::{Payload, Written};
use crate::txn::job::{Verdict, changed, gone, refused, taken};
use crate::txn::report::Outcome;
use crate::txn::stands::Stands;

impl Regenerate {
    pub(super) fn written_new(&mut self, written: Written) {
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

    /// Goes on with what was found under the new id.
    pub(super) fn new_stands(&mut self, stands: &Stands) {
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

    /// The bytes of the new record.
    pub(super) fn compose(&self) -> Result<Payload> {
        let stamp = Stamp { sequence: self.sequence, ..self.content.first_stamp() };
        let payload = self.content.compose_always(self.basis.as_ref(), stamp)?;
        self.content.check_size(&self.new.key, payload)
    }

    pub(super) fn written_withdrawal(&mut self, written: Written) {
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

    /// Goes on with what was found under the new id when it has to be withdrawn.
    pub(super) fn withdrawn_stands(&mut self, stands: &Stands) {
        match stands {
            // Whoever went on from our record went on from what does not come to be.
            Stands::Session { record, token, .. } if self.content.has_created(record) => {
                self.new_token = Some(*token);
                self.stage = Stage::Withdraw;
            }
            _ => self.end_withdrawn(),
        }
    }

    pub(super) fn end_withdrawn(&mut self) {
        let error = self.failure.take().unwrap_or_else(|| gone(self.place()));
        let outcome = if matches!(error, Error::Unknown(_)) { Outcome::Unknown } else { Outcome::NotStored };
        self.end(Verdict { outcome, error: Some(error) });
    }
}
