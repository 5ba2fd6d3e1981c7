//! A session in a transaction: what was loaded, what is staged for the whole of it, and its packages.
//!
//! How it is stored is `record`'s business, when it is stored `txn`'s.

pub(crate) mod clock;
pub mod id;
pub(crate) mod pkg;
pub(crate) mod snapshot;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use smallvec::SmallVec;

use crate::container::Container;
use crate::error::{Error, Result};
use crate::record::{Corrupt, Header, Record};
use crate::session::pkg::{Change, Pkg};
use crate::session::snapshot::Snapshot;
use crate::store::{Counter, Key, Token};
use crate::value::{Text, check_key};

/// Looking through so many packages costs less than a table of their names.
const FEW: usize = 8;

/// Where a session is kept.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) container: Container,
    pub(crate) key: Key,
}

impl Place {
    /// Where `container` keeps the session `id`.
    pub(crate) fn new(container: &Container, id: &[u8]) -> Self {
        Self { container: container.clone(), key: container.key(id) }
    }

    /// Counts something that happened to it.
    pub(crate) fn count(&self, counter: Counter) {
        self.container.store().count(&self.key, counter);
    }

    /// The error for stored bytes that cannot be read.
    pub(crate) fn corrupt(&self, corrupt: &Corrupt) -> Error {
        Error::Corrupt(format!("the stored session cannot be read: {corrupt} ({self})").into())
    }
}

/// Container and key digest, for errors: never the id.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "container {:?}, key digest {}", self.container.name(), self.key.digest())
    }
}

/// What stood in the store when a session was opened.
#[derive(Debug, Clone)]
pub(crate) enum Origin {
    /// Nothing that counts: nothing at all, a tombstone, or a record that expired.
    Absent {
        /// The version to write over, if something stood there.
        over: Option<Token>,
        /// The writer of the tombstone that stood there, or 0.
        tombstone: u64,
    },
    /// Nobody looked: the id was drawn at random in this transaction.
    Created,
    /// A session.
    Loaded {
        /// What was loaded.
        record: Record,
        /// Its version.
        token: Token,
    },
}

impl Origin {
    /// What was loaded.
    pub(crate) fn record(&self) -> Option<&Record> {
        match self {
            Self::Loaded { record, .. } => Some(record),
            _ => None,
        }
    }
}

/// What is staged for a session as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) id: Arc<[u8]>,
    pub(crate) own_timeout_ms: Option<u64>,
    pub(crate) deadline_ms: Option<i64>,
    pub(crate) destroyed: bool,
    /// The epoch in which this was last logged.
    pub(crate) logged: u64,
}

/// Why a session can no longer be used, or that it can.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Life {
    /// In use.
    Open,
    /// Opened after a savepoint that was rolled back to (contract 3.4).
    RolledBack,
    /// Replaced by a new load, because its timeout had passed (contract 4.4).
    Reloaded,
}

/// A session in a transaction.
#[derive(Debug)]
pub(crate) struct Session {
    /// Where it was opened.
    pub(crate) place: Place,
    pub(crate) origin: Origin,
    /// The id under which it was opened; `head.id` is the one that it will have.
    pub(crate) opened_id: Arc<[u8]>,
    /// When it was opened, by the store's monotonic clock.
    pub(crate) opened: Duration,
    /// How long a tombstone lived by the container's options of that time.
    pub(crate) tombstone_life: Duration,
    pub(crate) created_ms: i64,
    pub(crate) accessed_ms: i64,
    /// The deadline before anything was staged.
    pub(crate) base_deadline_ms: Option<i64>,
    pub(crate) head: Head,
    pub(crate) life: Life,
    pkgs: SmallVec<[Pkg; 1]>,
    /// Where each of them is, once there are more than a few.
    by_name: BTreeMap<Text, usize>,
    /// Names and content as they were last lent, and the transaction's version then.
    pub(crate) names_list: Snapshot,
    pub(crate) content_map: Snapshot,
}

impl Session {
    /// A session that nobody has: new, empty, with the deadline that the container's lifetime gives it.
    pub(crate) fn absent(place: Place, id: Arc<[u8]>, origin: Origin) -> Self {
        let (options, now_ms) = (place.container.options(), place.container.store().clock().now_ms());
        let deadline_ms = match options.lifetime_ms {
            0 => None,
            lifetime => Some(now_ms.saturating_add_unsigned(lifetime)),
        };
        Self::new(place, id, origin, now_ms, now_ms, None, deadline_ms)
    }

    /// A session as it was loaded.
    pub(crate) fn loaded(place: Place, id: Arc<[u8]>, record: Record, token: Token) -> Self {
        let (options, now_ms) = (place.container.options(), place.container.store().clock().now_ms());
        let header = record.header();
        let accessed_ms = clock::reported_access_ms(header.accessed_ms, now_ms, options.resolution_ms);
        let Header { created_ms, own_timeout_ms, deadline_ms, .. } = *header;
        Self::new(place, id, Origin::Loaded { record, token }, created_ms, accessed_ms, own_timeout_ms, deadline_ms)
    }

    fn new(
        place: Place,
        id: Arc<[u8]>,
        origin: Origin,
        created_ms: i64,
        accessed_ms: i64,
        own_timeout_ms: Option<u64>,
        deadline_ms: Option<i64>,
    ) -> Self {
        Self {
            opened: place.container.store().clock().mono(),
            tombstone_life: place.container.options().tombstone_life(),
            place,
            origin,
            opened_id: Arc::clone(&id),
            created_ms,
            accessed_ms,
            base_deadline_ms: deadline_ms,
            head: Head { id, own_timeout_ms, deadline_ms, destroyed: false, logged: 0 },
            life: Life::Open,
            pkgs: SmallVec::new(),
            by_name: BTreeMap::new(),
            names_list: Snapshot::default(),
            content_map: Snapshot::default(),
        }
    }

