//! MessagePack in: what is read, as what, and what is refused.

use lovely_session::error::Status;
use lovely_session::value::Value;

use crate::{list, map, read, refused};

#[test]
fn integers_are_read_in_any_width() {
    for bytes in [
        &b"\x05"[..],
        b"\xcc\x05",
        b"\xcd\0\x05",
        b"\xce\0\0\0\x05",
        b"\xcf\0\0\0\0\0\0\0\x05",
        b"\xd0\x05",
        b"\xd1\0\x05",
        b"\xd2\0\0\0\x05",
        b"\xd3\0\0\0\0\0\0\0\x05",
    ] {
        assert_eq!(read(bytes), Value::Int(5), "{bytes:02x?}");
    }
    for bytes in
        [&b"\xfb"[..], b"\xd0\xfb", b"\xd1\xff\xfb", b"\xd2\xff\xff\xff\xfb", b"\xd3\xff\xff\xff\xff\xff\xff\xff\xfb"]
    {
        assert_eq!(read(bytes), Value::Int(-5), "{bytes:02x?}");
    }
}

#[test]
fn an_integer_over_63_bits_is_a_range_error() {
    assert_eq!(read(b"\xcf\x7f\xff\xff\xff\xff\xff\xff\xff"), Value::Int(i64::MAX));
    for bytes in [&b"\xcf\x80\0\0\0\0\0\0\0"[..], b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff"] {
        let range = |at: usize| (Status::Range, format!("MessagePack, byte {at}: integer over 2^63-1"));
        assert_eq!(refused(bytes), range(0));
        assert_eq!(refused([b"\x92\x01", bytes].concat()), range(2));
    }
}

#[test]
fn a_float_32_is_the_float_of_the_same_number() {
    for float in
        [0.0_f32, -0.0, 1.5, 0.1, f32::MAX, f32::MIN_POSITIVE, f32::from_bits(1), f32::INFINITY, -f32::INFINITY]
    {
        let bytes = [&[0xca], &float.to_be_bytes()[..]].concat();
        assert_eq!(read(bytes), Value::Float(f64::from(float)), "{float}");
    }
}

#[test]
fn the_bits_of_a_nan_in_float_32_lead_those_in_64() {
    for (narrow, wide) in [
        (0x7fc0_0000_u32, 0x7ff8_0000_0000_0000),
        (0xffc0_0000, 0xfff8_0000_0000_0000),
        (0x7f80_0001, 0x7ff0_0000_2000_0000),
        (0xffff_ffff, 0xffff_ffff_e000_0000),
    ] {
        let bytes = [&[0xca], &narrow.to_be_bytes()[..]].concat();
        assert_eq!(read(bytes), Value::Float(f64::from_bits(wide)), "{narrow:08x}");
    }
}

#[test]
fn lengths_and_counts_are_read_in_any_width() {
    for bytes in [&b"\xa1k"[..], b"\xd9\x01k", b"\xda\0\x01k", b"\xdb\0\0\0\x01k"] {
        assert_eq!(read(bytes), Value::text("k"));
        for head in [&b"\x81"[..], b"\xde\0\x01", b"\xdf\0\0\0\x01"] {
            assert_eq!(read([head, bytes, b"\xc3"].concat()), map([("k", Value::Bool(true))]));
        }
        for head in [&b"\x91"[..], b"\xdc\0\x01", b"\xdd\0\0\0\x01"] {
            assert_eq!(read([head, bytes].concat()), list([Value::text("k")]));
        }
    }
    for bytes in [&b"\xc4\0"[..], b"\xc5\0\0", b"\xc6\0\0\0\0"] {
        assert_eq!(read(bytes), Value::bytes(b""));
    }
}

#[test]
fn maps_come_in_any_order() {
    let value = map([("a", Value::Int(1)), ("b", Value::Int(2)), ("c", map([("a", Value::Int(3))]))]);
    assert_eq!(read(b"\x83\xa1c\x81\xa1a\x03\xa1a\x01\xa1b\x02"), value);
}

