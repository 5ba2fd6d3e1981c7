//! Waiting, written once and driven in two ways.
//!
//! An operation is a future without a runtime. When it cannot go on it notes, in a list of the thread, until when and
//! for which descriptors it waits, and returns `Pending`. A driver polls the operation through [`Wants::poll`], reads
//! what was noted, waits for it, and polls again: [`blocking::run`] does so on the calling thread, a [`queue`] for many
//! operations at once. What is sent and received is the stores' business.
//!
//! Wakers are not used: a future that returns `Pending` and noted nothing is a defect, which the driver reports.

pub mod blocking;
pub mod fork;
mod join;
pub mod queue;
pub(crate) mod sync;
pub mod sys;
mod wait;
mod wants;

pub use join::{Flight, join_all};
pub use wait::{
    Elapsed, Readiness, blocking_until, is_cancelled, is_past, may_block_for, may_block_until, pause, poll_deadline,
    readable, readable_or_writable, seat, sleep_until, with_deadline, writable,
};
pub use wants::{Seat, Wants, now, system_now, time_passed};
