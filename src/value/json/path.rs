//! The place of a value in a tree, as errors spell it: `$.cart[3]["unit price"]`.

use crate::error::Error;

/// Characters of one key that are shown.
const MAX_KEY_CHARS: usize = 24;
/// Characters of a whole path that are shown: an error is one line of bounded length.
const MAX_PATH_CHARS: usize = 100;

/// One step from a list or map to a value in it.
#[derive(Debug)]
enum Step<'a> {
    Item(usize),
    Key(&'a str),
}

/// A value that has no JSON form, and the way to it.
///
/// The way is collected from the value upwards, while the call returns, so that finding none costs nothing.
#[derive(Debug)]
pub(super) struct Unfit<'a> {
    what: &'static str,
    /// Innermost step first.
    steps: Vec<Step<'a>>,
}

impl<'a> Unfit<'a> {
    /// A value described by `what`.
    pub(super) fn new(what: &'static str) -> Self {
        Self { what, steps: Vec::new() }
    }

    /// The value is in, or is, item `index` of a list.
    pub(super) fn in_item(mut self, index: usize) -> Self {
        self.steps.push(Step::Item(index));
        self
    }

    /// The value is in, or is, the value under `key` of a map.
    pub(super) fn in_key(mut self, key: &'a str) -> Self {
        self.steps.push(Step::Key(key));
        self
    }

    /// The error for the caller.
    pub(super) fn into_error(self) -> Error {
        Error::Type(format!("{} at {} has no JSON form", self.what, self.path()).into())
    }

    fn path(&self) -> String {
        let mut path = String::from("$");
        for step in self.steps.iter().rev() {
            match step {
                Step::Item(index) => path.extend(["[", &index.to_string(), "]"]),
                Step::Key(key) if is_plain(key) => path.extend([".", key]),
                Step::Key(key) => path.extend(["[", &quoted(key), "]"]),
            }
        }
        without_middle(path)
    }
}

/// Whether `key` can stand after a dot.
fn is_plain(key: &str) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    key.len() <= MAX_KEY_CHARS && key.bytes().all(word) && key.bytes().next().is_some_and(|b| !b.is_ascii_digit())
}

/// `key` in quotes, cut to what is shown, with everything escaped that could break or disguise the line.
fn quoted(key: &str) -> String {
    match key.char_indices().nth(MAX_KEY_CHARS) {
        Some((end, _)) => format!("{:?}...", key.get(..end).unwrap_or_default()),
        None => format!("{key:?}"),
    }
}

/// Cuts a long path in the middle: its ends tell most.
fn without_middle(path: String) -> String {
    let len = path.chars().count();
    if len <= MAX_PATH_CHARS {
        return path;
    }
    let head = MAX_PATH_CHARS / 3;
    let tail = MAX_PATH_CHARS - head;
    path.chars().take(head).chain("...".chars()).chain(path.chars().skip(len - tail)).collect()
}
