//! What the tests of the C surface share.

pub(crate) mod sources;
