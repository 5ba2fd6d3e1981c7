//! The content that a transaction wants to store of one session, whatever stands there by then.

use std::time::Duration;

use crate::container::{Options, Policy};
use crate::error::{Error, Result};
use crate::planted::{Bug, is_planted};
use crate::record::{Header, Record, Stamp, Tombstone, encode_tombstone};
use crate::session::{Origin, Place, Session, clock};
use crate::store::{Blob, Key, Payload};
use crate::txn::merge::{Changes, Refusal};
use crate::txn::random;
use crate::txn::stands::Stands;

/// What one session is to become, taken out of the transaction for the time of its commit.
#[derive(Debug)]
pub(crate) struct Content {
    /// Where the session was opened.
    pub(crate) place: Place,
    /// The container's options at the time of the commit (contract 2.3).
    pub(crate) options: Options,
    pub(crate) origin: Origin,
    pub(crate) changes: Changes,
    /// Random: tells this commit's records from all others.
    pub(crate) writer: u64,
    /// The incarnation that is created, if one is.
    incarnation: u64,
    created_ms: i64,
    accessed_ms: i64,
    base_deadline_ms: Option<i64>,
    opened: Duration,
    tombstone_life: Duration,
    is_moved: bool,
}

/// How a record that stands relates to what the transaction had opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kinship {
    /// It is what was opened, or nothing where nothing was.
    Same,
    /// It is what was opened, and somebody changed it since; or somebody created it where nothing was.
    Changed,
    /// What was opened is not there any more: evicted or idle for too long.
    Vanished,
    /// What was opened was destroyed, or is past its deadline, or another session stands there.
    Gone,
}

impl Content {
    /// Takes the content of `session`, of which `changes` was changed.
    pub(crate) fn new(session: &Session, changes: Changes) -> Result<Self> {
        Ok(Self {
            place: session.place.clone(),
            options: session.place.container.options(),
            origin: session.origin.clone(),
            changes,
            writer: random::unique()?,
            incarnation: random::unique()?,
            created_ms: session.created_ms,
            accessed_ms: session.accessed_ms,
            base_deadline_ms: session.base_deadline_ms,
            opened: session.opened,
            tombstone_life: session.tombstone_life,
            is_moved: session.is_moved(),
        })
    }

    /// Takes the options as they are now: those at the time of the commit count.
    pub(crate) fn refresh_options(&mut self) {
        self.options = self.place.container.options();
    }

    /// The timeout that is stored over `basis`, in milliseconds, 0 is never.
    pub(crate) fn timeout_ms(&self, basis: Option<&Record>) -> u64 {
        self.own_timeout_ms(basis).unwrap_or(self.options.timeout_ms)
    }

    /// The session's own timeout as it is staged, or as it was found.
    fn own_timeout_ms(&self, basis: Option<&Record>) -> Option<u64> {
        let found = basis.and_then(|record| record.header().own_timeout_ms);
        self.changes.own_timeout_ms().unwrap_or(found)
    }

    /// Whether the session may have expired since it was opened, so that one has to look before one writes.
    pub(crate) fn may_have_expired(&self) -> bool {
        let clock = self.place.container.store().clock();
        let is_loaded_out =
            |record: &Record| clock::may_have_expired(record.header(), self.age(), &self.options, clock);
        self.options.policy != Policy::Overwrite
            && (self.origin.record().is_some_and(is_loaded_out) || self.outlived_tombstones())
    }

    /// Whether the session was opened longer ago than a tombstone lives: one cannot tell any more whether it was
    /// destroyed since, or created and destroyed (contract 5.5).
    fn outlived_tombstones(&self) -> bool {
        !matches!(self.origin, Origin::Created) && self.age() >= self.tombstone_life.min(self.options.tombstone_life())
    }

    /// Whether `basis` is not what was opened, but what somebody else made of it.
    pub(crate) fn is_merged(&self, basis: Option<&Record>) -> bool {
        let stamp = |record: Option<&Record>| record.map(|record| record.header().stamp);
        stamp(basis) != stamp(self.origin.record())
    }

    /// Whether to store anew what is not there any more (contract 5.6).
    pub(crate) fn may_recreate(&self) -> bool {
        (self.options.recreate || is_planted(Bug::Recreate)) && !self.outlived_tombstones()
    }

    /// How what stands relates to what was opened.
    pub(crate) fn kinship(&self, stands: &Stands) -> Kinship {
        match (&self.origin, stands) {
            (Origin::Absent { .. }, _) if self.outlived_tombstones() => Kinship::Gone,
            (Origin::Loaded { .. }, Stands::Nothing) => Kinship::Vanished,
            (Origin::Loaded { record: base, .. }, Stands::Session { record, expired, .. }) => {
                let (base, stamp) = (base.header().stamp, record.header().stamp);
                let clock = self.place.container.store().clock();
                let is_other = base.incarnation != stamp.incarnation && !is_planted(Bug::Incarnation);
                if is_other || clock::is_past_deadline(record.header(), clock) {
                    Kinship::Gone
                } else if *expired {
                    Kinship::Vanished
                } else if base == stamp {
                    Kinship::Same
                } else {
                    Kinship::Changed
                }
            }
            (Origin::Absent { .. } | Origin::Created, Stands::Nothing) => Kinship::Same,
            (Origin::Absent { tombstone, .. }, Stands::Tombstone { writer, .. }) if tombstone == writer => {
                Kinship::Same
            }
            (Origin::Absent { tombstone, .. }, Stands::Session { record, expired, .. })
                if *tombstone == record.header().successor_of =>
            {
                // What expired since is as absent as what was found.
                if *expired { Kinship::Same } else { Kinship::Changed }
            }
            // A tombstone, or somebody else's session.
            (_, _) => Kinship::Gone,
        }
    }

