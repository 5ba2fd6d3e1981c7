//! Golden files pin the format: what an older version stored is read, and written again, byte for byte.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod record_support;

use std::collections::BTreeSet;

use lovely_session::record::{Scalar, Stored, decode, encode_tombstone};
use lovely_session::store::Blob;
use lovely_session::value::{MAX_DEPTH, Value};
use record_support::golden::{self, Content};
use record_support::{Model, session};

#[test]
fn golden_files_hold_what_their_description_says_and_are_written_again_to_the_same_bytes() {
    for golden in golden::all() {
        match (decode(Blob::new(golden.bytes.clone())).unwrap(), golden.content) {
            (Stored::Session(record), Content::Session(described)) => {
                let read = Model::read(&record).unwrap();
                assert_eq!(read, described, "{}", golden.name);
                assert_eq!(read.encode(), golden.bytes, "{}", golden.name);
            }
            (Stored::Tombstone(tombstone), Content::Tombstone(described)) => {
                assert_eq!(tombstone, described, "{}", golden.name);
                assert_eq!(encode_tombstone(&tombstone), golden.bytes, "{}", golden.name);
            }
            _ => panic!("{} is of another kind than its description", golden.name),
        }
    }
}

#[test]
fn golden_files_show_everything_that_can_be_stored() {
    let mut seen = BTreeSet::new();
    for golden in golden::all() {
        let Content::Session(model) = golden.content else {
            seen.insert("tombstone");
            continue;
        };
        let header = &model.header;
        for (there, what) in [
            (header.own_timeout_ms.is_some(), "own timeout"),
            (header.deadline_ms.is_some(), "deadline"),
            (header.own_timeout_ms.is_some() && header.deadline_ms.is_some(), "own timeout and deadline"),
            (header.own_timeout_ms.is_none() && header.deadline_ms.is_none(), "neither"),
            (header.successor_of != 0, "successor"),
            (model.packages.is_empty(), "no packages"),
            (model.packages.contains_key(""), "package without a name"),
        ] {
            there.then(|| seen.insert(what));
        }
        for package in model.packages.values() {
            package.is_empty().then(|| seen.insert("empty package"));
            (package.len() > 250).then(|| seen.insert("many keys"));
            package.contains_key("").then(|| seen.insert("empty key"));
            for value in package.values() {
                note(value, 0, &mut seen);
            }
        }
    }
    let wanted = "own timeout, deadline, own timeout and deadline, neither, successor, no packages, tombstone,         package without a name, empty package, many keys, empty key, null, boolean, integer, float, text, bytes, list,         map, i64::MIN, i64::MAX, NaN payload, negative NaN, signalling NaN, minus zero, infinity, empty text,         text with NUL, bytes with NUL, depth 64, long list, long text, longest width of text";
    let wanted: BTreeSet<&str> = wanted.split(',').map(str::trim).collect();
    assert_eq!(wanted.difference(&seen).collect::<Vec<_>>(), Vec::<&&str>::new());
}

fn note(value: &Value, level: usize, seen: &mut BTreeSet<&'static str>) {
    seen.insert(value.kind().name());
    (level == MAX_DEPTH).then(|| seen.insert("depth 64"));
    match value {
        Value::Int(i64::MIN) => drop(seen.insert("i64::MIN")),
        Value::Int(i64::MAX) => drop(seen.insert("i64::MAX")),
        Value::Float(float) => {
            let quiet = float.to_bits() & (1 << 51) != 0;
            for (there, what) in [
                (float.is_nan() && float.to_bits().trailing_zeros() < 51, "NaN payload"),
                (float.is_nan() && float.is_sign_negative(), "negative NaN"),
                (float.is_nan() && !quiet, "signalling NaN"),
                (*float == 0.0 && float.is_sign_negative(), "minus zero"),
                (float.is_infinite(), "infinity"),
            ] {
                there.then(|| seen.insert(what));
            }
        }
        Value::Text(text) => {
            text.is_empty().then(|| seen.insert("empty text"));
            text.contains('\0').then(|| seen.insert("text with NUL"));
            (text.len() > 250).then(|| seen.insert("long text"));
            (text.len() > 65_534).then(|| seen.insert("longest width of text"));
        }
        Value::Bytes(bytes) => drop(bytes.contains(&0).then(|| seen.insert("bytes with NUL"))),
        Value::List(list) => {
            (list.items().len() > 250).then(|| seen.insert("long list"));
            list.items().iter().for_each(|item| note(item, level + 1, seen));
        }
        Value::Map(map) => map.entries().iter().for_each(|(_, item)| note(item, level + 1, seen)),
        Value::Null | Value::Bool(_) | Value::Int(_) => {}
    }
}

#[test]
fn the_dump_in_the_documentation_is_the_example() {
    let page = include_str!("../docs/format.md");
    let dump = page.split("```dump").nth(1).unwrap().split("```").next().unwrap();
    // offset, bytes, two spaces, what they are
    let bytes: Vec<u8> = dump.lines().filter(|line| !line.is_empty()).fold(Vec::new(), |mut bytes, line| {
        let (offset, rest) = line.split_once("  ").unwrap();
        let (data, _meaning) = rest.split_once("  ").unwrap();
        assert_eq!(usize::from_str_radix(offset, 16).unwrap(), bytes.len(), "{line}");
        bytes.extend(golden::unhex(data));
        bytes
    });
    let example = golden::all().into_iter().find(|golden| golden.name == "example").unwrap();
    assert_eq!(bytes, example.bytes);
}

#[test]
fn the_key_in_the_documentation_is_the_one_that_is_used() {
    let key = lovely_session::session::id::key("eu", "shop", b"example-id");
    assert!(include_str!("../docs/format.md").contains(&format!("`{}`", key.as_str())));
}

#[test]
fn text_is_lent_with_its_nul_in_place() {
    let example = golden::all().into_iter().find(|golden| golden.name == "example").unwrap();
    let cart = session(&example.bytes).pkg(0).unwrap();
    let Scalar::Text(owner) = cart.scalar(cart.find("owner").unwrap()).unwrap() else { panic!("not text") };
    assert_eq!(owner.as_str_with_nul(), "Zoë\0");
    let raw = cart.raw(1).unwrap();
    assert!(raw.as_ptr_range().contains(&owner.as_str().as_ptr()), "copied instead of lent");
}
