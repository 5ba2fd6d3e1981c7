//! The value tree: what a key of a package holds.
//!
//! A value is immutable once shared; lists and maps are reference counted, so that copies into an overlay, an undo
//! log or another tree cost nothing, and carry their depth and size, so that no tree deeper than [`MAX_DEPTH`] or
//! larger than [`MAX_SIZE`] can be built. How values are stored is `record`'s business; JSON is in `json`,
//! MessagePack in `msgpack`.

mod input;
pub mod json;
pub mod msgpack;
mod text;

pub use text::Text;

use std::sync::Arc;

use crate::error::{Error, Result};

/// How deep lists and maps may nest: a list is 1 deep, empty or not, and one more than its deepest item; a number 0.
pub const MAX_DEPTH: usize = 64;
/// How many entries one list, map or package may hold.
pub const MAX_ENTRIES: usize = 1_000_000;
/// How long a package name or a key may be, in bytes of UTF-8.
pub const MAX_KEY_LEN: usize = 65_535;
/// How large a value may be, see [`Value::size`]: 1 GiB, the most that any memcached takes as one item.
///
/// The limit is for trees that hold a list or map many times over: 30 lists that each hold the one before twice cost
/// nothing to build, and 2^30 items to walk, compare or write.
pub const MAX_SIZE: u64 = 1 << 30;

/// The type of a value. The numbers are those of the C surface and fixed for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(i32)]
pub enum Kind {
    /// No content; differs from an absent key.
    Null = 0,
    /// true or false.
    Bool = 1,
    /// 64-bit signed integer.
    Int = 2,
    /// 64-bit IEEE float, NaN and infinities included.
    Float = 3,
    /// UTF-8 text.
    Text = 4,
    /// Bytes.
    Bytes = 5,
    /// List of values.
    List = 6,
    /// Map from text to values, sorted by the bytes of the keys.
    Map = 7,
}

impl Kind {
    /// The type's name as errors and documents spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool => "boolean",
            Self::Int => "integer",
            Self::Float => "float",
            Self::Text => "text",
            Self::Bytes => "bytes",
            Self::List => "list",
            Self::Map => "map",
        }
    }
}

/// A value. Equality is strict on types and compares floats by their bits (contract 2.2).
#[derive(Debug, Clone)]
pub enum Value {
    /// Null.
    Null,
    /// Boolean.
    Bool(bool),
    /// Integer.
    Int(i64),
    /// Float.
    Float(f64),
    /// Text.
    Text(Text),
    /// Bytes.
    Bytes(Arc<[u8]>),
    /// List.
    List(Arc<List>),
    /// Map.
    Map(Arc<Map>),
}

impl Value {
    /// Text from a string slice.
    pub fn text(text: &str) -> Self {
        Self::Text(Text::new(text))
    }

    /// Bytes from a slice.
    pub fn bytes(bytes: &[u8]) -> Self {
        Self::Bytes(Arc::from(bytes))
    }

    /// List of `items`; an error if it would be too deep or too long.
    pub fn list(items: Vec<Value>) -> Result<Self> {
        let mut list = List::default();
        for item in items {
            list.push(item)?;
        }
        Ok(Self::List(Arc::new(list)))
    }

    /// Map of `entries`, see [`Map::from_entries`].
    pub fn map(entries: Vec<(Text, Value)>) -> Result<Self> {
        Ok(Self::Map(Arc::new(Map::from_entries(entries)?)))
    }

    /// The type of this value.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Null => Kind::Null,
            Self::Bool(_) => Kind::Bool,
            Self::Int(_) => Kind::Int,
            Self::Float(_) => Kind::Float,
            Self::Text(_) => Kind::Text,
            Self::Bytes(_) => Kind::Bytes,
            Self::List(_) => Kind::List,
            Self::Map(_) => Kind::Map,
        }
    }

    /// How deep lists and maps nest in this value; 0 for anything else.
    pub fn depth(&self) -> usize {
        match self {
            Self::List(list) => 1 + list.below,
            Self::Map(map) => 1 + map.below,
            _ => 0,
        }
    }

    /// How much there is in this value, in bytes: text, bytes and keys as long as they are, numbers 8, and 1 for each
    /// value and key. What stands in it twice counts twice.
    pub fn size(&self) -> u64 {
        1 + match self {
            Self::Null | Self::Bool(_) => 0,
            Self::Int(_) | Self::Float(_) => 8,
            Self::Text(text) => text.len() as u64,
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::List(list) => list.size,
            Self::Map(map) => map.size,
        }
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Float(a), Self::Float(b)) => a.to_bits() == b.to_bits(),
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::Bytes(a), Self::Bytes(b)) => a == b,
            (Self::List(a), Self::List(b)) => Arc::ptr_eq(a, b) || a.items == b.items,
            (Self::Map(a), Self::Map(b)) => Arc::ptr_eq(a, b) || a.entries == b.entries,
            _ => false,
        }
    }
}

impl Eq for Value {}

/// A list of values that knows its depth and size.
#[derive(Debug, Clone, Default)]
pub struct List {
    items: Vec<Value>,
    /// Depth of the deepest item, which is one less than the list's own.
    below: usize,
    size: u64,
}

impl List {
    /// An empty list with room for `items`.
    pub fn with_capacity(items: usize) -> Self {
        Self { items: Vec::with_capacity(items), ..Self::default() }
    }

    /// The items in order.
    pub fn items(&self) -> &[Value] {
        &self.items
    }

