//! Text put together from parts: into the one allocation that it is kept in, if it is not long.

use std::sync::Arc;

/// Longer than any key of a store, and than nearly any name.
const SHORT: usize = 256;

/// All of `parts`, one after the other.
///
/// A `String` on the way would be a second allocation, and each request makes several such texts.
pub(crate) fn joined(parts: &[&str]) -> Arc<str> {
    let mut room = [0; SHORT];
    let mut len = 0;
    for part in parts {
        let Some(slot) = room.get_mut(len..len + part.len()) else { return Arc::from(parts.concat()) };
        slot.copy_from_slice(part.as_bytes());
        len += part.len();
    }
    match room.get(..len).map(str::from_utf8) {
        Some(Ok(text)) => Arc::from(text),
        _ => Arc::from(parts.concat()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_any_length_are_joined() {
        for len in [0, 1, 200, 254, 255, 256, 300, 10_000] {
            let long = "\u{e4}".repeat(len);
            assert_eq!(*joined(&["a", &long, "\0"]), format!("a{long}\0"));
        }
        assert_eq!(*joined(&[]), *"");
    }
}
