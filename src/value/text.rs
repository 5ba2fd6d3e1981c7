//! UTF-8 text that can be lent to C: stored with a NUL after it, shared by reference count.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use crate::joined::joined;

/// UTF-8 text followed by one NUL byte in memory, so that C can borrow it without a copy.
///
/// The NUL is not part of the text; the text itself may contain NUL bytes. Cloning copies a reference.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Text(Arc<str>);

impl Text {
    /// Copies `text`.
    pub fn new(text: &str) -> Self {
        Self(joined(&[text, "\0"]))
    }

    /// Copies text that already has the NUL behind it; `None` if it has not.
    pub fn from_str_with_nul(with_nul: &str) -> Option<Self> {
        with_nul.ends_with('\0').then(|| Self(Arc::from(with_nul)))
    }

    /// The text, without the NUL.
    pub fn as_str(&self) -> &str {
        self.0.strip_suffix('\0').unwrap_or(&self.0)
    }

    /// The text and the NUL after it: what may be lent to C.
    pub fn as_str_with_nul(&self) -> &str {
        &self.0
    }
}

impl Deref for Text {
    type Target = str;
    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl Borrow<str> for Text {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

// By the bytes of the text, as `Borrow<str>` demands: the NUL must not take part.
impl Ord for Text {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl PartialOrd for Text {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}
