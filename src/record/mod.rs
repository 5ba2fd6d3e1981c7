//! The stored bytes of a session: `docs/format.md` describes them, this module reads and writes them.
//!
//! A record is an envelope, a header and a table of packages; a package is a table of keys and values. Both are the
//! same `table`, searched in the loaded buffer; a value is decoded when it is asked for. Reading trusts nothing and
//! accepts exactly what writing gives. Which session, which store and what a damaged record means for a transaction
//! is known above.

mod codec;
mod encode;
mod header;
mod package;
mod read;
mod table;
#[doc(hidden)]
pub mod work;

use std::borrow::Cow;

pub use codec::{Scalar, TextRef, encode_value, encoded_len, encodes_to};
pub use encode::{EntrySource, PkgSource, encode, encode_tombstone};
pub use header::{FORMAT_VERSION, Header, Stamp, Tombstone};
pub use package::Package;
pub use read::{Record, Stored, decode};

/// Why stored bytes cannot be read, without a word of what they hold; the caller adds container and key digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Corrupt(pub Cow<'static, str>);

impl Corrupt {
    pub(super) const fn new(reason: &'static str) -> Self {
        Self(Cow::Borrowed(reason))
    }
}
