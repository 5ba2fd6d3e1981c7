//! The model's values: a plain tree, compared structurally, floats by their bits.

use std::collections::BTreeMap;
use std::fmt;

use lovely_session::value::{Map, Text, Value};

use crate::random::Random;

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum V {
    Null,
    Bool(bool),
    Int(i64),
    Float(u64),
    Text(String),
    Bytes(Vec<u8>),
    List(Vec<V>),
    Map(BTreeMap<String, V>),
}

/// What a package holds.
pub(crate) type Pkg = BTreeMap<String, V>;
/// What a session holds.
pub(crate) type Content = BTreeMap<String, Pkg>;

/// As many bytes as two of them do not fit into a record of the stores here.
pub(crate) const BIG: usize = 6_000;

impl V {
    pub(crate) fn real(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(b) => Value::Bool(*b),
            Self::Int(i) => Value::Int(*i),
            Self::Float(bits) => Value::Float(f64::from_bits(*bits)),
            Self::Text(text) => Value::text(text),
            Self::Bytes(bytes) => Value::bytes(bytes),
            Self::List(items) => Value::list(items.iter().map(Self::real).collect()).unwrap(),
            Self::Map(entries) => Value::map(entries.iter().map(|(k, v)| (Text::new(k), v.real())).collect()).unwrap(),
        }
    }

    pub(crate) fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(b) => Self::Bool(*b),
            Value::Int(i) => Self::Int(*i),
            Value::Float(f) => Self::Float(f.to_bits()),
            Value::Text(text) => Self::Text(text.as_str().to_owned()),
            Value::Bytes(bytes) => Self::Bytes(bytes.to_vec()),
            Value::List(list) => Self::List(list.items().iter().map(Self::of).collect()),
            Value::Map(map) => Self::Map(pkg_of(map)),
        }
    }

    /// A value of any type; few different ones, so that different transactions often choose the same.
    pub(crate) fn random(random: &mut Random) -> Self {
        match random.below(40) {
            0..12 => Self::Int(i64::try_from(random.below(4)).unwrap()),
            12 => Self::Int([i64::MAX, i64::MIN, i64::MAX - 1][random.below(3)]),
            13..16 => Self::Null,
            16..19 => Self::Bool(random.below(2) == 1),
            19 => Self::Float(0.0_f64.to_bits()),
            20 => Self::Float((-0.0_f64).to_bits()),
            21 => Self::Float(1.0_f64.to_bits()),
            22 => Self::Float([f64::NAN.to_bits(), f64::NAN.to_bits() | 1, f64::INFINITY.to_bits()][random.below(3)]),
            23..28 => Self::Text(["", "1", "é\0\n", "a"][random.below(4)].to_owned()),
            28..31 => Self::Bytes([&b""[..], b"1", b"\0\xff"][random.below(3)].to_vec()),
            31 | 32 => Self::big(),
            33..36 => Self::List((0..random.below(3)).map(|_| Self::small(random)).collect()),
            _ => Self::Map((0..random.below(3)).map(|i| (["x", "y", ""][i].to_owned(), Self::small(random))).collect()),
        }
    }

    pub(crate) fn big() -> Self {
        Self::Bytes(vec![7; BIG])
    }

    fn small(random: &mut Random) -> Self {
        match random.below(4) {
            0 => Self::List(vec![Self::Null]),
            1 => Self::Map(BTreeMap::from([("k".to_owned(), Self::Int(1))])),
            2 => Self::Text("1".to_owned()),
            _ => Self::Int(1),
        }
    }

    pub(crate) fn is_big(&self) -> bool {
        matches!(self, Self::Bytes(bytes) if bytes.len() == BIG)
    }
}

/// The map that the library takes for a package's content.
pub(crate) fn real_map(pkg: &Pkg) -> Map {
    Map::from_entries(pkg.iter().map(|(k, v)| (Text::new(k), v.real())).collect()).unwrap()
}

pub(crate) fn pkg_of(map: &Map) -> Pkg {
    map.entries().iter().map(|(k, v)| (k.as_str().to_owned(), V::of(v))).collect()
}

/// Whether a record with this content is over the limit of the stores here.
pub(crate) fn is_too_large(content: &Content) -> bool {
    content.values().flat_map(|pkg| pkg.values()).filter(|value| value.is_big()).count() > 1
}

impl fmt::Debug for V {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(b) => write!(f, "{b}"),
            Self::Int(i) => write!(f, "{i}"),
            Self::Float(bits) => write!(f, "{:?}f({bits:#x})", f64::from_bits(*bits)),
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Bytes(bytes) if bytes.len() > 20 => write!(f, "bytes({})", bytes.len()),
            Self::Bytes(bytes) => write!(f, "bytes{bytes:?}"),
            Self::List(items) => f.debug_list().entries(items).finish(),
            Self::Map(entries) => f.debug_map().entries(entries).finish(),
        }
    }
}
