//! The old record of a session that gets a new id: destroying it, and merging what became of it meanwhile
//! into the new one.

use super::{Regenerate, Stage};
use crate::container::Policy;
use crate::record::Record;
use crate::store::{Counter, Written};
use crate::txn::content::Kinship;
use crate::txn::job::{At, Verdict, changed, gone, refused};
use crate::txn::stands::Stands;

impl Regenerate {
    pub(super) fn written_old(&mut self, written: Written) {
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

    /// Goes on with what was found under the old id.
    pub(super) fn old_stands(&mut self, stands: &Stands) {
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
}
