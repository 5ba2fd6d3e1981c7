//! Numbers for stamps: 64 bits that no other commit has, without a system call for each.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, Result};
use crate::io::fork;

/// A number that differs from all others of this process for certain, from those of others by 64 random bits; never 0.
pub(crate) fn unique() -> Result<u64> {
    static SEED: AtomicU64 = AtomicU64::new(0);
    static SEEDED_IN: AtomicU64 = AtomicU64::new(u64::MAX);
    static COUNT: AtomicU64 = AtomicU64::new(0);
    // A forked child has its parent's memory: with the same seed the two would give the same numbers.
    let generation = fork::generation();
    if SEEDED_IN.load(Ordering::Acquire) != generation {
        let seed = getrandom::u64().map_err(|e| Error::Unsupported(format!("no random numbers: {e}").into()))?;
        SEED.store(seed, Ordering::Relaxed);
        SEEDED_IN.store(generation, Ordering::Release);
    }
    loop {
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let number = mix(SEED.load(Ordering::Relaxed).wrapping_add(count.wrapping_mul(0x9E37_79B9_7F4A_7C15)));
        if number != 0 {
            return Ok(number);
        }
    }
}

/// The finalizer of `SplitMix64` (Steele, Lea, Flood 2014): a bijection, so that different counts stay different.
fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}
