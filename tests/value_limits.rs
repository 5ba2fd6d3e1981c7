//! Limits of values, and when two values are equal (contract 7.2, 2.2).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

use std::sync::Arc;

use lovely_session::error::Error;
use lovely_session::value::{List, MAX_SIZE, Map, Text, Value};

fn in_list(item: Value) -> Result<Value, Error> {
    Value::list(vec![item])
}

fn in_map(key: &str, value: Value) -> Result<Value, Error> {
    Value::map(vec![(Text::new(key), value)])
}

/// `levels` lists and maps around `value`.
fn nested(levels: usize, value: Value) -> Value {
    (0..levels).fold(value, |value, level| if level % 2 == 0 { in_list(value) } else { in_map("k", value) }.unwrap())
}

fn too_large<T: std::fmt::Debug>(result: Result<T, Error>, limit: &str) {
    let Err(Error::TooLarge(message)) = result else { panic!("not too large, but {result:?}") };
    assert!(message.contains(limit), "{message}");
}

// ---- nesting --------------------------------------------------------------------------------------------------------

#[test]
fn a_list_is_one_deep_empty_or_not() {
    assert_eq!(Value::Int(1).depth(), 0);
    assert_eq!(Value::list(vec![]).unwrap().depth(), 1);
    assert_eq!(Value::map(vec![]).unwrap().depth(), 1);
    assert_eq!(in_list(Value::Int(1)).unwrap().depth(), 1);
    assert_eq!(in_map("k", in_list(Value::Null).unwrap()).unwrap().depth(), 2);
}

#[test]
fn a_value_64_deep_can_be_built_and_one_65_deep_cannot() {
    for innermost in [Value::Int(1), Value::list(vec![]).unwrap(), Value::map(vec![]).unwrap()] {
        let deepest = nested(64 - innermost.depth(), innermost);
        assert_eq!(deepest.depth(), 64);

        let (mut list, mut map) = (List::default(), Map::default());
        too_large(list.push(deepest.clone()), "64");
        too_large(map.insert("k".into(), deepest.clone()), "64");
        assert!(list.items().is_empty() && map.entries().is_empty());
        too_large(in_list(deepest.clone()), "64");
        too_large(in_map("k", deepest), "64");
    }
}

#[test]
fn a_tree_of_100_000_levels_cannot_be_built() {
    let mut value = Value::Null;
    let mut built = 0;
    while let Ok(deeper) = in_list(value.clone()) {
        value = deeper;
        built += 1;
        assert!(built < 100_000);
    }
    assert_eq!(built, 64);
}

#[test]
fn replacing_the_deepest_value_of_a_map_makes_it_shallower() {
    let mut map = Map::default();
    map.insert("a".into(), nested(63, Value::Null)).unwrap();
    map.insert("b".into(), nested(2, Value::Null)).unwrap();
    let depth = |map: &Map| Value::Map(Arc::new(map.clone())).depth();
    assert_eq!(depth(&map), 64);
    map.insert("a".into(), Value::Int(1)).unwrap();
    assert_eq!(depth(&map), 3);
    map.insert("b".into(), nested(5, Value::Null)).unwrap();
    assert_eq!(depth(&map), 6);
    in_list(Value::Map(Arc::new(map))).unwrap();
}

#[test]
fn a_wide_tree_64_deep_is_dropped_and_compared_on_little_stack() {
    let small = std::thread::Builder::new().stack_size(192 * 1024);
    small
        .spawn(|| {
            let build = || {
                (0..64).fold(Value::Null, |below, _| {
                    let mut items = vec![Value::text("leaf"); 1_000];
                    items.push(below);
                    Value::list(items).unwrap()
                })
            };
            let (a, b) = (build(), build());
            assert_eq!(a.depth(), 64);
            assert!(a == b);
        })
        .unwrap()
        .join()
        .unwrap();
}

// ---- entries, keys, size --------------------------------------------------------------------------------------------

#[test]
fn a_list_holds_1_000_000_items_and_no_more() {
    let mut list = List::default();
    for _ in 0..1_000_000 {
        list.push(Value::Null).unwrap();
    }
    too_large(list.push(Value::Null), "1000000");
    assert_eq!(list.items().len(), 1_000_000);
    too_large(Value::list(vec![Value::Null; 1_000_001]), "1000000");
}

#[test]
fn a_map_holds_1_000_000_entries_and_no_more() {
    let key = |i: usize| Text::new(&format!("{i:07}"));
    let mut map = Map::default();
    for i in 0..1_000_000 {
        map.insert(key(i), Value::Null).unwrap();
    }
    too_large(map.insert(key(1_000_000), Value::Null), "1000000");
    // A full map still takes another value for a key that it has.
    map.insert(key(500_000), Value::Int(1)).unwrap();
    assert_eq!(map.entries().len(), 1_000_000);
    assert_eq!(map.get("0500000"), Some(&Value::Int(1)));
}

#[test]
fn a_map_of_many_entries_is_built_from_any_order() {
    // Out of order, and 1,000 keys come twice: only different keys count.
    let entries = |count: usize| -> Vec<(Text, Value)> {
        let number = |i: usize| Value::Int(i64::try_from(i).unwrap());
        (0..count + 1_000).map(|i| (Text::new(&format!("{:07}", (i * 7_919) % count)), number(i))).collect()
    };
    let map = Map::from_entries(entries(1_000_000)).unwrap();
    assert_eq!(map.entries().len(), 1_000_000);
    assert!(map.entries().is_sorted_by(|(a, _), (b, _)| a < b));
    assert_eq!(map.get("0007919"), Some(&Value::Int(1_000_001)));
    too_large(Map::from_entries(entries(1_000_001)), "1000000");
}

