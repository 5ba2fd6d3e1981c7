//! What the ids of a transaction stand for: a list while there are few, which is the usual case, a table beyond.

use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::{Equivalent, HashMap};
use smallvec::SmallVec;

use crate::container::Container;

/// A session id in a container, whatever handle the container was reached by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct IndexKey {
    pub(crate) container: u64,
    pub(crate) id: Arc<[u8]>,
}

/// The same, borrowed, to look up without a copy.
#[derive(Hash)]
pub(crate) struct IndexRef<'a> {
    pub(crate) container: u64,
    pub(crate) id: &'a [u8],
}

impl Equivalent<IndexKey> for IndexRef<'_> {
    fn equivalent(&self, key: &IndexKey) -> bool {
        self.container == key.container && *self.id == *key.id
    }
}

/// What an id stands for in this transaction.
#[derive(Debug, Clone)]
pub(crate) enum Entry {
    /// The open session at this place.
    Open(usize),
    /// A session of this container that the transaction destroys without having opened it.
    Destroyed(Container),
    /// The id that the open session at this place had before it was given a new one.
    Left(usize),
}

/// Looking through so many costs less than hashing.
const FEW: usize = 8;

/// All ids of a transaction.
#[derive(Debug, Default)]
pub(crate) struct Index {
    few: SmallVec<[(IndexKey, Entry); 1]>,
    /// All of them, once there were more than a few.
    many: Option<Box<HashMap<IndexKey, Entry, RandomState>>>,
}

impl Index {
    pub(crate) fn get(&self, key: &IndexRef<'_>) -> Option<&Entry> {
        match &self.many {
            Some(many) => many.get(key),
            None => self.few.iter().find(|(known, _)| key.equivalent(known)).map(|(_, entry)| entry),
        }
    }

    /// Sets what an id stands for, and gives what it stood for.
    pub(crate) fn insert(&mut self, key: IndexKey, entry: Entry) -> Option<Entry> {
        if let Some(many) = &mut self.many {
            return many.insert(key, entry);
        }
        if let Some((_, known)) = self.few.iter_mut().find(|(known, _)| *known == key) {
            return Some(std::mem::replace(known, entry));
        }
        self.few.push((key, entry));
        if self.few.len() > FEW {
            self.many = Some(Box::new(self.few.drain(..).collect()));
        }
        None
    }

    /// Makes an id stand for nothing, and gives what it stood for.
    pub(crate) fn remove(&mut self, key: &IndexKey) -> Option<Entry> {
        if let Some(many) = &mut self.many {
            return many.remove(key);
        }
        let at = self.few.iter().position(|(known, _)| known == key)?;
        Some(self.few.swap_remove(at).1)
    }

    /// All ids that stand for something, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&IndexKey, &Entry)> {
        let many = self.many.iter().flat_map(|many| many.iter());
        self.few.iter().map(|(key, entry)| (key, entry)).chain(many)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic, reason = "tests")]

    use super::*;

    fn key(number: usize) -> IndexKey {
        IndexKey { container: number as u64 % 3, id: Arc::from(number.to_le_bytes()) }
    }

    fn place(entry: Option<&Entry>) -> Option<usize> {
        entry.map(|entry| match entry {
            Entry::Open(at) => *at,
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn ids_are_found_and_removed_whether_few_or_many() {
        for count in [1, FEW, FEW + 1, 100] {
            let mut index = Index::default();
            for number in 0..count {
                assert_eq!(place(index.insert(key(number), Entry::Open(number)).as_ref()), None);
                assert_eq!(place(index.insert(key(number), Entry::Open(number + 1)).as_ref()), Some(number));
            }
            for number in 0..count {
                let IndexKey { container, id } = key(number);
                assert_eq!(place(index.get(&IndexRef { container, id: &id })), Some(number + 1));
                assert_eq!(place(index.get(&IndexRef { container: container + 1, id: &id })), None);
            }
            assert_eq!(index.iter().count(), count);
            for number in 0..count {
                assert_eq!(place(index.remove(&key(number)).as_ref()), Some(number + 1));
                assert!(index.remove(&key(number)).is_none());
            }
            assert_eq!(index.iter().count(), 0);
        }
    }
}
