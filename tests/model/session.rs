//! An open session, as the contract sees it: a copy of what was loaded and a copy of what it is now.

use std::collections::BTreeMap;

use lovely_session::error::Status;

use crate::txn::R;
use crate::value::{Content, Pkg, V};
use crate::world::{Deadline, Place, Sess, World};

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Origin {
    /// Nothing, or the tombstone of this number.
    Absent(u64),
    Created,
    Loaded(Box<Sess>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Life {
    Open,
    RolledBack,
    Reloaded,
}

/// How a key was changed, which matters for merging only: what it holds now stands in the content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Touch {
    Set,
    Deleted,
    Added(i64),
}

#[derive(Debug, Clone, Default)]
pub(crate) struct OpenPkg {
    pub(crate) is_there: bool,
    pub(crate) is_deleted: bool,
    pub(crate) now: Pkg,
    pub(crate) touched: BTreeMap<String, Touch>,
}

#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) cont: usize,
    pub(crate) opened_id: Vec<u8>,
    pub(crate) origin: Origin,
    pub(crate) opened: i64,
    pub(crate) tombstone_life: i64,
    pub(crate) created: i64,
    pub(crate) accessed: i64,
    pub(crate) first_deadline: Option<Deadline>,
    pub(crate) id: Vec<u8>,
    pub(crate) own: Option<i64>,
    pub(crate) deadline: Option<Deadline>,
    pub(crate) destroyed: bool,
    pub(crate) pkgs: BTreeMap<String, OpenPkg>,
    pub(crate) life: Life,
}

impl Session {
    pub(crate) fn absent(world: &mut World, place: &Place, origin: Origin) -> Self {
        let (now, opts) = (world.now(place.0), world.opts(place.0));
        let deadline = (opts.lifetime != 0).then(|| Deadline { at: now + opts.lifetime, drawn: world.draw() });
        Self {
            cont: place.0,
            opened_id: place.1.clone(),
            origin,
            opened: now,
            tombstone_life: opts.tombstone_life(),
            created: now,
            accessed: now,
            first_deadline: deadline,
            id: place.1.clone(),
            own: None,
            deadline,
            destroyed: false,
            pkgs: BTreeMap::new(),
            life: Life::Open,
        }
    }

    pub(crate) fn loaded(world: &mut World, place: &Place, sess: &Sess) -> Self {
        let (now, opts) = (world.now(place.0), world.opts(place.0));
        let accessed = if now - sess.accessed <= opts.resolution { sess.accessed } else { now };
        let pkgs = sess
            .content
            .iter()
            .map(|(name, pkg)| (name.clone(), OpenPkg { is_there: true, now: pkg.clone(), ..OpenPkg::default() }));
        Self {
            created: sess.created,
            accessed,
            first_deadline: sess.deadline,
            own: sess.own,
            deadline: sess.deadline,
            pkgs: pkgs.collect(),
            origin: Origin::Loaded(Box::new(sess.clone())),
            ..Self::absent(world, place, Origin::Created)
        }
    }

    pub(crate) fn base(&self) -> Option<&Sess> {
        match &self.origin {
            Origin::Loaded(sess) => Some(sess),
            _ => None,
        }
    }

    pub(crate) fn base_content(&self) -> Content {
        self.base().map(|sess| sess.content.clone()).unwrap_or_default()
    }

    fn base_value(&self, pkg: &str, key: &str) -> Option<&V> {
        self.base()?.content.get(pkg)?.get(key)
    }

    pub(crate) fn usable(&self) -> R<()> {
        match self.life {
            Life::RolledBack | Life::Reloaded => Err(Status::Misuse),
            Life::Open if self.destroyed => Err(Status::Gone),
            Life::Open => Ok(()),
        }
    }

    pub(crate) fn is_stale(&self, world: &World) -> bool {
        let timeout = self.own.unwrap_or(world.opts(self.cont).timeout);
        timeout != 0 && world.now(self.cont) - self.opened >= timeout
    }

    pub(crate) fn is_moved(&self) -> bool {
        self.id != self.opened_id
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.pkgs.iter().filter(|(_, pkg)| pkg.is_there).map(|(name, _)| name.clone()).collect()
    }

