//! Each rule of the format, broken once: the reason names what is wrong (contract 6.5).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod record_support;

use lovely_session::record::{
    Corrupt, EntrySource, PkgSource, Stored, Tombstone, decode, encode_tombstone, encode_value,
};
use lovely_session::store::Blob;
use lovely_session::value::{MAX_ENTRIES, MAX_KEY_LEN, Value};
use record_support::{encode, header, record_of_raw_value, session};

/// Where the table of packages starts in a record with the header of `record_support`.
const TABLE: usize = 8 + 64 + 2;

fn reason(bytes: Vec<u8>) -> String {
    match decode(Blob::new(bytes)) {
        Err(Corrupt(reason)) => reason.into_owned(),
        Ok(stored) => panic!("accepted: {stored:?}"),
    }
}

fn two_packages() -> Vec<u8> {
    let package = || PkgSource::Entries(vec![("k", EntrySource::Raw(&[0]))]);
    encode(&header(), &[("a", package()), ("b", package())]).unwrap()
}

fn changed(at: usize, to: &[u8]) -> Vec<u8> {
    let mut bytes = two_packages();
    bytes[at..at + to.len()].copy_from_slice(to);
    bytes
}

#[test]
fn envelopes_that_are_not_ours_are_refused_with_the_reason() {
    assert_eq!(reason(vec![]), "shorter than the envelope of a record");
    assert_eq!(reason(changed(0, &[0x80])), "not a record of this library");
    assert_eq!(reason(changed(4, &[2])), "format version 2 is newer than 1, the newest known here");
    assert_eq!(reason(changed(4, &[0])), "format version 0 does not exist");
    assert_eq!(reason(changed(5, &[3])), "kind 3 is not known to this version");
    assert_eq!(reason(changed(6, &[1])), "flags 0x0001 are not known to this version");
    assert_eq!(reason(changed(7, &[0x80])), "flags 0x8000 are not known to this version");
}

#[test]
fn headers_and_tombstones_are_checked_to_the_last_byte() {
    assert_eq!(reason(two_packages()[..40].to_vec()), "truncated in the header");
    assert_eq!(reason(changed(72, &[2])), "header with an option that is neither absent nor present");
    let mut tombstone = encode_tombstone(&Tombstone { writer: 1, destroyed_ms: 2 });
    assert!(matches!(decode(Blob::new(tombstone.clone())), Ok(Stored::Tombstone(_))));
    tombstone.push(0);
    assert_eq!(reason(tombstone), "bytes after a tombstone");
}

#[test]
fn tables_are_checked_entry_by_entry() {
    let (entry0, entry1, names) = (TABLE + 4, TABLE + 12, TABLE + 20);
    let over = u32::try_from(MAX_ENTRIES + 1).unwrap().to_le_bytes();
    assert_eq!(reason(two_packages()[..TABLE + 3].to_vec()), "table without a count");
    assert_eq!(reason(changed(TABLE, &over)), "table of more entries than the limit");
    assert_eq!(reason(changed(TABLE, &[200])), "table truncated in its offsets");
    assert_eq!(reason(changed(entry1, &[200])), "names outside their table");
    assert_eq!(reason(changed(entry1 + 4, &[29])), "table longer or shorter than its entries");
    assert_eq!(reason(changed(entry0, &[5])), "offsets of names out of order");
    assert_eq!(reason(changed(entry0, &[1])), "name without a NUL behind it");
    assert_eq!(reason(changed(entry0, &[0])), "name without a NUL behind it");
    assert_eq!(reason(changed(entry0 + 4, &[0])), "offsets of items out of order");
    assert_eq!(reason(changed(entry0 + 4, &[30])), "offsets of items out of order");
    assert_eq!(reason(changed(names, &[0xff])), "name that is not UTF-8");
    assert_eq!(reason(changed(names + 3, &[1])), "name without a NUL behind it");
    assert_eq!(reason(changed(names, b"b")), "names out of order or twice");
    assert_eq!(reason(changed(names, b"c")), "names out of order or twice");
    let mut longer = two_packages();
    longer.push(0);
    assert_eq!(reason(longer), "table longer or shorter than its entries");
    // A count of 0 leaves no room for anything behind it.
    assert_eq!(reason(changed(TABLE, &[0])), "table longer or shorter than its entries");
}

#[test]
fn a_name_over_the_limit_is_refused() {
    let table = |len: usize| {
        let mut bytes = two_packages()[..TABLE].to_vec();
        bytes.extend([1u32, u32::try_from(len + 1).unwrap(), 1].iter().flat_map(|n| n.to_le_bytes()));
        bytes.extend(std::iter::repeat_n(b'n', len).chain([0, 0]));
        bytes
    };
    assert_eq!(session(&table(MAX_KEY_LEN)).name(0).unwrap().len(), MAX_KEY_LEN);
    assert_eq!(reason(table(MAX_KEY_LEN + 1)), "name longer than the limit");
}

