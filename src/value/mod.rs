//! The value tree: what a key of a package holds.
//!
//! A value is immutable once shared; lists and maps are reference counted, so that copies into an overlay, an undo
//! log or another tree cost nothing, and carry their depth, so that no tree deeper than [`MAX_DEPTH`] can be built.
//! How values are stored is `record`'s business; JSON is in `json`.

pub mod json;
mod text;

pub use text::Text;

use std::sync::Arc;

use crate::error::{Error, Result};

/// How deep lists and maps may nest: a list of numbers is 1 deep, a number 0.
pub const MAX_DEPTH: usize = 64;
/// How many entries one list, map or package may hold.
pub const MAX_ENTRIES: usize = 1_000_000;
/// How long a package name or a key may be, in bytes of UTF-8.
pub const MAX_KEY_LEN: usize = 65_535;

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

    /// Map of `entries`, a later entry of the same key winning; an error if it would be too deep or too large.
    pub fn map(entries: Vec<(Text, Value)>) -> Result<Self> {
        let mut map = Map::default();
        for (key, value) in entries {
            map.insert(key, value)?;
        }
        Ok(Self::Map(Arc::new(map)))
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
            Self::List(list) => usize::from(list.depth),
            Self::Map(map) => usize::from(map.depth),
            _ => 0,
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

/// A list of values that knows its depth.
#[derive(Debug, Clone, Default)]
pub struct List {
    items: Vec<Value>,
    depth: u8,
}

impl List {
    /// An empty list with room for `items`.
    pub fn with_capacity(items: usize) -> Self {
        Self { items: Vec::with_capacity(items), depth: 0 }
    }

    /// The items in order.
    pub fn items(&self) -> &[Value] {
        &self.items
    }

    /// Appends `item`; an error, and no change, if the list would be too deep or too long.
    pub fn push(&mut self, item: Value) -> Result<()> {
        let depth = nested_depth(self.depth, &item)?;
        check_entries("list", self.items.len())?;
        self.items.push(item);
        self.depth = depth;
        Ok(())
    }
}

/// A map from text to values, sorted by the bytes of the keys, that knows its depth.
#[derive(Debug, Clone, Default)]
pub struct Map {
    entries: Vec<(Text, Value)>,
    depth: u8,
}

impl Map {
    /// An empty map with room for `entries`.
    pub fn with_capacity(entries: usize) -> Self {
        Self { entries: Vec::with_capacity(entries), depth: 0 }
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
        let depth = nested_depth(self.depth, &value)?;
        // Callers mostly come in order: appending must not search or move.
        let at = match self.entries.last() {
            Some((last, _)) if *last >= key => self.find(&key),
            _ => Err(self.entries.len()),
        };
        match at {
            Ok(at) => {
                if let Some(entry) = self.entries.get_mut(at) {
                    entry.1 = value;
                }
            }
            Err(at) => {
                check_entries("map", self.entries.len())?;
                self.entries.insert(at, (key, value));
            }
        }
        self.depth = depth;
        Ok(())
    }

    fn find(&self, key: &str) -> std::result::Result<usize, usize> {
        self.entries.binary_search_by(|(k, _)| k.as_str().cmp(key))
    }
}

/// The depth of a container of depth `own` once it holds `child`.
fn nested_depth(own: u8, child: &Value) -> Result<u8> {
    let depth = child.depth() + 1;
    match u8::try_from(depth) {
        Ok(depth8) if depth <= MAX_DEPTH => Ok(own.max(depth8)),
        _ => Err(Error::TooLarge(format!("value nested more than {MAX_DEPTH} deep").into())),
    }
}

fn check_entries(what: &str, len: usize) -> Result<()> {
    if len >= MAX_ENTRIES {
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