    /// The bytes to store over `basis`; `None` if it already says all of it. `Err` is the reason not to store.
    pub(crate) fn compose(&self, basis: Option<&Record>, stamp: Stamp) -> Result<Option<Payload>> {
        let header = self.header(basis, stamp);
        let base_deadline_ms = self.base_deadline_ms(basis);
        self.changes.apply(self.origin.record(), basis, header, base_deadline_ms, self.options.policy).map_err(
            |refusal| match refusal {
                Refusal::Error(error) => error,
                Refusal::Corrupt(corrupt) => self.place.corrupt(&corrupt),
            },
        )
    }

    /// The deadline that a staged one is compared with: as it was found, or as the container's lifetime gives it.
    ///
    /// Of two transactions that both created the session each began a lifetime of its own, which nobody asked for:
    /// where the other one has just that, it changed nothing.
    fn base_deadline_ms(&self, basis: Option<&Record>) -> Option<i64> {
        let Some(theirs) = basis.filter(|_| self.origin.record().is_none()).map(Record::header) else {
            return self.base_deadline_ms;
        };
        let lifetime = self.base_deadline_ms.map(|deadline| deadline.saturating_sub(self.created_ms));
        let given = lifetime.map(|lifetime| theirs.created_ms.saturating_add(lifetime));
        if theirs.deadline_ms == given { given } else { self.base_deadline_ms }
    }

    /// The same for a record that has to be written, changed or not.
    pub(crate) fn compose_always(&self, basis: Option<&Record>, stamp: Stamp) -> Result<Payload> {
        match self.compose(basis, stamp)? {
            Some(payload) => Ok(payload),
            None => Changes::copy(basis, &self.header(basis, stamp)),
        }
    }

    /// The stamp of a record that follows `basis`, or is the first of a new incarnation.
    pub(crate) fn stamp(&self, basis: Option<&Record>) -> Stamp {
        match basis.map(|record| record.header().stamp) {
            Some(stamp) => Stamp { sequence: stamp.sequence.wrapping_add(1), writer: self.writer, ..stamp },
            None => self.first_stamp(),
        }
    }

    /// The stamp of the first record of a new incarnation.
    pub(crate) fn first_stamp(&self) -> Stamp {
        Stamp { incarnation: self.incarnation, sequence: 1, writer: self.writer }
    }

    /// Whether a stamp is of the incarnation that only this commit can have created.
    pub(crate) fn is_first(&self, stamp: Stamp) -> bool {
        stamp.incarnation == self.incarnation
    }

    /// Whether a record is of the incarnation that only this commit can have created.
    pub(crate) fn has_created(&self, record: &Record) -> bool {
        self.is_first(record.header().stamp)
    }

    /// How long what is stored over `basis` lives in the store.
    pub(crate) fn ttl(&self, basis: Option<&Record>) -> Option<Duration> {
        let renewal = match self.own_timeout_ms(basis) {
            Some(0) => None,
            // Longer only if the container's limit was lowered since.
            own => self.options.renewal().map(|renewal| renewal.max(Duration::from_millis(own.unwrap_or(0)))),
        };
        renewal.or_else(|| {
            // Nothing expires by idling here, so what is past its deadline would stay for ever.
            let now_ms = self.place.container.store().clock().now_ms();
            self.deadline_ms(basis)
                .map(|deadline| Duration::from_millis(u64::try_from(deadline.saturating_sub(now_ms)).unwrap_or(0)))
        })
    }

    /// The deadline as it is staged, or as it was found.
    fn deadline_ms(&self, basis: Option<&Record>) -> Option<i64> {
        let found = basis.map_or(self.base_deadline_ms, |record| record.header().deadline_ms);
        self.changes.deadline_ms().unwrap_or(found)
    }

    /// Refuses bytes that the server would drop the stored session for (see "facts" in the documentation of stores).
    pub(crate) fn check_size(&self, key: &Key, payload: Payload) -> Result<Payload> {
        let limit = self.place.container.store().record_limit(key);
        if payload.len() > limit {
            let (container, len) = (self.place.container.name(), payload.len());
            return Err(Error::TooLarge(
                format!(
                    "session of {len} bytes in container {container:?} is over the store's record limit of {limit}"
                )
                .into(),
            ));
        }
        Ok(payload)
    }

    /// The mark to leave where a session was.
    pub(crate) fn tombstone(&self) -> Payload {
        tombstone(&self.place, self.writer)
    }

    fn age(&self) -> Duration {
        self.place.container.store().clock().mono().saturating_sub(self.opened)
    }

    fn header(&self, basis: Option<&Record>, stamp: Stamp) -> Header {
        let found = basis.map(Record::header);
        let tombstone = match self.origin {
            Origin::Absent { tombstone, .. } => tombstone,
            _ => 0,
        };
        Header {
            stamp,
            // Under a new id there was nothing before.
            successor_of: if self.is_moved { 0 } else { found.map_or(tombstone, |header| header.successor_of) },
            created_ms: found.map_or(self.created_ms, |header| header.created_ms),
            accessed_ms: found.map_or(self.accessed_ms, |header| header.accessed_ms.max(self.accessed_ms)),
            timeout_ms: self.options.timeout_ms,
            max_timeout_ms: self.options.max_timeout_ms(),
            own_timeout_ms: found.and_then(|header| header.own_timeout_ms),
            deadline_ms: found.map_or(self.base_deadline_ms, |header| header.deadline_ms),
        }
    }
}

/// The mark that `writer` leaves where a session was.
pub(crate) fn tombstone(place: &Place, writer: u64) -> Payload {
    let destroyed_ms = place.container.store().clock().now_ms();
    Blob::new(encode_tombstone(&Tombstone { writer, destroyed_ms })).into()
}
