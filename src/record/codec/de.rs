//! Bytes to values. The bytes are not trusted: nesting is counted, and so are the entries of all lists and maps
//! together, each of which takes at least one byte, before room for them is made.

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::de::{DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, VariantAccess, Visitor};

use super::{Scalar, TextRef, kind_of};
use crate::value::{Kind, List, MAX_DEPTH, MAX_ENTRIES, MAX_KEY_LEN, Map, Value};

pub(super) const UNKNOWN_KIND: &str = "value of an unknown kind";

/// Reads a kind and, unless it is a list or map, what follows it.
pub(super) struct ScalarSeed;

impl<'de> DeserializeSeed<'de> for ScalarSeed {
    type Value = Scalar<'de>;
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Scalar<'de>, D::Error> {
        from.deserialize_enum("Value", &[], self)
    }
}

impl<'de> Visitor<'de> for ScalarSeed {
    type Value = Scalar<'de>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }
    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<Scalar<'de>, A::Error> {
        let (kind, payload) = variant(access)?;
        scalar(kind, payload)
    }
}

fn variant<'de, A: EnumAccess<'de>>(access: A) -> Result<(Kind, A::Variant), A::Error> {
    let (number, payload) = access.variant::<u32>()?;
    Ok((kind_of(number).ok_or_else(|| Error::custom(UNKNOWN_KIND))?, payload))
}

fn scalar<'de, P: VariantAccess<'de>>(kind: Kind, payload: P) -> Result<Scalar<'de>, P::Error> {
    Ok(match kind {
        Kind::Null => Scalar::Null,
        Kind::Bool => Scalar::Bool(payload.newtype_variant()?),
        Kind::Int => Scalar::Int(payload.newtype_variant()?),
        Kind::Float => Scalar::Float(payload.newtype_variant()?),
        Kind::Text => Scalar::Text(text(payload.newtype_variant()?)?),
        Kind::Bytes => Scalar::Bytes(payload.newtype_variant()?),
        Kind::List => Scalar::List,
        Kind::Map => Scalar::Map,
    })
}

fn text<E: Error>(with_nul: &str) -> Result<TextRef<'_>, E> {
    TextRef::new(with_nul).ok_or_else(|| E::custom("text without a NUL behind it"))
}

/// Reads a whole value.
#[derive(Clone, Copy)]
pub(super) struct ValueSeed<'r, T = Value> {
    /// How many more levels of lists and maps may follow.
    levels: usize,
    /// How many more entries may follow in all: as many as there were bytes.
    room: &'r Cell<usize>,
    what: PhantomData<T>,
}

impl<'r> ValueSeed<'r> {
    pub(super) fn new(room: &'r Cell<usize>) -> Self {
        Self { levels: MAX_DEPTH, room, what: PhantomData }
    }
}

impl<'r, T> ValueSeed<'r, T> {
    /// The seed for a list or map in this value.
    fn enter<C, E: Error>(&self) -> Result<ValueSeed<'r, C>, E> {
        let levels = self.levels.checked_sub(1).ok_or_else(|| E::custom("value nested deeper than the limit"))?;
        Ok(ValueSeed { levels, room: self.room, what: PhantomData })
    }

    /// The seed for an entry of this list or map.
    fn entry(&self) -> ValueSeed<'r> {
        ValueSeed { levels: self.levels, room: self.room, what: PhantomData }
    }

    /// Checks the count of a list or map whose entries take at least `bytes` bytes each.
    fn claim<E: Error>(&self, count: Option<usize>, bytes: usize) -> Result<usize, E> {
        let count = count.ok_or_else(|| E::custom("list or map without a count"))?;
        if count > MAX_ENTRIES {
            return Err(E::custom("list or map of more entries than the limit"));
        }
        let left = self.room.get().checked_sub(count * bytes);
        self.room.set(left.ok_or_else(|| E::custom("list or map that ends too early"))?);
        Ok(count)
    }
}

impl<'de> DeserializeSeed<'de> for ValueSeed<'_> {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        from.deserialize_enum("Value", &[], self)
    }
}

impl<'de> Visitor<'de> for ValueSeed<'_> {
    type Value = Value;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }
    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<Value, A::Error> {
        let (kind, payload) = variant(access)?;
        match kind {
            Kind::List => {
                payload.newtype_variant_seed(self.enter::<List, _>()?).map(|list| Value::List(Arc::new(list)))
            }
            Kind::Map => payload.newtype_variant_seed(self.enter::<Map, _>()?).map(|map| Value::Map(Arc::new(map))),
            _ => scalar(kind, payload)?.to_value().ok_or_else(|| Error::custom(UNKNOWN_KIND)),
        }
    }
}

impl<'de> DeserializeSeed<'de> for ValueSeed<'_, List> {
    type Value = List;
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<List, D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for ValueSeed<'_, List> {
    type Value = List;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<List, A::Error> {
        let mut list = List::with_capacity(self.claim(access.size_hint(), 1)?);
        while let Some(item) = access.next_element_seed(self.entry())? {
            list.push(item).map_err(Error::custom)?;
        }
        Ok(list)
    }
}

impl<'de> DeserializeSeed<'de> for ValueSeed<'_, Map> {
    type Value = Map;
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Map, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ValueSeed<'_, Map> {
    type Value = Map;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Map, A::Error> {
        // A length, a NUL and a value of one byte.
        let mut map = Map::with_capacity(self.claim(access.size_hint(), 3)?);
        while let Some(with_nul) = access.next_key::<&'de str>()? {
            let text = text::<A::Error>(with_nul)?;
            let key = text.as_str();
            if key.len() > MAX_KEY_LEN {
                return Err(A::Error::custom("map key longer than the limit"));
            }
            if map.entries().last().is_some_and(|(before, _)| before.as_str() >= key) {
                return Err(A::Error::custom("map keys out of order or twice"));
            }
            let value = access.next_value_seed(self.entry())?;
            map.insert(text.to_text(), value).map_err(Error::custom)?;
        }
        Ok(map)
    }
}
