//! Changing a package: into the overlay, noting in the undo log what was there before.

use std::sync::Arc;

use super::overlay::{Contents, Slot};
use super::{Change, Env, Pkg};
use crate::error::{Error, Result};
use crate::record::{Package, Scalar};
use crate::txn::undo::Undo;
use crate::value::{MAX_ENTRIES, Map, Text, Value, check_depth, check_key};

impl Pkg {
    /// Makes the package be there (contract 1.3).
    pub(crate) fn appear(&mut self, env: &mut Env<'_>) {
        if self.contents.present {
            return;
        }
        let logged = self.present_logged;
        if !self.is_logged_whole(env) && env.undo.needs(&mut self.present_logged) {
            env.undo.push(Undo::Present { session: env.session, pkg: env.pkg, logged });
        }
        self.contents.present = true;
    }

    /// Sets `key`.
    pub(crate) fn set(&mut self, key: &str, value: Value, env: &mut Env<'_>) -> Result<()> {
        check_key("key", key)?;
        check_depth(&value)?;
        self.check_room(key, env)?;
        self.put(key, Change::Set(Arc::new(value)), env);
        Ok(())
    }

    /// Adds `delta` to the integer under `key`, an absent key being 0, and tells the sum (contract 5.4).
    pub(crate) fn add(&mut self, key: &str, delta: i64, env: &mut Env<'_>) -> Result<i64> {
        check_key("key", key)?;
        let overflow = || Error::Range("adding the delta leaves the range of 64-bit integers".into());
        let seen = match self.scalar(key, env)? {
            None => 0,
            Some(Scalar::Int(seen)) => seen,
            Some(other) => {
                return Err(Error::Type(
                    format!("a delta needs an integer, and the key holds {}", other.kind().name()).into(),
                ));
            }
        };
        let sum = seen.checked_add(delta).ok_or_else(overflow)?;
        let value = Arc::new(Value::Int(sum));
        // Of a key that clearing took away, only the sum is left to store.
        let is_cleared = self.contents.hidden && self.is_loaded(key, env)?;
        let change = match self.contents.change(key) {
            Some(Change::Set(_) | Change::Delete) => Change::Set(value),
            Some(Change::Add { delta: before, .. }) => {
                Change::Add { delta: before.checked_add(delta).ok_or_else(overflow)?, seen: value }
            }
            None if is_cleared => Change::Set(value),
            None => Change::Add { delta, seen: value },
        };
        self.check_room(key, env)?;
        self.put(key, change, env);
        Ok(sum)
    }

    /// Refuses to set all of `content` if the package would be too large.
    pub(crate) fn check_update(&mut self, content: &Map, env: &mut Env<'_>) -> Result<()> {
        let mut added = 0;
        for (key, value) in content.entries() {
            check_depth(value)?;
            added += usize::from(!self.contains(key, env)?);
        }
        if added != 0 && self.len(env)? + added > MAX_ENTRIES {
            return Err(too_many());
        }
        Ok(())
    }

    /// Deletes `key`; false if it is not there.
    pub(crate) fn delete(&mut self, key: &str, env: &mut Env<'_>) -> Result<bool> {
        if !self.contains(key, env)? {
            return Ok(false);
        }
        self.put(key, Change::Delete, env);
        Ok(true)
    }

    /// Takes all keys away; the package stays.
    pub(crate) fn clear(&mut self, env: &mut Env<'_>) -> Result<()> {
        // The loaded keys are checked now: clearing deletes each of them, and a table that cannot be read has none to
        // compare with at commit.
        self.load(env)?;
        if !self.contents.hidden || self.contents.added > 0 {
            self.hide(env);
        }
        self.appear(env);
        Ok(())
    }

    /// Takes the package away; false if it is not there.
    pub(crate) fn remove(&mut self, env: &mut Env<'_>) -> Result<bool> {
        if !self.contents.present {
            return Ok(false);
        }
        self.load(env)?;
        self.hide(env);
        self.contents.present = false;
        self.contents.deleted |= self.at.is_some();
        Ok(true)
    }

    /// Puts back what a key had.
    pub(crate) fn undo_key(&mut self, key: Text, old: Option<Slot>) {
        self.changes += 1;
        self.count(&key, old.as_ref().map(|slot| &slot.change));
        match old {
            Some(slot) => {
                self.contents.overlay.insert(key, slot);
            }
            None => {
                self.contents.overlay.remove(&key);
            }
        }
    }

    /// Puts back that the package was not there.
    pub(crate) fn undo_present(&mut self, logged: u64) {
        self.changes += 1;
        self.contents.present = false;
        self.present_logged = logged;
    }

    /// Puts back the whole content.
    pub(crate) fn undo_contents(&mut self, old: Contents) {
        self.changes += 1;
        self.contents = old;
    }

    /// Refuses to grow beyond what one package may hold.
    fn check_room(&mut self, key: &str, env: &mut Env<'_>) -> Result<()> {
        // Marks of deleted keys count too, up to as many again: they are memory that a caller can ask for.
        let certain = self.load(env)?.map_or(0, Package::len) + self.contents.overlay.len();
        if certain < MAX_ENTRIES || self.contents.overlay.contains_key(key) && self.contains(key, env)? {
            return Ok(());
        }
        if self.contents.overlay.len() >= 2 * MAX_ENTRIES
            || (!self.contains(key, env)? && self.len(env)? >= MAX_ENTRIES)
        {
            return Err(too_many());
        }
        Ok(())
    }

    /// Makes `change` what was done to `key`.
    fn put(&mut self, key: &str, change: Change, env: &mut Env<'_>) {
        self.appear(env);
        self.changes += 1;
        self.count(key, Some(&change));
        let whole = self.is_logged_whole(env);
        let epoch = env.undo.epoch();
        if let Some(slot) = self.contents.overlay.get_mut(key) {
            let mut logged = slot.logged;
            if !whole && env.undo.needs(&mut logged) {
                let old = Some(slot.clone());
                env.undo.push(Undo::Key { session: env.session, pkg: env.pkg, key: Text::new(key), old });
            }
            slot.logged = logged;
            slot.change = change;
            slot.lent = false;
            return;
        }
        let key = Text::new(key);
        if !whole && env.undo.is_active() {
            env.undo.push(Undo::Key { session: env.session, pkg: env.pkg, key: key.clone(), old: None });
        }
        self.contents.overlay.insert(key, Slot { change, logged: epoch, lent: false });
    }

    /// Hides what was loaded and turns the overlay into marks of deletion, logging all of it as one.
    fn hide(&mut self, env: &mut Env<'_>) {
        self.changes += 1;
        let mut emptied = self.contents.emptied();
        let needed = env.undo.needs(&mut emptied.logged);
        let old = std::mem::replace(&mut self.contents, emptied);
        if needed {
            env.undo.push(Undo::Contents { session: env.session, pkg: env.pkg, old: Box::new(old) });
        }
    }

    /// Keeps count of the keys when what the overlay has for `key` becomes `new`.
    fn count(&mut self, key: &str, new: Option<&Change>) {
        let table = self.table.as_ref().filter(|_| !self.contents.hidden);
        let is_loaded = table.is_some_and(|table| table.find(key).is_some());
        self.contents.count(key, new, is_loaded);
    }

    /// Whether the whole content was logged in this epoch, so that no part of it needs to be.
    fn is_logged_whole(&self, env: &Env<'_>) -> bool {
        env.undo.is_active() && self.contents.logged == env.undo.epoch()
    }
}

fn too_many() -> Error {
    Error::TooLarge(format!("package of more than {MAX_ENTRIES} entries").into())
}