    /// Refuses a session that is no longer one of the transaction, or that the transaction destroys.
    pub(crate) fn check_usable(&self) -> Result<()> {
        match self.life {
            Life::RolledBack => {
                Err(Error::Misuse("the session was opened after the savepoint that was rolled back to".into()))
            }
            Life::Reloaded => Err(Error::Misuse("the session was loaded anew, because its timeout had passed".into())),
            Life::Open if self.head.destroyed => {
                Err(Error::Gone("the session is destroyed in this transaction".into()))
            }
            Life::Open => Ok(()),
        }
    }

    /// Takes it out of the transaction, and gives back what was loaded if nothing of it was lent: what is opened and
    /// rolled back in a loop must not pile up.
    pub(crate) fn leave(&mut self, life: Life) {
        self.life = life;
        (self.names_list, self.content_map) = (Snapshot::default(), Snapshot::default());
        // Each of them, also behind one of which something was lent.
        let lent = self.pkgs.iter_mut().filter_map(|pkg| (!pkg.let_go()).then_some(())).count();
        if lent == 0 {
            self.origin = Origin::Created;
        }
    }

    /// How long ago it was opened, by the store's clock.
    pub(crate) fn age(&self) -> Duration {
        self.place.container.store().clock().mono().saturating_sub(self.opened)
    }

    /// Whether it was opened so long ago that opening it again loads it anew (contract 4.4).
    pub(crate) fn is_stale(&self) -> bool {
        let timeout_ms = self.head.own_timeout_ms.unwrap_or_else(|| self.place.container.options().timeout_ms);
        timeout_ms != 0 && self.age() >= Duration::from_millis(timeout_ms)
    }

    /// The timeout before anything was staged.
    pub(crate) fn base_own_timeout_ms(&self) -> Option<u64> {
        self.origin.record().and_then(|record| record.header().own_timeout_ms)
    }

    /// Whether there is, or would be after a commit, a stored session.
    pub(crate) fn would_be_stored(&self) -> bool {
        let is_staged =
            self.is_moved() || self.head.own_timeout_ms.is_some() || self.head.deadline_ms != self.base_deadline_ms;
        let has_keys = || {
            self.pkgs.iter().any(|pkg| {
                pkg.overlay().any(|(_, change)| !matches!(change, Change::Delete | Change::Add { delta: 0, .. }))
            })
        };
        self.check_usable().is_ok() && (!matches!(self.origin, Origin::Absent { .. }) || is_staged || has_keys())
    }

    /// Whether it was given a new id.
    pub(crate) fn is_moved(&self) -> bool {
        self.head.id != self.opened_id
    }

    /// The package called `name`, with what is loaded of it, there or not; its place never changes.
    pub(crate) fn pkg_slot(&mut self, name: &str) -> Result<usize> {
        if let Some(at) = self.known(name) {
            return Ok(at);
        }
        check_key("package name", name)?;
        let loaded = self.origin.record().and_then(|record| record.find(name));
        let name = Text::new(name);
        let at = self.pkgs.len();
        self.pkgs.push(Pkg::new(name.clone(), loaded));
        if at == FEW {
            self.by_name = self.pkgs.iter().map(Pkg::name).cloned().zip(0..).collect();
        } else if at > FEW {
            self.by_name.insert(name, at);
        }
        Ok(at)
    }

    /// The place of the package called `name`, if it was asked for before.
    fn known(&self, name: &str) -> Option<usize> {
        if self.pkgs.len() > FEW {
            return self.by_name.get(name).copied();
        }
        self.pkgs.iter().position(|pkg| pkg.name().as_str() == name)
    }

    /// The place of the package called `name`, if it is there for this transaction; creates nothing.
    pub(crate) fn find_pkg(&mut self, name: &str) -> Result<Option<usize>> {
        if self.known(name).is_none() && self.origin.record().and_then(|record| record.find(name)).is_none() {
            return Ok(None);
        }
        let at = self.pkg_slot(name)?;
        Ok(self.pkgs.get(at).filter(|pkg| pkg.is_present()).map(|_| at))
    }

    /// The package at a place of the session, together with what was loaded.
    pub(crate) fn pkg_mut(&mut self, at: usize) -> Result<(&mut Pkg, Option<&Record>, &Place)> {
        let pkg =
            self.pkgs.get_mut(at).ok_or_else(|| Error::Misuse("the package is not one of this session".into()))?;
        Ok((pkg, self.origin.record(), &self.place))
    }

    pub(crate) fn pkg(&self, at: usize) -> Option<&Pkg> {
        self.pkgs.get(at)
    }

    /// All packages that were asked for or changed.
    pub(crate) fn pkgs(&self) -> &[Pkg] {
        &self.pkgs
    }

    /// The names of all packages that are there for this transaction, sorted.
    pub(crate) fn names(&self) -> Vec<Text> {
        let mut names = Vec::new();
        if let Some(record) = self.origin.record() {
            let stored = record.entries().map(|(name, _)| name);
            names.extend(stored.filter(|name| self.known(name).is_none()).map(Text::new));
        }
        names.extend(self.pkgs.iter().filter(|pkg| pkg.is_present()).map(|pkg| pkg.name().clone()));
        names.sort();
        names
    }
}
