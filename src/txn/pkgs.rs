//! What a transaction does to packages: it checks that the handle is usable and passes the call on.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::record::{Record, Scalar};
use crate::session::Place;
use crate::session::pkg::{Env, Pkg};
use crate::txn::{SessionRef, Transaction};
use crate::value::{Map, Text, Value, check_depth};

/// A package of an open session. It names the package: it stays good when the package is deleted or rolled back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PkgRef {
    pub(super) session: usize,
    pub(super) pkg: usize,
}

impl PkgRef {
    /// Which session it is a package of.
    pub fn session(self) -> SessionRef {
        SessionRef(self.session)
    }

    /// Its number: those of one session count from 0.
    pub fn number(self) -> usize {
        self.pkg
    }
}

impl Transaction {
    /// The package `name` of a session, created, empty, if it is not there (contract 1.3).
    pub fn pkg(&mut self, session: SessionRef, name: &str) -> Result<PkgRef> {
        let at = self.usable_mut(session)?.pkg_slot(name)?;
        let pkg = PkgRef { session: session.0, pkg: at };
        // Created in the transaction only: in a prepared one, which takes no changes, it just reads as empty.
        if self.check_writable().is_ok() {
            self.change_pkg(pkg, |pkg, env| {
                pkg.appear(env);
                Ok(())
            })?;
        }
        Ok(pkg)
    }

    /// The package `name` of a session, if it is there; creates nothing.
    pub fn peek_pkg(&mut self, session: SessionRef, name: &str) -> Result<Option<PkgRef>> {
        let found = self.usable_mut(session)?.find_pkg(name)?;
        Ok(found.map(|at| PkgRef { session: session.0, pkg: at }))
    }

    /// Deletes the package `name` of a session; false if it is not there.
    pub fn delete_pkg(&mut self, session: SessionRef, name: &str) -> Result<bool> {
        self.check_writable()?;
        match self.usable_mut(session)?.find_pkg(name)? {
            Some(at) => self.change_pkg(PkgRef { session: session.0, pkg: at }, Pkg::remove),
            None => Ok(false),
        }
    }

    /// Deletes all packages of a session, and with them each key that it has (contract 5.2).
    pub fn clear(&mut self, session: SessionRef) -> Result<()> {
        self.check_writable()?;
        let names = self.usable_mut(session)?.names();
        // All tables are read before anything is changed, so that one that cannot be read changes nothing.
        for name in &names {
            if let Some(pkg) = self.peek_pkg(session, name)? {
                self.on_pkg(pkg, |pkg, env| pkg.load(env).map(|_| ()))?;
            }
        }
        for name in &names {
            self.delete_pkg(session, name)?;
        }
        Ok(())
    }

    /// The names of the packages of a session, sorted, as a list of text, lent until the transaction is dropped.
    pub fn pkg_names(&mut self, session: SessionRef) -> Result<&Value> {
        let version = self.version;
        let at = self.usable_mut(session)?;
        if !at.names_list.is_fresh(version) {
            let list = Arc::new(Value::list(at.names().into_iter().map(Value::Text).collect())?);
            at.names_list.put(version, Arc::clone(&list));
            self.kept.push(list);
        }
        self.usable(session)?.names_list.value().map(|list| &**list)
    }

    /// All packages of a session with their content as a map of maps, lent until the transaction is dropped.
    pub fn session_content(&mut self, session: SessionRef) -> Result<&Value> {
        let version = self.version;
        if !self.usable(session)?.content_map.is_fresh(version) {
            let mut pkgs = Vec::new();
            for name in self.usable(session)?.names() {
                if let Some(pkg) = self.peek_pkg(session, &name)? {
                    let content = self.on_pkg(pkg, |pkg, env| pkg.content(env).map(|content| Value::clone(content)))?;
                    pkgs.push((name, content));
                }
            }
            let map = Arc::new(Value::Map(Arc::new(Map::of_content(pkgs)?)));
            self.kept.push(Arc::clone(&map));
            self.usable_mut(session)?.content_map.put(version, map);
        }
        self.usable(session)?.content_map.value().map(|map| &**map)
    }

    /// The name of a package.
    pub fn pkg_name(&self, pkg: PkgRef) -> Result<&Text> {
        let session = self.usable(SessionRef(pkg.session))?;
        session.pkg(pkg.pkg).map(Pkg::name).ok_or_else(not_here)
    }

    /// The value under `key`, lent until the transaction is dropped.
    pub fn get(&mut self, pkg: PkgRef, key: &str) -> Result<Option<&Value>> {
        let (pkg, mut env) = self.reach(pkg)?;
        pkg.get(key, &mut env)
    }

