//! What the readers of JSON and of MessagePack share: the place in front of an error, and a key that stands twice.

use super::{Text, Value};
use crate::error::{Error, Message};

/// Characters of a key that an error shows.
const MAX_KEY_CHARS: usize = 24;

/// `error` with the place in the input at which it was found.
pub(super) fn placed(error: Error, place: &str) -> Error {
    let at = |message: Message| -> Message { format!("{place}: {message}").into() };
    match error {
        Error::Argument(message) => Error::Argument(at(message)),
        Error::Type(message) => Error::Type(at(message)),
        Error::Range(message) => Error::Range(at(message)),
        Error::TooLarge(message) => Error::TooLarge(at(message)),
        other => other,
    }
}

/// Sorts `entries`, and returns a key that stands in them twice: in quotes, escaped, and cut to what an error shows.
///
/// Sorting finds it without a second table of the keys, and what comes sorted, as ours does, costs a look.
pub(super) fn key_twice(entries: &mut [(Text, Value)]) -> Option<String> {
    entries.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    let mut neighbours = entries.iter().zip(entries.iter().skip(1));
    let ((key, _), _) = neighbours.find(|((a, _), (b, _))| a == b)?;
    let shown: String = key.chars().take(MAX_KEY_CHARS).collect();
    Some(format!("{shown:?}"))
}
