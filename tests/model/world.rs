//! What is stored, as the contract sees it: a map of records, each with a time at which the store forgets it.
//!
//! Times are milliseconds on the model's own clocks, one for each store, which begin at 0 and only move when they are
//! moved. Whatever the contract calls a random number is here a number that is never used again.

use std::collections::BTreeMap;

use lovely_session::container::Policy;
use lovely_session::error::Status;

use crate::value::Content;

/// A session id in the container of this number.
pub(crate) type Place = (usize, Vec<u8>);

/// A deadline. One that the container's lifetime gave has a number: two of the same time are not the same, because the
/// real clock ticks between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Deadline {
    pub(crate) at: i64,
    pub(crate) drawn: u64,
}

/// A stored session. `incarnation` changes when it is created, `version` with each commit.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sess {
    pub(crate) incarnation: u64,
    pub(crate) version: u64,
    /// Counts the commits of this incarnation.
    pub(crate) sequence: u64,
    /// The tombstone over which it was created, or 0.
    pub(crate) over: u64,
    pub(crate) content: Content,
    pub(crate) own: Option<i64>,
    pub(crate) deadline: Option<Deadline>,
    pub(crate) created: i64,
    pub(crate) accessed: i64,
    /// The container's timeout and time to live at the commit.
    pub(crate) timeout: i64,
    pub(crate) max_timeout: i64,
}

