//! The limits of the format, at the limit and one past it (contract 7.2).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod record_support;

use lovely_session::error::{Error, Status};
use lovely_session::record::{EntrySource, PkgSource, encoded_len};
use lovely_session::value::{MAX_DEPTH, MAX_ENTRIES, MAX_KEY_LEN, Value};
use record_support::{encode, header, nested, record_of_raw_value, session};

fn one_key(key: &str) -> PkgSource<'_> {
    PkgSource::Entries(vec![(key, EntrySource::Raw(&[0]))])
}

fn message(result: Result<Vec<u8>, Error>) -> String {
    let error = result.unwrap_err();
    assert_eq!(error.status(), Status::TooLarge);
    error.to_string()
}

#[test]
fn names_and_keys_go_up_to_65535_bytes() {
    let (longest, over) = ("n".repeat(MAX_KEY_LEN), "n".repeat(MAX_KEY_LEN + 1));
    let record = session(&encode(&header(), &[(&longest, one_key(&longest))]).unwrap());
    assert_eq!((record.find(&longest), record.pkg(0).unwrap().find(&longest)), (Some(0), Some(0)));
    let name = message(encode(&header(), &[(&over, one_key("k"))]));
    assert_eq!(name, "package name of 65536 bytes is over the limit of 65535");
    assert_eq!(message(encode(&header(), &[("p", one_key(&over))])), "key of 65536 bytes is over the limit of 65535");
}

#[test]
fn tables_go_up_to_a_million_entries() {
    let keys: Vec<String> = (0..=MAX_ENTRIES).map(|i| format!("{i:07}")).collect();
    let entries = |count: usize| {
        PkgSource::Entries(keys[..count].iter().map(|key| (key.as_str(), EntrySource::Raw(&[0]))).collect())
    };
    let package = session(&encode(&header(), &[("p", entries(MAX_ENTRIES))]).unwrap()).pkg(0).unwrap();
    assert_eq!((package.len(), package.find("0999999"), package.find("1000000")), (MAX_ENTRIES, Some(999_999), None));
    let keys_over = message(encode(&header(), &[("p", entries(MAX_ENTRIES + 1))]));
    assert_eq!(keys_over, "package of more than 1000000 keys");

    let packages: Vec<_> = keys.iter().map(|name| (name.as_str(), PkgSource::Raw(&[0, 0, 0, 0]))).collect();
    assert_eq!(session(&encode(&header(), &packages[..MAX_ENTRIES]).unwrap()).len(), MAX_ENTRIES);
    assert_eq!(message(encode(&header(), &packages)), "session of more than 1000000 packages");
}

#[test]
fn lists_go_up_to_a_million_items() {
    let list = |count: usize| {
        let mut raw = vec![6, 252];
        raw.extend(u32::try_from(count).unwrap().to_le_bytes());
        raw.resize(raw.len() + count, 0);
        session(&record_of_raw_value(&raw)).pkg(0).unwrap().value(0)
    };
    assert_eq!(encoded_len(&list(MAX_ENTRIES).unwrap()), 6 + MAX_ENTRIES);
    assert_eq!(list(MAX_ENTRIES + 1).unwrap_err().to_string(), "list or map of more entries than the limit");
}

#[test]
fn values_nest_64_deep() {
    let deepest = nested(MAX_DEPTH, Value::Int(1));
    let entries = vec![("k", EntrySource::Value(&deepest))];
    let record = session(&encode(&header(), &[("p", PkgSource::Entries(entries))]).unwrap());
    let package = record.pkg(0).unwrap();
    assert_eq!(package.value(0).unwrap(), deepest);
    let over = [&[6, 1], package.raw(0).unwrap()].concat();
    let over = session(&record_of_raw_value(&over)).pkg(0).unwrap().value(0);
    assert_eq!(over.unwrap_err().to_string(), "value nested deeper than the limit");
}

#[test]
fn a_record_that_offsets_cannot_span_is_too_large() {
    let part = vec![0; 64 << 20];
    let names: Vec<String> = (0..64).map(|i| format!("{i:02}")).collect();
    // 64 times 64 MiB: never copied, the sum is refused before.
    let packages: Vec<_> = names.iter().map(|name| (name.as_str(), PkgSource::Raw(&part))).collect();
    assert_eq!(message(encode(&header(), &packages)), "record of more than 4 GiB");
}

#[test]
fn what_could_not_be_read_again_is_never_written() {
    let defect = |packages: &[(&str, PkgSource<'_>)]| {
        assert_eq!(encode(&header(), packages).unwrap_err().status(), Status::Panic);
    };
    defect(&[("b", one_key("k")), ("a", one_key("k"))]);
    defect(&[("a", one_key("k")), ("a", one_key("k"))]);
    defect(&[("a", PkgSource::Raw(&[]))]);
    defect(&[("a", PkgSource::Entries(vec![("k", EntrySource::Raw(&[]))]))]);
    let null = EntrySource::Raw(&[0]);
    defect(&[("a", PkgSource::Entries(vec![("k", null), ("j", null)]))]);
    defect(&[("a", PkgSource::Entries(vec![("k", null), ("k", null)]))]);
}
