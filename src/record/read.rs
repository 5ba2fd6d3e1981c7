//! From stored bytes to a record that can be asked for its packages.

use super::header::{ENVELOPE, RecordKind, read_envelope, read_fixed};
use super::table::Table;
use super::{Corrupt, Header, Package, Tombstone};
use crate::store::Blob;

/// What stands under a key.
#[derive(Debug, Clone)]
pub enum Stored {
    /// A session.
    Session(Record),
    /// The mark of a destroyed one.
    Tombstone(Tombstone),
}

/// A stored session: header and table of packages were checked, the packages were not. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Record {
    blob: Blob,
    header: Header,
    table: Table,
}

/// Checks envelope, header and table of packages; the work follows the number of packages, not their size.
///
/// A newer format version, an unknown kind and unknown flags are refused with a reason that says so.
pub fn decode(blob: Blob) -> Result<Stored, Corrupt> {
    let (kind, body) = read_envelope(&blob)?;
    match kind {
        RecordKind::Session => {
            let (header, used) = read_fixed(body)?;
            let table = Table::check(&blob, ENVELOPE + used, blob.len())?;
            Ok(Stored::Session(Record { blob, header, table }))
        }
        RecordKind::Tombstone => {
            let (tombstone, used) = read_fixed(body)?;
            if used != body.len() {
                return Err(Corrupt::new("bytes after a tombstone"));
            }
            Ok(Stored::Tombstone(tombstone))
        }
    }
}

impl Record {
    /// What is stored beside the packages.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The whole record as it is stored.
    pub fn blob(&self) -> &Blob {
        &self.blob
    }

    /// How many packages it has.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether it has no package.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Name of package `i`, in the order of their bytes.
    pub fn name(&self, i: usize) -> Option<&str> {
        self.name_with_nul(i)?.strip_suffix('\0')
    }

    /// Name of package `i` and the NUL behind it: what may be lent to C.
    pub fn name_with_nul(&self, i: usize) -> Option<&str> {
        self.table.name_with_nul(&self.blob, i)
    }

    /// Each package's name with its bytes, unchecked, in the order of their names: what a commit carries on of packages
    /// that nobody used.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.table.entries(&self.blob)
    }

    /// The place of the package called `name`, by halving.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.table.find(&self.blob, name)
    }

    /// Package `i`: checks its table (counts, offsets, keys), decodes no value.
    pub fn pkg(&self, i: usize) -> Result<Package, Corrupt> {
        let (start, end) = self.table.item(&self.blob, i).ok_or(Corrupt::new("record has no such package"))?;
        Package::check(&self.blob, start, end)
    }
}
