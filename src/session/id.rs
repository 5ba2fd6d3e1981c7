//! Session ids, and the keys that records are stored under.
//!
//! An id is a secret: whoever has it is the visitor. So the store never sees one, only its SHA-256 (`docs/format.md`
//! describes the key, so that anyone can compute it), and neither do errors, which name the digest.

use base64ct::{Base64UrlUnpadded, Encoding};
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::store::{Key, wire_form};

/// How long a session id may be, in bytes.
pub const MAX_ID_LEN: usize = 8_192;
/// Length of a digest in base64url.
const DIGEST_LEN: usize = 43;
/// Random bytes in an id of ours: 192 bits, and a multiple of 3, so that base64 wastes none.
const RANDOM_LEN: usize = 24;

/// Draws a new session id: 32 URL-safe characters of 192 random bits.
///
/// An error if the operating system has no random numbers: there is no second source to fall back on.
pub fn random_id() -> Result<String> {
    let mut random = [0; RANDOM_LEN];
    getrandom::fill(&mut random).map_err(|error| Error::Unavailable {
        message: format!("random numbers of the operating system: {error}").into(),
        errno: error.raw_os_error().unwrap_or(0),
    })?;
    Ok(Base64UrlUnpadded::encode_string(&random))
}

/// Refuses an id that is empty or over [`MAX_ID_LEN`]. Any bytes will do.
pub fn check_id(id: &[u8]) -> Result<()> {
    // One blank cookie would be everybody's session.
    if id.is_empty() {
        return Err(Error::Argument("session id is empty".into()));
    }
    if id.len() > MAX_ID_LEN {
        return Err(Error::TooLarge(
            format!("session id of {} bytes is over the limit of {MAX_ID_LEN}", id.len()).into(),
        ));
    }
    Ok(())
}

/// The digest that stands for `id` in keys and errors: base64url of its SHA-256, 43 characters.
pub fn digest(id: &[u8]) -> String {
    encode_digest(id, &mut [0; DIGEST_LEN]).to_owned()
}

/// The same in `room`.
fn encode_digest<'r>(id: &[u8], room: &'r mut [u8; DIGEST_LEN]) -> &'r str {
    // As long as any digest is in this form.
    Base64UrlUnpadded::encode(&Sha256::digest(id), room).unwrap_or_default()
}

/// The key of a session's record: `<prefix>/<container>/<digest>`, without a prefix `<container>/<digest>`.
///
/// `prefix` and `container` are wire forms, as [`check_prefix`] and [`check_container_name`] give them: they hold
/// no slash, so that no two (prefix, container) share a key.
pub fn key(prefix: &str, container: &str, id: &[u8]) -> Key {
    let mut digest = [0; DIGEST_LEN];
    let digest = encode_digest(id, &mut digest);
    let parts: &[&str] =
        if prefix.is_empty() { &[container, "/", digest] } else { &[prefix, "/", container, "/", digest] };
    Key::joined(parts)
}

/// The wire form of a container's name: 1 to 100 characters, see [`wire_form`].
pub fn check_container_name(name: &str) -> Result<String> {
    if name.is_empty() {
        return Err(Error::Argument("container name is empty".into()));
    }
    wire_form("container name", name)
}

/// The wire form of a prefix: as of a container's name, and it may be empty.
pub fn check_prefix(prefix: &str) -> Result<String> {
    wire_form("prefix", prefix)
}
