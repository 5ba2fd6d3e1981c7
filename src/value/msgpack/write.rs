//! Value to MessagePack: the same value always gives the same bytes, each part in its shortest form, keys sorted.

use rmp::encode::{self, ByteBuf};

use crate::error::{Error, Result};
use crate::value::Value;

/// Writes `value` as MessagePack (contract 7.3).
///
/// Integers, lengths and counts take the shortest form that holds them, integers from 0 up an unsigned one. Floats are
/// always float 64, all their bits as they are.
///
/// Too large for text or bytes of 4 GiB, which MessagePack has no length for.
pub fn to_msgpack(value: &Value) -> Result<Vec<u8>> {
    let mut out = ByteBuf::new();
    write_value(value, &mut out)?;
    Ok(out.into_vec())
}

/// Recursion is no danger: no value nests much more than `MAX_DEPTH` deep. Nor can writing to memory fail, which the
/// compiler sees.
fn write_value(value: &Value, out: &mut ByteBuf) -> Result<()> {
    match value {
        Value::Null => {
            let Ok(()) = encode::write_nil(out);
        }
        Value::Bool(bool) => {
            let Ok(()) = encode::write_bool(out, *bool);
        }
        Value::Int(int) => {
            let Ok(_) = encode::write_sint(out, *int);
        }
        Value::Float(float) => {
            let Ok(()) = encode::write_f64(out, *float);
        }
        Value::Text(text) => write_text(text, out)?,
        Value::Bytes(bytes) => {
            let Ok(_) = encode::write_bin_len(out, length("bytes", bytes.len())?);
            out.as_mut_vec().extend_from_slice(bytes);
        }
        Value::List(list) => {
            let Ok(_) = encode::write_array_len(out, length("list", list.items().len())?);
            for item in list.items() {
                write_value(item, out)?;
            }
        }
        Value::Map(map) => {
            let Ok(_) = encode::write_map_len(out, length("map", map.entries().len())?);
            for (key, value) in map.entries() {
                write_text(key, out)?;
                write_value(value, out)?;
            }
        }
    }
    Ok(())
}

fn write_text(text: &str, out: &mut ByteBuf) -> Result<()> {
    let Ok(_) = encode::write_str_len(out, length("text", text.len())?);
    out.as_mut_vec().extend_from_slice(text.as_bytes());
    Ok(())
}

/// `len` in the 32 bits that a length or a count has. Only text or bytes that stand alone can be longer.
fn length(what: &str, len: usize) -> Result<u32> {
    u32::try_from(len)
        .map_err(|_| Error::TooLarge(format!("{what} of {len} is over the limit of MessagePack, {}", u32::MAX).into()))
}
