//! Reading a package: the overlay first, then the loaded table.
//!
//! What is lent to the caller stays at its address until the transaction is dropped, whatever happens to the key.

use std::sync::Arc;

use super::{Change, Env, Pkg};
use crate::error::{Error, Result};
use crate::record::{Package, Scalar};
use crate::value::{Map, Text, Value};

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

impl Pkg {
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

    /// The keys, sorted, as a list of text, lent until the transaction is dropped.
    pub(crate) fn keys(&mut self, env: &mut Env<'_>) -> Result<&Value> {
        if !self.keys.is_fresh(self.changes) {
            let keys = self.rows(env)?.into_iter().map(|(key, _)| Value::Text(key)).collect();
            let list = Arc::new(Value::list(keys)?);
            env.kept.push(Arc::clone(&list));
            self.keys.put(self.changes, list);
        }
        self.keys.value().map(|list| &**list)
    }

    /// The whole content as a map, lent until the transaction is dropped.
    pub(crate) fn content(&mut self, env: &mut Env<'_>) -> Result<&Arc<Value>> {
        if !self.content.is_fresh(self.changes) {
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
            self.content.put(self.changes, map);
        }
        self.content.value()
    }

    /// The loaded table, as far as this transaction still sees it.
    fn visible(&mut self, env: &Env<'_>) -> Result<Option<&Package>> {
        if self.contents.hidden { Ok(None) } else { self.load(env) }
    }

    /// Whether what was loaded has `key`, hidden or not.
    pub(super) fn is_loaded(&mut self, key: &str, env: &Env<'_>) -> Result<bool> {
        Ok(self.load(env)?.is_some_and(|table| table.find(key).is_some()))
    }

    /// Where the value of `key` stands for this transaction.
    fn find(&mut self, key: &str, env: &Env<'_>) -> Result<Found> {
        match self.contents.change(key) {
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
            if let Some(value) = slot.change.shared() {
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
        let value = slot.change.shared()?;
        if !slot.lent && has_to_stay(value) {
            slot.lent = true;
            kept.push(Arc::clone(value));
        }
        Some(value)
    }
}

/// Whether reading a value as a scalar points at it; anything else is copied out of it.
fn is_pointed_at(value: &Value) -> bool {
    matches!(value, Value::Text(_) | Value::Bytes(_))
}

/// For what the lines before made sure of.
fn lost() -> Error {
    Error::Panic("a value that was just decoded is not there".into())
}
