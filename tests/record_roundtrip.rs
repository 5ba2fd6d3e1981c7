//! What is written is read back, exactly, and written again to the same bytes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod record_support;

use std::collections::BTreeMap;

use lovely_session::record::{
    self, EntrySource, PkgSource, Scalar, Stored, Tombstone, decode, encode_tombstone, encode_value, encoded_len,
    encodes_to,
};
use lovely_session::store::Blob;
use lovely_session::value::{Kind, Text, Value};
use record_support::{Model, Rng, encode, header, session};

#[test]
fn packages_and_keys_are_found_by_name() {
    let nested =
        Value::map(vec![(Text::new("b"), Value::list(vec![Value::Null, Value::Bool(true)]).unwrap())]).unwrap();
    let text = Value::text("héllo\0");
    let int = Value::Int(i64::MIN);
    let cart =
        vec![("", EntrySource::Value(&int)), ("a", EntrySource::Value(&nested)), ("é", EntrySource::Value(&text))];
    let packages = [("cart", PkgSource::Entries(cart)), ("empty", PkgSource::Entries(vec![]))];
    let record = session(&encode(&header(), &packages).unwrap());
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

    let raw: Vec<_> = record.entries().map(|(name, bytes)| (name, PkgSource::Raw(bytes))).collect();
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

#[test]
fn random_sessions_come_back_exactly() {
    for seed in 0..3_000 {
        let model = Rng::new(seed).model();
        let bytes = model.encode();
        let read = Model::read(&session(&bytes)).unwrap();
        assert_eq!((&read, read.encode()), (&model, bytes), "seed {seed}");
    }
}

#[test]
fn equal_bytes_are_equal_values() {
    let encoded = |value: &Value| {
        let mut bytes = Vec::new();
        encode_value(value, &mut bytes);
        assert_eq!(bytes.len(), encoded_len(value));
        bytes
    };
    let mut rng = Rng::new(11);
    // Small values, so that equal ones turn up, and their neighbours in type (contract 2.2).
    let mut values: Vec<Value> = (0..300).map(|i| rng.value(i % 3)).collect();
    values.extend([Value::Int(1), Value::Float(1.0), Value::Bool(true), Value::text("1"), Value::bytes(b"1")]);
    values.extend([Value::Float(0.0), Value::Float(-0.0), Value::text(""), Value::text("\0"), Value::bytes(b"\0")]);
    values.extend(
        [0x7ff8_0000_0000_0000, 0x7ff8_0000_0000_0001, 0x7ff0_0000_0000_0001].map(f64::from_bits).map(Value::Float),
    );
    let mut equal = 0;
    for a in &values {
        for b in &values {
            let (bytes_a, bytes_b) = (encoded(a), encoded(b));
            assert_eq!(a == b, bytes_a == bytes_b, "{a:?} {b:?}");
            assert_eq!(a == b, encodes_to(a, &bytes_b), "{a:?} {b:?}");
            equal += usize::from(a == b);
        }
    }
    assert!(equal > values.len(), "no two values were equal");
}

#[test]
fn the_order_of_writing_is_not_stored() {
    let mut rng = Rng::new(5);
    for _ in 0..200 {
        let mut entries: Vec<(Text, Value)> =
            (0..8).map(|i| (Text::new(&format!("{i}{}", rng.text(3))), rng.value(2))).collect();
        let forward = Value::map(entries.clone()).unwrap();
        for at in (1..entries.len()).rev() {
            entries.swap(at, rng.below(at + 1));
        }
        let shuffled = Value::map(entries).unwrap();
        let (mut a, mut b) = (Vec::new(), Vec::new());
        encode_value(&forward, &mut a);
        encode_value(&shuffled, &mut b);
        assert_eq!(a, b);
    }
}

#[test]
fn carrying_raw_values_on_is_the_same_as_encoding_them() {
    for seed in 0..500 {
        let mut rng = Rng::new(seed);
        let model = rng.model();
        let record = session(&model.encode());
        let packages: Vec<_> = (0..record.len()).map(|i| record.pkg(i).unwrap()).collect();
        let sources: Vec<_> = packages
            .iter()
            .enumerate()
            .map(|(i, package)| {
                let entries = (0..package.len()).map(|k| {
                    let source = match model.packages.values().nth(i).unwrap().get(package.key(k).unwrap()) {
                        Some(value) if rng.below(2) == 0 => EntrySource::Value(value),
                        _ => EntrySource::Raw(package.raw(k).unwrap()),
                    };
                    (package.key(k).unwrap(), source)
                });
                (record.name(i).unwrap(), PkgSource::Entries(entries.collect()))
            })
            .collect();
        assert_eq!(encode(record.header(), &sources).unwrap(), &record.blob()[..]);
    }
}

/// Packages "a" and "b" of `count` keys with `len` bytes each.
fn even(count: usize, len: usize) -> Model {
    let package: BTreeMap<_, _> = (0..count).map(|i| (format!("key{i:03}"), Value::bytes(&vec![b'x'; len]))).collect();
    Model { header: header(), packages: [("a".to_owned(), package.clone()), ("b".to_owned(), package)].into() }
}

#[test]
fn long_stretches_of_what_was_loaded_are_not_copied() {
    let one = Value::Int(1);
    // One value each that is long by itself, and values that are long only together.
    for (count, len) in [(1, 200_000), (3, 5_000), (50, 2_000), (3, 10), (200, 1)] {
        let record = session(&even(count, len).encode());
        let package = record.pkg(0).unwrap();
        let (_, untouched) = record.entries().nth(1).unwrap();
        for changed in 0..count {
            let entries = (0..count).map(|at| {
                let raw = EntrySource::Raw(package.raw(at).unwrap());
                (package.key(at).unwrap(), if at == changed { EntrySource::Value(&one) } else { raw })
            });
            let packages = [("a", PkgSource::Entries(entries.collect())), ("b", PkgSource::Raw(untouched))];
            let payload = record::encode(&header(), &packages, Some(record.blob())).unwrap();
            let copied = encode(&header(), &packages).unwrap();
            assert_eq!(payload.pieces().collect::<Vec<_>>().concat(), copied);
            assert_eq!((payload.len(), &payload.to_blob()[..]), (copied.len(), &copied[..]));
            let range = record.blob().as_ptr_range();
            let is_lent = |piece: &&[u8]| range.contains(&piece.as_ptr());
            let (lent, own): (Vec<_>, Vec<_>) = payload.pieces().partition(is_lent);
            assert!(lent.len() <= 2 && own.len() <= 3 && payload.pieces().all(|piece| !piece.is_empty()));
            let most = 300 + count * 2 * 17 + 4_096 + len;
            assert!(own.concat().len() < most, "{} of {} bytes copied", own.concat().len(), payload.len());
        }
    }
}

#[test]
fn bytes_of_another_record_are_copied() {
    let (mine, theirs) = (session(&even(2, 9_000).encode()), session(&even(2, 9_000).encode()));
    let (_, bytes) = mine.entries().next().unwrap();
    let packages = [("a", PkgSource::Raw(bytes))];
    let payload = record::encode(&header(), &packages, Some(theirs.blob())).unwrap();
    assert_eq!(payload.pieces().count(), 1);
    assert_eq!(&payload.to_blob()[..], encode(&header(), &packages).unwrap());
}