#[test]
fn a_damaged_package_is_found_at_its_first_use_and_leaves_the_others_readable() {
    let good = PkgSource::Entries(vec![("k", EntrySource::Raw(&[0]))]);
    let record = session(&encode(&header(), &[("bad", PkgSource::Raw(&[1, 0, 0])), ("good", good)]).unwrap());
    assert_eq!(record.pkg(0).unwrap_err(), Corrupt("table without a count".into()));
    assert_eq!(record.pkg(1).unwrap().value(0), Ok(Value::Null));
    assert_eq!(record.entries().next(), Some(("bad", &[1, 0, 0][..])));
}

fn value_reason(raw: &[u8]) -> String {
    let package = session(&record_of_raw_value(raw)).pkg(0).unwrap();
    let Err(Corrupt(reason)) = package.value(0) else { panic!("accepted: {raw:?}") };
    if let Ok(scalar) = package.scalar(0) {
        assert!(scalar.to_value().is_none(), "a scalar that is no value: {raw:?}");
    }
    reason.into_owned()
}

#[test]
fn values_have_one_encoding_only() {
    let wide = "number or length that is not in its shortest form";
    for raw in [
        &[251, 0, 0][..],          // the kind null in three bytes
        &[2, 251, 250, 0],         // 125
        &[2, 252, 255, 255, 0, 0], // -32768
        &[2, 253, 255, 255, 255, 255, 0, 0, 0, 0],
        &[4, 251, 2, 0, b'a', 0],       // the length of a text
        &[5, 251, 0, 0],                // of bytes
        &[6, 251, 0, 0],                // of a list
        &[7, 251, 0, 0],                // of a map
        &[7, 1, 251, 1, 0, 0, 0],       // of a key
        &[6, 2, 0, 6, 1, 2, 251, 1, 0], // far inside
    ] {
        assert_eq!(value_reason(raw), wide, "{raw:?}");
    }
}

#[test]
fn values_are_checked_to_the_last_byte() {
    let unknown = "value of an unknown kind";
    let early = "value that ends too early";
    let early_list = "list or map that ends too early";
    let unordered = "map keys out of order or twice";
    let no_nul = "text without a NUL behind it";
    for (raw, reason) in [
        (&[8][..], unknown),
        (&[250], unknown),
        (&[252, 0, 1, 0, 0], unknown),
        (&[254], "number that is wider than its type"),
        (&[1, 2], "boolean that is neither 0 nor 1"),
        (&[1], early),
        (&[2, 251, 1], early),
        (&[3, 0, 0, 0, 0, 0, 0, 0], early),
        (&[2, 254], "number that is wider than its type"),
        (&[2, 255], "number that is wider than its type"),
        (&[4, 0], no_nul),
        (&[4, 1, b'a'], no_nul),
        (&[4, 2, 0xff, 0], "text that is not UTF-8"),
        (&[4, 3, 0xed, 0xa0, 0], "text that is not UTF-8"),
        (&[4, 9, 0], early),
        (&[4, 253, 255, 255, 255, 255, 255, 255, 255, 255], early),
        (&[5, 253, 255, 255, 255, 255, 255, 255, 255, 127, 0], early),
        (&[6, 9, 0], early_list),
        (&[6, 252, 0x41, 0x42, 0x0f, 0], "list or map of more entries than the limit"),
        (&[6, 253, 255, 255, 255, 255, 255, 255, 255, 255], "list or map of more entries than the limit"),
        (&[7, 2, 1, 0, 0], early_list),
        (&[7, 1, 1, b'a', 0], no_nul),
        (&[7, 2, 1, 0, 0, 1, 0, 0], unordered),
        (&[7, 2, 2, b'b', 0, 0, 2, b'a', 0, 0], unordered),
        (&[7, 2, 3, b'a', 0, 0, 0, 2, b'a', 0, 0], unordered),
        (&[7, 1, 2, 0xff, 0, 0], "text that is not UTF-8"),
        (&[0, 0], "bytes after a value"),
        (&[2, 1, 1], "bytes after a value"),
        (&[4, 1, 0, 0], "bytes after a value"),
        (&[6, 1, 0, 0], "bytes after a value"),
        (&[7, 0, 7], "bytes after a value"),
    ] {
        assert_eq!(value_reason(raw), reason, "{raw:?}");
    }
}

#[test]
fn a_map_key_over_the_limit_is_refused() {
    let map = |len: usize| {
        let mut raw = vec![7, 1, 252];
        raw.extend(u32::try_from(len + 1).unwrap().to_le_bytes());
        raw.extend(std::iter::repeat_n(b'k', len).chain([0, 0]));
        raw
    };
    assert_eq!(value_reason(&map(MAX_KEY_LEN + 1)), "map key longer than the limit");
    assert!(session(&record_of_raw_value(&map(MAX_KEY_LEN))).pkg(0).unwrap().value(0).is_ok());
}

#[test]
fn reasons_never_quote_what_is_stored() {
    let secret = "5ecret";
    let mut raw = Vec::new();
    encode_value(&Value::text(secret), &mut raw);
    for at in 0..raw.len() {
        for byte in 0..=255 {
            let mut raw = raw.clone();
            raw[at] = byte;
            let package = session(&record_of_raw_value(&raw)).pkg(0).unwrap();
            for reason in [package.value(0).err(), package.scalar(0).err()].into_iter().flatten() {
                assert!(!format!("{reason} {reason:?}").contains("ecret"), "{reason}");
            }
        }
    }
}
