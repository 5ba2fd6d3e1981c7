//! Web sessions on memcached with transactions, savepoints and three-way merging of concurrent changes.
//!
//! The modules stand in the order of a call: `capi` translates C, `txn` decides, `session` and `container` hold what
//! it decides about, `value` and `record` are content and its bytes, `store` keeps them, `io` waits.

pub mod capi;
pub mod container;
pub mod error;
pub mod io;
mod joined;
pub mod log;
mod planted;
pub mod record;
pub mod session;
pub mod store;
pub mod txn;
pub mod value;
