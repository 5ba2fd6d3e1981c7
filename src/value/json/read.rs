//! JSON text to value, strictly by RFC 8259; what the RFC leaves open is an error here.
//!
//! The lexer is `hifijson`, because it hands out a number's text. `serde_json` gives an integer beyond 64 bits as a
//! float, and with `arbitrary_precision` takes `{"$serde_json::private::Number": "1"}` from outside for a number;
//! `json-event-parser` skips a byte order mark and needs 1.7 times as long; `struson` brings seven more crates.

use std::sync::Arc;

use hifijson::SliceLexer;
use hifijson::num::LexWrite as _;
use hifijson::str::LexAlloc as _;
use hifijson::token::{Expect, Lex as _};
use hifijson::{escape, num, str};

use crate::error::{Error, Message, Result};
use crate::value::input::{key_twice, placed};
use crate::value::{List, MAX_DEPTH, Map, Text, Value, check_entries, check_key};

/// Reads one value from JSON (contract 7.3).
///
/// A number without `.`, `e` or `E` is an integer, and `-0` is 0; any other is the nearest float.
///
/// An argument error for anything but one well-formed JSON text in UTF-8, and for duplicate names; a range error for
/// an integer outside 64 bits and a float beyond the largest; too large for what is over a limit of [`crate::value`].
/// Errors name the place, and no part of the text but a duplicate name.
///
/// Time is in n log n of the text's length. Memory is in n: measured, some 6 bytes for each byte of ordinary text, and
/// 90 for the worst, which is nothing but brackets.
pub fn from_json(text: &[u8]) -> Result<Value> {
    if let Err(error) = std::str::from_utf8(text) {
        return Err(Error::Argument(format!("JSON: invalid UTF-8 at byte {}", error.valid_up_to()).into()));
    }
    let mut lexer = SliceLexer::new(text);
    lexer.exactly_one(SliceLexer::ws_peek, |next, lexer| read_value(next, lexer, 0)).map_err(|fault: Fault| {
        // A fault ends the reading, so the lexer still stands where it was found.
        let offset = text.len().saturating_sub(lexer.as_slice().len()).saturating_sub(fault.back);
        located(fault.error, text.get(..offset).unwrap_or(text))
    })
}

/// Why reading ended early, and how many bytes the lexer has gone past the place.
struct Fault {
    error: Error,
    back: usize,
}

/// Reads the value that starts with `next`, inside `depth` lists and maps. Recursion ends at [`MAX_DEPTH`].
fn read_value(next: u8, lexer: &mut SliceLexer<'_>, depth: usize) -> Result<Value, Fault> {
    match next {
        b'"' => Ok(Value::text(&lexer.discarded().str_string()?)),
        b'-' | b'0'..=b'9' => read_number(lexer),
        b'[' | b'{' if depth == MAX_DEPTH => Err(too_large(format!("nested more than {MAX_DEPTH} deep"))),
        b'[' => read_list(lexer.discarded(), depth + 1),
        b'{' => read_map(lexer.discarded(), depth + 1),
        _ => match lexer.null_or_bool() {
            Some(None) => Ok(Value::Null),
            Some(Some(bool)) => Ok(Value::Bool(bool)),
            None => Err(argument("value expected", 1)),
        },
    }
}

fn read_number(lexer: &mut SliceLexer<'_>) -> Result<Value, Fault> {
    let (text, parts) = lexer.num_string().validated()?;
    let range = |message: &'static str| Fault { error: Error::Range(message.into()), back: text.len() };
    if parts.is_int() {
        return text.parse().map(Value::Int).map_err(|_| range("integer outside 64 bits"));
    }
    match text.parse::<f64>() {
        Ok(float) if float.is_finite() => Ok(Value::Float(float)),
        _ => Err(range("number outside 64-bit floats")),
    }
}

fn read_list(lexer: &mut SliceLexer<'_>, depth: usize) -> Result<Value, Fault> {
    let mut list = List::default();
    lexer.seq(b']', SliceLexer::ws_peek, |next, lexer| {
        list.push(read_value(next, lexer, depth)?)?;
        Ok::<_, Fault>(())
    })?;
    Ok(Value::List(Arc::new(list)))
}

fn read_map(lexer: &mut SliceLexer<'_>, depth: usize) -> Result<Value, Fault> {
    let mut entries: Vec<(Text, Value)> = Vec::new();
    lexer.seq(b'}', SliceLexer::ws_peek, |next, lexer| {
        lexer.expect(|_| Some(next), b'"').ok_or(Expect::String)?;
        let key = lexer.str_string()?;
        check_key("map key", &key)?;
        check_entries("map", entries.len() + 1)?;
        lexer.expect(SliceLexer::ws_peek, b':').ok_or(Expect::Colon)?;
        let next = lexer.ws_peek().ok_or(Expect::Value)?;
        entries.push((Text::new(&key), read_value(next, lexer, depth)?));
        Ok::<_, Fault>(())
    })?;
    if let Some(name) = key_twice(&mut entries) {
        return Err(argument(format!("name {name} stands twice in the object that ends here"), 1));
    }
    Ok(Value::Map(Arc::new(Map::from_entries(entries)?)))
}

fn argument(message: impl Into<Message>, back: usize) -> Fault {
    Fault { error: Error::Argument(message.into()), back }
}

fn too_large(message: String) -> Fault {
    Fault { error: Error::TooLarge(message.into()), back: 0 }
}

/// `error` with the place at which `before` ends: line, and column in characters, both from 1.
fn located(error: Error, before: &[u8]) -> Error {
    let lines = before.split(|byte| *byte == b'\n');
    let last = lines.clone().next_back().unwrap_or(before);
    let line = lines.count();
    let column = 1 + last.iter().filter(|byte| **byte & 0xC0 != 0x80).count();
    placed(error, &format!("JSON, line {line}, column {column}"))
}

// A limit that the value tree itself keeps.
impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self { error, back: 0 }
    }
}

// The lexer looks before it takes: it stands at what was not expected.
impl From<Expect> for Fault {
    fn from(expected: Expect) -> Self {
        let message = match expected {
            Expect::Value => "value expected",
            Expect::ValueOrEnd => "value or end of list or object expected",
            Expect::CommaOrEnd => "comma or end of list or object expected",
            Expect::String => "name in quotes expected",
            Expect::Colon => "colon expected",
            Expect::Eof => "text after the end",
        };
        argument(message, 0)
    }
}

impl From<num::Error> for Fault {
    fn from(_: num::Error) -> Self {
        argument("digit expected", 0)
    }
}

impl From<str::Error> for Fault {
    fn from(error: str::Error) -> Self {
        match error {
            str::Error::Control => argument("control character in a string that is not escaped", 1),
            str::Error::Escape(escape::Error::InvalidKind(_)) => argument("unknown escape in a string", 1),
            str::Error::Escape(escape::Error::InvalidHex(_)) => argument("hexadecimal digit expected", 1),
            str::Error::Escape(escape::Error::InvalidChar(_) | escape::Error::ExpectedLowSurrogate) => {
                argument("lone surrogate in a string", 0)
            }
            str::Error::Eof | str::Error::Escape(escape::Error::Eof) => argument("string without end", 0),
            str::Error::Utf8(_) => argument("invalid UTF-8 in a string", 0),
        }
    }
}
