//! JSON in: what is read, as what, and what is refused.

use lovely_session::error::Status;
use lovely_session::value::Value;

use crate::{list, map, read, refused};

#[test]
fn every_kind_of_json_is_read() {
    for (text, value) in [
        ("null", Value::Null),
        ("true", Value::Bool(true)),
        ("false", Value::Bool(false)),
        ("0", Value::Int(0)),
        ("-17", Value::Int(-17)),
        ("0.5", Value::Float(0.5)),
        (r#""""#, Value::text("")),
        (r#""a""#, Value::text("a")),
        ("[]", list([])),
        ("{}", map([])),
        ("[1,[2],{}]", list([Value::Int(1), list([Value::Int(2)]), map([])])),
        (r#"{"b":1,"a":[null]}"#, map([("a", list([Value::Null])), ("b", Value::Int(1))])),
        (" \t\r\n[ 1 , 2 ] \n", list([Value::Int(1), Value::Int(2)])),
    ] {
        assert_eq!(read(text), value, "{text}");
    }
}

#[test]
fn a_number_without_point_or_exponent_is_an_integer() {
    for (text, int) in [
        ("0", 0),
        ("-0", 0),
        ("9007199254740993", 9_007_199_254_740_993),
        ("9223372036854775807", i64::MAX),
        ("-9223372036854775808", i64::MIN),
    ] {
        assert_eq!(read(text), Value::Int(int), "{text}");
    }
}

#[test]
fn a_number_with_point_or_exponent_is_the_nearest_float() {
    for (text, float) in [
        ("0.0", 0.0),
        ("-0.0", -0.0),
        ("-0e0", -0.0),
        ("1.0", 1.0),
        ("1e0", 1.0),
        ("1E+2", 100.0),
        ("1e-2", 0.01),
        ("0e99999999999999999999", 0.0),
        ("123456789012345678901234567890.0", 123_456_789_012_345_680_000_000_000_000.0),
        ("9223372036854775808e0", 9_223_372_036_854_775_808.0),
        ("1.7976931348623157e308", f64::MAX),
        ("1.797693134862315807e308", f64::MAX),
        ("5e-324", f64::from_bits(1)),
        ("2.4703282292062328e-324", f64::from_bits(1)),
        ("2.4703282292062327e-324", 0.0),
        ("1e-400", 0.0),
        ("-1e-99999999999999999999", -0.0),
        // Halfway between two floats, decided by the last of many digits.
        ("9007199254740993.0", 9_007_199_254_740_992.0),
        ("9007199254740993.00000000000000000000000000000000000000001", 9_007_199_254_740_994.0),
    ] {
        assert_eq!(read(text), Value::Float(float), "{text}");
    }
}

#[test]
fn integers_outside_64_bits_are_a_range_error() {
    for text in ["9223372036854775808", "-9223372036854775809", "18446744073709551615", &"9".repeat(1_000_000)] {
        assert_eq!(refused(text).0, Status::Range);
    }
    assert_eq!(refused("[1,\n 9223372036854775808]").1, "JSON, line 2, column 2: integer outside 64 bits");
}

#[test]
fn numbers_beyond_the_largest_float_are_a_range_error() {
    for text in
        ["1e400", "-1e400", "1.797693134862315809e308", "1e99999999999999999999", &format!("{}.0", "9".repeat(400))]
    {
        assert_eq!(refused(text).0, Status::Range);
    }
    assert_eq!(refused("[1e400]").1, "JSON, line 1, column 2: number outside 64-bit floats");
}

#[test]
fn escapes_are_read() {
    assert_eq!(read(r#""\"\\\/\b\f\n\r\t""#), Value::text("\"\\/\u{8}\u{c}\n\r\t"));
    assert_eq!(read(r#""a\u0000b""#), Value::text("a\0b"));
    assert_eq!(read(r#""\u00e4\u20AC\uD83D\ude00\uFFFF""#), Value::text("ä€😀\u{FFFF}"));
    assert_eq!(read("\"\u{7f}\u{2028}\u{feff}é\""), Value::text("\u{7f}\u{2028}\u{feff}é"));
}

#[test]
fn duplicate_names_are_an_argument_error_also_after_unescaping() {
    for text in [
        r#"{"a":1,"a":1}"#,
        r#"{"a":1,"b":2,"a":3}"#,
        r#"{"b":1,"a":2,"b":3}"#,
        r#"{"a":1,"\u0061":2}"#,
        r#"{"":1,"":2}"#,
        r#"[{"x":{"é":1,"\u00e9":2}}]"#,
    ] {
        assert_eq!(refused(text).0, Status::Argument, "{text}");
    }
    let (_, line) = refused("{\"k\\n\":1,\n\"k\\n\":2}");
    assert_eq!(line, r#"JSON, line 2, column 8: name "k\n" stands twice in the object that ends here"#);
    // Normal forms and case are other names; so is the same name in another object.
    assert_eq!(read("{\"é\":1,\"e\u{301}\":2,\"É\":{\"é\":3}}").depth(), 2);
}

#[test]
fn lone_surrogates_are_an_argument_error() {
    for text in [
        r#""\ud800""#,
        r#""\udbff""#,
        r#""\udc00""#,
        r#""\udfff""#,
        r#""\ud800\ud800""#,
        r#""\ud800\u0041""#,
        r#""\ud800x""#,
        r#""\ud800\n""#,
        r#""\ude00\ud83d""#,
        r#"{"\ud800":1}"#,
    ] {
        let (status, line) = refused(text);
        assert_eq!(status, Status::Argument, "{text}");
        assert!(line.ends_with("lone surrogate in a string"), "{text}: {line}");
    }
}

#[test]
fn invalid_utf8_is_an_argument_error_that_names_the_byte() {
    for (text, at) in [
        (&b"\xFF"[..], 0),
        (b"\"\xE4\"", 1),
        (b"\"ab\xC3\"", 3),
        (b"\"\xC0\xAF\"", 1),
        (b"\"\xED\xA0\x80\"", 1),
        (b"\"\xF4\x90\x80\x80\"", 1),
        (b"[1]\x80", 3),
        (b"{\"\xE4\":1}", 2),
        (b"\xFF\xFE1\0", 0),
    ] {
        let (status, line) = refused(text);
        assert_eq!((status, line), (Status::Argument, format!("JSON: invalid UTF-8 at byte {at}")));
    }
}

/// What `JSONTestSuite` calls `n_`, and what it leaves open (`i_`) and the contract refuses.
#[rustfmt::skip]
const NOT_JSON: &[&str] = &[
    "[1,]", "[,1]", "[1,,2]", "[,]", "[1 true]", r#"["",]"#, "[", "[1", "[1,", r#"["a"#, "]", "[] ]", "[]]",
    "[1]x", "[x", "[*]", r#"["": 1]"#, "[a]", "[1:2]", "{]", "[}", "{", r#"{"a""#, r#"{"a":"#, r#"{"a":1"#,
    r#"{"a":1,"#, r#"{"a":1,}"#, r#"{"a":1,,"b":2}"#, "{,}", r#"{"a" 1}"#, r#"{"a"}"#, r#"{"a":}"#, r#"{:"b"}"#,
    r#"{"x"::1}"#, r#"{"x", null}"#, "{a:1}", "{'a':1}", "{1:1}", "{null:null}", "{[]:1}", r#"{"a":1}#"#,
    r#"{"a":1}{}"#, r#"{"a":1}//"#, r#"{"a":/*x*/1}"#, r#"{"a":1 "b"}"#, r#"{"a":true "b":false}"#, "{} }",
    "// c\n1", "1 // c", "/* c */ 1", "# c", "tru", "nul", "fals", "truee", "nulll", "True", "NULL", "Null",
    "FALSE", "undefined", "nan", "NaN", "-NaN", "Inf", "Infinity", "-Infinity", "+Inf", "+1", "++1", "--1", "-",
    "-a", "-true", "- 1", "01", "-01", "00", "-00", "012", "1.a", ".5", "-.5", "1.", "-1.", "1.e1", ".e1",
    "1..2", "1.2.3", "1e", "1E", "1e+", "1e-", "1e+-1", "1ea", "1e1.5", "1e1e1", "0e", "0e+", "0.e1", "0.1e",
    "1eE2", "1+2", "1-2", "1 2", "1 000", "1_000", "0x1F", "0b1", "0o7", "1a", "1f", "０", "1\u{a0}", "\u{a0}1",
    "\u{feff}1", "\u{feff}", "\u{2060}", "\u{3000}1", "\u{85}1", "é", "'a'", r#"'a""#, r#""a'"#, "`", "“a”",
    r#"""#, r#""a"#, r#""\"#, r#""\""#, r#""\u"#, r#""\u1""#, r#""\u12""#, r#""\u123""#, r#""\u123"#,
    r#""\u00G0""#, r#""\u 041""#, r#""\U0041""#, r#""\x41""#, r#""\a""#, r#""\0""#, r#""\'""#, r#""\v""#,
    r#""\é""#, "\"\\\u{1F600}\"", r#""\u00é0""#, r#""\uD83D\u""#, r#""\uD83D\uDE0""#, r#""\uD83D\""#,
    r#""\ud800"#, r#""a"x"#, r#""a""b""#, r#""\u{41}""#, "abc", "a", r"\u0041", r"\n", "<", "<null>", ";",
    ",", ":", "&",
];

#[test]
fn what_is_not_json_is_an_argument_error() {
    for text in NOT_JSON {
        assert_eq!(refused(text).0, Status::Argument, "{text}");
    }
}

#[test]
fn nothing_but_white_space_is_an_argument_error() {
    for text in ["", " ", "\n\n", "\t"] {
        assert_eq!(refused(text).0, Status::Argument);
    }
    assert_eq!(refused("").1, "JSON, line 1, column 1: value expected");
}

#[test]
fn white_space_is_only_what_the_rfc_names() {
    for space in ['\u{b}', '\u{c}', '\0', '\u{1c}', '\u{85}', '\u{a0}', '\u{2028}', '\u{feff}'] {
        for text in [format!("{space}1"), format!("1{space}"), format!("[1,{space}2]"), format!("{{\"a\"{space}:1}}")] {
            assert_eq!(refused(&text).0, Status::Argument, "{text:?}");
        }
    }
}

#[test]
fn raw_control_characters_in_strings_are_an_argument_error() {
    for code in 0..0x20_u8 {
        for text in [format!("\"{}\"", char::from(code)), format!("{{\"a{}\":1}}", char::from(code))] {
            let (status, line) = refused(&text);
            assert_eq!(status, Status::Argument);
            assert!(line.ends_with("control character in a string that is not escaped"), "{line}");
            assert!(!line.contains(char::is_control));
        }
    }
}

#[test]
fn errors_name_line_and_column_in_characters() {
    for (text, line) in [
        ("[1,\n 2,\n  x]", "JSON, line 3, column 3: value expected"),
        ("[\"äö😀\", tru]", "JSON, line 1, column 9: value expected"),
        ("{\"a\":1\r\n\"b\":2}", "JSON, line 2, column 1: comma or end of list or object expected"),
        ("[1", "JSON, line 1, column 3: comma or end of list or object expected"),
        ("[", "JSON, line 1, column 2: value or end of list or object expected"),
        ("{1:2}", "JSON, line 1, column 2: name in quotes expected"),
        ("{\"a\" 1}", "JSON, line 1, column 6: colon expected"),
        ("1 2", "JSON, line 1, column 3: text after the end"),
        ("01", "JSON, line 1, column 2: text after the end"),
        ("[1.]", "JSON, line 1, column 4: digit expected"),
        ("\"a\nb\"", "JSON, line 1, column 3: control character in a string that is not escaped"),
        ("\"a\\x\"", "JSON, line 1, column 4: unknown escape in a string"),
        ("\"\\u00é\"", "JSON, line 1, column 6: hexadecimal digit expected"),
        ("\"ab", "JSON, line 1, column 4: string without end"),
    ] {
        assert_eq!(refused(text).1, line, "{text}");
    }
}

#[test]
fn errors_repeat_no_values() {
    let secret = "hunter2";
    for text in [
        format!("\"{secret}"),
        format!("[\"{secret}\" 1]"),
        format!("{{\"a\":{secret}}}"),
        format!("\"{secret}\" \"{secret}\""),
        format!("\"{secret}\\x\""),
        "[31337e999]".to_owned(),
        "[31337999999999999999999]".to_owned(),
    ] {
        let (_, line) = refused(&text);
        assert!(!line.contains("hunter") && !line.contains("31337"), "{line}");
    }
}
