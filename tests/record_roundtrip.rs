//! What is written is read back, exactly, and written again to the same bytes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

use lovely_session::record::{
    EntrySource, Header, PkgSource, Record, Scalar, Stamp, Stored, Tombstone, decode, encode, encode_tombstone,
    encode_value, encoded_len, encodes_to,
};
use lovely_session::store::Blob;
use lovely_session::value::{Kind, Text, Value};

fn header() -> Header {
    Header {
        stamp: Stamp { incarnation: 1, sequence: 2, writer: u64::MAX },
        successor_of: 3,
        created_ms: 1_700_000_000_000,
        accessed_ms: -1,
        timeout_ms: 3_600_000,
        max_timeout_ms: 0,
        own_timeout_ms: Some(5),
        deadline_ms: None,
    }
}

fn session(bytes: Vec<u8>) -> Record {
    match decode(Blob::new(bytes)).unwrap() {
        Stored::Session(record) => record,
        Stored::Tombstone(_) => panic!("a tombstone"),
    }
}

#[test]
fn packages_and_keys_are_found_by_name() {
    let nested =
        Value::map(vec![(Text::new("b"), Value::list(vec![Value::Null, Value::Bool(true)]).unwrap())]).unwrap();
    let text = Value::text("héllo\0");
    let int = Value::Int(i64::MIN);
    let cart =
        vec![("", EntrySource::Value(&int)), ("a", EntrySource::Value(&nested)), ("é", EntrySource::Value(&text))];
    let packages = [("cart", PkgSource::Entries(cart)), ("empty", PkgSource::Entries(vec![]))];
    let record = session(encode(&header(), &packages).unwrap());
    assert_eq!(record.header(), &header());
    assert_eq!((record.len(), record.name(0), record.name_with_nul(1)), (2, Some("cart"), Some("empty\0")));
    assert_eq!((record.find("empty"), record.find("cars"), record.find("zz")), (Some(1), None, None));
    let cart = record.pkg(0).unwrap();
    assert_eq!((cart.len(), cart.key(2), cart.find("é"), cart.find("b")), (3, Some("é"), Some(2), None));
    assert_eq!(cart.value(0).unwrap(), int);
    assert_eq!(cart.value(1).unwrap(), nested);
    assert_eq!(cart.value(2).unwrap(), text);
    let Scalar::Text(lent) = cart.scalar(2).unwrap() else { panic!("not text") };
    assert_eq!((lent.as_str(), lent.as_str_with_nul()), ("héllo\0", "héllo\0\0"));
    assert_eq!((cart.kind(1).unwrap(), cart.scalar(1).unwrap()), (Kind::Map, Scalar::Map));
    assert!(encodes_to(&nested, cart.raw(1).unwrap()) && !encodes_to(&text, cart.raw(1).unwrap()));
    let mut bytes = Vec::new();
    encode_value(&nested, &mut bytes);
    assert_eq!((bytes.as_slice(), bytes.len()), (cart.raw(1).unwrap(), encoded_len(&nested)));
    assert!(record.pkg(1).unwrap().is_empty());
    assert!(record.pkg(2).is_err() && cart.value(3).is_err() && cart.key(3).is_none());

    let raw: Vec<_> = (0..2).map(|i| (record.name(i).unwrap(), PkgSource::Raw(record.pkg_bytes(i).unwrap()))).collect();
    assert_eq!(encode(&header(), &raw).unwrap(), &record.blob()[..]);
}

#[test]
fn a_tombstone_comes_back() {
    let tombstone = Tombstone { writer: 7, destroyed_ms: i64::MIN };
    match decode(Blob::new(encode_tombstone(&tombstone))).unwrap() {
        Stored::Tombstone(found) => assert_eq!(found, tombstone),
        Stored::Session(_) => panic!("a session"),
    }
}
