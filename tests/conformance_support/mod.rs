//! Replaying recorded traces through the exported C functions.
//!
//! `trace` reads the files, `runner` performs the steps, `expect` compares, `world` keeps the store and its clock, `c`
//! are the C functions.

pub mod c;
pub mod expect;
pub mod runner;
pub mod trace;
pub mod world;
