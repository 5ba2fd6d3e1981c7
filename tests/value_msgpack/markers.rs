//! MessagePack in: what each of the 256 first bytes is.

use lovely_session::error::Status;
use lovely_session::value::Value;

use crate::{list, map, read, refused};

enum Is {
    /// With these bytes after the marker, this value.
    A(Vec<u8>, Value),
    /// With these bytes after the marker, nothing that can be read.
    No(Vec<u8>, Status),
}

/// What the specification says of `marker`, each type with the least that a length can be, or a telling content.
fn expected(marker: u8) -> Is {
    use Is::{A, No};
    let count = usize::from(marker & 0x0f);
    let int = |bytes: &[u8], int: i64| A(bytes.to_vec(), Value::Int(int));
    let float = |bytes: &[u8], float: f64| A(bytes.to_vec(), Value::Float(float));
    let ext = |bytes: &[u8]| No(bytes.to_vec(), Status::Type);
    match marker {
        0x00..=0x7f => int(b"", i64::from(marker)),
        0x80..=0x8f => {
            let keys: Vec<String> =
                (0..count).map(|i| char::from(b'a' + u8::try_from(i).unwrap()).to_string()).collect();
            let bytes = keys.iter().flat_map(|key| [0xa1, key.as_bytes()[0], 0xc0]).collect();
            A(bytes, map(keys.iter().map(|key| (key.as_str(), Value::Null))))
        }
        0x90..=0x9f => A(vec![0x07; count], list(vec![Value::Int(7); count])),
        0xa0..=0xbf => {
            let len = usize::from(marker & 0x1f);
            A(vec![b'x'; len], Value::text(&"x".repeat(len)))
        }
        0xc0 => A(vec![], Value::Null),
        0xc1 => No(vec![], Status::Argument),
        0xc2 => A(vec![], Value::Bool(false)),
        0xc3 => A(vec![], Value::Bool(true)),
        0xc4 => A(b"\x02\xff\0".to_vec(), Value::bytes(b"\xff\0")),
        0xc5 => A(b"\0\x02\xff\0".to_vec(), Value::bytes(b"\xff\0")),
        0xc6 => A(b"\0\0\0\x02\xff\0".to_vec(), Value::bytes(b"\xff\0")),
        0xc7 => ext(b"\x01\x05z"),
        0xc8 => ext(b"\0\x01\x05z"),
        0xc9 => ext(b"\0\0\0\x01\x05z"),
        0xca => float(b"\x3f\xc0\0\0", 1.5),
        0xcb => float(b"\x3f\xf8\0\0\0\0\0\0", 1.5),
        0xcc => int(b"\xfe", 254),
        0xcd => int(b"\xfe\xdc", 0xfedc),
        0xce => int(b"\xfe\xdc\xba\x98", 0xfedc_ba98),
        0xcf => int(b"\x7e\xdc\xba\x98\x76\x54\x32\x10", 0x7edc_ba98_7654_3210),
        0xd0 => int(b"\xfe", -2),
        0xd1 => int(b"\xfe\xdc", 0xfedc - 0x1_0000),
        0xd2 => int(b"\xfe\xdc\xba\x98", 0xfedc_ba98 - 0x1_0000_0000),
        0xd3 => int(b"\xff\xff\xff\xff\xff\xff\xff\xfe", -2),
        0xd4 => ext(b"\x05z"),
        0xd5 => ext(b"\x05zz"),
        0xd6 => ext(b"\xffzzzz"),
        0xd7 => ext(b"\x05zzzzzzzz"),
        0xd8 => ext(b"\x05zzzzzzzzzzzzzzzz"),
        0xd9 => A(b"\x02\xc3\xa4".to_vec(), Value::text("ä")),
        0xda => A(b"\0\x02\xc3\xa4".to_vec(), Value::text("ä")),
        0xdb => A(b"\0\0\0\x02\xc3\xa4".to_vec(), Value::text("ä")),
        0xdc => A(b"\0\x01\xc0".to_vec(), list([Value::Null])),
        0xdd => A(b"\0\0\0\x01\xc0".to_vec(), list([Value::Null])),
        0xde => A(b"\0\x01\xa1k\xc0".to_vec(), map([("k", Value::Null)])),
        0xdf => A(b"\0\0\0\x01\xa1k\xc0".to_vec(), map([("k", Value::Null)])),
        0xe0..=0xff => int(b"", i64::from(marker) - 256),
    }
}

fn with(marker: u8, after: &[u8]) -> Vec<u8> {
    [&[marker], after].concat()
}

#[test]
fn every_marker_is_read_as_the_specification_says_or_refused() {
    for marker in 0..=255 {
        match expected(marker) {
            Is::A(after, value) => {
                assert_eq!(read(with(marker, &after)), value, "{marker:02x}");
                assert_eq!(read([&[0x91, marker], &*after].concat()), list([value]), "{marker:02x} in a list");
            }
            Is::No(after, status) => assert_eq!(refused(with(marker, &after)).0, status, "{marker:02x}"),
        }
    }
}

#[test]
fn every_marker_needs_all_that_belongs_to_it_and_nothing_after() {
    for marker in 0..=255 {
        let Is::A(after, _) = expected(marker) else { continue };
        for end in 0..after.len() {
            assert_eq!(refused(with(marker, &after[..end])).0, Status::Argument, "{marker:02x}, {end} bytes after it");
        }
        let (status, line) = refused([&*with(marker, &after), &[0xc0]].concat());
        let place = format!("MessagePack, byte {}: bytes after the end of the value", 1 + after.len());
        assert_eq!((status, line), (Status::Argument, place), "{marker:02x}");
    }
}

#[test]
fn only_text_is_a_key() {
    for marker in 0..=255 {
        let after = match expected(marker) {
            Is::A(after, _) | Is::No(after, _) => after,
        };
        let bytes = [&[0x81], &*with(marker, &after), &[0xc0]].concat();
        if matches!(marker, 0xa0..=0xbf | 0xd9..=0xdb) {
            let Value::Map(map) = read(bytes) else { panic!() };
            assert_eq!(map.entries().len(), 1);
        } else {
            let refusal = (Status::Type, "MessagePack, byte 1: key that is not text".to_owned());
            assert_eq!(refused(bytes), refusal, "{marker:02x}");
        }
    }
}
