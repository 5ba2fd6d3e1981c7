//! How long exchanges take: a histogram of fixed size that anybody may add to without a lock.
//!
//! Its buckets are log-linear: each power of two of nanoseconds is cut into 32, so that what is read is at most 1.6 % off,
//! from a microsecond to two minutes; what is shorter or longer counts as the shortest or the longest. Adding is one
//! atomic addition.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Each power of two has this many bits of buckets.
const FINE: u32 = 5;
/// Everything below 2^10 ns, a microsecond, is in the first bucket.
const LOWEST: u32 = 10;
/// Everything from 2^37 ns, 137 s, on is in the last.
const HIGHEST: u32 = 37;
const BUCKETS: usize = 2 + (((HIGHEST - LOWEST) as usize) << FINE);

/// A histogram of durations.
#[derive(Debug)]
pub(super) struct Latencies {
    buckets: Box<[AtomicU64]>,
    longest: AtomicU64,
}

impl Default for Latencies {
    fn default() -> Self {
        Self { buckets: (0..BUCKETS).map(|_| AtomicU64::new(0)).collect(), longest: AtomicU64::new(0) }
    }
}

impl Latencies {
    /// Adds one.
    pub(super) fn add(&self, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        if let Some(bucket) = self.buckets.get(bucket_of(nanos)) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        // Almost never true, and then it is worth more than an addition.
        if nanos > self.longest.load(Ordering::Relaxed) {
            self.longest.fetch_max(nanos, Ordering::Relaxed);
        }
    }
}

/// Of those in `all` together, in nanoseconds, the one that `thousandths` of them do not exceed; 0 if there are none.
pub(super) fn quantile(all: &[&Latencies], thousandths: u64) -> u64 {
    let count_in = |bucket: usize| -> u64 {
        all.iter().filter_map(|one| one.buckets.get(bucket)).map(|count| count.load(Ordering::Relaxed)).sum()
    };
    let counts: Vec<u64> = (0..BUCKETS).map(count_in).collect();
    let rank = (counts.iter().sum::<u64>() * thousandths).div_ceil(1_000);
    let mut below = 0;
    let is_there = |count: &u64| {
        below += count;
        below >= rank && rank > 0
    };
    counts.iter().position(is_there).map_or(0, |bucket| middle_of(bucket).min(longest(all)))
}

/// The longest of those in `all`, in nanoseconds, exactly; 0 if there are none.
pub(super) fn longest(all: &[&Latencies]) -> u64 {
    all.iter().map(|one| one.longest.load(Ordering::Relaxed)).max().unwrap_or(0)
}

fn bucket_of(nanos: u64) -> usize {
    let power = nanos.checked_ilog2().unwrap_or(0);
    if power < LOWEST {
        return 0;
    }
    if power >= HIGHEST {
        return BUCKETS - 1;
    }
    // The power, and the bits behind the first.
    let fine = usize::try_from(nanos >> (power - FINE)).unwrap_or(0) - (1 << FINE);
    1 + (((power - LOWEST) as usize) << FINE) + fine
}

fn middle_of(bucket: usize) -> u64 {
    let Some(number) = bucket.checked_sub(1) else { return 1 << (LOWEST - 1) };
    let (number, one) = (number as u64, 1_u64 << FINE);
    let width = 1 << ((number >> FINE) + u64::from(LOWEST - FINE));
    (one + number % one) * width + width / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(nanos: impl Iterator<Item = u64>) -> Latencies {
        let latencies = Latencies::default();
        nanos.for_each(|nanos| latencies.add(Duration::from_nanos(nanos)));
        latencies
    }

    #[test]
    fn every_value_is_told_to_within_what_is_said() {
        let mut nanos = 1_025;
        while nanos < 100_000_000_000 {
            let told = middle_of(bucket_of(nanos));
            assert!(told.abs_diff(nanos) * 1_000 <= nanos * 16, "{nanos} is told as {told}");
            nanos += nanos / 77 + 1;
        }
    }

    #[test]
    fn buckets_follow_each_other_without_gaps() {
        let mut last = 0;
        for nanos in (0..1 << 14).chain((14..64).flat_map(|power| [(1 << power) - 1, 1 << power])) {
            let bucket = bucket_of(nanos);
            assert!(bucket == last || bucket == last + 1 || nanos >= 1 << 14, "{nanos}");
            assert!((last..BUCKETS).contains(&bucket));
            last = bucket;
        }
        assert_eq!((bucket_of(0), bucket_of(1_023), bucket_of(1_024), bucket_of(u64::MAX)), (0, 0, 1, BUCKETS - 1));
    }

    #[test]
    fn quantiles_are_of_all_together_and_never_over_the_longest() {
        let (one, other) = (of((1..=500).map(|n| n * 10_000)), of((501..=1_000).map(|n| n * 10_000)));
        let both = [&one, &other];
        for (thousandths, exact) in [(1, 10_000), (500, 5_000_000), (990, 9_900_000), (999, 9_990_000)] {
            let told = quantile(&both, thousandths);
            assert!(told.abs_diff(exact) * 1_000 <= exact * 16, "{thousandths}: {told}");
        }
        assert_eq!((longest(&both), longest(&[&one])), (10_000_000, 5_000_000));
        assert!(quantile(&both, 1_000) <= 10_000_000);
        assert_eq!((quantile(&[&of(std::iter::empty())], 500), quantile(&[], 500), longest(&[])), (0, 0, 0));
    }
}
