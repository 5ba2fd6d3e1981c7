//! What a transaction does to whole sessions: open, create, look for, rename and destroy them, and what they tell.

use std::collections::HashSet;
use std::sync::Arc;

use crate::container::{Container, check_within};
use crate::error::{Error, Result};
use crate::session::id::{check_id, random_id};
use crate::session::{Head, Life, Origin, Place, Session};
use crate::txn::Transaction;
use crate::txn::index::{Entry, IndexKey, IndexRef};
use crate::txn::load::{load, load_all, look};
use crate::txn::stands::Stands;
use crate::txn::undo::Undo;

/// A session of a transaction. It stays good for as long as the session is in the transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionRef(pub(super) usize);

impl SessionRef {
    /// Its number: those of one transaction count from 0.
    pub fn number(self) -> usize {
        self.0
    }
}

impl Transaction {
    /// Opens the session `id` of `container`: the one that is open here already, else as it is stored, else a new,
    /// empty one. Loading renews the idle timeout in the same round trip.
    pub fn open(&mut self, container: &Container, id: &[u8]) -> impl Future<Output = Result<SessionRef>> {
        self.open_as(container, id)
    }

    /// The same for an id that can be kept as it is.
    pub fn open_shared(&mut self, container: &Container, id: Arc<[u8]>) -> impl Future<Output = Result<SessionRef>> {
        self.open_as(container, id)
    }

    async fn open_as(&mut self, container: &Container, id: impl AsRef<[u8]> + Into<Arc<[u8]>>) -> Result<SessionRef> {
        self.check_readable()?;
        check_id(id.as_ref())?;
        let known = self.find(container, id.as_ref())?;
        container.accessed(container.store().clock().now_ms());
        if let Some(at) = known
            && (self.is_prepared() || !self.sessions.get(at).is_some_and(|session| session.is_stale()))
        {
            return Ok(SessionRef(at));
        }
        self.check_writable()?;
        let loaded = load(container, id).await?;
        // Only now: a load that failed leaves the session that was open as it was.
        if let Some(old) = known.and_then(|at| self.sessions.get_mut(at)) {
            old.leave(Life::Reloaded);
        }
        Ok(self.join(loaded))
    }

    /// Opens many sessions of one container in one round trip to each server, so that [`open`](Self::open) finds them
    /// open. The error is that of the first that could not be opened; the others are open.
    pub async fn prefetch(&mut self, container: &Container, ids: &[&[u8]]) -> Result<()> {
        self.check_writable()?;
        ids.iter().try_for_each(|id| check_id(id))?;
        let mut wanted: Vec<(&[u8], Option<usize>)> = Vec::with_capacity(ids.len());
        let mut is_wanted: HashSet<&[u8]> = HashSet::with_capacity(ids.len());
        let mut first_error = None;
        for &id in ids {
            match self.find(container, id) {
                Ok(Some(at)) if !self.sessions.get(at).is_some_and(|session| session.is_stale()) => {}
                Ok(known) if is_wanted.insert(id) => wanted.push((id, known)),
                Ok(_) => {}
                Err(error) => first_error = first_error.or(Some(error)),
            }
        }
        container.accessed(container.store().clock().now_ms());
        let ids: Vec<&[u8]> = wanted.iter().map(|(id, _)| *id).collect();
        for ((_, known), loaded) in wanted.into_iter().zip(load_all(container, &ids).await) {
            match loaded {
                Ok(loaded) => {
                    if let Some(old) = known.and_then(|at| self.sessions.get_mut(at)) {
                        old.leave(Life::Reloaded);
                    }
                    self.join(loaded);
                }
                Err(error) => first_error = first_error.or(Some(error)),
            }
        }
        first_error.map_or(Ok(()), Err)
    }

    /// A new session under a random id, stored at commit even if it stays empty. No I/O.
    pub fn create(&mut self, container: &Container) -> Result<SessionRef> {
        self.check_writable()?;
        let id: Arc<[u8]> = Arc::from(random_id()?.into_bytes());
        Ok(self.join(Box::new(Session::absent(Place::new(container, &id), id, Origin::Created))))
    }

