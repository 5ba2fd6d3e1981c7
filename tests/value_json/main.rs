//! JSON in and out (contract 7.3).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

#[path = "../random/mod.rs"]
mod random;

mod limits;
mod read;
mod write;

use lovely_session::error::{Error, Status};
use lovely_session::value::json::{from_json, to_json};
use lovely_session::value::{Text, Value};

use random::Random;

fn list(items: impl IntoIterator<Item = Value>) -> Value {
    Value::list(items.into_iter().collect()).unwrap()
}

fn map<'a>(entries: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    Value::map(entries.into_iter().map(|(key, value)| (Text::new(key), value)).collect()).unwrap()
}

fn read(text: &str) -> Value {
    from_json(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The error for `text`: its status and its line.
fn refused(text: impl AsRef<[u8]>) -> (Status, String) {
    let text = text.as_ref();
    match from_json(text) {
        Ok(value) => panic!("{} was read as {value:?}", String::from_utf8_lossy(text)),
        Err(error) => (error.status(), error.to_string()),
    }
}

#[test]
fn random_values_come_back_as_they_were_and_always_as_the_same_text() {
    let mut random = Random::new(7_3);
    for _ in 0..20_000 {
        let value = random.json_value(5);
        let text = to_json(&value).unwrap();
        assert_eq!(read(&text), value, "{text}");
        assert_eq!(to_json(&read(&text)).unwrap(), text);
    }
}

// serde_json is the independent reader: whatever we write it reads, whatever we accept it accepts.
#[test]
fn a_second_reader_agrees_on_random_text() {
    let mut random = Random::new(8_259);
    let mut accepted = 0;
    for _ in 0..200_000 {
        let text = random.json_like();
        let other = serde_json::from_slice::<serde_json::Value>(&text);
        match from_json(&text) {
            Ok(value) => {
                accepted += 1;
                let other = other.unwrap_or_else(|error| panic!("{}: {error}", String::from_utf8_lossy(&text)));
                let again: serde_json::Value = serde_json::from_str(&to_json(&value).unwrap()).unwrap();
                assert!(nearly_the_same(&again, &other), "{}", String::from_utf8_lossy(&text));
            }
            // serde_json lets the last of duplicate names win and takes large integers for floats.
            Err(Error::Range(_)) => {}
            Err(error) if error.to_string().contains("stands twice") => {}
            Err(error) => assert!(other.is_err(), "{}: {error}", String::from_utf8_lossy(&text)),
        }
    }
    assert!(accepted > 10_000, "only {accepted} of the random texts were JSON");
}

/// `serde_json` reads `-0` as a float, and floats not always to the last bit.
fn nearly_the_same(a: &serde_json::Value, b: &serde_json::Value) -> bool {
    use serde_json::Value::{Array, Number, Object};
    match (a, b) {
        (Number(a), Number(b)) => {
            let (x, y) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            a == b
                || (a.as_i64() == Some(0) && y == 0.0)
                || (a.is_f64() && b.is_f64() && (x - y).abs() <= x.abs() * 1e-15)
        }
        (Array(a), Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| nearly_the_same(a, b)),
        (Object(a), Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| nearly_the_same(a, b)))
        }
        (a, b) => a == b,
    }
}

#[test]
fn cut_and_flipped_json_is_a_value_or_an_error() {
    let mut random = Random::new(64);
    for _ in 0..100_000 {
        let mut text = to_json(&random.json_value(4)).unwrap().into_bytes();
        for _ in 0..=random.below(3) {
            let at = random.below(text.len());
            match random.below(3) {
                0 => text[at] ^= 1 << random.below(8),
                1 => text.truncate(at.max(1)),
                _ => text.insert(at, b"[]{}\",:\\e-.0u\xFF"[random.below(14)]),
            }
        }
        if let Ok(value) = from_json(&text) {
            assert_eq!(read(&to_json(&value).unwrap()), value);
        }
    }
}