    /// Appends `item`; an error, and no change, if the list would be too deep, too long or too large.
    pub fn push(&mut self, item: Value) -> Result<()> {
        let depth = check_nested(&item)?;
        check_entries("list", self.items.len() + 1)?;
        self.size = check_size(self.size + item.size())?;
        self.below = self.below.max(depth);
        self.items.push(item);
        Ok(())
    }
}

/// A map from text to values, sorted by the bytes of the keys, that knows its depth and size.
#[derive(Debug, Clone, Default)]
pub struct Map {
    entries: Vec<(Text, Value)>,
    /// Depth of the deepest value, which is one less than the map's own.
    below: usize,
    size: u64,
}

impl Map {
    /// An empty map with room for `entries`.
    pub fn with_capacity(entries: usize) -> Self {
        Self { entries: Vec::with_capacity(entries), ..Self::default() }
    }

    /// Map of `entries` in any order, a later entry of the same key winning; an error if a limit would be passed.
    ///
    /// Sorts once, where inserting in random order would move entries each time.
    pub fn from_entries(mut entries: Vec<(Text, Value)>) -> Result<Self> {
        // Stable, so that of equal keys the last one given stands last.
        entries.sort_by(|(a, _), (b, _)| a.cmp(b));
        entries.dedup_by(|later, kept| {
            let same = later.0 == kept.0;
            if same {
                std::mem::swap(later, kept);
            }
            same
        });
        check_entries("map", entries.len())?;
        let (mut below, mut size) = (0, 0);
        for (key, value) in &entries {
            check_key("map key", key)?;
            below = check_nested(value)?.max(below);
            size = check_size(size + entry_size(key, value))?;
        }
        Ok(Self { entries, below, size })
    }

    /// The content of a package or session, of `entries` that are sorted and differ.
    ///
    /// It is a level or two deeper than the values in it, and so may be deeper than [`MAX_DEPTH`]: it can be read, and
    /// not be put into a value or a package.
    pub(crate) fn of_content(entries: Vec<(Text, Value)>) -> Result<Self> {
        let (mut below, mut size) = (0, 0);
        for (key, value) in &entries {
            below = value.depth().max(below);
            size = check_size(size + entry_size(key, value))?;
        }
        Ok(Self { entries, below, size })
    }

    /// The entries, sorted by key.
    pub fn entries(&self) -> &[(Text, Value)] {
        &self.entries
    }

    /// The value under `key`.
    pub fn get(&self, key: &str) -> Option<&Value> {
        let at = self.find(key).ok()?;
        self.entries.get(at).map(|(_, value)| value)
    }

    /// Sets `key`, replacing what it had; an error, and no change, if a limit would be passed.
    pub fn insert(&mut self, key: Text, value: Value) -> Result<()> {
        check_key("map key", &key)?;
        let depth = check_nested(&value)?;
        // Callers mostly come in order: appending must not search or move.
        let at = match self.entries.last() {
            Some((last, _)) if *last >= key => self.find(&key),
            _ => Err(self.entries.len()),
        };
        match at {
            Ok(at) => self.replace(at, value, depth),
            Err(at) => {
                check_entries("map", self.entries.len() + 1)?;
                self.size = check_size(self.size + entry_size(&key, &value))?;
                self.below = self.below.max(depth);
                self.entries.insert(at, (key, value));
                Ok(())
            }
        }
    }

    /// Puts `value`, which is `depth` deep, in the place of the value at `at`.
    fn replace(&mut self, at: usize, value: Value, depth: usize) -> Result<()> {
        let Some((_, old)) = self.entries.get_mut(at) else { return Ok(()) };
        self.size = check_size(self.size - old.size() + value.size())?;
        let was_deepest = old.depth() == self.below;
        *old = value;
        self.below = if was_deepest && depth < self.below {
            // What made the map this deep may be gone.
            self.entries.iter().map(|(_, value)| value.depth()).max().unwrap_or(0)
        } else {
            self.below.max(depth)
        };
        Ok(())
    }

    fn find(&self, key: &str) -> std::result::Result<usize, usize> {
        self.entries.binary_search_by(|(k, _)| k.as_str().cmp(key))
    }
}

/// The depth of `child`; an error if a list or map that holds it would be too deep.
fn check_nested(child: &Value) -> Result<usize> {
    let depth = child.depth();
    if depth >= MAX_DEPTH { Err(too_deep()) } else { Ok(depth) }
}

/// Refuses what is too deep to be a value: the content of a package or session can be (see [`Map::of_content`]).
pub(crate) fn check_depth(value: &Value) -> Result<()> {
    if value.depth() > MAX_DEPTH { Err(too_deep()) } else { Ok(()) }
}

fn too_deep() -> Error {
    Error::TooLarge(format!("value nested more than {MAX_DEPTH} deep").into())
}

fn entry_size(key: &str, value: &Value) -> u64 {
    key.len() as u64 + 1 + value.size()
}

fn check_size(size: u64) -> Result<u64> {
    if size > MAX_SIZE {
        return Err(Error::TooLarge(format!("value of more than {MAX_SIZE} bytes").into()));
    }
    Ok(size)
}

fn check_entries(what: &str, len: usize) -> Result<()> {
    if len > MAX_ENTRIES {
        return Err(Error::TooLarge(format!("{what} of more than {MAX_ENTRIES} entries").into()));
    }
    Ok(())
}

/// Refuses a package name or key over the limit; `what` names it in the error.
pub fn check_key(what: &str, key: &str) -> Result<()> {
    if key.len() > MAX_KEY_LEN {
        return Err(Error::TooLarge(
            format!("{what} of {} bytes is over the limit of {MAX_KEY_LEN}", key.len()).into(),
        ));
    }
    Ok(())
}
