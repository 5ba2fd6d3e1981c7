//! A transaction, as the contract sees it: full copies of sessions, and savepoints that are full copies of all of it.

use std::collections::BTreeMap;

use lovely_session::error::Status;
use lovely_session::txn::State;

use crate::session::{Life, Origin, Session};
use crate::world::{Deadline, Opts, Place, Stands, World};

pub(crate) type R<T> = Result<T, Status>;

/// What an id stands for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Id {
    Open(usize),
    /// Destroyed without having been opened.
    Destroyed,
    /// The session of this number was opened under it and has another one now.
    Left {
        by: usize,
        destroyed: bool,
    },
}

#[derive(Debug, Clone)]
struct Savepoint {
    number: u64,
    sessions: Vec<Session>,
    ids: BTreeMap<Place, Id>,
}

#[derive(Debug)]
pub(crate) struct Txn {
    pub(crate) state: State,
    pub(crate) sessions: Vec<Session>,
    pub(crate) ids: BTreeMap<Place, Id>,
    savepoints: Vec<Savepoint>,
}

impl Txn {
    pub(crate) fn new() -> Self {
        Self { state: State::Active, sessions: Vec::new(), ids: BTreeMap::new(), savepoints: Vec::new() }
    }

    pub(crate) fn readable(&self) -> R<()> {
        match self.state {
            State::Active | State::Prepared => Ok(()),
            State::Failed => Err(Status::Failed),
            State::Committed | State::Aborted => Err(Status::Misuse),
        }
    }

    pub(crate) fn writable(&self) -> R<()> {
        self.readable()?;
        if self.state == State::Prepared { Err(Status::Misuse) } else { Ok(()) }
    }

    pub(crate) fn is_ended(&self) -> bool {
        self.readable().is_err()
    }

    pub(crate) fn end(&mut self, state: State) {
        self.state = state;
        self.savepoints.clear();
    }

    pub(crate) fn usable(&self, session: usize) -> R<&Session> {
        self.readable()?;
        let session = &self.sessions[session];
        session.usable().map(|()| session)
    }

    /// The session to change it.
    pub(crate) fn change(&mut self, session: usize) -> R<&mut Session> {
        self.writable()?;
        self.usable(session)?;
        Ok(&mut self.sessions[session])
    }

    fn open_at(&self, place: &Place) -> Option<usize> {
        match self.ids.get(place) {
            Some(Id::Open(at)) => Some(*at),
            _ => None,
        }
    }

    /// What opening an id comes to without the store: a session that is open, or the one that is to be loaded anew.
    pub(crate) fn find(&self, world: &World, place: &Place) -> R<Result<usize, Option<usize>>> {
        self.readable()?;
        check_id(&place.1)?;
        let known = match self.ids.get(place) {
            Some(Id::Destroyed | Id::Left { .. }) => return Err(Status::Gone),
            Some(Id::Open(at)) => {
                self.sessions[*at].usable()?;
                Some(*at)
            }
            None => None,
        };
        match known {
            Some(at) if self.state == State::Prepared || !self.sessions[at].is_stale(world) => Ok(Ok(at)),
            _ => self.writable().map(|()| Err(known)),
        }
    }

    /// Takes a session in as it is stored now.
    pub(crate) fn load(&mut self, world: &mut World, place: &Place, stale: Option<usize>) -> usize {
        let stands = world.stands(place);
        let left = world.rec(place).and_then(|rec| rec.expires);
        world.renew(place);
        let now = world.now(place.0);
        let session = match stands {
            Stands::Session { sess, is_idle: false, is_past: false } => {
                world.keep(place, &sess);
                Session::loaded(world, place, &sess)
            }
            Stands::Session { sess, is_past, .. } => {
                if !is_past {
                    // Who was idle for too long is gone, whoever asks after that.
                    world.let_expire(place, left);
                }
                Session::absent(world, place, Origin::Absent(sess.over))
            }
            Stands::Tombstone(number) => Session::absent(world, place, Origin::Absent(number)),
            Stands::Nothing => Session::absent(world, place, Origin::Absent(0)),
        };
        debug_assert_eq!(session.opened, now);
        if let Some(stale) = stale {
            // All that was not committed is dropped: also that it left another id.
            self.sessions[stale].life = Life::Reloaded;
            self.ids.retain(|_, id| !matches!(id, Id::Left { by, destroyed: false } if *by == stale));
            for id in self.ids.values_mut().filter(|id| matches!(id, Id::Left { by, .. } if *by == stale)) {
                *id = Id::Destroyed;
            }
        }
        self.join(place.clone(), session)
    }

    pub(crate) fn create(&mut self, world: &mut World, place: &Place) -> usize {
        let session = Session::absent(world, place, Origin::Created);
        self.join(place.clone(), session)
    }

    fn join(&mut self, place: Place, session: Session) -> usize {
        self.sessions.push(session);
        self.ids.insert(place, Id::Open(self.sessions.len() - 1));
        self.sessions.len() - 1
    }

