//! What reading costs, counted and not timed: allocations within the stated bound, work only for what is asked for.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod memory_support;
mod record_support;

use lovely_session::record::{self, EntrySource, PkgSource, Record, Stored, decode, encode_value, encodes_to, work};
use lovely_session::store::Blob;
use lovely_session::value::{Text, Value};
use memory_support::measure;
use record_support::{Rng, encode, header, nested, record_of_raw_value, session};

/// Reads the value with these bytes, and answers what that allocated for each byte, an error's text aside.
fn check_bound(raw: &[u8]) -> usize {
    let package = session(&record_of_raw_value(raw)).pkg(0).unwrap();
    let (_value, asked, most) = measure(|| package.value(0));
    assert!(most <= asked && asked <= 64 * raw.len() + 1024, "{asked} bytes for {} bytes", raw.len());
    asked.saturating_sub(1024) / raw.len().max(1)
}

#[test]
fn decoding_allocates_within_the_stated_bound() {
    let n = 100_000;
    let count = |kind: u8, count: u32| [vec![kind, 252], count.to_le_bytes().to_vec()].concat();
    let text_list = [count(6, n), [4, 1, 0].repeat(n as usize)].concat();
    let list_list = [count(6, n), [6, 0].repeat(n as usize)].concat();
    let map_list = [count(6, n), [7, 0].repeat(n as usize)].concat();
    let one_map_list = [count(6, n), [7, 1, 1, 0, 0].repeat(n as usize)].concat();
    let null_list = [count(6, n), vec![0; n as usize]].concat();
    let mut deep = Vec::new();
    encode_value(&nested(64, Value::Null), &mut deep);
    let costs = [text_list, list_list, map_list, one_map_list, null_list].map(|raw| check_bound(&raw));
    assert!(costs.iter().all(|cost| *cost >= 10), "not measured: {costs:?}");
    check_bound(&deep);
}

#[test]
fn announcements_are_not_believed() {
    // Each level announces as many entries as bytes follow: the room for them must not be made 64 times.
    for kind in [6, 7] {
        let mut raw = Vec::new();
        for _ in 0..63 {
            raw.extend([kind, 252, 0x40, 0x42, 0x0f, 0]);
            raw.extend(if kind == 7 { &[1, 0][..] } else { &[] });
        }
        check_bound(&raw);
        raw.resize(1_100_000, 0);
        check_bound(&raw);
    }
    let mut rng = Rng::new(7);
    for _ in 0..20_000 {
        let bytes: Vec<u8> = (0..rng.below(60)).map(|_| rng.below(9).to_le_bytes()[0]).collect();
        check_bound(&[vec![6 + rng.below(2).to_le_bytes()[0]], bytes].concat());
    }
}

#[test]
fn loading_and_lending_allocate_nothing() {
    let text = Value::text("abc");
    let entries = vec![("a", EntrySource::Value(&text)), ("b", EntrySource::Raw(&[5, 1, 9]))];
    let blob = Blob::new(encode(&header(), &[("p", PkgSource::Entries(entries))]).unwrap());
    let ((), asked, _) = measure(|| {
        let Ok(Stored::Session(record)) = decode(blob) else { panic!("not a session") };
        let package = record.pkg(record.find("p").unwrap()).unwrap();
        let at = package.find("a").unwrap();
        assert!(package.key_with_nul(at).is_some() && package.scalar(at).is_ok() && package.scalar(1).is_ok());
        assert!(encodes_to(&text, package.raw(at).unwrap()));
    });
    assert_eq!(asked, 0);
}

#[test]
fn encoding_allocates_once() {
    let mut rng = Rng::new(3);
    let values: Vec<Value> = (0..50).map(|_| rng.value(3)).collect();
    let keys: Vec<String> = (0..50).map(|i| format!("{i:02}")).collect();
    let entries = keys.iter().zip(&values).map(|(key, value)| (key.as_str(), EntrySource::Value(value))).collect();
    let packages = [("p", PkgSource::Entries(entries)), ("q", PkgSource::Raw(&[0, 0, 0, 0]))];
    let (payload, asked, most) = measure(|| record::encode(&header(), &packages, None).unwrap());
    assert_eq!(asked, most);
    assert!(asked - payload.len() < 200, "{asked} for {}", payload.len());
}

fn large_session() -> Record {
    let value = Value::map(vec![(Text::new("k"), Value::text(&"x".repeat(1_000)))]).unwrap();
    let keys: Vec<String> = (0..100).map(|i| format!("key{i:03}")).collect();
    let entries = || PkgSource::Entries(keys.iter().map(|key| (key.as_str(), EntrySource::Value(&value))).collect());
    session(&encode(&header(), &[("a", entries()), ("b", entries())]).unwrap())
}

#[test]
fn reading_three_keys_of_a_large_session_decodes_three_values() {
    let before = work::done();
    let record = large_session();
    assert!(record.blob().len() > 200_000);
    let package = record.pkg(record.find("b").unwrap()).unwrap();
    for key in ["key000", "key050", "key099"] {
        assert!(package.value(package.find(key).unwrap()).is_ok());
    }
    let after = work::done();
    assert_eq!((after.tables - before.tables, after.values - before.values), (2, 3));
    assert!(after.value_bytes - before.value_bytes < 3 * 1_050);
    assert!(after.table_bytes - before.table_bytes < 2_000);
}
