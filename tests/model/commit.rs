//! What a commit is to do with each session, as if the servers answered: what is stored then, or why nothing is.

use lovely_session::container::Policy;
use lovely_session::error::Status;
use lovely_session::txn::ReportKind;

use crate::cover::Cover;
use crate::merge::{Merged, Reasons, merge, reason};
use crate::session::{Life, Origin, Session};
use crate::txn::{Id, Txn};
use crate::value::is_too_large;
use crate::world::{Place, Sess, Stands, World};

/// One entry of the report.
#[derive(Debug, Clone)]
pub(crate) struct Task {
    pub(crate) cont: usize,
    pub(crate) id: Vec<u8>,
    pub(crate) work: Work,
}

#[derive(Debug, Clone)]
pub(crate) enum Work {
    Save { session: Box<Session>, at: Place },
    Move { session: Box<Session>, from: Place, to: Place },
    Destroy { at: Place },
}

/// What is written at a place.
#[derive(Debug, Clone)]
pub(crate) enum Write {
    Session(Box<Sess>),
    Tombstone,
}

/// What a task comes to: writes, or reasons not to write.
#[derive(Debug, Clone)]
pub(crate) struct Verdict {
    pub(crate) writes: Result<Vec<(Place, Write)>, Reasons>,
    /// The timeout that is stored.
    pub(crate) timeout: i64,
    /// Whether nothing that stands there would tell what became of a write that was not answered.
    pub(crate) is_untold: bool,
}

impl Task {
    pub(crate) fn kind(&self) -> ReportKind {
        match self.work {
            Work::Destroy { .. } => ReportKind::Destroy,
            _ => ReportKind::Write,
        }
    }

    pub(crate) fn places(&self) -> Vec<Place> {
        match &self.work {
            Work::Save { at, .. } | Work::Destroy { at } => vec![at.clone()],
            Work::Move { from, to, .. } => vec![from.clone(), to.clone()],
        }
    }

    pub(crate) fn session(&self) -> Option<&Session> {
        match &self.work {
            Work::Save { session, .. } | Work::Move { session, .. } => Some(session),
            Work::Destroy { .. } => None,
        }
    }

    /// What can be known to fail without the store: a session over the limit.
    pub(crate) fn check(&self, world: &World, cover: &mut Cover) -> Option<Reasons> {
        let session = self.session()?;
        let merged = merge(session, &Merged::base(session), world.opts(self.cont).policy, cover);
        match merged {
            Ok(merged) => is_too_large(&merged.content).then(|| reason(Status::TooLarge)),
            Err(reasons) => Some(reasons),
        }
    }

    pub(crate) fn judge(&self, world: &mut World, cover: &mut Cover) -> Verdict {
        let opts = world.opts(self.cont);
        match &self.work {
            Work::Destroy { at } => Verdict {
                writes: Ok(vec![(at.clone(), Write::Tombstone)]),
                timeout: opts.tombstone_life(),
                is_untold: false,
            },
            Work::Save { session, at } => {
                let fate = Fate::of(world, session, at, cover);
                let is_untold = fate.is_untold(world, session, at);
                let stored = fate.store(world, session, opts.policy, cover);
                let timeout = timeout_of(stored.as_ref().ok(), session, opts.timeout);
                let stands = match world.stands(at) {
                    Stands::Session { sess, .. } => Some(Merged::of(&sess)),
                    _ => None,
                };
                let is_new = |sess: &Sess| {
                    fate != Fate::Merge || stands != Some(Merged::of(sess)) || opts.policy == Policy::Overwrite
                };
                let writes = stored.map(|sess| {
                    if !is_new(&sess) {
                        cover.hit("commit: others did the same");
                        return Vec::new();
                    }
                    vec![(at.clone(), Write::Session(Box::new(sess)))]
                });
                Verdict { writes, timeout, is_untold }
            }
            Work::Move { session, from, to } => {
                let fate = Fate::of(world, session, from, cover);
                let mut stored = fate.store(world, session, opts.policy, cover).map(|sess| Sess {
                    incarnation: world.draw(),
                    over: 0,
                    ..sess
                });
                if world.rec(to).is_some() {
                    cover.hit("regenerate: the id is taken");
                    let mut reasons = stored.err().unwrap_or_default();
                    reasons.insert(Status::Conflict as i32);
                    stored = Err(reasons);
                }
                let timeout = timeout_of(stored.as_ref().ok(), session, opts.timeout);
                let writes = stored
                    .map(|sess| vec![(to.clone(), Write::Session(Box::new(sess))), (from.clone(), Write::Tombstone)]);
                Verdict { writes, timeout, is_untold: false }
            }
        }
    }
}

fn timeout_of(stored: Option<&Sess>, session: &Session, of_container: i64) -> i64 {
    stored.map_or(session.own, |sess| sess.own).unwrap_or(of_container)
}

/// How what stands relates to what was opened, and so what is to be done with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// Over what was opened, or where nothing is.
    Plain,
    /// Into what somebody else stored of the same session.
    Merge,
    /// Anew, because it vanished.
    Recreate,
    Gone,
    Vanished,
    Changed,
    Taken,
}

