//! JSON in: limits (contract 7.2).

use lovely_session::error::Status;
use lovely_session::value::Value;
use lovely_session::value::json::to_json;

use crate::{read, refused};

fn brackets(levels: usize) -> String {
    format!("{}{}", "[".repeat(levels), "]".repeat(levels))
}

#[test]
fn nesting_of_64_is_read_and_65_is_too_large() {
    assert_eq!(read(&brackets(64)).depth(), 64);
    assert_eq!(read(&format!("{}1{}", "{\"a\":".repeat(64), "}".repeat(64))).depth(), 64);
    assert_eq!(refused(brackets(65)), (Status::TooLarge, "JSON, line 1, column 65: nested more than 64 deep".into()));
    assert_eq!(refused(format!("{}1{}", "{\"a\":".repeat(65), "}".repeat(65))).0, Status::TooLarge);
    assert_eq!(refused(format!("{}{{}}{}", "[".repeat(64), "]".repeat(64))).0, Status::TooLarge);
}

#[test]
fn nesting_without_end_is_too_large_and_does_not_exhaust_the_stack() {
    for levels in [100_000, 10_000_000] {
        assert_eq!(refused("[".repeat(levels)).0, Status::TooLarge);
        assert_eq!(refused(brackets(levels)).0, Status::TooLarge);
        assert_eq!(refused("{\"\":".repeat(levels)).0, Status::TooLarge);
        assert_eq!(refused("[{\"a\":".repeat(levels)).0, Status::TooLarge);
    }
}

#[test]
fn the_deepest_value_needs_little_stack() {
    // A coroutine of a host may have no more than this.
    let small = std::thread::Builder::new().stack_size(192 * 1024);
    let text = format!("{}1{}", "[{\"a\":".repeat(32), "}]".repeat(32));
    small.spawn(move || assert_eq!(to_json(&read(&text)).unwrap(), text)).unwrap().join().unwrap();
}

#[test]
fn a_list_of_1_000_000_is_read_and_one_more_is_too_large() {
    let text = |items: usize| format!("[{}0]", "0,".repeat(items - 1));
    let Value::List(list) = read(&text(1_000_000)) else { panic!() };
    assert_eq!(list.items().len(), 1_000_000);
    assert_eq!(refused(text(1_000_001)).0, Status::TooLarge);
}

#[test]
fn a_map_of_1_000_000_is_read_in_any_order_and_one_more_is_too_large() {
    // Multiplying by an odd number modulo 2^20 visits every residue once, out of order.
    let text = |entries: usize| {
        let names: Vec<String> = (0..entries).map(|i| format!("\"{:06x}\":0", (i * 0x9E375) & 0xF_FFFF)).collect();
        format!("{{{}}}", names.join(","))
    };
    let Value::Map(map) = read(&text(1_000_000)) else { panic!() };
    assert_eq!(map.entries().len(), 1_000_000);
    assert!(map.entries().is_sorted_by(|(a, _), (b, _)| a < b));
    assert_eq!(refused(text(1_000_001)).0, Status::TooLarge);
}

#[test]
fn a_name_of_65535_bytes_is_read_and_one_more_is_too_large() {
    let text = |len: usize| format!("{{\"{}\":1}}", "k".repeat(len));
    assert_eq!(read(&text(65_535)).depth(), 1);
    let (status, line) = refused(text(65_536));
    assert_eq!(status, Status::TooLarge);
    assert!(line.starts_with("JSON, line 1, column 65540: map key of 65536 bytes"), "{line}");
    // Counted as UTF-8 after unescaping.
    assert_eq!(read(&format!("{{\"{}\":1}}", "\\u00e4".repeat(32_767))).depth(), 1);
    assert_eq!(refused(format!("{{\"{}\":1}}", "\\u00e4".repeat(32_768))).0, Status::TooLarge);
}
