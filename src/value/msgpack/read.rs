//! MessagePack to value, strictly; what has no value here is an error.
//!
//! `rmp` knows the markers and reads numbers and lengths from a slice; what a length then makes us do is decided here.
//! `rmp-serde` and `rmpv`, which stand on it, let the last of two equal keys win or keep both, and do not say at which
//! byte an error is.

use std::sync::Arc;

use rmp::Marker;
use rmp::decode::{self, NumValueReadError};

use crate::error::{Error, Message, Result};
use crate::value::input::{key_twice, placed};
use crate::value::{List, MAX_DEPTH, Map, Text, Value, check_entries, check_key, too_deep};

/// For how many entries room is made at once. More make their room as they come, so that what a count claims costs
/// nothing; and small lists, of which there are many, waste none.
const MAX_ROOM: usize = 64;

/// Reads one value from MessagePack (contract 7.3).
///
/// Integers come in any width, signed and unsigned. A float 32 becomes the 64-bit float of the same number; the bits
/// of a NaN are kept, in float 32 as the leading ones.
///
/// An argument error for anything but one whole value, for text that is not UTF-8, and for duplicate keys; an error of
/// type for ext and for a key that is not text; a range error for an integer over 2^63-1; too large for what is over a
/// limit of [`crate::value`]. Errors name the byte at which the value or key starts, counted from 0, and no part of the
/// content but a duplicate key.
///
/// Time is in n log n of the length. Memory is in n: no length or count is believed before the bytes for it are seen;
/// measured, some 60 bytes for each byte of small numbers, and 110 for the worst, which is nothing but empty lists.
pub fn from_msgpack(bytes: &[u8]) -> Result<Value> {
    let mut input = Input { len: bytes.len(), rest: bytes, place: 0 };
    // An error ends the reading, so the place is still that of what was being read.
    input.whole().map_err(|error| placed(error, &format!("MessagePack, byte {}", input.place)))
}

/// What is left to read.
struct Input<'a> {
    len: usize,
    rest: &'a [u8],
    /// Where the value or key starts that is being read.
    place: usize,
}

impl<'a> Input<'a> {
    fn whole(&mut self) -> Result<Value> {
        let value = self.value(0)?;
        self.place = self.len - self.rest.len();
        if self.rest.is_empty() { Ok(value) } else { Err(argument("bytes after the end of the value")) }
    }

    /// Reads the next value, inside `depth` lists and maps. Recursion ends at [`MAX_DEPTH`].
    fn value(&mut self, depth: usize) -> Result<Value> {
        use Marker::{Ext8, Ext16, Ext32, FixExt1, FixExt2, FixExt4, FixExt8, FixExt16};
        use Marker::{FixNeg, FixPos, I8, I16, I32, I64, U8, U16, U32, U64};
        match self.marker("value")? {
            Marker::Null => self.take(decode::read_nil).map(|()| Value::Null),
            Marker::True | Marker::False => self.take(decode::read_bool).map(Value::Bool),
            FixPos(_) | U8 | U16 | U32 | U64 | FixNeg(_) | I8 | I16 | I32 | I64 => self.int().map(Value::Int),
            Marker::F32 => self.take(decode::read_f32).map(widened).map(Value::Float),
            Marker::F64 => self.take(decode::read_f64).map(Value::Float),
            Marker::FixStr(_) | Marker::Str8 | Marker::Str16 | Marker::Str32 => self.text().map(Value::text),
            Marker::Bin8 | Marker::Bin16 | Marker::Bin32 => self.bytes().map(Value::bytes),
            Marker::FixArray(_) | Marker::Array16 | Marker::Array32 => self.list(below(depth)?),
            Marker::FixMap(_) | Marker::Map16 | Marker::Map32 => self.map(below(depth)?),
            Marker::Reserved => Err(argument("0xc1 is no MessagePack")),
            FixExt1 | FixExt2 | FixExt4 | FixExt8 | FixExt16 | Ext8 | Ext16 | Ext32 => {
                Err(Error::Type("ext has no value here".into()))
            }
        }
    }

    /// What comes next, which is said to be a `what`. It is looked at and not taken: `rmp` reads marker and rest in one.
    fn marker(&mut self, what: &str) -> Result<Marker> {
        self.place = self.len - self.rest.len();
        self.rest.first().map(|first| Marker::from_u8(*first)).ok_or_else(|| argument(format!("{what} expected")))
    }