    pub(crate) fn dump(&self) -> Content {
        self.pkgs.iter().filter(|(_, pkg)| pkg.is_there).map(|(name, pkg)| (name.clone(), pkg.now.clone())).collect()
    }

    /// What would be stored: packages that have a key, or were stored before and not deleted. A sum of 0 on a key that
    /// was not there is no change.
    pub(crate) fn stored_form(&self) -> Content {
        let base = self.base_content();
        let mut content = Content::new();
        for (name, pkg) in &self.pkgs {
            let is_zero =
                |key: &String| pkg.touched.get(key) == Some(&Touch::Added(0)) && self.base_value(name, key).is_none();
            let keys: Pkg =
                pkg.now.iter().filter(|(key, _)| !is_zero(key)).map(|(k, v)| (k.clone(), v.clone())).collect();
            if !keys.is_empty() || base.contains_key(name) && !pkg.is_deleted {
                content.insert(name.clone(), keys);
            }
        }
        content
    }

    pub(crate) fn is_changed(&self) -> bool {
        self.stored_form() != self.base_content()
            || self.own != self.base().and_then(|sess| sess.own)
            || self.deadline != self.first_deadline
    }

    pub(crate) fn would_be_stored(&self) -> bool {
        self.usable().is_ok() && (!matches!(self.origin, Origin::Absent(_)) || self.is_changed() || self.is_moved())
    }

    /// The package behind a handle, whether it is there or not.
    pub(crate) fn pkg(&mut self, name: &str) -> &mut OpenPkg {
        self.pkgs.entry(name.to_owned()).or_default()
    }

    pub(crate) fn set(&mut self, pkg: &str, key: &str, value: V) {
        let pkg = self.pkg(pkg);
        pkg.is_there = true;
        pkg.now.insert(key.to_owned(), value);
        pkg.touched.insert(key.to_owned(), Touch::Set);
    }

    pub(crate) fn delete(&mut self, pkg: &str, key: &str) -> bool {
        let pkg = self.pkg(pkg);
        let was = pkg.now.remove(key).is_some();
        if was {
            pkg.is_there = true;
            pkg.touched.insert(key.to_owned(), Touch::Deleted);
        }
        was
    }

    pub(crate) fn add(&mut self, name: &str, key: &str, delta: i64) -> R<i64> {
        let pkg = self.pkg(name);
        let seen = match pkg.now.get(key) {
            None => 0,
            Some(V::Int(seen)) => *seen,
            Some(_) => return Err(Status::Type),
        };
        let sum = seen.checked_add(delta).ok_or(Status::Range)?;
        let touch = match pkg.touched.get(key) {
            Some(Touch::Set | Touch::Deleted) => Touch::Set,
            Some(Touch::Added(before)) => Touch::Added(before.checked_add(delta).ok_or(Status::Range)?),
            None => Touch::Added(delta),
        };
        pkg.is_there = true;
        pkg.now.insert(key.to_owned(), V::Int(sum));
        pkg.touched.insert(key.to_owned(), touch);
        Ok(sum)
    }

    /// Deletes each key; the ones that were loaded and the ones that were added.
    fn delete_all(&mut self, name: &str) {
        let loaded: Vec<String> = self.base_content().remove(name).unwrap_or_default().into_keys().collect();
        let pkg = self.pkg(name);
        let keys = loaded.into_iter().chain(pkg.now.keys().cloned()).collect::<Vec<_>>();
        pkg.now.clear();
        pkg.touched.extend(keys.into_iter().map(|key| (key, Touch::Deleted)));
    }

    pub(crate) fn clear_pkg(&mut self, name: &str) {
        self.delete_all(name);
        self.pkg(name).is_there = true;
    }

    pub(crate) fn delete_pkg(&mut self, name: &str) -> bool {
        if !self.pkg(name).is_there {
            return false;
        }
        let was_stored = self.base_content().contains_key(name);
        self.delete_all(name);
        let pkg = self.pkg(name);
        pkg.is_there = false;
        pkg.is_deleted |= was_stored;
        true
    }

    pub(crate) fn clear(&mut self) {
        for name in self.names() {
            self.delete_pkg(&name);
        }
    }
}
