//! From content to the bytes that are stored: the same content always gives the same bytes.

use super::codec::{self, VecSink};
use super::header::{FIXED, RecordKind, write_envelope};
use super::table::{Nouns, TableWriter, table_len};
use super::{Header, Tombstone};
use crate::error::{Error, Result};
use crate::store::{Blob, Payload, PayloadWriter};
use crate::value::Value;

/// Envelope, the longest header and some room, for the one allocation of a record.
const HEADER_ROOM: usize = 96;

const PACKAGES: Nouns = Nouns { table: "session", name: "package name", entries: "packages" };
const KEYS: Nouns = Nouns { table: "package", name: "key", entries: "keys" };

/// Where the bytes of a package come from.
#[derive(Debug, Clone)]
pub enum PkgSource<'a> {
    /// A whole package as it was loaded, carried on unseen.
    Raw(&'a [u8]),
    /// Its keys, sorted by their bytes, and their values.
    Entries(Vec<(&'a str, EntrySource<'a>)>),
}

/// Where the bytes of a value come from.
#[derive(Debug, Clone, Copy)]
pub enum EntrySource<'a> {
    /// An encoded value as it was loaded.
    Raw(&'a [u8]),
    /// A value to encode.
    Value(&'a Value),
}

impl EntrySource<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Raw(raw) => raw.len(),
            Self::Value(value) => codec::encoded_len(value),
        }
    }

    /// How much of it is not there already.
    fn new_len(&self) -> usize {
        match self {
            Self::Raw(_) => 0,
            Self::Value(value) => codec::encoded_len(value),
        }
    }
}

impl PkgSource<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Raw(raw) => raw.len(),
            Self::Entries(entries) => table_len(entries.iter().map(|(key, entry)| (key.len(), entry.len()))),
        }
    }

    /// How much of it is not there already.
    fn new_len(&self) -> usize {
        match self {
            Self::Raw(_) => 0,
            Self::Entries(entries) => table_len(entries.iter().map(|(key, entry)| (key.len(), entry.new_len()))),
        }
    }
}

/// The bytes of a session. `packages` come sorted by the bytes of their names, as do the keys in them. Raw ones that are
/// borrowed from `loaded` are left there if they are long.
///
/// `TooLarge` if a name or key, a count or the whole is over what the format holds. Names out of order, or an empty
/// raw entry, are a defect of the caller and answered with `Panic`: such a record could not be read again.
pub fn encode(header: &Header, packages: &[(&str, PkgSource<'_>)], loaded: Option<&Blob>) -> Result<Payload> {
    let size = table_len(packages.iter().map(|(name, package)| (name.len(), package.len())));
    if u32::try_from(size).is_err() {
        return Err(Error::TooLarge("record of more than 4 GiB".into()));
    }
    let new = || table_len(packages.iter().map(|(name, package)| (name.len(), package.new_len())));
    let mut out = PayloadWriter::new(HEADER_ROOM + size, || HEADER_ROOM + new(), loaded);
    write_envelope(RecordKind::Session, out.own());
    bincode::serde::encode_into_writer(header, VecSink(out.own()), FIXED)
        .map_err(|_| Error::Panic("header of a record could not be encoded".into()))?;
    let mut table = TableWriter::begin(&PACKAGES, packages.iter().map(|(name, _)| *name), &mut out)?;
    for (_, package) in packages {
        match package {
            PkgSource::Raw(raw) => write_raw("package", raw, &mut out)?,
            PkgSource::Entries(entries) => write_package(entries, &mut out)?,
        }
        table.item_done(&mut out)?;
    }
    Ok(out.finish())
}

/// The bytes of a tombstone.
pub fn encode_tombstone(tombstone: &Tombstone) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEADER_ROOM);
    write_envelope(RecordKind::Tombstone, &mut out);
    codec::written(&bincode::serde::encode_into_writer(tombstone, VecSink(&mut out), FIXED));
    out
}

fn write_package(entries: &[(&str, EntrySource<'_>)], out: &mut PayloadWriter<'_>) -> Result<()> {
    let mut table = TableWriter::begin(&KEYS, entries.iter().map(|(key, _)| *key), out)?;
    for (_, entry) in entries {
        match entry {
            EntrySource::Raw(raw) => write_raw("value", raw, out)?,
            EntrySource::Value(value) => codec::encode_value(value, out.own()),
        }
        table.item_done(out)?;
    }
    Ok(())
}

fn write_raw(what: &str, raw: &[u8], out: &mut PayloadWriter<'_>) -> Result<()> {
    if raw.is_empty() {
        return Err(Error::Panic(format!("{what} of no bytes written to a record").into()));
    }
    out.carry(raw);
    Ok(())
}