#[test]
fn a_later_entry_of_the_same_key_wins() {
    let entries = ["b", "a", "b", "c", "b"].iter().zip(1..).map(|(key, i)| (Text::new(key), Value::Int(i)));
    let map = Map::from_entries(entries.collect()).unwrap();
    let found: Vec<_> = map.entries().iter().map(|(key, value)| (key.as_str(), value.clone())).collect();
    assert_eq!(found, [("a", Value::Int(2)), ("b", Value::Int(5)), ("c", Value::Int(4))]);
}

#[test]
fn a_map_is_sorted_by_the_bytes_of_its_keys_whatever_the_order_of_writing() {
    let keys = ["", "\0", "\0\0", "B", "a", "a\0", "aa", "é", "\u{e000}", "\u{10000}"];
    for shift in 0..keys.len() {
        let mut map = Map::default();
        for i in 0..keys.len() {
            map.insert(keys[(i * 3 + shift) % keys.len()].into(), Value::Null).unwrap();
        }
        let sorted: Vec<&str> = map.entries().iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(sorted, keys);
    }
}

#[test]
fn a_key_of_65535_bytes_is_taken_and_one_of_65536_is_too_large() {
    let at_the_limit = "k".repeat(65_535);
    let past_it = "k".repeat(65_536);
    let mut map = Map::default();
    map.insert(Text::new(&at_the_limit), Value::Null).unwrap();
    too_large(map.insert(Text::new(&past_it), Value::Null), "65535");
    in_map(&at_the_limit, Value::Null).unwrap();
    too_large(in_map(&past_it, Value::Null), "65535");
    // Bytes, not characters.
    too_large(in_map(&"é".repeat(32_768), Value::Null), "65535");
}

#[test]
fn size_is_counted_through_every_change() {
    let size = |map: &Map| Value::Map(Arc::new(map.clone())).size();
    let mut map = Map::default();
    assert_eq!(size(&map), 1);
    map.insert("key".into(), Value::text("text")).unwrap();
    assert_eq!(size(&map), 1 + 4 + 5);
    map.insert("key".into(), Value::bytes(&[0; 100])).unwrap();
    assert_eq!(size(&map), 1 + 4 + 101);
    map.insert("key".into(), Value::list(vec![Value::Null, Value::Float(0.5)]).unwrap()).unwrap();
    assert_eq!(size(&map), 1 + 4 + 1 + 1 + 9);
    assert_eq!(size(&Map::from_entries(map.entries().to_vec()).unwrap()), size(&map));
}

#[test]
fn a_tree_that_holds_a_part_many_times_is_too_large_before_it_can_be_walked() {
    let mut value = Value::bytes(&[0; 1_000]);
    let mut doublings = 0;
    loop {
        match Value::list(vec![value.clone(), value.clone()]) {
            Ok(double) => value = double,
            refused => break too_large(refused, "1073741824"),
        }
        doublings += 1;
        assert!(doublings < 64);
    }
    assert!(value.size() <= MAX_SIZE && value.size() > MAX_SIZE / 2 - 2);
    // The same through a map, by adding, by replacing and at once.
    let mut map = Map::default();
    map.insert("a".into(), value.clone()).unwrap();
    map.insert("b".into(), Value::Null).unwrap();
    too_large(map.insert("b".into(), value.clone()), "1073741824");
    too_large(map.insert("c".into(), value.clone()), "1073741824");
    assert_eq!(map.get("b"), Some(&Value::Null));
    too_large(Map::from_entries(vec![("a".into(), value.clone()), ("b".into(), value)]), "1073741824");
}

// ---- equality -------------------------------------------------------------------------------------------------------

#[test]
fn values_of_different_types_differ() {
    let values = [
        Value::Null,
        Value::Bool(true),
        Value::Bool(false),
        Value::Int(1),
        Value::Int(0),
        Value::Float(1.0),
        Value::Float(0.0),
        Value::Float(-0.0),
        Value::text("1"),
        Value::text(""),
        Value::text("1\0"),
        Value::bytes(b"1"),
        Value::bytes(b""),
        Value::list(vec![]).unwrap(),
        Value::map(vec![]).unwrap(),
        in_list(Value::Int(1)).unwrap(),
        in_list(Value::Float(1.0)).unwrap(),
        in_list(Value::Bool(true)).unwrap(),
        in_map("1", Value::Int(1)).unwrap(),
        in_map("1", Value::Float(1.0)).unwrap(),
        in_map("2", Value::Int(1)).unwrap(),
    ];
    for (i, a) in values.iter().enumerate() {
        for (j, b) in values.iter().enumerate() {
            assert_eq!(a == b, i == j, "{a:?} and {b:?}");
        }
    }
}

#[test]
fn floats_compare_by_their_bits() {
    let nan = |payload: u64| Value::Float(f64::from_bits(0x7FF8_0000_0000_0000 | payload));
    assert_eq!(nan(0), nan(0));
    assert_eq!(in_list(nan(7)).unwrap(), in_list(nan(7)).unwrap());
    assert_ne!(nan(0), nan(1));
    assert_ne!(Value::Float(0.0), Value::Float(-0.0));
    assert_ne!(in_map("k", Value::Float(0.0)).unwrap(), in_map("k", Value::Float(-0.0)).unwrap());
}

#[test]
fn the_order_of_writing_is_not_content() {
    let entry = |key: &str| (Text::new(key), Value::text(key));
    let one = Value::map(vec![entry("a"), entry("b"), entry("c")]).unwrap();
    let other = Value::map(vec![entry("c"), entry("a"), entry("b")]).unwrap();
    assert_eq!(one, other);
}