    /// Whether there is a session `id`, as this transaction sees it; asking does not renew its idle timeout.
    pub async fn exists(&mut self, container: &Container, id: &[u8]) -> Result<bool> {
        self.check_readable()?;
        check_id(id)?;
        match self.entry(container, id) {
            Some(Entry::Open(at)) => Ok(self.sessions.get(*at).is_some_and(|session| session.would_be_stored())),
            Some(Entry::Destroyed(_) | Entry::Left(_)) => Ok(false),
            None => {
                let place = Place::new(container, id);
                Ok(matches!(look(&place).await?, Stands::Session { expired: false, .. }))
            }
        }
    }

    /// Destroys the session `id` at commit, whatever it is then, known to this transaction or not. No I/O.
    pub fn destroy(&mut self, container: &Container, id: &[u8]) -> Result<()> {
        self.check_writable()?;
        check_id(id)?;
        self.version += 1;
        match self.entry(container, id) {
            // What is destroyed stays so.
            Some(Entry::Destroyed(_)) => {}
            Some(Entry::Open(at)) if self.sessions.get(*at).is_some_and(|session| session.head.destroyed) => {}
            Some(Entry::Open(at)) => self.stage(SessionRef(*at), |head| head.destroyed = true)?,
            // The session that left the id destroys it only if it has something to store.
            Some(Entry::Left(_)) | None => {
                let key = IndexKey { container: container.number(), id: Arc::from(id) };
                self.set_index(key, Entry::Destroyed(container.clone()));
            }
        }
        Ok(())
    }

    /// Gives a session a new id at commit: `new_id`, or a random one. The content stays, the old id is destroyed.
    pub fn regenerate(&mut self, session: SessionRef, new_id: Option<&[u8]>) -> Result<()> {
        self.check_writable()?;
        let at = self.usable(session)?;
        let id: Arc<[u8]> = match new_id {
            Some(id) => {
                check_id(id)?;
                Arc::from(id)
            }
            None => Arc::from(random_id()?.into_bytes()),
        };
        if id == at.head.id {
            return Err(Error::Argument("the new id is the one that the session has".into()));
        }
        let container = at.place.container.number();
        if self.entry(&at.place.container, &id).is_some() {
            return Err(Error::Argument("the new id is in use in this transaction".into()));
        }
        let (old, is_first) = (Arc::clone(&at.head.id), !at.is_moved());
        self.version += 1;
        // Only the id under which the session may be stored is left behind; one in between was never known to anyone.
        if is_first {
            self.set_index(IndexKey { container, id: old }, Entry::Left(session.0));
        } else {
            self.unset_index(IndexKey { container, id: old });
        }
        self.set_index(IndexKey { container, id: Arc::clone(&id) }, Entry::Open(session.0));
        self.stage(session, |head| head.id = id)
    }

    /// How many sessions are open.
    pub fn session_count(&self) -> usize {
        self.open_sessions().count()
    }

    /// The open session at place `i`, in the order of opening.
    pub fn session_at(&self, i: usize) -> Option<SessionRef> {
        self.open_sessions().nth(i)
    }

    /// The id that the session will have after the commit.
    pub fn session_id(&self, session: SessionRef) -> Result<&[u8]> {
        Ok(&self.usable(session)?.head.id)
    }

    /// The name of the container of a session.
    pub fn session_container(&self, session: SessionRef) -> Result<&Container> {
        Ok(&self.usable(session)?.place.container)
    }

    /// Whether nothing was stored under its id when it was opened.
    pub fn is_new(&self, session: SessionRef) -> Result<bool> {
        Ok(self.usable(session)?.origin.record().is_none())
    }

    /// When it was created, in Unix milliseconds.
    pub fn created_ms(&self, session: SessionRef) -> Result<i64> {
        Ok(self.usable(session)?.created_ms)
    }

    /// When it was last accessed, this opening included, in Unix milliseconds; may lag by the resolution.
    pub fn accessed_ms(&self, session: SessionRef) -> Result<i64> {
        Ok(self.usable(session)?.accessed_ms)
    }

    /// The session's own idle timeout in milliseconds, if it has one; 0 is never.
    pub fn timeout_ms(&self, session: SessionRef) -> Result<Option<u64>> {
        Ok(self.usable(session)?.head.own_timeout_ms)
    }

