//! The bytes of one value: `bincode` with variable-width numbers, through `serde`, the kind's number in front.
//!
//! There is one encoding of each value, and only that is accepted: bytes can be compared instead of values. Text has
//! a NUL behind it that its length counts.

mod de;
mod ser;

use bincode::config::{self, Configuration};
use bincode::error::DecodeError;

use super::Corrupt;
use crate::value::{Kind, Text, Value};

pub(super) use ser::{VecSink, written};
pub use ser::{encode_value, encodes_to};

/// Little-endian, variable width, no limit: each length is checked against the bytes that are there.
const CONFIG: Configuration = config::standard();

/// A value as far as it can be had without an allocation, borrowed from the record.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scalar<'a> {
    /// Null.
    Null,
    /// Boolean.
    Bool(bool),
    /// Integer.
    Int(i64),
    /// Float.
    Float(f64),
    /// Text.
    Text(TextRef<'a>),
    /// Bytes.
    Bytes(&'a [u8]),
    /// A list, not looked into.
    List,
    /// A map, not looked into.
    Map,
}

impl<'a> Scalar<'a> {
    /// The type of the value.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Null => Kind::Null,
            Self::Bool(_) => Kind::Bool,
            Self::Int(_) => Kind::Int,
            Self::Float(_) => Kind::Float,
            Self::Text(_) => Kind::Text,
            Self::Bytes(_) => Kind::Bytes,
            Self::List => Kind::List,
            Self::Map => Kind::Map,
        }
    }

    /// Of a value as it stands, borrowed from it.
    pub fn of(value: &'a Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(bool) => Self::Bool(*bool),
            Value::Int(int) => Self::Int(*int),
            Value::Float(float) => Self::Float(*float),
            Value::Text(text) => Self::Text(TextRef { with_nul: text.as_str_with_nul() }),
            Value::Bytes(bytes) => Self::Bytes(bytes),
            Value::List(_) => Self::List,
            Value::Map(_) => Self::Map,
        }
    }

    /// A value of its own; `None` for a list or map, whose content is not here.
    pub fn to_value(&self) -> Option<Value> {
        Some(match self {
            Self::Null => Value::Null,
            Self::Bool(bool) => Value::Bool(*bool),
            Self::Int(int) => Value::Int(*int),
            Self::Float(float) => Value::Float(*float),
            Self::Text(text) => Value::Text(text.to_text()),
            Self::Bytes(bytes) => Value::bytes(bytes),
            Self::List | Self::Map => return None,
        })
    }
}

/// Text in a record, with the NUL behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextRef<'a> {
    with_nul: &'a str,
}

impl<'a> TextRef<'a> {
    /// `None` if there is no NUL behind the text.
    fn new(with_nul: &'a str) -> Option<Self> {
        with_nul.ends_with('\0').then_some(Self { with_nul })
    }

    /// The text, without the NUL.
    pub fn as_str(self) -> &'a str {
        self.with_nul.strip_suffix('\0').unwrap_or(self.with_nul)
    }

    /// The text and the NUL behind it: what may be lent to C.
    pub fn as_str_with_nul(self) -> &'a str {
        self.with_nul
    }

    /// A text of its own.
    pub fn to_text(self) -> Text {
        Text::from_str_with_nul(self.with_nul).unwrap_or_else(|| Text::new(self.with_nul))
    }
}

/// The kinds by their numbers, which are those of the C surface.
const KINDS: [Kind; 8] =
    [Kind::Null, Kind::Bool, Kind::Int, Kind::Float, Kind::Text, Kind::Bytes, Kind::List, Kind::Map];

fn kind_of(number: u32) -> Option<Kind> {
    KINDS.get(usize::try_from(number).ok()?).copied()
}

/// The type of the value in `raw`, by its first byte.
pub(super) fn kind(raw: &[u8]) -> Result<Kind, Corrupt> {
    raw.first().and_then(|number| kind_of(u32::from(*number))).ok_or(Corrupt::new(de::UNKNOWN_KIND))
}

