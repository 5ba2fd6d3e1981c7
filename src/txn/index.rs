//! What the ids of a transaction stand for.

use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::{Equivalent, HashMap};

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

/// All ids of a transaction.
pub(crate) type Index = HashMap<IndexKey, Entry, RandomState>;