impl Fate {
    #[allow(clippy::match_same_arms, reason = "a line for each clause of the contract, in its order")]
    fn of(world: &World, session: &Session, at: &Place, cover: &mut Cover) -> Self {
        let opts = world.opts(at.0);
        let stands = world.stands(at);
        if opts.policy == Policy::Overwrite {
            return Self::Plain;
        }
        // As long as a tombstone lived when it was opened, or would live now.
        let is_too_old = world.now(at.0) - session.opened >= session.tombstone_life.min(opts.tombstone_life());
        let merge = || if opts.policy == Policy::Strict { Self::Changed } else { Self::Merge };
        let fate = match (&session.origin, stands) {
            (Origin::Created, Stands::Nothing) => Self::Plain,
            (Origin::Created, _) => Self::Taken,
            (Origin::Absent(_), _) if is_too_old => Self::Gone,
            (Origin::Absent(_), Stands::Nothing) => Self::Plain,
            (Origin::Absent(over), Stands::Tombstone(number)) if *over == number => Self::Plain,
            (Origin::Absent(over), Stands::Session { sess, is_idle, is_past }) if *over == sess.over => {
                if is_idle || is_past { Self::Plain } else { merge() }
            }
            (Origin::Absent(_), _) => Self::Gone,
            (Origin::Loaded(_), Stands::Tombstone(_)) => Self::Gone,
            (Origin::Loaded(base), Stands::Session { sess, .. }) if base.incarnation != sess.incarnation => Self::Gone,
            (Origin::Loaded(_), Stands::Session { is_past: true, .. }) => Self::Gone,
            (Origin::Loaded(_), Stands::Nothing | Stands::Session { is_idle: true, .. }) => {
                if opts.recreate && !is_too_old { Self::Recreate } else { Self::Vanished }
            }
            (Origin::Loaded(base), Stands::Session { sess, .. }) if base.version == sess.version => Self::Plain,
            (Origin::Loaded(_), Stands::Session { .. }) => merge(),
        };
        cover.hit(match fate {
            Self::Plain => "commit: over what was opened",
            Self::Merge => "commit: merged",
            Self::Recreate => "commit: recreated",
            Self::Gone => "commit: gone, destroyed or another session",
            Self::Vanished => "commit: gone, evicted or expired",
            Self::Changed => "commit: strict conflict",
            Self::Taken => "commit: created onto an id in use",
        });
        fate
    }

    /// Whether a write over what was opened that is not answered leaves no trace: it may have come and gone with what
    /// vanished, or be among several commits that came between.
    fn is_untold(self, world: &World, session: &Session, at: &Place) -> bool {
        match (self, session.base(), world.stands(at)) {
            (Self::Recreate, ..) => true,
            (Self::Merge, Some(base), Stands::Session { sess, .. }) => sess.sequence > base.sequence + 1,
            _ => false,
        }
    }

    /// The session as it is stored then.
    fn store(self, world: &mut World, session: &Session, policy: Policy, cover: &mut Cover) -> Result<Sess, Reasons> {
        let theirs = match self {
            Self::Gone | Self::Vanished => return Err(reason(Status::Gone)),
            Self::Changed | Self::Taken => return Err(reason(Status::Conflict)),
            Self::Plain | Self::Recreate => session.base().cloned(),
            Self::Merge => {
                let at = (session.cont, session.opened_id.clone());
                match world.stands(&at) {
                    Stands::Session { sess, .. } => Some(*sess),
                    _ => None,
                }
            }
        };
        let found = theirs.as_ref().map_or_else(|| Merged::base(session), Merged::of);
        let merged = merge(session, &found, policy, cover)?;
        if is_too_large(&merged.content) {
            cover.hit("commit: too large");
            return Err(reason(Status::TooLarge));
        }
        let opts = world.opts(session.cont);
        let over = if let Origin::Absent(over) = session.origin { over } else { 0 };
        let follows = theirs.as_ref().filter(|_| self != Self::Recreate);
        Ok(Sess {
            incarnation: follows.map_or_else(|| world.draw(), |theirs| theirs.incarnation),
            version: world.draw(),
            sequence: follows.map_or(1, |theirs| theirs.sequence + 1),
            over: theirs.as_ref().map_or(over, |theirs| theirs.over),
            created: theirs.as_ref().map_or(session.created, |theirs| theirs.created),
            accessed: theirs.as_ref().map_or(session.accessed, |theirs| theirs.accessed.max(session.accessed)),
            content: merged.content,
            own: merged.own,
            deadline: merged.deadline,
            timeout: opts.timeout,
            max_timeout: opts.max_timeout(),
        })
    }
}

/// What there is to do, in no order.
pub(crate) fn plan(txn: &Txn) -> Vec<Task> {
    let mut tasks = Vec::new();
    let mut task = |cont, id: &[u8], work| tasks.push(Task { cont, id: id.to_vec(), work });
    for session in txn.sessions.iter().filter(|session| session.life == Life::Open) {
        let opened = (session.cont, session.opened_id.clone());
        let named = (session.cont, session.id.clone());
        let boxed = || Box::new(session.clone());
        let is_created = session.origin == Origin::Created;
        if session.destroyed {
            task(session.cont, &session.opened_id, Work::Destroy { at: opened });
            if session.is_moved() {
                task(session.cont, &session.id, Work::Destroy { at: named });
            }
        } else if session.is_changed() || is_created || session.is_moved() {
            let work = if session.is_moved() && !is_created {
                Work::Move { session: boxed(), from: opened, to: named }
            } else {
                Work::Save { session: boxed(), at: named }
            };
            task(session.cont, &session.id, work);
        }
    }
    let is_moved_from = |place: &Place| tasks.iter().any(|task| task.places().contains(place));
    let by_id = txn.ids.iter().filter(|(place, id)| match id {
        Id::Destroyed => true,
        Id::Left { destroyed, .. } => *destroyed && !is_moved_from(place),
        Id::Open(_) => false,
    });
    let by_id: Vec<_> = by_id.map(|(place, _)| place.clone()).collect();
    for place in by_id {
        let (cont, id) = place.clone();
        tasks.push(Task { cont, id, work: Work::Destroy { at: place } });
    }
    tasks
}
