//! A package in a transaction: what was loaded, and an overlay of changes by key over it.
//!
//! The loaded bytes are never touched. Reading looks into the overlay, then into the loaded table. What is lent to the
//! caller stays at its address until the transaction is dropped, whatever happens to the key.

use std::collections::BTreeMap;
use std::sync::Arc;

use hashbrown::HashMap;

use crate::error::{Error, Result};
use crate::record::{Package, Record, Scalar};
use crate::session::Place;
use crate::txn::undo::{Undo, UndoLog};
use crate::value::{MAX_ENTRIES, Map, Text, Value, check_depth, check_key};

/// What happened to one key in this transaction.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    /// Set to a value.
    Set(Arc<Value>),
    /// Deleted; stays as a mark, because a delta after it is a set.
    Delete,
    /// Added to: `delta` is what is merged, `seen` what this transaction reads.
    Add { delta: i64, seen: Arc<Value> },
}

impl Change {
    /// What the key has by it; `None` if it is deleted.
    pub(crate) fn value(&self) -> Option<&Value> {
        match self {
            Self::Set(value) | Self::Add { seen: value, .. } => Some(value),
            Self::Delete => None,
        }
    }
}

/// A change and the epoch in which it was last logged.
#[derive(Debug, Clone)]
pub(crate) struct Slot {
    pub(crate) change: Change,
    logged: u64,
    /// Whether the value was lent, and is kept for that.
    lent: bool,
}

/// What clearing, deleting or replacing a package replaces as a whole.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    /// Whether the package is there for this transaction; a handle to one that is not reads as empty.
    present: bool,
    /// Whether the loaded content is hidden, because the package was cleared, deleted or replaced.
    hidden: bool,
    /// Whether it was deleted: then being stored before does not keep it.
    deleted: bool,
    overlay: BTreeMap<Text, Slot>,
    /// How many keys of the overlay are there that were not loaded, and how many loaded ones it deletes: what is hidden
    /// counts as not loaded. Counted, so that asking for the length in a loop costs no walk each time.
    added: usize,
    deleted_keys: usize,
    /// The epoch in which all of this was last logged, and with it each key.
    logged: u64,
}

/// A list or map made of a package's content, and the count of changes at which it was made.
pub(crate) type Snapshot = Option<(u64, Arc<Value>)>;

/// One package of an open session.
#[derive(Debug)]
pub(crate) struct Pkg {
    name: Text,
    /// The place in the loaded record's table, if it was stored.
    at: Option<usize>,
    /// The loaded table, once it was checked.
    table: Option<Package>,
    contents: Contents,
    present_logged: u64,
    /// Counts the changes, so that snapshots know when they are stale.
    changes: u64,
    /// Values decoded out of the loaded table, by their place in it.
    decoded: HashMap<usize, Arc<Value>, foldhash::fast::RandomState>,
    /// Whether anything of the loaded bytes, or decoded out of them, was lent.
    is_lent: bool,
    keys: Snapshot,
    content: Snapshot,
}

/// Where the value of a key stands.
enum Found {
    Absent,
    Loaded(usize),
    Overlay,
}

/// Where a value stands, of all that a package holds.
enum Row {
    Loaded(usize),
    Overlay(Arc<Value>),
}

/// What a package needs of its session and transaction.
pub(crate) struct Env<'a> {
    /// What was loaded.
    pub(crate) record: Option<&'a Record>,
    /// Where that was, for errors about stored bytes.
    pub(crate) place: &'a Place,
    /// Where changes are logged, and as whose.
    pub(crate) undo: &'a mut UndoLog,
    pub(crate) session: usize,
    pub(crate) pkg: usize,
    /// Keeps what was lent for as long as the transaction.
    pub(crate) kept: &'a mut Vec<Arc<Value>>,
}

impl Pkg {
    /// A package of the loaded record, or, without a place in it, one that is not there yet.
    pub(crate) fn new(name: Text, at: Option<usize>) -> Self {
        Self {
            name,
            at,
            table: None,
            contents: Contents { present: at.is_some(), ..Contents::default() },
            present_logged: 0,
            changes: 0,
            decoded: HashMap::default(),
            is_lent: false,
            keys: None,
            content: None,
        }
    }

    pub(crate) fn name(&self) -> &Text {
        &self.name
    }

    /// Whether the package is there for this transaction.
    pub(crate) fn is_present(&self) -> bool {
        self.contents.present
    }

    /// Whether anything was done to the content of this package.
    pub(crate) fn is_touched(&self) -> bool {
        self.contents.hidden || !self.contents.overlay.is_empty()
    }

    /// Whether it was stored before, and deleted since.
    pub(crate) fn is_deleted(&self) -> bool {
        self.contents.deleted
    }

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