#[test]
fn text_and_keys_that_are_not_utf8_are_an_argument_error_that_names_the_byte() {
    for (text, valid) in [
        (&b"\xff"[..], 0),
        (b"ab\xc3", 2),
        (b"\xc0\xaf", 0),
        (b"a\xed\xa0\x80", 1),
        (b"\xf4\x90\x80\x80", 0),
        (b"\xc3\xa4\x80", 2),
    ] {
        let text = [&[0xa0 + u8::try_from(text.len()).unwrap()], text].concat();
        let error = |at: usize| {
            let line = format!("MessagePack, byte {at}: text that is not UTF-8 from its byte {valid} on");
            (Status::Argument, line)
        };
        assert_eq!(refused(&text), error(0));
        assert_eq!(refused([b"\x92\xc0", &*text].concat()), error(2));
        assert_eq!(refused([b"\x81", &*text, b"\xc0"].concat()), error(1));
        // Bytes are any bytes.
        assert_eq!(read([&[0xc4, text[0] - 0xa0], &text[1..]].concat()), Value::bytes(&text[1..]));
    }
}

#[test]
fn duplicate_keys_are_an_argument_error_that_names_key_and_map() {
    for bytes in [
        &b"\x82\xa1a\x01\xa1a\x01"[..],
        b"\x83\xa1a\x01\xa1b\x02\xa1a\x03",
        b"\x83\xa1b\x01\xa1a\x02\xa1b\x03",
        b"\x82\xa1a\x01\xd9\x01a\x02",
        b"\x82\xa0\x01\xa0\x02",
    ] {
        assert_eq!(refused(bytes).0, Status::Argument, "{bytes:02x?}");
    }
    let (_, line) = refused(b"\x92\xc0\x82\xa2k\n\x01\xa2k\n\x91\xc0");
    assert_eq!(line, r#"MessagePack, byte 2: key "k\n" stands twice in the map"#);
    // The same key in another map is another key.
    assert_eq!(read(b"\x82\xa1a\x81\xa1a\x01\xa1b\x81\xa1a\x01").depth(), 2);
}

#[test]
fn ext_is_a_type_error() {
    for bytes in [&b"\xd4\x01z"[..], b"\xd6\xff\0\0\0\0", b"\xc7\0\x01", b"\xc9\xff\xff\xff\xff\x01", b"\xd4"] {
        assert_eq!(refused(bytes), (Status::Type, "MessagePack, byte 0: ext has no value here".into()));
        let inside = [b"\x81\xa1k", bytes].concat();
        assert_eq!(refused(inside), (Status::Type, "MessagePack, byte 3: ext has no value here".into()));
    }
}

#[test]
fn errors_name_the_byte() {
    for (bytes, line) in [
        (&b""[..], "MessagePack, byte 0: value expected"),
        (b"\x91", "MessagePack, byte 0: list of 1, but 0 bytes are left"),
        (b"\xdc\0\x03\x01\x02", "MessagePack, byte 0: list of 3, but 2 bytes are left"),
        (b"\x92\x91\x01", "MessagePack, byte 3: value expected"),
        (b"\x81\xa1", "MessagePack, byte 0: map of 1, but 1 bytes are left"),
        (b"\x81\xa1k", "MessagePack, byte 3: value expected"),
        (b"\x82\xa1k\xa1v", "MessagePack, byte 5: key expected"),
        (b"\x92\xc0\xc1", "MessagePack, byte 2: 0xc1 is no MessagePack"),
        (b"\x92\xc0\xcd\x01", "MessagePack, byte 2: the end comes too early"),
        (b"\x92\xc0\xcb\0\0\0\0\0\0\0", "MessagePack, byte 2: the end comes too early"),
        (b"\xdd\0\0\0", "MessagePack, byte 0: the end comes too early"),
        (b"\x92\xc0\xa5abc", "MessagePack, byte 2: text of 5, but 3 bytes are left"),
        (b"\xc6\xff\xff\xff\xffabc", "MessagePack, byte 0: bytes of 4294967295, but 3 bytes are left"),
        (b"\x01\x02", "MessagePack, byte 1: bytes after the end of the value"),
        (b"\x91\xc0\x00", "MessagePack, byte 2: bytes after the end of the value"),
    ] {
        assert_eq!(refused(bytes), (Status::Argument, line.to_owned()), "{bytes:02x?}");
    }
}

#[test]
fn errors_repeat_no_values() {
    for bytes in [
        &b"\xa9hunter2"[..],
        b"\xa8hunter2\xff",
        b"\xc4\x09hunter2",
        b"\xa7hunter2\xa7hunter2",
        b"\x82\xa1a\xa7hunter2\xa1a\xa7hunter2",
        b"\x81\xa9hunter2",
        b"\x81\xa8hunter2\xff\xc0",
        b"\xc7\x07\x01hunter2",
    ] {
        let (_, line) = refused(bytes);
        assert!(!line.contains("hunter"), "{line}");
    }
}
