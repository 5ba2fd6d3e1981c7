//! A plain, slow model of the contract beside the library: every answer to random sequences of calls is compared.
//!
//! The model (`world`, `txn`, `session`, `merge`, `commit`) is written from `docs/contract.md`: maps and full copies. The
//! rest makes the calls. A sequence is drawn from a seed; one that ever failed stands in `seeds.txt` and always runs.
//! `LOVELY_SESSION_MODEL` is how many are run, `LOVELY_SESSION_MODEL_MEMCACHED` how many on memcached on TCP and again on a
//! unix socket, `LOVELY_SESSION_MODEL_SEED` where they begin.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod calls;
mod commit;
mod contents;
mod cover;
mod draw;
mod merge;
mod op;
mod opening;
mod play;
#[path = "../random/mod.rs"]
mod random;
mod raw;
mod session;
mod settle;
mod sim;
#[path = "../support/mod.rs"]
mod support;
mod txn;
mod value;
mod world;

use crate::cover::{Cover, wanted};
use crate::play::{play, report};
use crate::support::everywhere::{all_on_memcached, is_embedded};

fn from_environment(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
fn every_answer_is_the_models() {
    let (variable, usual) =
        if is_embedded() { ("LOVELY_SESSION_MODEL", 3_000) } else { ("LOVELY_SESSION_MODEL_MEMCACHED", 1_500) };
    let (first, count) = (from_environment("LOVELY_SESSION_MODEL_SEED", 1), from_environment(variable, usual));
    let lines = include_str!("seeds.txt").lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    let known = lines.filter(|line| !line.is_empty()).map(|line| line.parse().unwrap());
    let mut cover = Cover::default();
    let (mut failed, mut played) = (Vec::new(), 0);
    for seed in known.chain(first..first + count) {
        played += 1;
        match play(&draw::sequence(seed)) {
            Ok(happened) => cover.add(&happened),
            Err(differ) => failed.push((seed, differ)),
        }
    }
    cover.print();
    if let Some((seed, _)) = failed.first() {
        for (seed, differ) in failed.iter().take(40) {
            println!("seed {seed}: {differ}");
        }
        println!("{}", report(*seed));
        panic!("{} of {played} sequences differ from the model, seed {seed} first: see above", failed.len());
    }
    if count >= usual {
        let missing = cover.missing(&wanted());
        assert!(missing.is_empty(), "never happened, so nothing is proved about it: {missing:?}");
    }
}

#[test]
fn every_answer_is_the_models_on_memcached_too() {
    all_on_memcached("every_answer_is_the_models_on_memcached_too", &[]);
}
