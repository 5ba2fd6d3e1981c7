//! Which server a session is kept on, computed anew from what `docs/memcached.md` says: were sessions kept elsewhere, what
//! happens to servers would no longer explain what clients see.

use base64ct::{Base64UrlUnpadded, Encoding};
use sha2::{Digest, Sha256};

use crate::config::CONTAINERS;
use crate::history::Place;

/// The place in `servers`, named as in the URL, of the server of `place`.
pub fn server_of(place: &Place, servers: &[String]) -> usize {
    let digest = fnv1a(&digest(&place.id));
    (0..servers.len()).max_by_key(|at| mix(fnv1a(&servers[*at]) ^ digest)).unwrap()
}

/// The key of the record of `place`.
pub fn key(place: &Place) -> String {
    format!("{}/{}", CONTAINERS[place.container].0, digest(&place.id))
}

/// What stands for an id in the key of its record.
fn digest(id: &str) -> String {
    Base64UrlUnpadded::encode_string(&Sha256::digest(id.as_bytes()))
}

fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

fn mix(hash: u64) -> u64 {
    let hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}
