//! The fault harness: tries to break every promise of the library, and checks what its clients were told.
//!
//!     faults run [--seconds N] [--seed N]     rounds of one seed after the other, until the time is over
//!     faults planted                          built with planted defects: shows that each is found
//!
//! `docs/faults.md` says what is injected, what is checked, and how to read a failure.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    reason = "tests"
)]

mod abandon;
mod check;
mod client;
mod config;
mod driver;
mod figures;
mod history;
mod link;
#[path = "../support/memcached.rs"]
#[allow(dead_code, reason = "other tests use other parts")]
mod memcached;
mod memory;
mod placement;
#[path = "../random/mod.rs"]
mod random;
mod round;
mod run;
mod server;
mod socket;
mod stage;
mod state;
mod work;

use std::process::ExitCode;

/// The environment variable that names a planted defect.
const PLANTED: &str = "LOVELY_SESSION_PLANTED_BUG";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["client", orders] => {
            client::run(&serde_json::from_str(orders).unwrap());
            ExitCode::SUCCESS
        }
        ["planted"] => run::planted(),
        ["run", options @ ..] => run::rounds(options),
        _ => {
            // Every `cargo test` comes by here.
            println!("faults: nothing is asked for; `make test-faults` is the way to run this");
            ExitCode::SUCCESS
        }
    }
}