/// Decodes the value that fills `raw`; of a list or map only its kind.
pub(super) fn decode_scalar(raw: &[u8]) -> Result<Scalar<'_>, Corrupt> {
    let (scalar, used) = bincode::serde::seed_decode_from_slice(de::ScalarSeed, raw, CONFIG).map_err(corrupt)?;
    let canonical = match scalar {
        Scalar::List | Scalar::Map => return Ok(scalar),
        Scalar::Null => 1,
        Scalar::Bool(_) => BOOL_LEN,
        Scalar::Int(int) => int_len(int),
        Scalar::Float(_) => FLOAT_LEN,
        Scalar::Text(text) => 1 + run_len(text.with_nul.len()),
        Scalar::Bytes(bytes) => 1 + run_len(bytes.len()),
    };
    check_len(raw.len(), used, canonical)?;
    Ok(scalar)
}

/// Decodes the value that fills `raw`.
///
/// Allocates at most 64 bytes for each byte of `raw`, an error's text aside: a list or map gets room for as many entries
/// as it announces only while the bytes could hold them all.
pub(super) fn decode_value(raw: &[u8]) -> Result<Value, Corrupt> {
    let room = std::cell::Cell::new(raw.len());
    let seed = de::ValueSeed::new(&room);
    let (value, used) = bincode::serde::seed_decode_from_slice(seed, raw, CONFIG).map_err(corrupt)?;
    check_len(raw.len(), used, encoded_len(&value))?;
    Ok(value)
}

/// Refuses bytes behind a value, and a value that is longer than it has to be: `bincode` reads a small number from a
/// wide form too, and each such number makes the whole longer than the canonical encoding.
fn check_len(there: usize, used: usize, canonical: usize) -> Result<(), Corrupt> {
    if used != there {
        return Err(Corrupt::new("bytes after a value"));
    }
    if used != canonical {
        return Err(Corrupt::new("number or length that is not in its shortest form"));
    }
    Ok(())
}

// The texts of bincode's errors quote what was found, which may be a part of a stored value: none of them is used.
fn corrupt(error: DecodeError) -> Corrupt {
    match error {
        DecodeError::UnexpectedEnd { .. } => Corrupt::new("value that ends too early"),
        DecodeError::Utf8 { .. } => Corrupt::new("text that is not UTF-8"),
        DecodeError::InvalidBooleanValue(_) => Corrupt::new("boolean that is neither 0 nor 1"),
        DecodeError::OtherString(reason) => Corrupt(reason.into()),
        _ => Corrupt::new("number that is wider than its type"),
    }
}

const BOOL_LEN: usize = 2;
const FLOAT_LEN: usize = 9;

/// How many bytes [`encode_value`] appends for `value`.
pub fn encoded_len(value: &Value) -> usize {
    match value {
        Value::Null => 1,
        Value::Bool(_) => BOOL_LEN,
        Value::Int(int) => int_len(*int),
        Value::Float(_) => FLOAT_LEN,
        Value::Text(text) => 1 + run_len(text.as_str_with_nul().len()),
        Value::Bytes(bytes) => 1 + run_len(bytes.len()),
        Value::List(list) => {
            let items = list.items();
            items.iter().map(encoded_len).fold(1 + number_len(items.len() as u64), usize::saturating_add)
        }
        Value::Map(map) => {
            let entries = map.entries();
            let lens = entries.iter().map(|(key, value)| run_len(key.as_str_with_nul().len()) + encoded_len(value));
            lens.fold(1 + number_len(entries.len() as u64), usize::saturating_add)
        }
    }
}

fn int_len(int: i64) -> usize {
    // Zigzag: the sign goes to the lowest bit, so that small negative numbers are short too.
    1 + number_len((int.wrapping_shl(1) ^ (int >> 63)).cast_unsigned())
}

/// A length and as many bytes.
fn run_len(len: usize) -> usize {
    number_len(len as u64).saturating_add(len)
}

fn number_len(number: u64) -> usize {
    match number {
        0..=250 => 1,
        251..=0xffff => 3,
        0x1_0000..=0xffff_ffff => 5,
        _ => 9,
    }
}
