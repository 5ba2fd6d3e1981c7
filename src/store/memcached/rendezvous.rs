//! Which of several servers a key belongs to: rendezvous hashing, stable for ever and computed alike everywhere.
//!
//! Each server has a weight for each key, and the heaviest has the key. A server that is added takes its share from all
//! others, one that is removed leaves its own to them, and nothing else moves. `docs/memcached.md` describes the
//! arithmetic, so that anyone can compute it; the values in the tests below pin it.

use crate::store::Key;

/// The servers of a store, as their weights need them, in the order in which the store has them.
#[derive(Debug)]
pub(super) struct Rendezvous {
    names: Vec<u64>,
}

impl Rendezvous {
    /// For servers of these names: what they are called, and not what that resolves to, says where sessions are.
    pub(super) fn new<'n>(names: impl Iterator<Item = &'n str>) -> Self {
        Self { names: names.map(fnv1a).collect() }
    }

    /// The place of the server that `key` belongs to. With a single one there is nothing to compute.
    ///
    /// Only the digest in the key counts: the sessions that a visitor has in several containers are on one server,
    /// where one round trip reaches them, and where they are lost together or not at all.
    pub(super) fn place(&self, key: &Key) -> usize {
        if self.names.len() <= 1 {
            return 0;
        }
        let weights = self.weights(key).enumerate();
        // Of equal weights, which nobody will ever see, the first in the order of servers, which is that of their names.
        let heaviest = weights.reduce(|best, other| if other.1 > best.1 { other } else { best });
        heaviest.map_or(0, |(place, _)| place)
    }

    fn weights(&self, key: &Key) -> impl Iterator<Item = u64> {
        let digest = fnv1a(key.digest());
        self.names.iter().map(move |name| mix(name ^ digest))
    }
}

/// FNV-1a, 64 bits: spreads text over numbers, with its low bits better than its high ones.
fn fnv1a(text: &str) -> u64 {
    const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    text.bytes().fold(BASIS, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME))
}

/// The finalizer of `SplitMix64`: one to one, and every bit of what goes in counts for every bit of what comes out.
fn mix(hash: u64) -> u64 {
    let hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;
    use crate::session::id;

    const NAMES: [&str; 4] = ["cache1:11211", "cache2:11211", "cache3:11211", "cache4:11211"];

    fn of(names: &[&str]) -> Rendezvous {
        Rendezvous::new(names.iter().copied())
    }

    fn key(number: u32) -> Key {
        id::key("shop", "visitors", number.to_string().as_bytes())
    }

    // Known values of both functions, from their published descriptions.
    #[test]
    fn the_hashes_are_the_published_ones() {
        assert_eq!(fnv1a(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a("a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv1a("foobar"), 0x8594_4171_f739_67e8);
        // SplitMix64 from seed 0 hands out the mix of its first step.
        assert_eq!(mix(0x9e37_79b9_7f4a_7c15), 0xe220_a839_7b1d_cdaf);
    }

    #[test]
    fn the_example_is_the_documented_one() {
        let documented = include_str!("../../../docs/memcached.md");
        let (key, servers) = (id::key("myapp", "visitors", b"an-id"), of(&NAMES[..3]));
        assert!(documented.contains(&format!("the id `an-id` has the digest `{}`", key.digest())));
        let weights: Vec<String> = servers.weights(&key).map(|weight| format!("`{weight:016x}`")).collect();
        assert_eq!(weights.len(), 3);
        for weight in weights {
            assert!(documented.contains(&weight), "{weight}");
        }
        assert_eq!(servers.place(&key), 0);
        assert!(documented.contains("it is on `cache1`"));
    }

    #[test]
    fn a_server_that_is_added_takes_its_share_and_nothing_else_moves() {
        let (three, four) = (of(&NAMES[..3]), of(&NAMES));
        let mut moved = 0;
        for number in 0..10_000 {
            let (before, after) = (three.place(&key(number)), four.place(&key(number)));
            if before != after {
                assert_eq!(after, 3);
                moved += 1;
            }
        }
        assert!((2_300..2_700).contains(&moved), "{moved} of 10,000 moved");
    }

    #[test]
    fn keys_are_spread_evenly_also_over_names_that_differ_little() {
        let names: Vec<String> = (0..5).map(|port| format!("127.0.0.1:1121{port}")).collect();
        let servers = Rendezvous::new(names.iter().map(String::as_str));
        let mut counts = [0; 5];
        for number in 0..10_000 {
            counts[servers.place(&key(number))] += 1;
        }
        assert!(counts.iter().all(|count| (1_850..2_150).contains(count)), "{counts:?}");
    }

    #[test]
    fn the_order_of_servers_does_not_matter() {
        let (forth, back) = ([0, 1, 2, 3], [3, 1, 0, 2]);
        let (one, other) = (of(&NAMES), of(&back.map(|at| NAMES[at])));
        for number in 0..1_000 {
            assert_eq!(forth[one.place(&key(number))], back[other.place(&key(number))]);
        }
    }

    #[test]
    fn a_visitors_sessions_in_all_containers_are_on_one_server() {
        let servers = of(&NAMES);
        for number in 0..1_000_u32 {
            let id = number.to_string();
            let place = servers.place(&id::key("shop", "visitors", id.as_bytes()));
            assert_eq!(servers.place(&id::key("", "baskets", id.as_bytes())), place);
        }
    }

    // Every key that was ever placed must be found again by every later version.
    #[test]
    fn places_are_what_they_always_were() {
        let servers = of(&NAMES);
        let places: String = (0..64).map(|number| servers.place(&key(number)).to_string()).collect();
        assert_eq!(places, "2021003103313332322100130201032200010021212331010313010231001210");
    }
}
