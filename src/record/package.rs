//! One package, read where it stands in the loaded bytes.

use super::codec::{self, Scalar};
use super::table::Table;
use super::{Corrupt, work};
use crate::store::Blob;
use crate::value::{Kind, Value};

/// A package whose table was checked. It shares the record's bytes: cloning copies a reference.
#[derive(Debug, Clone)]
pub struct Package {
    blob: Blob,
    table: Table,
}

impl Package {
    /// Checks the table in `blob[start..end]`; values are checked when they are read.
    pub(super) fn check(blob: &Blob, start: usize, end: usize) -> Result<Self, Corrupt> {
        let table = Table::check(blob, start, end)?;
        Ok(Self { blob: blob.clone(), table })
    }

    /// How many keys it has.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether it has no key: stored empty packages exist (contract 1.6).
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Key `i`, in the order of their bytes.
    pub fn key(&self, i: usize) -> Option<&str> {
        self.key_with_nul(i)?.strip_suffix('\0')
    }

    /// Key `i` and the NUL behind it: what may be lent to C.
    pub fn key_with_nul(&self, i: usize) -> Option<&str> {
        self.table.name_with_nul(&self.blob, i)
    }

    /// Each key with its encoded value, in the order of their bytes.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.table.entries(&self.blob)
    }

    /// The place of `key`, by halving.
    pub fn find(&self, key: &str) -> Option<usize> {
        self.table.find(&self.blob, key)
    }

    /// The encoded value `i`. Of values that can be decoded, equal bytes are equal values.
    pub fn raw(&self, i: usize) -> Option<&[u8]> {
        let (start, end) = self.table.item(&self.blob, i)?;
        self.blob.get(start..end)
    }

    /// The type of value `i`, from its first byte.
    pub fn kind(&self, i: usize) -> Result<Kind, Corrupt> {
        codec::kind(self.raw_or_corrupt(i)?)
    }

    /// Value `i`, borrowed and without an allocation; of a list or map only that it is one.
    pub fn scalar(&self, i: usize) -> Result<Scalar<'_>, Corrupt> {
        let raw = self.raw_or_corrupt(i)?;
        work::value(raw.len());
        codec::decode_scalar(raw)
    }

    /// Value `i`, whole.
    pub fn value(&self, i: usize) -> Result<Value, Corrupt> {
        let raw = self.raw_or_corrupt(i)?;
        work::value(raw.len());
        codec::decode_value(raw)
    }

    fn raw_or_corrupt(&self, i: usize) -> Result<&[u8], Corrupt> {
        self.raw(i).ok_or(Corrupt::new("package has no such entry"))
    }
}
