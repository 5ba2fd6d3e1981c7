//! What the tests of stored bytes share: a plain model of a session, seeded random ones, and the golden notation.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "each test binary uses its part; random numbers are cut to any width on purpose"
)]

pub mod golden;

use std::collections::BTreeMap;

use lovely_session::error::Error;
use lovely_session::record::{self, Corrupt, EntrySource, Header, PkgSource, Record, Stamp, Stored, decode};
use lovely_session::store::Blob;
use lovely_session::value::{MAX_DEPTH, Text, Value};

/// A session with everything decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    pub header: Header,
    pub packages: BTreeMap<String, BTreeMap<String, Value>>,
}

impl Model {
    pub fn encode(&self) -> Vec<u8> {
        let packages: Vec<_> = self
            .packages
            .iter()
            .map(|(name, package)| {
                let entries = package.iter().map(|(key, value)| (key.as_str(), EntrySource::Value(value)));
                (name.as_str(), PkgSource::Entries(entries.collect()))
            })
            .collect();
        encode(&self.header, &packages).unwrap()
    }

    /// Reads every package and value.
    pub fn read(record: &Record) -> Result<Self, Corrupt> {
        let mut packages = BTreeMap::new();
        for i in 0..record.len() {
            let package = record.pkg(i)?;
            let mut entries = BTreeMap::new();
            for k in 0..package.len() {
                let value = package.value(k)?;
                // What is lent without a copy has to agree with what is decoded.
                let scalar = package.scalar(k)?;
                assert_eq!((scalar.kind(), package.kind(k)?), (value.kind(), value.kind()));
                assert!(scalar.to_value().is_none_or(|copy| copy == value));
                let key = package.key(k).unwrap();
                assert_eq!((package.find(key), package.key_with_nul(k).unwrap()), (Some(k), &*format!("{key}\0")));
                entries.insert(key.to_owned(), value);
            }
            let name = record.name(i).unwrap();
            assert_eq!((record.find(name), record.name_with_nul(i).unwrap()), (Some(i), &*format!("{name}\0")));
            packages.insert(name.to_owned(), entries);
        }
        Ok(Self { header: record.header().clone(), packages })
    }
}

/// The bytes of a session, none of which were loaded before.
pub fn encode(header: &Header, packages: &[(&str, PkgSource<'_>)]) -> Result<Vec<u8>, Error> {
    record::encode(header, packages, None).map(|payload| payload.to_blob().to_vec())
}

/// Decodes a session.
pub fn session(bytes: &[u8]) -> Record {
    match decode(Blob::new(bytes.to_vec())).unwrap() {
        Stored::Session(record) => record,
        Stored::Tombstone(_) => panic!("a tombstone"),
    }
}

/// A header with nothing remarkable in it.
pub fn header() -> Header {
    Header {
        stamp: Stamp { incarnation: 0x1122_3344_5566_7788, sequence: 3, writer: u64::MAX },
        successor_of: 0,
        created_ms: 1_700_000_000_000,
        accessed_ms: 1_700_000_123_456,
        timeout_ms: 3_600_000,
        max_timeout_ms: 3_600_000,
        own_timeout_ms: None,
        deadline_ms: None,
    }
}

/// The bytes of a record whose one package "p" has the one key "k" with these bytes for a value.
pub fn record_of_raw_value(raw: &[u8]) -> Vec<u8> {
    encode(&header(), &[("p", PkgSource::Entries(vec![("k", EntrySource::Raw(raw))]))]).unwrap()
}

/// Seeded random numbers (xorshift64*): the same seed gives the same test.
pub struct Rng(u64);

impl Rng {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// 0 to `bound` - 1.
    pub fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next()) * bound as u128) >> 64) as usize
    }

    /// A number of any magnitude: as many small ones as large.
    pub fn any(&mut self) -> u64 {
        self.next().checked_shr(self.below(65) as u32).unwrap_or(0)
    }

    pub fn bytes(&mut self, max: usize) -> Vec<u8> {
        (0..self.below(max + 1)).map(|_| self.next() as u8).collect()
    }

    pub fn text(&mut self, max: usize) -> String {
        const CHARS: [char; 8] = ['a', 'b', 'z', '\0', 'é', '\u{ffff}', '\u{1f600}', '"'];
        (0..self.below(max + 1)).map(|_| CHARS[self.below(8)]).collect()
    }

    pub fn value(&mut self, levels: usize) -> Value {
        match self.below(if levels == 0 { 6 } else { 8 }) {
            0 => Value::Null,
            1 => Value::Bool(self.below(2) == 1),
            2 => Value::Int(self.any() as i64 ^ -(self.below(2) as i64)),
            3 => Value::Float(f64::from_bits(self.next())),
            // Now and then past 250, where lengths get wider.
            4 if self.below(20) == 0 => Value::text(&self.text(300)),
            4 => Value::text(&self.text(8)),
            5 => Value::bytes(&self.bytes(8)),
            6 => Value::list((0..self.below(5)).map(|_| self.value(levels - 1)).collect()).unwrap(),
            _ => {
                let entries = (0..self.below(5)).map(|_| (Text::new(&self.text(4)), self.value(levels - 1)));
                Value::map(entries.collect()).unwrap()
            }
        }
    }

    pub fn header(&mut self) -> Header {
        Header {
            stamp: Stamp { incarnation: self.next(), sequence: self.any(), writer: self.next() },
            successor_of: self.any(),
            created_ms: self.any() as i64,
            accessed_ms: self.next() as i64,
            timeout_ms: self.any(),
            max_timeout_ms: self.any(),
            own_timeout_ms: (self.below(2) == 1).then(|| self.any()),
            deadline_ms: (self.below(2) == 1).then(|| self.next() as i64),
        }
    }

    pub fn model(&mut self) -> Model {
        let packages = (0..self.below(4))
            .map(|_| {
                let entries = (0..self.below(6)).map(|_| (self.text(5), self.value(3))).collect();
                (self.text(5), entries)
            })
            .collect();
        Model { header: self.header(), packages }
    }
}

/// `inner` in `levels` lists and maps in turn, the outermost a list.
pub fn nested(levels: usize, inner: Value) -> Value {
    assert!(levels <= MAX_DEPTH);
    (0..levels).rev().fold(inner, |value, level| {
        if level % 2 == 0 {
            Value::list(vec![value]).unwrap()
        } else {
            Value::map(vec![(Text::new("k"), value)]).unwrap()
        }
    })
}