    /// Gives the session an idle timeout of its own, or the container's again.
    pub fn set_timeout_ms(&mut self, session: SessionRef, timeout_ms: Option<u64>) -> Result<()> {
        self.check_writable()?;
        let options = self.usable(session)?.place.container.options();
        if let Some(timeout_ms) = timeout_ms {
            if options.max_timeout_ms() == 0 {
                // What nobody expires cannot expire for one session.
                return Err(Error::Unsupported(
                    "sessions of a container that never expires have no timeout of their own".into(),
                ));
            }
            check_within("timeout", timeout_ms, options.max_timeout_ms())?;
        }
        self.stage(session, |head| head.own_timeout_ms = timeout_ms)
    }

    /// The absolute deadline in Unix milliseconds, if there is one.
    pub fn deadline_ms(&self, session: SessionRef) -> Result<Option<i64>> {
        Ok(self.usable(session)?.head.deadline_ms)
    }

    /// Sets or takes away the absolute deadline, in Unix milliseconds.
    pub fn set_deadline_ms(&mut self, session: SessionRef, deadline_ms: Option<i64>) -> Result<()> {
        self.check_writable()?;
        self.stage(session, |head| head.deadline_ms = deadline_ms)
    }

    /// The session behind a handle, if transaction and session are usable.
    pub(super) fn usable(&self, session: SessionRef) -> Result<&Session> {
        self.check_readable()?;
        let session = self.sessions.get(session.0).ok_or_else(not_here)?;
        session.check_usable()?;
        Ok(session)
    }

    /// The same, to change it.
    pub(super) fn usable_mut(&mut self, session: SessionRef) -> Result<&mut Session> {
        self.check_readable()?;
        let session = self.sessions.get_mut(session.0).ok_or_else(not_here)?;
        session.check_usable()?;
        Ok(session)
    }

    /// Changes what is staged for a session as a whole, so that a rollback puts it back.
    fn stage(&mut self, session: SessionRef, change: impl FnOnce(&mut Head)) -> Result<()> {
        self.usable(session)?;
        let at = self.sessions.get_mut(session.0).ok_or_else(not_here)?;
        self.version += 1;
        let mut logged = at.head.logged;
        if self.undo.needs(&mut logged) {
            self.undo.push(Undo::Head { session: session.0, old: Box::new(at.head.clone()) });
        }
        at.head.logged = logged;
        change(&mut at.head);
        Ok(())
    }

    /// Takes a session in under its id.
    fn join(&mut self, session: Box<Session>) -> SessionRef {
        let at = self.sessions.len();
        self.version += 1;
        if self.undo.is_active() {
            self.undo.push(Undo::Opened { session: at });
        }
        let key = IndexKey { container: session.place.container.number(), id: Arc::clone(&session.head.id) };
        self.set_index(key, Entry::Open(at));
        self.sessions.push(session);
        SessionRef(at)
    }

    /// The place of the session that is open under an id; "gone" for one that is destroyed or left here.
    fn find(&self, container: &Container, id: &[u8]) -> Result<Option<usize>> {
        match self.entry(container, id) {
            Some(Entry::Open(at)) => match self.sessions.get(*at) {
                Some(session) => session.check_usable().map(|()| Some(*at)),
                None => Ok(None),
            },
            Some(Entry::Destroyed(_)) => Err(Error::Gone("the session is destroyed in this transaction".into())),
            Some(Entry::Left(_)) => Err(Error::Gone("the session has another id in this transaction".into())),
            None => Ok(None),
        }
    }

    /// What an id stands for; nothing if it stood for a session that was loaded anew or rolled back: with it went the
    /// new id that was staged for it.
    fn entry(&self, container: &Container, id: &[u8]) -> Option<&Entry> {
        let entry = self.index.get(&IndexRef { container: container.number(), id })?;
        match entry {
            Entry::Open(at) | Entry::Left(at)
                if self.sessions.get(*at).is_none_or(|session| session.life != Life::Open) =>
            {
                None
            }
            _ => Some(entry),
        }
    }

    fn open_sessions(&self) -> impl Iterator<Item = SessionRef> {
        let is_active = self.check_readable().is_ok();
        let sessions = self.sessions.iter().enumerate();
        sessions.filter(move |(_, session)| is_active && session.check_usable().is_ok()).map(|(at, _)| SessionRef(at))
    }
}

fn not_here() -> Error {
    Error::Misuse("the session is not one of this transaction".into())
}
