//! One thing that a commit has to do, as a machine that says what it needs from the store next.

use std::time::{Duration, Instant};

use crate::error::Result;
use crate::error::{Error, Message};
use crate::session::{Origin, Place};
use crate::store::{Key, LoadItem, Loaded, Store, Token, WriteItem, Written};
use crate::txn::destroy::Destroy;
use crate::txn::random;
use crate::txn::regenerate::Regenerate;
use crate::txn::report::{Outcome, ReportKind};
use crate::txn::save::Save;
use crate::txn::stands::Stands;

/// What a job needs next.
#[derive(Debug)]
pub(crate) enum Next {
    /// A record, without renewing it.
    Load(LoadItem),
    /// A write.
    Write(WriteItem),
    /// Nothing before this moment.
    Wait(Instant),
    /// Nothing more: it ended like this.
    Ended,
}

/// How a job ended.
#[derive(Debug, Clone)]
pub(crate) struct Verdict {
    pub(crate) outcome: Outcome,
    pub(crate) error: Option<Error>,
}

impl Verdict {
    pub(crate) fn stored() -> Self {
        Self { outcome: Outcome::Stored, error: None }
    }

    pub(crate) fn not_stored(error: Error) -> Self {
        Self { outcome: Outcome::NotStored, error: Some(error) }
    }

    /// Sent, and not known to be applied or not; `why` is what kept it from being known.
    pub(crate) fn unknown(place: &Place, why: Option<&Error>) -> Self {
        let why = why.map(|why| format!(": {why}")).unwrap_or_default();
        let error = Error::Unknown(format!("whether the session was stored is unknown{why} ({place})").into());
        Self { outcome: Outcome::Unknown, error: Some(error) }
    }
}

/// Which version a job expects to stand under its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    /// Whatever it is; only the server has to answer.
    Any,
    /// Nothing.
    Nothing,
    /// This one.
    Version(Token),
    /// Nothing, or the new id of a session is in use.
    Free,
}

/// The version to write over.
#[derive(Debug, Clone, Copy)]
pub(crate) enum At {
    /// Nothing stands there.
    Nothing,
    /// This version stands there.
    Version(Token),
}

impl At {
    /// What was found when a session was opened, to write over it.
    pub(crate) fn found(origin: &Origin) -> Self {
        match origin {
            Origin::Loaded { token, .. } | Origin::Absent { over: Some(token), .. } => Self::Version(*token),
            Origin::Absent { over: None, .. } | Origin::Created => Self::Nothing,
        }
    }

    /// What stands there, to write over it.
    pub(crate) fn of(stands: &Stands) -> Self {
        match stands {
            Stands::Nothing => Self::Nothing,
            Stands::Tombstone { token, .. } | Stands::Session { token, .. } => Self::Version(*token),
        }
    }

    pub(crate) fn expected(self) -> Expected {
        match self {
            Self::Nothing => Expected::Nothing,
            Self::Version(token) => Expected::Version(token),
        }
    }
}

/// How often a job was set back, and when it may try again.
#[derive(Debug, Default)]
pub(crate) struct Patience {
    setbacks: u32,
    until: Option<Instant>,
}

impl Patience {
    /// Takes note of a lost race or a lost answer: the first one costs no time, the later ones a growing, random pause.
    pub(crate) fn set_back(&mut self) {
        /// So long that a crowd of writers thins out, so short that nobody's deadline notices.
        const LONGEST: Duration = Duration::from_millis(50);
        self.setbacks = self.setbacks.saturating_add(1);
        if self.setbacks > 1 {
            let ceiling = LONGEST.min(Duration::from_micros(100) * (1 << self.setbacks.min(16)));
            let share = random::unique().unwrap_or(u64::MAX) >> 40;
            let nanos = u64::try_from(ceiling.as_nanos()).unwrap_or(0).saturating_mul(share) >> 24;
            self.until = Some(Instant::now() + Duration::from_nanos(nanos));
        }
    }

    /// The moment to wait for, if it is not past.
    pub(crate) fn wait(&mut self) -> Option<Instant> {
        let until = self.until?;
        if until <= Instant::now() {
            self.until = None;
        }
        self.until
    }

    pub(crate) fn is_tried(&self) -> bool {
        self.setbacks > 0
    }
}

/// One thing that a commit has to do.
#[derive(Debug)]
pub(crate) enum Job {
    /// Store a session.
    Save(Box<Save>),
    /// Store a session under a new id, and destroy the old one.
    Regenerate(Box<Regenerate>),
    /// Destroy a session.
    Destroy(Box<Destroy>),
}

macro_rules! each {
    ($job:expr, $it:ident => $body:expr) => {
        match $job {
            Job::Save($it) => $body,
            Job::Regenerate($it) => $body,
            Job::Destroy($it) => $body,
        }
    };
}