    /// What this transaction says of an id without the store.
    pub(crate) fn exists(&self, place: &Place) -> R<Option<bool>> {
        self.readable()?;
        check_id(&place.1)?;
        Ok(match self.ids.get(place) {
            Some(Id::Open(at)) => Some(self.sessions[*at].would_be_stored()),
            Some(Id::Destroyed | Id::Left { .. }) => Some(false),
            None => None,
        })
    }

    pub(crate) fn destroy(&mut self, place: &Place) -> R<()> {
        self.writable()?;
        check_id(&place.1)?;
        match self.ids.get_mut(place) {
            Some(Id::Open(at)) => self.sessions[*at].destroyed = true,
            Some(Id::Left { destroyed, .. }) => *destroyed = true,
            Some(Id::Destroyed) => {}
            None => {
                self.ids.insert(place.clone(), Id::Destroyed);
            }
        }
        Ok(())
    }

    /// Whether a session may be given `id`.
    pub(crate) fn check_regenerate(&self, session: usize, id: Option<&[u8]>) -> R<()> {
        self.writable()?;
        let session = self.usable(session)?;
        let Some(id) = id else { return Ok(()) };
        check_id(id)?;
        if self.ids.contains_key(&(session.cont, id.to_vec())) { Err(Status::Argument) } else { Ok(()) }
    }

    pub(crate) fn regenerate(&mut self, at: usize, id: &[u8]) {
        let session = &mut self.sessions[at];
        let old = (session.cont, std::mem::replace(&mut session.id, id.to_vec()));
        let new = (session.cont, id.to_vec());
        if old.1 == session.opened_id {
            self.ids.insert(old, Id::Left { by: at, destroyed: false });
        } else {
            self.ids.remove(&old);
        }
        self.ids.insert(new, Id::Open(at));
    }

    pub(crate) fn set_timeout(&mut self, world: &World, session: usize, timeout: Option<i64>) -> R<()> {
        let session = self.change(session)?;
        let max = world.opts(session.cont).max_timeout();
        match timeout {
            Some(_) if max == 0 => return Err(Status::Unsupported),
            Some(timeout) => Opts::check_timeout(timeout, max)?,
            None => {}
        }
        session.own = timeout;
        Ok(())
    }

    pub(crate) fn set_deadline(&mut self, session: usize, deadline: Option<Deadline>) -> R<()> {
        self.change(session)?.deadline = deadline;
        Ok(())
    }

    /// The open sessions in the order of opening.
    pub(crate) fn open_sessions(&self) -> Vec<usize> {
        if self.is_ended() {
            return Vec::new();
        }
        (0..self.sessions.len()).filter(|at| self.sessions[*at].usable().is_ok()).collect()
    }

    pub(crate) fn savepoint(&mut self, number: u64) {
        self.savepoints.push(Savepoint { number, sessions: self.sessions.clone(), ids: self.ids.clone() });
    }

    pub(crate) fn savepoint_valid(&self, number: u64) -> bool {
        self.state == State::Active && self.savepoints.iter().any(|savepoint| savepoint.number == number)
    }

    pub(crate) fn rollback(&mut self, number: u64) -> R<()> {
        match self.state {
            State::Committed | State::Aborted => return Err(Status::Savepoint),
            _ => self.writable()?,
        }
        let at = self.savepoints.iter().position(|s| s.number == number).ok_or(Status::Savepoint)?;
        self.savepoints.truncate(at + 1);
        let saved = self.savepoints[at].clone();
        let now = std::mem::replace(&mut self.sessions, saved.sessions);
        for (at, session) in now.into_iter().enumerate() {
            match self.sessions.get_mut(at) {
                // What was loaded anew since is not brought back.
                Some(saved) if session.life == Life::Reloaded => saved.life = Life::Reloaded,
                Some(_) => {}
                None => {
                    let life = if session.life == Life::Open { Life::RolledBack } else { session.life };
                    self.sessions.push(Session { life, ..session });
                }
            }
        }
        let sessions = &self.sessions;
        let is_open = |at: &usize| sessions[*at].life == Life::Open;
        self.ids = saved.ids;
        self.ids.retain(|_, id| match id {
            Id::Open(at) => is_open(at),
            Id::Left { by, destroyed } => is_open(by) || *destroyed,
            Id::Destroyed => true,
        });
        for id in self.ids.values_mut() {
            if matches!(id, Id::Left { by, .. } if !is_open(by)) {
                *id = Id::Destroyed;
            }
        }
        Ok(())
    }

    /// The handle for which the library must give the same one again.
    pub(crate) fn is_open_as(&self, place: &Place, session: usize) -> bool {
        self.open_at(place) == Some(session)
    }
}

pub(crate) fn check_id(id: &[u8]) -> R<()> {
    match id.len() {
        0 => Err(Status::Argument),
        1..=8192 => Ok(()),
        _ => Err(Status::TooLarge),
    }
}
