//! Percent-encoding: how names of any text go into keys and URLs.

use crate::error::{Error, Result};

/// How long a container name or a prefix may be, in characters as they go over the wire.
///
/// Two of them, two slashes and a digest are 245 bytes; memcached takes keys of up to 250.
pub const MAX_NAME_LEN: usize = 100;

/// The wire form of a container's name or a prefix: all but `[A-Za-z0-9._~-]` percent-encoded, in upper case.
///
/// `what` names the text in the error, which is `TooLarge` over [`MAX_NAME_LEN`].
pub fn wire_form(what: &str, text: &str) -> Result<String> {
    encode_up_to(text, MAX_NAME_LEN).ok_or_else(|| {
        Error::TooLarge(
            format!("{what} is over the limit of {MAX_NAME_LEN} characters, percent-encoded ones counted as 3").into(),
        )
    })
}

/// The same without a limit.
pub(super) fn encode(text: &str) -> String {
    encode_up_to(text, usize::MAX).unwrap_or_default()
}

fn encode_up_to(text: &str, limit: usize) -> Option<String> {
    const HEX: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    let hex = |nibble: u8| HEX.get(usize::from(nibble)).copied();

    // Stopping at the limit bounds the work on a text of any length: encoding never makes it shorter.
    let mut wire = String::with_capacity(limit.min(text.len()));
    for byte in text.bytes() {
        if matches!(byte, b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'~' | b'-') {
            wire.push(char::from(byte));
        } else {
            wire.push('%');
            wire.extend(hex(byte >> 4));
            wire.extend(hex(byte & 15));
        }
        if wire.len() > limit {
            return None;
        }
    }
    Some(wire)
}

/// The text behind a percent-encoded one; the error says what is wrong, without the text.
pub(super) fn decode(text: &str) -> Result<String, &'static str> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16));
            let (Some(high), Some(low)) = (digit(), digit()) else {
                return Err("a '%' without two hexadecimal digits after it");
            };
            bytes.extend(u8::try_from(high * 16 + low));
        } else {
            bytes.push(byte);
        }
    }
    let text = String::from_utf8(bytes).map_err(|_| "percent-encoded bytes that are not UTF-8")?;
    if text.chars().any(char::is_control) {
        return Err("a control character");
    }
    Ok(text)
}
