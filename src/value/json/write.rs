//! Value to JSON text: the same value always gives the same text, without white space, keys sorted.

use super::path::Unfit;
use crate::error::Result;
use crate::value::Value;

/// Writes `value` as JSON (contract 7.3).
///
/// Integers are digits, all 64 bits of them. Floats have the fewest digits that read back the same, and always a `.`
/// or an `e`, so that they come back as floats. Only what RFC 8259 demands is escaped.
///
/// An error of type for bytes, NaN and the infinities; it names their path.
pub fn to_json(value: &Value) -> Result<String> {
    let mut out = String::new();
    write_value(value, &mut out).map_err(Unfit::into_error)?;
    Ok(out)
}

/// Recursion is no danger: no value nests more than `MAX_DEPTH` deep.
fn write_value<'a>(value: &'a Value, out: &mut String) -> Result<(), Unfit<'a>> {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Int(int) => out.push_str(&int.to_string()),
        Value::Float(float) => write_float(*float, out)?,
        Value::Text(text) => write_text(text, out),
        Value::Bytes(_) => return Err(Unfit::new("bytes")),
        Value::List(list) => {
            let mut before = '[';
            for (index, item) in list.items().iter().enumerate() {
                out.push(before);
                before = ',';
                write_value(item, out).map_err(|unfit| unfit.in_item(index))?;
            }
            out.push_str(if before == '[' { "[]" } else { "]" });
        }
        Value::Map(map) => {
            let mut before = '{';
            for (key, value) in map.entries() {
                out.push(before);
                before = ',';
                write_text(key, out);
                out.push(':');
                write_value(value, out).map_err(|unfit| unfit.in_key(key))?;
            }
            out.push_str(if before == '{' { "{}" } else { "}" });
        }
    }
    Ok(())
}

fn write_float(float: f64, out: &mut String) -> Result<(), Unfit<'static>> {
    if float.is_nan() {
        return Err(Unfit::new("NaN"));
    }
    if float.is_infinite() {
        return Err(Unfit::new("infinity"));
    }
    // Debug, not Display: the shortest digits that read back the same either way, but Display writes 1.0 as `1`, and
    // 1e300 as 301 digits. tests/value_json.rs pins the form.
    let digits = format!("{float:?}");
    out.push_str(&digits);
    Ok(())
}

fn write_text(text: &str, out: &mut String) {
    out.push('"');
    let mut rest = text;
    // What needs an escape is ASCII, so that every such byte is a character of its own.
    while let Some(at) = rest.bytes().position(|byte| byte < b' ' || byte == b'"' || byte == b'\\') {
        let (plain, escaped) = rest.split_at(at);
        out.push_str(plain);
        let mut chars = escaped.chars();
        chars.next().into_iter().for_each(|char| write_escape(char, out));
        rest = chars.as_str();
    }
    out.push_str(rest);
    out.push('"');
}

fn write_escape(char: char, out: &mut String) {
    match char {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\u{8}' => out.push_str("\\b"),
        '\u{c}' => out.push_str("\\f"),
        control => {
            let code = u32::from(control);
            out.push_str(if code < 16 { "\\u000" } else { "\\u001" });
            out.extend(char::from_digit(code % 16, 16));
        }
    }
}
