//! JSON out: the form, and what has none.

use lovely_session::error::Error;
use lovely_session::value::Value;
use lovely_session::value::json::to_json;

use crate::random::Random;
use crate::{list, map, read};

#[test]
fn integers_are_written_as_digits_all_64_bits() {
    for (int, text) in [
        (0, "0"),
        (-1, "-1"),
        (9_007_199_254_740_993, "9007199254740993"),
        (i64::MAX, "9223372036854775807"),
        (i64::MIN, "-9223372036854775808"),
    ] {
        assert_eq!(to_json(&Value::Int(int)).unwrap(), text);
    }
}

#[test]
fn floats_are_written_with_the_fewest_digits_and_always_a_point_or_an_exponent() {
    for (float, text) in [
        (0.0, "0.0"),
        (-0.0, "-0.0"),
        (1.0, "1.0"),
        (-1.5, "-1.5"),
        (0.1, "0.1"),
        (0.1 + 0.2, "0.30000000000000004"),
        (1.0 / 3.0, "0.3333333333333333"),
        (100.0, "100.0"),
        (5e-324, "5e-324"),
        (f64::MIN_POSITIVE, "2.2250738585072014e-308"),
        (f64::MAX, "1.7976931348623157e308"),
        (1e300, "1e300"),
        (1e23, "1e23"),
        (9_007_199_254_740_993.0, "9007199254740992.0"),
        (1e16, "1e16"),
        (1e-5, "1e-5"),
        (0.0001, "0.0001"),
        (1.234_567_8e-7, "1.2345678e-7"),
    ] {
        assert_eq!(to_json(&Value::Float(float)).unwrap(), text);
    }
}

#[test]
fn random_floats_come_back_and_no_shorter_form_would() {
    let mut random = Random::new(73);
    for round in 0..300_000 {
        let float = f64::from_bits(random.next());
        if !float.is_finite() {
            continue;
        }
        let text = to_json(&Value::Float(float)).unwrap();
        assert!(text.contains(['.', 'e']), "{text}");
        assert_eq!(read(&text), Value::Float(float), "{text}");
        // One digit less, correctly rounded, must be another number.
        let digits = text.split('e').next().unwrap().bytes().filter(u8::is_ascii_digit).count();
        if round % 16 == 0 && (2..=17).contains(&digits) && text.contains('e') {
            let shorter = format!("{float:.*e}", digits - 2);
            assert_ne!(shorter.parse::<f64>().unwrap().to_bits(), float.to_bits(), "{text} could be {shorter}");
        }
    }
}

#[test]
fn text_is_escaped_only_where_the_rfc_demands_it() {
    for (text, json) in [
        ("", r#""""#),
        ("a/b", r#""a/b""#),
        ("\"\\", r#""\"\\""#),
        ("\u{8}\u{c}\n\r\t", r#""\b\f\n\r\t""#),
        ("\0\u{1}\u{b}\u{f}\u{10}\u{14}\u{1b}\u{1f}", r#""\u0000\u0001\u000b\u000f\u0010\u0014\u001b\u001f""#),
        ("<&>'", r#""<&>'""#),
        ("\u{7f}\u{80}\u{2028}\u{2029}\u{feff}\u{fffe}é😀", "\"\u{7f}\u{80}\u{2028}\u{2029}\u{feff}\u{fffe}é😀\""),
        ("é\"é\\é\né", r#""é\"é\\é\né""#),
    ] {
        assert_eq!(to_json(&Value::text(text)).unwrap(), json);
        assert_eq!(to_json(&map([(text, Value::Null)])).unwrap(), format!("{{{json}:null}}"));
        assert_eq!(read(json), Value::text(text));
    }
}

#[test]
fn maps_are_written_sorted_by_the_bytes_of_their_keys() {
    let value = map([("é", Value::Int(4)), ("b", Value::Int(3)), ("", Value::Int(1)), ("B", Value::Int(2))]);
    assert_eq!(to_json(&value).unwrap(), r#"{"":1,"B":2,"b":3,"é":4}"#);
}

#[test]
fn lists_and_maps_are_written_without_white_space() {
    let text = r#"{"a":[1,[],{},[[2.5,null]],{"b":true}],"c":{"d":false}}"#;
    assert_eq!(to_json(&read(text)).unwrap(), text);
}

#[test]
fn what_has_no_json_form_is_a_type_error_that_names_the_path() {
    let nan = || Value::Float(f64::NAN);
    let bytes = || Value::bytes(b"secret");
    let long = "k".repeat(65_535);
    for (value, line) in [
        (bytes(), "bytes at $ has no JSON form"),
        (nan(), "NaN at $ has no JSON form"),
        (Value::Float(-f64::NAN), "NaN at $ has no JSON form"),
        (Value::Float(f64::from_bits(0x7FF0_0000_0000_0001)), "NaN at $ has no JSON form"),
        (Value::Float(f64::INFINITY), "infinity at $ has no JSON form"),
        (Value::Float(f64::NEG_INFINITY), "infinity at $ has no JSON form"),
        (list([Value::Null, nan()]), "NaN at $[1] has no JSON form"),
        (map([("a", Value::Int(1)), ("b", bytes())]), "bytes at $.b has no JSON form"),
        (
            map([("cart", list([Value::Null, Value::Null, Value::Null, map([("price", nan())])]))]),
            "NaN at $.cart[3].price has no JSON form",
        ),
        (list([list([]), list([bytes(), nan()])]), "bytes at $[1][0] has no JSON form"),
        (map([("", nan())]), r#"NaN at $[""] has no JSON form"#),
        (map([("1a", nan())]), r#"NaN at $["1a"] has no JSON form"#),
        (map([("_a1", nan())]), "NaN at $._a1 has no JSON form"),
        (map([("unit price", nan())]), r#"NaN at $["unit price"] has no JSON form"#),
        (map([("a\"\\\n\0\u{1b}\u{202e}é", nan())]), r#"NaN at $["a\"\\\n\0\u{1b}\u{202e}é"] has no JSON form"#),
        (map([(long.as_str(), nan())]), r#"NaN at $["kkkkkkkkkkkkkkkkkkkkkkkk"...] has no JSON form"#),
    ] {
        let error = to_json(&value).unwrap_err();
        assert!(matches!(error, Error::Type(_)));
        assert_eq!(error.to_string(), line);
    }
}

#[test]
fn a_long_path_is_cut_in_the_middle() {
    let mut value = Value::Float(f64::NAN);
    for level in (0..64).rev() {
        value = map([(format!("level {level} é").as_str(), value)]);
    }
    let line = to_json(&value).unwrap_err().to_string();
    assert!(line.starts_with(r#"NaN at $["level 0 é"]["level 1 é"]"#), "{line}");
    assert!(line.contains("...") && line.ends_with(r#"["level 62 é"]["level 63 é"] has no JSON form"#), "{line}");
    assert!(line.chars().count() < 130, "{line}");
}
