//! MessagePack in: limits (contract 7.2), and what a claim costs.

use lovely_session::error::Status;
use lovely_session::value::Value;
use lovely_session::value::msgpack::from_msgpack;

use crate::memory_support::measure;
use crate::{read, refused, write};

/// `head` and the number in 4 bytes.
fn head(head: u8, count: usize) -> Vec<u8> {
    [&[head], &u32::try_from(count).unwrap().to_be_bytes()[..]].concat()
}

/// One more level of nesting, each way that there is.
const LEVELS: [&[u8]; 6] =
    [b"\x91", b"\xdc\0\x01", b"\xdd\0\0\0\x01", b"\x81\xa1k", b"\xde\0\x01\xa1k", b"\xdf\0\0\0\x01\xa1k"];

#[test]
fn nesting_of_64_is_read_and_65_is_too_large() {
    for level in LEVELS {
        assert_eq!(read([&*level.repeat(64), b"\xc0"].concat()).depth(), 64);
        let place = 64 * level.len();
        let line = format!("MessagePack, byte {place}: value nested more than 64 deep");
        assert_eq!(refused([&*level.repeat(65), b"\xc0"].concat()), (Status::TooLarge, line));
        assert_eq!(refused([&*level.repeat(64), b"\x90"].concat()).0, Status::TooLarge);
        assert_eq!(refused([&*level.repeat(64), b"\x80"].concat()).0, Status::TooLarge);
    }
}

#[test]
fn nesting_without_end_is_too_large_and_does_not_exhaust_the_stack() {
    for level in LEVELS {
        for levels in [100_000, 3_000_000] {
            assert_eq!(refused(level.repeat(levels)).0, Status::TooLarge);
            assert_eq!(refused([&*level.repeat(levels), b"\xc0"].concat()).0, Status::TooLarge);
        }
    }
}

#[test]
fn the_deepest_value_needs_little_stack() {
    // A coroutine of a host may have no more than this.
    let small = std::thread::Builder::new().stack_size(192 * 1024);
    let bytes = [&*b"\x91\x81\xa1k".repeat(32), b"\xc0"].concat();
    small.spawn(move || assert_eq!(write(&read(&bytes)), bytes)).unwrap().join().unwrap();
}

#[test]
fn a_list_of_1_000_000_is_read_and_one_more_is_too_large() {
    let bytes = |items: usize| [head(0xdd, items), vec![0xc0; items]].concat();
    let Value::List(list) = read(bytes(1_000_000)) else { panic!() };
    assert_eq!(list.items().len(), 1_000_000);
    let line = "MessagePack, byte 0: list of more than 1000000 entries".to_owned();
    assert_eq!(refused(bytes(1_000_001)), (Status::TooLarge, line));
}

#[test]
fn a_map_of_1_000_000_is_read_in_any_order_and_one_more_is_too_large() {
    let bytes = |entries: usize| {
        let mut bytes = head(0xdf, entries);
        for i in 0..entries {
            // Multiplying by an odd number modulo 2^20 visits every residue once, out of order.
            bytes.push(0xa6);
            bytes.extend(format!("{:06x}", (i * 0x9E375) & 0xF_FFFF).into_bytes());
            bytes.push(0xc0);
        }
        bytes
    };
    let Value::Map(map) = read(bytes(1_000_000)) else { panic!() };
    assert_eq!(map.entries().len(), 1_000_000);
    assert!(map.entries().is_sorted_by(|(a, _), (b, _)| a < b));
    assert_eq!(refused(bytes(1_000_001)).0, Status::TooLarge);
}

#[test]
fn a_key_of_65535_bytes_is_read_and_one_more_is_too_large() {
    let bytes = |len: usize| [vec![0x81], head(0xdb, len), vec![b'k'; len], vec![0xc0]].concat();
    assert_eq!(read(bytes(65_535)).depth(), 1);
    let line = "MessagePack, byte 1: map key of 65536 bytes is over the limit of 65535".to_owned();
    assert_eq!(refused(bytes(65_536)), (Status::TooLarge, line));
}

#[test]
fn what_a_length_or_count_claims_costs_nothing() {
    for (marker, status) in [
        (0xdd, Status::TooLarge),
        (0xdf, Status::TooLarge),
        (0xdb, Status::Argument),
        (0xc6, Status::Argument),
        (0xc9, Status::Type),
    ] {
        let bytes = head(marker, 0xffff_ffff);
        let (result, asked, _) = measure(|| from_msgpack(&bytes));
        assert_eq!(result.unwrap_err().status(), status, "{marker:02x}");
        assert!(asked < 1_024, "{asked} bytes for {marker:02x}");
    }
    // At each level a list of what is left: 64 claims to a million entries, and the bytes for one of them.
    let mut bytes = Vec::new();
    for _ in 0..63 {
        bytes.extend(head(0xdd, 900_000));
    }
    bytes.resize(1_000_000, 0xc1);
    let (result, _, most) = measure(|| from_msgpack(&bytes));
    assert_eq!(result.unwrap_err().status(), Status::Argument);
    assert!(most < 200_000, "{most} bytes held");
}

#[test]
fn memory_is_in_proportion_to_the_bytes() {
    let many = |item: &[u8]| [head(0xdd, 300_000), item.repeat(300_000)].concat();
    let mut deep = head(0xdd, 3_000);
    deep.extend([&*b"\x91".repeat(63), b"\xc0"].concat().repeat(3_000));
    for (bytes, bound) in [
        (many(b"\xc0"), 80),
        (many(b"\xa0"), 120),
        (many(b"\xc4\0"), 60),
        (many(b"\x90"), 150),
        (many(b"\x80"), 150),
        (many(b"\x91\xc0"), 120),
        (many(b"\x81\xa0\xc0"), 120),
        (deep, 120),
    ] {
        let (value, _, most) = measure(|| read(&bytes));
        assert!(most / bytes.len() < bound, "{} for each byte of {:02x?}", most / bytes.len(), &bytes[..10]);
        let (_, _, most) = measure(|| write(&value));
        assert!(most <= 4 * bytes.len(), "{most} to write {} bytes", bytes.len());
    }
}
