//! What stands in the store under a key, as a transaction has to see it.

use crate::container::Options;
use crate::error::Result;
use crate::record::{self, Record, Stored};
use crate::session::{Place, clock};
use crate::store::{Left, Loaded, Token};

/// What stands under a key.
#[derive(Debug, Clone)]
pub(crate) enum Stands {
    /// Nothing.
    Nothing,
    /// The mark of a destroyed session.
    Tombstone { writer: u64, token: Token },
    /// A session, which may be past its timeout or deadline and still be there.
    Session { record: Record, token: Token, expired: bool, left: Option<Left> },
}

impl Stands {
    /// Reads what a load found; bytes that cannot be read are an error that names the place.
    pub(crate) fn read(place: &Place, options: &Options, loaded: Loaded) -> Result<Self> {
        let Loaded::Found { blob, token, left } = loaded else { return Ok(Self::Nothing) };
        Ok(match record::decode(blob).map_err(|corrupt| place.corrupt(&corrupt))? {
            Stored::Tombstone(tombstone) => Self::Tombstone { writer: tombstone.writer, token },
            Stored::Session(record) => {
                let store = place.container.store();
                let expired = clock::is_expired(record.header(), left, store, options);
                Self::Session { record, token, expired, left }
            }
        })
    }
}