impl Sess {
    /// The idle timeout, 0 being never: its own, or the container's as it was at the commit or is now, if that is more.
    fn timeout(&self, opts: &Opts) -> i64 {
        match self.own {
            Some(own) => own,
            None if self.timeout == 0 || opts.timeout == 0 => 0,
            None => self.timeout.max(opts.timeout),
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    Tombstone(u64),
    Session(Box<Sess>),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rec {
    pub(crate) kind: Kind,
    pub(crate) expires: Option<i64>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Opts {
    pub(crate) timeout: i64,
    pub(crate) resolution: i64,
    pub(crate) max: Option<i64>,
    pub(crate) lifetime: i64,
    pub(crate) policy: Policy,
    pub(crate) recreate: bool,
}

const DAY: i64 = 86_400_000;

impl Opts {
    pub(crate) fn max_timeout(&self) -> i64 {
        self.max.unwrap_or(self.timeout)
    }

    pub(crate) fn tombstone_life(&self) -> i64 {
        if self.max_timeout() == 0 { DAY } else { self.max_timeout() }
    }

    /// Whether a timeout is one that the container may have or give, 0 being never.
    pub(crate) fn check_timeout(timeout: i64, max: i64) -> Result<(), Status> {
        if max != 0 && (timeout == 0 || timeout > max) { Err(Status::Range) } else { Ok(()) }
    }

    /// The container's own timeout: never longer than what records are kept for, nor finite where they are kept for
    /// ever.
    pub(crate) fn set_timeout(&mut self, timeout: i64) -> Result<(), Status> {
        match self.max {
            Some(0) if timeout != 0 => return Err(Status::Range),
            Some(max) => Self::check_timeout(timeout, max)?,
            None => {}
        }
        self.timeout = timeout;
        Ok(())
    }

    pub(crate) fn set_max(&mut self, max: i64) -> Result<(), Status> {
        if max == 0 && self.timeout != 0 {
            return Err(Status::Range);
        }
        Self::check_timeout(self.timeout, max)?;
        self.max = Some(max);
        Ok(())
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Cont {
    pub(crate) store: usize,
    pub(crate) name: &'static str,
    pub(crate) opts: Opts,
}

/// What a transaction finds under an id.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Stands {
    Nothing,
    Tombstone(u64),
    Session { sess: Box<Sess>, is_idle: bool, is_past: bool },
}

#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) now: Vec<i64>,
    pub(crate) conts: Vec<Cont>,
    pub(crate) recs: BTreeMap<Place, Rec>,
    last: u64,
}

impl World {
    pub(crate) fn new(stores: usize, conts: Vec<Cont>) -> Self {
        Self { now: vec![0; stores], conts, recs: BTreeMap::new(), last: 0 }
    }

    /// A number that was never given before.
    pub(crate) fn draw(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    pub(crate) fn opts(&self, cont: usize) -> Opts {
        self.conts[cont].opts
    }

    pub(crate) fn now(&self, cont: usize) -> i64 {
        self.now[self.conts[cont].store]
    }

    /// What the store has there, whether the session that it is has expired or not.
    pub(crate) fn rec(&self, place: &Place) -> Option<&Rec> {
        let now = self.now(place.0);
        self.recs.get(place).filter(|rec| rec.expires.is_none_or(|expires| expires > now))
    }

    pub(crate) fn stands(&self, place: &Place) -> Stands {
        let (now, opts) = (self.now(place.0), self.opts(place.0));
        match self.rec(place) {
            None => Stands::Nothing,
            Some(Rec { kind: Kind::Tombstone(number), .. }) => Stands::Tombstone(*number),
            Some(Rec { kind: Kind::Session(sess), expires }) => {
                let is_past = sess.deadline.is_some_and(|deadline| deadline.at <= now);
                let timeout = sess.timeout(&opts);
                // A store tells how much is left, not of how much: where two are possible, the visitor is favoured.
                let left = expires.map(|expires| expires - now);
                let kept = [opts.max_timeout(), sess.max_timeout];
                let idle = kept.iter().filter(|kept| **kept != 0 && left.is_some_and(|left| left <= **kept));
                let idle = idle.map(|kept| kept - left.unwrap()).min().unwrap_or(0);
                let is_idle = timeout != 0 && idle >= timeout;
                Stands::Session { sess: sess.clone(), is_idle, is_past }
            }
        }
    }

    /// What is read by opening lives on for as long as the container keeps records.
    pub(crate) fn renew(&mut self, place: &Place) {
        let (now, keep) = (self.now(place.0), self.opts(place.0).max_timeout());
        if self.rec(place).is_some()
            && keep != 0
            && let Some(rec) = self.recs.get_mut(place)
        {
            rec.expires = Some(now + keep);
        }
    }

    /// A session that may be idle for longer than what the container keeps records for now lives on for as long.
    pub(crate) fn keep(&mut self, place: &Place, sess: &Sess) {
        let (now, opts) = (self.now(place.0), self.opts(place.0));
        let keep = opts.max_timeout();
        let Some(rec) = self.recs.get_mut(place).filter(|_| keep != 0) else { return };
        rec.expires = match (sess.timeout(&opts), sess.deadline) {
            (0, None) => None,
            (0, Some(deadline)) => Some(deadline.at.max(now + keep)),
            (timeout, _) => Some(now + timeout.max(keep)),
        };
    }

    /// Whether that is longer than what every record is kept for.
    pub(crate) fn is_kept_longer(&self, place: &Place, sess: &Sess) -> bool {
        let opts = self.opts(place.0);
        let timeout = sess.timeout(&opts);
        opts.max_timeout() != 0 && (timeout == 0 || timeout > opts.max_timeout())
    }

    /// Takes a renewal back, so that the session expires when it would have, or within a second.
    pub(crate) fn let_expire(&mut self, place: &Place, expires: Option<i64>) {
        let soon = self.now(place.0) + 1_000;
        if let (true, Some(rec), Some(expires)) =
            (self.opts(place.0).max_timeout() != 0, self.recs.get_mut(place), expires)
        {
            rec.expires = Some(expires.min(soon));
            if matches!(self.stands(place), Stands::Session { is_idle: false, .. }) {
                self.recs.remove(place);
            }
        }
    }

    pub(crate) fn store_session(&mut self, place: &Place, sess: Sess) {
        let (now, keep) = (self.now(place.0), self.opts(place.0).max_timeout());
        // What never expires by idling is forgotten when it is past its deadline.
        let expires = match (keep, sess.own) {
            (0, _) | (_, Some(0)) => sess.deadline.map(|deadline| deadline.at.max(now)),
            (keep, own) => Some(now + keep.max(own.unwrap_or(0))),
        };
        self.recs.insert(place.clone(), Rec { kind: Kind::Session(Box::new(sess)), expires });
    }

    pub(crate) fn store_tombstone(&mut self, place: &Place) {
        let number = self.draw();
        let expires = Some(self.now(place.0) + self.opts(place.0).tombstone_life());
        self.recs.insert(place.clone(), Rec { kind: Kind::Tombstone(number), expires });
    }
}
