//! MessagePack in and out (contract 7.3).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

#[path = "../memory_support/mod.rs"]
mod memory_support;
#[path = "../random/mod.rs"]
mod random;

mod limits;
mod markers;
mod read;
mod specification;
mod write;

use lovely_session::error::{Error, Status};
use lovely_session::value::msgpack::{from_msgpack, to_msgpack};
use lovely_session::value::{Text, Value};

use random::Random;

fn list(items: impl IntoIterator<Item = Value>) -> Value {
    Value::list(items.into_iter().collect()).unwrap()
}

fn map<'a>(entries: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    Value::map(entries.into_iter().map(|(key, value)| (Text::new(key), value)).collect()).unwrap()
}

fn read(bytes: impl AsRef<[u8]>) -> Value {
    let bytes = bytes.as_ref();
    from_msgpack(bytes).unwrap_or_else(|error| panic!("{bytes:02x?}: {error}"))
}

fn write(value: &Value) -> Vec<u8> {
    to_msgpack(value).unwrap()
}

/// The error for `bytes`: its status and its line.
fn refused(bytes: impl AsRef<[u8]>) -> (Status, String) {
    let bytes = bytes.as_ref();
    match from_msgpack(bytes) {
        Ok(value) => panic!("{bytes:02x?} was read as {value:?}"),
        Err(error) => (error.status(), error.to_string()),
    }
}

#[test]
fn random_values_come_back_as_they_were_and_always_as_the_same_bytes() {
    let mut random = Random::new(7_3);
    for _ in 0..20_000 {
        let value = random.value(4);
        let bytes = write(&value);
        assert_eq!(read(&bytes), value, "{bytes:02x?}");
        assert_eq!(write(&read(&bytes)), bytes);
    }
}

// Reading can end anywhere, and must say so; only the whole is a value.
#[test]
fn what_is_cut_short_is_an_argument_error() {
    let mut random = Random::new(10);
    for _ in 0..1_000 {
        let bytes = write(&random.value(2));
        for end in 0..bytes.len() {
            assert_eq!(refused(&bytes[..end]).0, Status::Argument, "{:02x?}", &bytes[..end]);
        }
    }
}

/// What the specification, followed to the letter, makes of `bytes` is what is read.
fn agree(bytes: &[u8]) -> bool {
    let expected = specification::read_whole(bytes);
    match (from_msgpack(bytes), expected) {
        (Ok(value), Some(expected)) => {
            assert_eq!(value, expected, "{bytes:02x?}");
            assert_eq!(read(write(&value)), value);
            true
        }
        (Err(_), None) => false,
        (Ok(value), None) => panic!("{bytes:02x?} was read as {value:?}"),
        (Err(error), Some(expected)) => panic!("{bytes:02x?} is {expected:?}: {error}"),
    }
}

#[test]
fn a_second_reader_agrees_on_random_bytes() {
    let mut random = Random::new(64);
    let accepted = (0..500_000).filter(|_| {
        let len = random.below(24);
        // Mostly short lengths and counts, or hardly anything would be whole.
        let bytes: Vec<u8> = (0..len)
            .map(|_| match random.below(4) {
                0 => 0x80 + random.next().to_le_bytes()[0] % 0x80,
                1 => [0x81, 0x82, 0x91, 0x92, 0xa0, 0xa1, 0xc0, 0xc4, 0xca, 0xcb, 0xd9][random.below(11)],
                2 => [b'a', 0, 1, 2, 3][random.below(5)],
                _ => random.next().to_le_bytes()[0],
            })
            .collect();
        agree(&bytes)
    });
    let accepted = accepted.count();
    assert!(accepted > 10_000, "only {accepted} of the random bytes were values");
}

#[test]
fn a_second_reader_agrees_on_flipped_and_cut_bytes() {
    let mut random = Random::new(65);
    let mut accepted = 0;
    for _ in 0..25_000 {
        let depth = random.below(3);
        let whole = write(&random.value(depth));
        for _ in 0..20 {
            let mut bytes = whole.clone();
            for _ in 0..=random.below(2) {
                let at = random.below(bytes.len());
                match random.below(8) {
                    0 => bytes.truncate(at.max(1)),
                    1 => bytes.insert(at, random.next().to_le_bytes()[0]),
                    _ => bytes[at] ^= 1 << random.below(8),
                }
            }
            accepted += usize::from(agree(&bytes));
        }
    }
    assert!(accepted > 50_000, "only {accepted} of the changed bytes were values");
}

#[test]
fn a_status_of_each_kind_is_given() {
    // What decides between them is in the files beside this one; that they differ at all is a promise to C.
    let statuses = [&b"\xc1"[..], b"\xd4\0\0", b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff", b"\xdd\xff\xff\xff\xff"]
        .map(|bytes| from_msgpack(bytes).unwrap_err());
    assert!(matches!(statuses, [Error::Argument(_), Error::Type(_), Error::Range(_), Error::TooLarge(_)]));
}