    /// The value under `key` as it stands, without decoding lists and maps, lent until the transaction is dropped.
    pub fn scalar(&mut self, pkg: PkgRef, key: &str) -> Result<Option<Scalar<'_>>> {
        let (pkg, mut env) = self.reach(pkg)?;
        pkg.scalar(key, &mut env)
    }

    /// Sets `key`.
    pub fn set(&mut self, pkg: PkgRef, key: &str, value: Value) -> Result<()> {
        self.change_pkg(pkg, |pkg, env| pkg.set(key, value, env))
    }

    /// Adds `delta` to the integer under `key`, absent being 0, and tells the sum. Concurrent deltas are all kept.
    pub fn add(&mut self, pkg: PkgRef, key: &str, delta: i64) -> Result<i64> {
        self.change_pkg(pkg, |pkg, env| pkg.add(key, delta, env))
    }

    /// Deletes `key`; false if it is not there.
    pub fn delete(&mut self, pkg: PkgRef, key: &str) -> Result<bool> {
        self.change_pkg(pkg, |pkg, env| pkg.delete(key, env))
    }

    /// Deletes all keys; the package stays.
    pub fn pkg_clear(&mut self, pkg: PkgRef) -> Result<()> {
        self.change_pkg(pkg, Pkg::clear)
    }

    /// Makes `content` the whole content of the package.
    pub fn replace(&mut self, pkg: PkgRef, content: &Map) -> Result<()> {
        self.change_pkg(pkg, |pkg, env| {
            // Before anything is taken away: an error leaves the package as it was.
            content.entries().iter().try_for_each(|(_, value)| check_depth(value))?;
            pkg.clear(env)?;
            content.entries().iter().try_for_each(|(key, value)| pkg.set(key, value.clone(), env))
        })
    }

    /// Sets each key of `content`; the other keys stay. An error that names a limit leaves the package as it was.
    pub fn update(&mut self, pkg: PkgRef, content: &Map) -> Result<()> {
        self.change_pkg(pkg, |pkg, env| {
            pkg.check_update(content, env)?;
            content.entries().iter().try_for_each(|(key, value)| pkg.set(key, value.clone(), env))
        })
    }

    /// Whether `key` is there.
    pub fn contains(&mut self, pkg: PkgRef, key: &str) -> Result<bool> {
        self.on_pkg(pkg, |pkg, env| pkg.contains(key, env))
    }

    /// How many keys there are.
    pub fn len(&mut self, pkg: PkgRef) -> Result<usize> {
        self.on_pkg(pkg, Pkg::len)
    }

    /// The keys, sorted, as a list of text, lent until the transaction is dropped.
    pub fn keys(&mut self, pkg: PkgRef) -> Result<&Value> {
        let (pkg, mut env) = self.reach(pkg)?;
        pkg.keys(&mut env)
    }

    /// The whole content as a map, lent until the transaction is dropped.
    pub fn content(&mut self, pkg: PkgRef) -> Result<&Value> {
        let (pkg, mut env) = self.reach(pkg)?;
        pkg.content(&mut env).map(|content| &**content)
    }

    fn change_pkg<T>(&mut self, pkg: PkgRef, act: impl FnOnce(&mut Pkg, &mut Env<'_>) -> Result<T>) -> Result<T> {
        self.check_writable()?;
        self.version += 1;
        self.on_pkg(pkg, act)
    }

    pub(super) fn on_pkg<T>(
        &mut self,
        pkg: PkgRef,
        act: impl FnOnce(&mut Pkg, &mut Env<'_>) -> Result<T>,
    ) -> Result<T> {
        let (pkg, mut env) = self.reach(pkg)?;
        act(pkg, &mut env)
    }

    /// The package behind a handle, if the handle is usable, and what it needs.
    fn reach(&mut self, at: PkgRef) -> Result<(&mut Pkg, Env<'_>)> {
        self.usable(SessionRef(at.session))?;
        let session = self.sessions.get_mut(at.session).ok_or_else(not_here)?;
        let (pkg, record, place) = session.pkg_mut(at.pkg)?;
        let env = Env { record, place, undo: &mut self.undo, session: at.session, pkg: at.pkg, kept: &mut self.kept };
        Ok((pkg, env))
    }

    /// The package at a place, whether the session is usable or not.
    pub(super) fn pkg_at(&mut self, session: usize, pkg: usize) -> Option<(&mut Pkg, Option<&Record>, &Place)> {
        self.sessions.get_mut(session).and_then(|session| session.pkg_mut(pkg).ok())
    }
}

fn not_here() -> Error {
    Error::Misuse("the package is not one of this transaction".into())
}
