//! Values (contract 7). Building values, and JSON, have tests of their own: `value_limits.rs` and `value_json`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    reason = "tests"
)]

mod contract_support;

use contract_support::*;

use lovely_session::container::Container;
use lovely_session::error::Status;
use lovely_session::record::Scalar;
use lovely_session::txn::Transaction;
use lovely_session::value::json::{from_json, to_json};
use lovely_session::value::{MAX_DEPTH, MAX_KEY_LEN, Map, Text, Value};

fn every_value() -> Vec<(&'static str, Value)> {
    let float = |bits: u64| Value::Float(f64::from_bits(bits));
    let text = |text: &str| Value::text(text);
    vec![
        ("null", Value::Null),
        ("false", Value::Bool(false)),
        ("true", Value::Bool(true)),
        ("zero", Value::Int(0)),
        ("least", Value::Int(i64::MIN)),
        ("most", Value::Int(i64::MAX)),
        ("float 1", Value::Float(1.0)),
        ("minus zero", Value::Float(-0.0)),
        ("subnormal", float(1)),
        ("largest", Value::Float(f64::MAX)),
        ("infinity", Value::Float(f64::INFINITY)),
        ("minus infinity", Value::Float(f64::NEG_INFINITY)),
        ("NaN", float(0x7ff8_0000_0000_0000)),
        ("NaN with payload", float(0xfff4_dead_beef_0001)),
        ("no text", text("")),
        ("text", text("snow \u{2603} \u{1f600} \0 nul \n")),
        ("no bytes", Value::bytes(b"")),
        ("bytes", Value::bytes(&[0, 0xff, 0x80, b'\n'])),
        ("no list", Value::list(vec![]).unwrap()),
        ("list", Value::list(vec![Value::Null, Value::bytes(b"\0"), value("[[1],{}]")]).unwrap()),
        ("no map", Value::map(vec![]).unwrap()),
        ("map", value(r#"{"":{"z":[{"a":null}]},"é":1.5}"#)),
    ]
}

// 7.1
#[test]
fn every_value_comes_back_exactly_as_it_was_stored() {
    let c = container();
    let mut work = open(&c, "s");
    for (key, value) in every_value() {
        work.txn.set(work.pkg, key, value.clone()).unwrap();
        assert_eq!(work.txn.get(work.pkg, key).unwrap(), Some(&value), "{key}, before the commit");
    }
    work.commit().unwrap();
    let mut work = open(&c, "s");
    for (key, value) in every_value() {
        // Values are equal if their types and, of floats, their bits are.
        assert_eq!(work.txn.get(work.pkg, key).unwrap(), Some(&value), "{key}");
        match (work.txn.scalar(work.pkg, key).unwrap().unwrap(), Scalar::of(&value)) {
            (Scalar::Float(is), Scalar::Float(was)) => assert_eq!(is.to_bits(), was.to_bits(), "{key}"),
            (is, was) => assert_eq!(is, was, "{key}"),
        }
    }
    assert_eq!(work.txn.len(work.pkg).unwrap(), every_value().len());
    for (key, value) in every_value() {
        work.txn.set(work.pkg, key, value).unwrap();
    }
    assert_eq!(work.commit(), Ok(0), "and is the same value");
}

// 7.1
#[test]
fn maps_packages_and_sessions_come_back_sorted_by_the_bytes_of_their_keys() {
    let c = container();
    let keys = ["\u{1f600}", "b", "", "é", "a\0", "a", "Z", "\u{ffff}"];
    let mut sorted = keys.to_vec();
    sorted.sort_by_key(|key| key.as_bytes());
    let mut txn = Transaction::new();
    let session = open_in(&mut txn, &c, "s");
    for name in keys {
        let pkg = txn.pkg(session, name).unwrap();
        for key in keys {
            txn.set(pkg, key, Value::Null).unwrap();
        }
    }
    let check = |txn: &mut Transaction, session| {
        let texts = |list: &Value| -> Vec<String> {
            let Value::List(list) = list else { panic!("a list") };
            let text = |item: &Value| match item {
                Value::Text(text) => text.to_string(),
                other => panic!("{other:?}"),
            };
            list.items().iter().map(text).collect()
        };
        let map_keys = |map: &Value| -> Vec<String> {
            let Value::Map(map) = map else { panic!("a map") };
            map.entries().iter().map(|(key, _)| key.to_string()).collect()
        };
        assert_eq!(texts(txn.pkg_names(session).unwrap()), sorted);
        assert_eq!(map_keys(txn.session_content(session).unwrap()), sorted);
        let pkg = txn.pkg(session, "b").unwrap();
        assert_eq!(texts(txn.keys(pkg).unwrap()), sorted);
        assert_eq!(map_keys(txn.content(pkg).unwrap()), sorted);
    };
    check(&mut txn, session);
    commit(&mut txn).unwrap();
    let mut txn = Transaction::new();
    let session = open_in(&mut txn, &c, "s");
    check(&mut txn, session);
}

fn nested(depth: usize) -> Value {
    (1..depth).fold(Value::list(vec![]).unwrap(), |inner, _| Value::list(vec![inner]).unwrap())
}

// 7.2
#[test]
fn a_value_at_the_limit_of_nesting_is_stored_and_read_back_alone_and_with_everything() {
    let c = container();
    let deepest = nested(MAX_DEPTH);
    let mut work = open(&c, "s");
    work.txn.set(work.pkg, "k", deepest.clone()).unwrap();
    let everything = format!(r#"{{"p":{{"k":{}}}}}"#, to_json(&deepest).unwrap());
    assert_eq!(work.content(), everything);
    work.commit().unwrap();
    let mut work = open(&c, "s");
    assert_eq!(work.txn.get(work.pkg, "k").unwrap(), Some(&deepest));
    assert_eq!(work.txn.content(work.pkg).unwrap().depth(), MAX_DEPTH + 1);
    assert_eq!(work.content(), everything);
}

// 7.2: the content of a session with such a value is deeper than a value may be.
#[test]
fn content_that_is_too_deep_to_be_a_value_is_refused_and_changes_nothing() {
    let c = container();
    let mut work = open(&c, "s");
    work.txn.set(work.pkg, "k", nested(MAX_DEPTH)).unwrap();
    let content = work.txn.content(work.pkg).unwrap().clone();
    let everything = work.txn.session_content(work.session).unwrap().clone();
    let (Value::Map(content_map), Value::Map(session_map)) = (&content, &everything) else { panic!("maps") };
    let before = work.content();
    assert_eq!(status(work.txn.set(work.pkg, "k", content.clone())), Status::TooLarge);
    assert_eq!(status(work.txn.replace(work.pkg, session_map)), Status::TooLarge);
    assert_eq!(status(work.txn.update(work.pkg, session_map)), Status::TooLarge);
    assert_eq!(status(Value::list(vec![content.clone()])), Status::TooLarge);
    assert_eq!(work.content(), before);
    work.txn.replace(work.pkg, content_map).unwrap();
    assert_eq!(work.content(), before, "what came out of a package goes into one");
    work.commit().unwrap();
    assert_eq!(stored(&c, "s"), before);
}

// 7.2
#[test]
fn names_and_keys_are_taken_at_the_limit_and_refused_one_past_it() {
    let c = container();
    let (longest, too_long) = ("k".repeat(MAX_KEY_LEN), "k".repeat(MAX_KEY_LEN + 1));
    let mut work = open(&c, "s");
    work.set(&longest, "1");
    work.set("", "2");
    let named = work.txn.pkg(work.session, &longest).unwrap();
    set(&mut work.txn, named, "k", "3");
    let before = work.content();
    let named_in_error = |error: lovely_session::error::Error| {
        assert_eq!(error.status(), Status::TooLarge);
        assert!(error.to_string().contains("65535"), "{error}");
    };
    named_in_error(work.txn.set(work.pkg, &too_long, Value::Null).unwrap_err());
    named_in_error(work.txn.add(work.pkg, &too_long, 1).unwrap_err());
    named_in_error(work.txn.pkg(work.session, &too_long).unwrap_err());
    named_in_error(Map::from_entries(vec![(Text::new(&too_long), Value::Null)]).unwrap_err());
    assert_eq!(work.txn.get(work.pkg, &too_long).unwrap(), None, "looking is no error");
    assert_eq!(work.txn.peek_pkg(work.session, &too_long).unwrap(), None);
    assert_eq!(work.content(), before);
    work.commit().unwrap();
    assert_eq!(stored(&c, "s"), before);
}

// 7.2
#[test]
fn a_record_is_taken_at_the_limit_and_refused_one_byte_past_it() {
    const LIMIT: usize = 2_000;
    let c = Container::open(&store_with(&format!("?item_limit={LIMIT}")), "c").unwrap();
    let attempt = |len: usize| {
        let mut work = open(&c, "s");
        work.txn.set(work.pkg, "k", Value::bytes(&vec![7; len])).unwrap();
        work.commit()
    };
    let largest = (0..LIMIT).rev().find(|len| attempt(*len).is_ok()).unwrap();
    assert!(largest > LIMIT - 300, "{largest}");
    assert_eq!(attempt(largest + 1), Err(Status::TooLarge));
    assert_eq!(stored_len(&c), largest);
}

fn stored_len(c: &Container) -> usize {
    let mut work = open(c, "s");
    match work.txn.scalar(work.pkg, "k").unwrap() {
        Some(Scalar::Bytes(bytes)) => bytes.len(),
        other => panic!("{other:?}"),
    }
}

// 7.3
#[test]
fn what_json_says_is_what_is_stored_and_what_is_read_back() {
    let c = container();
    let json = r#"{"a":[9223372036854775807,-9223372036854775808,1.0,1e300,-0.0,"\u0000\u2603"],"b":{"":null}}"#;
    let mut work = open(&c, "s");
    work.set("k", json);
    work.commit().unwrap();
    let mut work = open(&c, "s");
    let back = work.get("k").unwrap();
    assert_eq!(from_json(back.as_bytes()).unwrap(), value(json));
    assert_eq!(back, r#"{"a":[9223372036854775807,-9223372036854775808,1.0,1e300,-0.0,"\u0000☃"],"b":{"":null}}"#);
}

// 7.3
#[test]
fn what_has_no_json_form_is_a_type_error_that_names_the_path() {
    let c = container();
    let mut work = open(&c, "s");
    work.txn.set(work.pkg, "k", Value::list(vec![Value::Null, Value::bytes(b"x")]).unwrap()).unwrap();
    let error = to_json(work.txn.session_content(work.session).unwrap()).unwrap_err();
    assert_eq!(error.status(), Status::Type);
    assert!(error.to_string().contains("p.k[1]"), "{error}");
    work.txn.set(work.pkg, "k", Value::Float(f64::NAN)).unwrap();
    assert_eq!(to_json(work.txn.content(work.pkg).unwrap()).unwrap_err().status(), Status::Type);
}

// Both stores are the same.
#[test]
fn all_of_this_holds_on_memcached() {
    everywhere::all_on_memcached("all_of_this_holds_on_memcached", &[]);
}
