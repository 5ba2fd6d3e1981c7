//! Sessions: one visitor's data, found by its id.

pub mod id;
