//! Stored bytes are not trusted (contract 6.5): whatever stands there is a session, a tombstone or an error, and what
//! is accepted is exactly what would be written. The number of tries is `LOVELY_SESSION_FUZZ`, a million if unset.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation,
    missing_docs,
    reason = "tests"
)]

mod record_support;

use lovely_session::record::{Corrupt, Record, Stored, decode, encode_tombstone};
use lovely_session::store::Blob;
use record_support::{Model, Rng, record_of_raw_value, session};

fn tries() -> u64 {
    std::env::var("LOVELY_SESSION_FUZZ").map_or(1_000_000, |count| count.parse().unwrap())
}

/// Reads everything; answers whether the bytes were whole.
fn read(bytes: &[u8]) -> bool {
    let Ok(stored) = decode(Blob::new(bytes.to_vec())) else { return false };
    match stored {
        Stored::Tombstone(tombstone) => {
            assert_eq!(encode_tombstone(&tombstone), bytes);
            true
        }
        Stored::Session(record) => match Model::read(&record) {
            Ok(model) => {
                assert_eq!(model.encode(), bytes, "accepted, and written in another way");
                true
            }
            Err(Corrupt(reason)) => {
                assert!(!reason.is_empty() && reason.len() < 100);
                look_around(&record);
                false
            }
        },
    }
}

/// What is beside the damage goes on being readable, and what is not there is said not to be.
fn look_around(record: &Record) {
    assert_eq!(record.entries().count(), record.len());
    for i in 0..=record.len() {
        assert_eq!(record.name(i).is_some(), i < record.len());
        let Ok(package) = record.pkg(i) else { continue };
        for k in 0..=package.len() {
            assert_eq!(package.key(k).is_some(), k < package.len());
            assert_eq!(package.raw(k).is_some(), k < package.len());
        }
        assert_eq!(package.find("no such key"), None);
    }
}

/// Runs `one` for the seeds up to the number of tries, on two threads; answers for how many it said yes.
fn count(one: impl Fn(u64) -> bool + Sync) -> u64 {
    let yes = |first: u64| (first..tries()).step_by(2).filter(|seed| one(*seed)).count() as u64;
    std::thread::scope(|scope| {
        let other = scope.spawn(|| yes(1));
        yes(0) + other.join().unwrap()
    })
}

#[test]
fn random_bytes_are_an_error_or_a_record() {
    let whole = Rng::new(1).model().encode();
    let start = |len: usize| whole[..len].to_vec();
    let accepted = count(|seed| {
        let mut rng = Rng::new(seed);
        // Without the right start hardly anything gets past the envelope: most tries are given a part of it.
        let bytes = match rng.below(8) {
            0 => rng.bytes(100),
            1 => [start(6), rng.bytes(100)].concat(),
            2 => [start(8), rng.bytes(100)].concat(),
            3 => [start(72), vec![0, 0], table_like(&mut rng)].concat(),
            4 => record_of_raw_value(&[vec![rng.below(9) as u8], rng.bytes(40)].concat()),
            _ => record_of_raw_value(&value_like(&mut rng)),
        };
        read(&bytes)
    });
    // That all of them, or none, is accepted would mean that this test does not test.
    assert!(accepted > tries() / 1000 && accepted < tries(), "{accepted} accepted");
}

/// Small numbers, of which kinds, lengths and counts are made.
fn value_like(rng: &mut Rng) -> Vec<u8> {
    (0..=rng.below(12)).map(|_| if rng.below(8) == 0 { rng.next() as u8 } else { rng.below(8) as u8 }).collect()
}

fn table_like(rng: &mut Rng) -> Vec<u8> {
    let numbers = (0..rng.below(8)).flat_map(|_| (rng.below(12) as u32).to_le_bytes());
    let mut bytes: Vec<u8> = numbers.collect();
    bytes.extend((0..rng.below(20)).map(|_| rng.below(4) as u8));
    bytes
}

#[test]
fn damaged_records_are_an_error_or_a_record() {
    let accepted = count(|seed| {
        let mut rng = Rng::new(seed ^ 0x5eed_0000_0000);
        let mut bytes = rng.model().encode();
        for _ in 0..=rng.below(3) {
            damage(&mut bytes, &mut rng);
        }
        read(&bytes)
    });
    assert!(accepted > tries() / 1000 && accepted < tries(), "{accepted} accepted");
}

fn damage(bytes: &mut Vec<u8>, rng: &mut Rng) {
    if bytes.is_empty() {
        return;
    }
    let at = rng.below(bytes.len());
    match rng.below(8) {
        0 => bytes.truncate(at),
        1 => bytes.insert(at, rng.next() as u8),
        2 => drop(bytes.remove(at)),
        3 => bytes[at] = rng.next() as u8,
        // One more or less: what offsets and counts do not survive.
        4 => bytes[at] = bytes[at].wrapping_add(1),
        5 => bytes[at] = bytes[at].wrapping_sub(1),
        _ => bytes[at] ^= 1 << rng.below(8),
    }
}

#[test]
fn every_truncation_is_an_error() {
    for seed in 0..200 {
        let bytes = Rng::new(seed).model().encode();
        (0..bytes.len()).for_each(|len| assert!(!read(&bytes[..len]), "seed {seed}, {len} bytes"));
        assert!(read(&bytes));
        assert!(!read(&[bytes, vec![0]].concat()), "seed {seed}, a byte behind it");
    }
}

#[test]
fn nesting_of_any_depth_is_an_error_and_not_a_stack_overflow() {
    for levels in [65, 100_000, 5_000_000] {
        for level in [&[6, 1][..], &[7, 1, 1, 0]] {
            let raw = [level.repeat(levels), vec![0]].concat();
            let package = session(&record_of_raw_value(&raw)).pkg(0).unwrap();
            assert_eq!(package.value(0), Err(Corrupt("value nested deeper than the limit".into())));
        }
    }
}