impl Job {
    pub(crate) fn place(&self) -> &Place {
        each!(self, job => job.place())
    }

    pub(crate) fn store(&self) -> &Store {
        self.place().container.store()
    }

    /// Where somebody else's change would show, and what is expected to stand there.
    pub(crate) fn expected(&self) -> impl Iterator<Item = (&Key, Expected)> {
        let new = match self {
            Self::Regenerate(job) => Some((job.new_key(), Expected::Free)),
            Self::Save(_) | Self::Destroy(_) => None,
        };
        std::iter::once((&self.place().key, each!(self, job => job.expected()))).chain(new)
    }

    /// The keys of all records that it may write.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &Key> {
        self.expected().map(|(key, _)| key)
    }

    /// How many records it writes.
    pub(crate) fn writes(&self) -> usize {
        match self {
            Self::Save(_) | Self::Destroy(_) => 1,
            Self::Regenerate(_) => 2,
        }
    }

    /// Finds out now what would keep it from being written: sizes, conflicts with what is already known.
    pub(crate) fn check(&mut self) {
        each!(self, job => job.check());
    }

    /// Something else than expected stands there: look before writing.
    pub(crate) fn look_first(&mut self) {
        match self {
            Self::Save(job) => job.look_first(),
            Self::Regenerate(job) => job.look_first(),
            Self::Destroy(_) => {}
        }
    }

    /// Ends it because the new id is in use.
    pub(crate) fn new_id_is_taken(&mut self) {
        if let Self::Regenerate(job) = self {
            job.new_id_is_taken();
        }
    }

    /// Ends it because its server does not answer.
    pub(crate) fn fail(&mut self, error: Error) {
        each!(self, job => job.fail(error));
    }

    /// Whether the next thing it does is to write.
    pub(crate) fn is_ready(&self) -> bool {
        each!(self, job => job.is_ready())
    }

    pub(crate) fn next(&mut self) -> Next {
        each!(self, job => job.next())
    }

    pub(crate) fn loaded(&mut self, loaded: Result<Loaded>) {
        each!(self, job => job.loaded(loaded));
    }

    pub(crate) fn written(&mut self, written: Written) {
        each!(self, job => job.written(written));
    }

    /// Ends it because time is up.
    pub(crate) fn expire(&mut self) {
        each!(self, job => job.expire());
    }

    pub(crate) fn verdict(&self) -> Option<&Verdict> {
        each!(self, job => job.verdict())
    }

    /// Takes the container's options as they are now.
    pub(crate) fn refresh_options(&mut self) {
        match self {
            Self::Save(job) => job.refresh_options(),
            Self::Regenerate(job) => job.refresh_options(),
            Self::Destroy(_) => {}
        }
    }

    pub(crate) fn kind(&self) -> ReportKind {
        match self {
            Self::Save(_) | Self::Regenerate(_) => ReportKind::Write,
            Self::Destroy(_) => ReportKind::Destroy,
        }
    }

    /// The timeout that is stored, in milliseconds, 0 is never.
    pub(crate) fn timeout_ms(&self) -> u64 {
        match self {
            Self::Save(job) => job.timeout_ms(),
            Self::Regenerate(job) => job.timeout_ms(),
            Self::Destroy(job) => {
                u64::try_from(job.place().container.options().tombstone_life().as_millis()).unwrap_or(u64::MAX)
            }
        }
    }
}

/// The error for a session that is not there any more.
pub(crate) fn gone(place: &Place) -> Error {
    place.count(crate::store::Counter::Gone);
    Error::Gone(format!("the session was destroyed, evicted or expired since it was opened ({place})").into())
}

/// The error for a change by somebody else where the policy allows none.
pub(crate) fn changed(place: &Place) -> Error {
    Error::Conflict(format!("another transaction changed the session ({place})").into())
}

/// The error for an id that somebody else has.
pub(crate) fn taken(place: &Place) -> Error {
    Error::Conflict(format!("another session has the new id ({place})").into())
}

/// The error for a race that was lost until time was up.
pub(crate) fn out_of_time(place: &Place, is_tried: bool) -> Error {
    if is_tried {
        Error::Conflict(format!("other transactions kept changing the session until the deadline ({place})").into())
    } else {
        Error::Timeout(format!("the deadline of the commit passed before the session was written ({place})").into())
    }
}

/// The error for a write that the server refused and left the session as it was.
pub(crate) fn refused(place: &Place, message: &Message) -> Error {
    Error::Unavailable {
        message: format!("the server refused to store the session: {message} ({place})").into(),
        errno: 0,
    }
}

/// The error for a write that the server refused and dropped what was stored.
pub(crate) fn lost(place: &Place, message: &Message) -> Error {
    Error::Lost(format!("the server refused to store the session and dropped it: {message} ({place})").into())
}
