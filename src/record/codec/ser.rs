//! Values to bytes.

use bincode::enc::write::Writer;
use bincode::error::EncodeError;
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::{CONFIG, encoded_len};
use crate::value::{Kind, List, Map, Value};

/// Appends the canonical bytes of `value`.
pub fn encode_value(value: &Value, out: &mut Vec<u8>) {
    written(&bincode::serde::encode_into_writer(Stored(value), VecSink(out), CONFIG));
}

/// Whether `raw` is the canonical encoding of `value`, found without an allocation.
pub fn encodes_to(value: &Value, raw: &[u8]) -> bool {
    if encoded_len(value) != raw.len() {
        return false;
    }
    let mut rest = Compare(raw);
    bincode::serde::encode_into_writer(Stored(value), &mut rest, CONFIG).is_ok() && rest.0.is_empty()
}

/// Takes note that a write into a vector cannot fail: it takes everything, and every length is known beforehand.
pub(in crate::record) fn written(result: &Result<(), EncodeError>) {
    debug_assert!(result.is_ok(), "a vector refused bytes");
}

/// Appends to a vector.
pub(in crate::record) struct VecSink<'a>(pub(in crate::record) &'a mut Vec<u8>);

impl Writer for VecSink<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

/// Takes what is written off the front of a slice, and fails at the first difference.
struct Compare<'a>(&'a [u8]);

impl Writer for Compare<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        self.0 = self.0.strip_prefix(bytes).ok_or(EncodeError::UnexpectedEnd)?;
        Ok(())
    }
}

/// A value as it is stored. Not an `impl Serialize for Value`: this layout is the record's, other formats have theirs.
struct Stored<'a, T: ?Sized>(&'a T);

impl Serialize for Stored<'_, Value> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Null => to.serialize_unit_variant("Value", Kind::Null as u32, "Null"),
            Value::Bool(bool) => to.serialize_newtype_variant("Value", Kind::Bool as u32, "Bool", bool),
            Value::Int(int) => to.serialize_newtype_variant("Value", Kind::Int as u32, "Int", int),
            Value::Float(float) => to.serialize_newtype_variant("Value", Kind::Float as u32, "Float", float),
            Value::Text(text) => {
                to.serialize_newtype_variant("Value", Kind::Text as u32, "Text", text.as_str_with_nul())
            }
            Value::Bytes(bytes) => {
                to.serialize_newtype_variant("Value", Kind::Bytes as u32, "Bytes", &Stored(&**bytes))
            }
            Value::List(list) => to.serialize_newtype_variant("Value", Kind::List as u32, "List", &Stored(&**list)),
            Value::Map(map) => to.serialize_newtype_variant("Value", Kind::Map as u32, "Map", &Stored(&**map)),
        }
    }
}

impl Serialize for Stored<'_, [u8]> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(self.0)
    }
}

impl Serialize for Stored<'_, List> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.0.items().iter().map(Stored))
    }
}

impl Serialize for Stored<'_, Map> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let entries = self.0.entries();
        let mut map = to.serialize_map(Some(entries.len()))?;
        for (key, value) in entries {
            map.serialize_entry(key.as_str_with_nul(), &Stored(value))?;
        }
        map.end()
    }
}
