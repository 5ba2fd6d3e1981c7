//! What tests of several files share: memcached servers of their own, one that answers as a script says, and C
//! programs.
#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(
    unreachable_pub,
    clippy::missing_panics_doc,
    reason = "shared by test programs, none of which exports anything"
)]

pub mod everywhere;
pub mod fake;
pub mod memcached;
pub mod program;
pub mod relay;
pub mod servers;
pub mod store;
