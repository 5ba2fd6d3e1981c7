//! MessagePack out: the form.

use lovely_session::value::Value;

use crate::{list, map, read, write};

#[test]
fn integers_take_the_shortest_form_unsigned_from_0_up() {
    for (int, bytes) in [
        (0, &b"\x00"[..]),
        (127, b"\x7f"),
        (128, b"\xcc\x80"),
        (255, b"\xcc\xff"),
        (256, b"\xcd\x01\x00"),
        (65_535, b"\xcd\xff\xff"),
        (65_536, b"\xce\x00\x01\x00\x00"),
        (4_294_967_295, b"\xce\xff\xff\xff\xff"),
        (4_294_967_296, b"\xcf\x00\x00\x00\x01\x00\x00\x00\x00"),
        (i64::MAX, b"\xcf\x7f\xff\xff\xff\xff\xff\xff\xff"),
        (-1, b"\xff"),
        (-32, b"\xe0"),
        (-33, b"\xd0\xdf"),
        (-128, b"\xd0\x80"),
        (-129, b"\xd1\xff\x7f"),
        (-32_768, b"\xd1\x80\x00"),
        (-32_769, b"\xd2\xff\xff\x7f\xff"),
        (-2_147_483_648, b"\xd2\x80\x00\x00\x00"),
        (-2_147_483_649, b"\xd3\xff\xff\xff\xff\x7f\xff\xff\xff"),
        (i64::MIN, b"\xd3\x80\x00\x00\x00\x00\x00\x00\x00"),
    ] {
        assert_eq!(write(&Value::Int(int)), bytes, "{int}");
        assert_eq!(read(bytes), Value::Int(int));
    }
}

#[test]
fn floats_are_float_64_all_their_bits_as_they_are() {
    for bits in [
        0x3ff8_0000_0000_0000_u64,
        0x8000_0000_0000_0000,
        0x0000_0000_0000_0001,
        0x7ff0_0000_0000_0000,
        0xfff0_0000_0000_0000,
        0x7ff8_0000_0000_0000,
        0x7ff4_dead_0000_0001,
        0xffff_ffff_ffff_ffff,
    ] {
        let value = Value::Float(f64::from_bits(bits));
        let bytes = [&[0xcb], &bits.to_be_bytes()[..]].concat();
        assert_eq!(write(&value), bytes, "{bits:016x}");
        assert_eq!(read(bytes), value, "{bits:016x}");
    }
}

#[test]
fn null_and_booleans_are_one_byte() {
    assert_eq!(write(&Value::Null), b"\xc0");
    assert_eq!(write(&Value::Bool(false)), b"\xc2");
    assert_eq!(write(&Value::Bool(true)), b"\xc3");
}

#[test]
fn lengths_take_the_shortest_form() {
    let text = |len: usize| Value::text(&"x".repeat(len));
    let bytes = |len: usize| Value::bytes(&vec![0xfe; len]);
    let nulls = |len: usize| list(vec![Value::Null; len]);
    for (value, head, len) in [
        (text(0), &b"\xa0"[..], 0),
        (text(31), b"\xbf", 31),
        (text(32), b"\xd9\x20", 32),
        (text(255), b"\xd9\xff", 255),
        (text(256), b"\xda\x01\x00", 256),
        (text(65_535), b"\xda\xff\xff", 65_535),
        (text(65_536), b"\xdb\x00\x01\x00\x00", 65_536),
        (bytes(0), b"\xc4\x00", 0),
        (bytes(255), b"\xc4\xff", 255),
        (bytes(256), b"\xc5\x01\x00", 256),
        (bytes(65_535), b"\xc5\xff\xff", 65_535),
        (bytes(65_536), b"\xc6\x00\x01\x00\x00", 65_536),
        (nulls(0), b"\x90", 0),
        (nulls(15), b"\x9f", 15),
        (nulls(16), b"\xdc\x00\x10", 16),
        (nulls(65_535), b"\xdc\xff\xff", 65_535),
        (nulls(65_536), b"\xdd\x00\x01\x00\x00", 65_536),
    ] {
        let written = write(&value);
        assert_eq!((&written[..head.len()], written.len()), (head, head.len() + len));
        assert_eq!(read(written), value);
    }
}

#[test]
fn counts_of_maps_take_the_shortest_form() {
    for (entries, head) in [
        (0_usize, &b"\x80"[..]),
        (15, b"\x8f"),
        (16, b"\xde\x00\x10"),
        (65_535, b"\xde\xff\xff"),
        (65_536, b"\xdf\x00\x01\x00\x00"),
    ] {
        let keys: Vec<String> = (0..entries).map(|i| format!("{i:05x}")).collect();
        let value = map(keys.iter().map(|key| (key.as_str(), Value::Null)));
        let written = write(&value);
        assert_eq!((&written[..head.len()], written.len()), (head, head.len() + 7 * entries));
        assert_eq!(read(written), value);
    }
}

#[test]
fn maps_are_written_sorted_by_the_bytes_of_their_keys() {
    let value = map([("é", Value::Int(4)), ("b", Value::Int(3)), ("", Value::Int(1)), ("B", Value::Int(2))]);
    assert_eq!(write(&value), b"\x84\xa0\x01\xa1B\x02\xa1b\x03\xa2\xc3\xa9\x04");
}