    /// The value under `key`, lent until the transaction is dropped.
    pub(crate) fn get(&mut self, key: &str, env: &mut Env<'_>) -> Result<Option<&Value>> {
        match self.find(key, env)? {
            Found::Absent => Ok(None),
            Found::Overlay => Ok(self.lend(key, env.kept, |_| true)),
            Found::Loaded(at) => self.decode(at, env).map(Some),
        }
    }

    /// The value under `key` without decoding lists and maps, lent until the transaction is dropped.
    pub(crate) fn scalar(&mut self, key: &str, env: &mut Env<'_>) -> Result<Option<Scalar<'_>>> {
        match self.find(key, env)? {
            Found::Absent => Ok(None),
            Found::Overlay => Ok(self.lend(key, env.kept, is_pointed_at).map(Scalar::of)),
            Found::Loaded(at) => {
                self.is_lent = true;
                match self.table.as_ref() {
                    Some(table) => table.scalar(at).map(Some).map_err(|corrupt| env.place.corrupt(&corrupt)),
                    None => Ok(None),
                }
            }
        }
    }

    /// Whether `key` is there.
    pub(crate) fn contains(&mut self, key: &str, env: &mut Env<'_>) -> Result<bool> {
        Ok(!matches!(self.find(key, env)?, Found::Absent))
    }

    /// How many keys there are.
    pub(crate) fn len(&mut self, env: &mut Env<'_>) -> Result<usize> {
        let loaded = self.visible(env)?.map_or(0, Package::len);
        Ok((loaded + self.contents.added).saturating_sub(self.contents.deleted_keys))
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
        let change = match self.contents.overlay.get(key).map(|slot| &slot.change) {
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

    /// Keeps count of the keys when what the overlay has for `key` becomes `new`.
    fn count(&mut self, key: &str, new: Option<&Change>) {
        let table = self.table.as_ref().filter(|_| !self.contents.hidden);
        let is_loaded = table.is_some_and(|table| table.find(key).is_some());
        let contents = &mut self.contents;
        let counter = if is_loaded { &mut contents.deleted_keys } else { &mut contents.added };
        let counts = |change: &Change| matches!(change, Change::Delete) == is_loaded;
        if contents.overlay.get(key).is_some_and(|slot| counts(&slot.change)) {
            *counter = counter.saturating_sub(1);
        }
        if new.is_some_and(counts) {
            *counter += 1;
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

    /// Gives back what is not lent, in a session that is no longer one of the transaction; whether that is all.
    pub(crate) fn let_go(&mut self) -> bool {
        self.contents = Contents::default();
        (self.keys, self.content) = (None, None);
        if !self.is_lent {
            self.table = None;
            self.decoded = HashMap::default();
        }
        !self.is_lent
    }

    /// The keys, sorted, as a list of text, lent until the transaction is dropped.
    pub(crate) fn keys(&mut self, env: &mut Env<'_>) -> Result<&Value> {
        if !is_fresh(&self.keys, self.changes) {
            let keys = self.rows(env)?.into_iter().map(|(key, _)| Value::Text(key)).collect();
            let list = Arc::new(Value::list(keys)?);
            env.kept.push(Arc::clone(&list));
            self.keys = Some((self.changes, list));
        }
        self.keys.as_ref().map(|(_, list)| &**list).ok_or_else(lost)
    }

    /// The whole content as a map, lent until the transaction is dropped.
    pub(crate) fn content(&mut self, env: &mut Env<'_>) -> Result<&Arc<Value>> {
        if !is_fresh(&self.content, self.changes) {
            let rows = self.rows(env)?;
            let mut entries = Vec::with_capacity(rows.len());
            for (key, row) in rows {
                let value = match (row, &self.table) {
                    (Row::Overlay(value), _) => Value::clone(&value),
                    (Row::Loaded(at), Some(table)) => match self.decoded.get(&at) {
                        Some(value) => Value::clone(value),
                        None => table.value(at).map_err(|corrupt| env.place.corrupt(&corrupt))?,
                    },
                    (Row::Loaded(_), None) => return Err(lost()),
                };
                entries.push((key, value));
            }
            let map = Arc::new(Value::Map(Arc::new(Map::of_content(entries)?)));
            env.kept.push(Arc::clone(&map));
            self.content = Some((self.changes, map));
        }
        self.content.as_ref().map(|(_, map)| map).ok_or_else(lost)
    }

    /// Every key that this transaction changed, with the change, in order; not those that clearing took away.
    pub(crate) fn overlay(&self) -> impl Iterator<Item = (&Text, &Change)> {
        self.contents.overlay.iter().map(|(key, slot)| (key, &slot.change))
    }

    /// Whether clearing, deleting or replacing hides what was loaded.
    pub(crate) fn is_hidden(&self) -> bool {
        self.contents.hidden
    }

    /// The loaded table, checked at its first use (contract 6.5); `None` if the package was not stored.
    pub(crate) fn load(&mut self, env: &Env<'_>) -> Result<Option<&Package>> {
        if let (None, Some(at), Some(record)) = (&self.table, self.at, env.record) {
            self.table = Some(record.pkg(at).map_err(|corrupt| env.place.corrupt(&corrupt))?);
        }
        Ok(self.table.as_ref())
    }

    /// The loaded table, if it was checked already.
    pub(crate) fn table(&self) -> Option<&Package> {
        self.table.as_ref()
    }

    /// The loaded table, as far as this transaction still sees it.
    fn visible(&mut self, env: &Env<'_>) -> Result<Option<&Package>> {
        if self.contents.hidden { Ok(None) } else { self.load(env) }
    }

    fn is_loaded(&mut self, key: &str, env: &Env<'_>) -> Result<bool> {
        Ok(self.load(env)?.is_some_and(|table| table.find(key).is_some()))
    }

    fn find(&mut self, key: &str, env: &Env<'_>) -> Result<Found> {
        match self.contents.overlay.get(key).map(|slot| &slot.change) {
            Some(Change::Delete) => Ok(Found::Absent),
            Some(_) => Ok(Found::Overlay),
            None => Ok(self.visible(env)?.and_then(|table| table.find(key)).map_or(Found::Absent, Found::Loaded)),
        }
    }

    /// Every key with the place of its value, in the order of the keys.
    fn rows(&mut self, env: &Env<'_>) -> Result<Vec<(Text, Row)>> {
        self.visible(env)?;
        let table = if self.contents.hidden { None } else { self.table.as_ref() };
        let mut rows = Vec::new();
        for (at, (key, _)) in table.iter().flat_map(|table| table.entries().enumerate()) {
            if !self.contents.overlay.contains_key(key) {
                rows.push((Text::new(key), Row::Loaded(at)));
            }
        }
        for (key, slot) in &self.contents.overlay {
            if let Change::Set(value) | Change::Add { seen: value, .. } = &slot.change {
                rows.push((key.clone(), Row::Overlay(Arc::clone(value))));
            }
        }
        // Two sorted runs, which this sort merges in one pass.
        rows.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(rows)
    }

    /// Decodes the value at `at` of the loaded table once, and lends it.
    fn decode(&mut self, at: usize, env: &Env<'_>) -> Result<&Value> {
        self.is_lent = true;
        let value = match (self.decoded.contains_key(&at), &self.table) {
            (false, Some(table)) => Some(table.value(at).map_err(|corrupt| env.place.corrupt(&corrupt))?),
            _ => None,
        };
        if let Some(value) = value {
            self.decoded.insert(at, Arc::new(value));
        }
        self.decoded.get(&at).map(|value| &**value).ok_or_else(lost)
    }

    /// Lends the value that the overlay has for `key`, and keeps it if it has to stay where it is.
    fn lend(&mut self, key: &str, kept: &mut Vec<Arc<Value>>, has_to_stay: fn(&Value) -> bool) -> Option<&Value> {
        let slot = self.contents.overlay.get_mut(key)?;
        let (Change::Set(value) | Change::Add { seen: value, .. }) = &slot.change else { return None };
        if !slot.lent && has_to_stay(value) {
            slot.lent = true;
            kept.push(Arc::clone(value));
        }
        Some(value)
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
        let mut marks = BTreeMap::new();
        for (key, slot) in &self.contents.overlay {
            marks.insert(key.clone(), Slot { change: Change::Delete, logged: slot.logged, lent: false });
        }
        let hidden = Contents { hidden: true, overlay: marks, ..self.contents.flags() };
        let mut logged = self.contents.logged;
        let needed = env.undo.needs(&mut logged);
        let old = std::mem::replace(&mut self.contents, Contents { logged, ..hidden });
        if needed {
            env.undo.push(Undo::Contents { session: env.session, pkg: env.pkg, old: Box::new(old) });
        }
    }

    /// Whether the whole content was logged in this epoch, so that no part of it needs to be.
    fn is_logged_whole(&self, env: &Env<'_>) -> bool {
        env.undo.is_active() && self.contents.logged == env.undo.epoch()
    }
}

impl Contents {
    /// The flags, without the overlay.
    fn flags(&self) -> Self {
        Self {
            present: self.present,
            hidden: self.hidden,
            deleted: self.deleted,
            overlay: BTreeMap::new(),
            added: 0,
            deleted_keys: 0,
            logged: self.logged,
        }
    }
}

/// Whether reading a value as a scalar points at it; anything else is copied out of it.
fn is_pointed_at(value: &Value) -> bool {
    matches!(value, Value::Text(_) | Value::Bytes(_))
}

fn is_fresh(snapshot: &Snapshot, changes: u64) -> bool {
    matches!(snapshot, Some((made, _)) if *made == changes)
}

fn too_many() -> Error {
    Error::TooLarge(format!("package of more than {MAX_ENTRIES} entries").into())
}

/// For what the lines before made sure of.
fn lost() -> Error {
    Error::Panic("a value that was just made is not there".into())
}
