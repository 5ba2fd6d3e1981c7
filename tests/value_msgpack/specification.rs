//! A second reader: the specification of MessagePack followed to the letter, without a thought for cost or limits,
//! and what the contract makes of each type.

use lovely_session::value::{Text, Value};

/// The one value that `bytes` are, or none.
pub(crate) fn read_whole(bytes: &[u8]) -> Option<Value> {
    let mut rest = bytes;
    let value = read(&mut rest)?;
    rest.is_empty().then_some(value)
}

fn read(rest: &mut &[u8]) -> Option<Value> {
    let first = number(rest, 1)?;
    Some(match first {
        0x00..=0x7f => Value::Int(first.cast_signed()),
        0x80..=0x8f => map(rest, first - 0x80)?,
        0x90..=0x9f => list(rest, first - 0x90)?,
        0xa0..=0xbf => Value::text(text(rest, first - 0xa0)?),
        0xc0 => Value::Null,
        0xc2 => Value::Bool(false),
        0xc3 => Value::Bool(true),
        0xc4..=0xc6 => {
            let len = number(rest, 1 << (first - 0xc4))?;
            Value::bytes(take(rest, len)?)
        }
        0xca => {
            let bits = number(rest, 4)?;
            let (sign, exponent, fraction) = (bits >> 31, bits >> 23 & 0xff, bits & 0x007f_ffff);
            match exponent {
                0xff => Value::Float(f64::from_bits(sign << 63 | 0x7ff << 52 | fraction << 29)),
                _ => Value::Float(f64::from(f32::from_bits(u32::try_from(bits).unwrap()))),
            }
        }
        0xcb => Value::Float(f64::from_bits(number(rest, 8)?)),
        0xcc..=0xcf => Value::Int(i64::try_from(number(rest, 1 << (first - 0xcc))?).ok()?),
        0xd0..=0xd3 => {
            let width = 1 << (first - 0xd0);
            let unused = 64 - 8 * width;
            Value::Int(number(rest, width)?.cast_signed() << unused >> unused)
        }
        0xd9..=0xdb => {
            let len = number(rest, 1 << (first - 0xd9))?;
            Value::text(text(rest, len)?)
        }
        0xdc | 0xdd => {
            let count = number(rest, 2 << (first - 0xdc))?;
            list(rest, count)?
        }
        0xde | 0xdf => {
            let count = number(rest, 2 << (first - 0xde))?;
            map(rest, count)?
        }
        0xe0..=0xff => Value::Int(first.cast_signed() - 0x100),
        _ => return None,
    })
}

fn list(rest: &mut &[u8], count: u64) -> Option<Value> {
    let items: Option<Vec<Value>> = (0..count).map(|_| read(rest)).collect();
    Value::list(items?).ok()
}

fn map(rest: &mut &[u8], count: u64) -> Option<Value> {
    let mut entries: Vec<(Text, Value)> = Vec::new();
    for _ in 0..count {
        let Value::Text(key) = read(rest)? else { return None };
        if entries.iter().any(|(other, _)| *other == key) {
            return None;
        }
        entries.push((key, read(rest)?));
    }
    Value::map(entries).ok()
}

fn text<'a>(rest: &mut &'a [u8], len: u64) -> Option<&'a str> {
    std::str::from_utf8(take(rest, len)?).ok()
}

/// A number of `width` bytes, the highest first.
fn number(rest: &mut &[u8], width: u64) -> Option<u64> {
    Some(take(rest, width)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

fn take<'a>(rest: &mut &'a [u8], len: u64) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(usize::try_from(len).unwrap())?;
    *rest = left;
    Some(taken)
}