    /// Takes what `read` reads, which the marker has been seen of.
    fn take<T, E>(&mut self, read: impl FnOnce(&mut &'a [u8]) -> Result<T, E>) -> Result<T> {
        read(&mut self.rest).map_err(|_| cut())
    }

    fn int(&mut self) -> Result<i64> {
        match decode::read_int(&mut self.rest) {
            Ok(int) => Ok(int),
            Err(NumValueReadError::OutOfRange) => Err(Error::Range("integer over 2^63-1".into())),
            Err(_) => Err(cut()),
        }
    }

    fn text(&mut self) -> Result<&'a str> {
        let len = self.take(decode::read_str_len)?;
        let text = std::str::from_utf8(self.payload("text", len)?);
        text.map_err(|error| argument(format!("text that is not UTF-8 from its byte {} on", error.valid_up_to())))
    }

    fn bytes(&mut self) -> Result<&'a [u8]> {
        let len = self.take(decode::read_bin_len)?;
        self.payload("bytes", len)
    }

    /// The next `len` bytes: a part of the input, not a copy.
    fn payload(&mut self, what: &str, len: u32) -> Result<&'a [u8]> {
        let there = self.rest.len();
        let parts = usize::try_from(len).ok().and_then(|len| self.rest.split_at_checked(len));
        let (payload, rest) = parts.ok_or_else(|| short(what, len, there))?;
        self.rest = rest;
        Ok(payload)
    }

    fn list(&mut self, depth: usize) -> Result<Value> {
        let count = self.take(decode::read_array_len)?;
        let count = self.count("list", count, 1)?;
        let mut list = List::with_capacity(count.min(MAX_ROOM));
        for _ in 0..count {
            list.push(self.value(depth)?)?;
        }
        Ok(Value::List(Arc::new(list)))
    }

    fn map(&mut self, depth: usize) -> Result<Value> {
        let start = self.place;
        let count = self.take(decode::read_map_len)?;
        let count = self.count("map", count, 2)?;
        let mut entries: Vec<(Text, Value)> = Vec::with_capacity(count.min(MAX_ROOM));
        for _ in 0..count {
            let key = self.key()?;
            entries.push((Text::new(key), self.value(depth)?));
        }
        self.place = start;
        match key_twice(&mut entries) {
            Some(key) => Err(argument(format!("key {key} stands twice in the map"))),
            None => Ok(Value::Map(Arc::new(Map::from_entries(entries)?))),
        }
    }

    fn key(&mut self) -> Result<&'a str> {
        match self.marker("key")? {
            Marker::FixStr(_) | Marker::Str8 | Marker::Str16 | Marker::Str32 => {
                let key = self.text()?;
                check_key("map key", key)?;
                Ok(key)
            }
            _ => Err(Error::Type("key that is not text".into())),
        }
    }

    /// The count of a list or map whose entries take `least` bytes each, if that many can come.
    fn count(&self, what: &str, count: u32, least: usize) -> Result<usize> {
        let entries = usize::try_from(count).unwrap_or(usize::MAX);
        check_entries(what, entries)?;
        let there = self.rest.len();
        if entries > there / least { Err(short(what, count, there)) } else { Ok(entries) }
    }
}

/// The depth inside of one more list or map.
fn below(depth: usize) -> Result<usize> {
    if depth == MAX_DEPTH { Err(too_deep()) } else { Ok(depth + 1) }
}

/// The same number in 64 bits. What becomes of the bits of a NaN is the machine's choice, so that is done by hand.
fn widened(float: f32) -> f64 {
    if !float.is_nan() {
        return float.into();
    }
    let bits = u64::from(float.to_bits());
    let (sign, fraction) = (bits >> 31, bits & 0x007F_FFFF);
    f64::from_bits((sign << 63) | (0x7FF << 52) | (fraction << 29))
}

fn argument(message: impl Into<Message>) -> Error {
    Error::Argument(message.into())
}

/// The error of a marker without all that it announces.
fn cut() -> Error {
    argument("the end comes too early")
}

fn short(what: &str, len: u32, there: usize) -> Error {
    argument(format!("{what} of {len}, but {there} bytes are left"))
}
