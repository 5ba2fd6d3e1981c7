//! The blocking driver: runs one operation to its end on the calling thread.

use std::future::Future;
use std::pin::pin;
use std::task::Poll;
use std::time::Instant;

use super::{Wants, sys};
use crate::error::{Error, Result};
use crate::log;

/// Runs `operation` and gives what it came to.
///
/// May be called while another runs on this thread (from a log callback): each has its own list of what it waits for.
///
/// Should the system be unable to wait, every deadline of the operation has passed: it ends at once, and says itself what it
/// may have sent. The error is the driver's own: `Panic` if the operation waits for nothing at all, or goes on waiting
/// then, which is a defect; it is dropped where it stood.
pub fn run<F: Future>(operation: F) -> Result<F::Output> {
    let mut operation = pin!(operation);
    let mut wants = Wants::blocking();
    loop {
        if let Poll::Ready(output) = wants.poll(operation.as_mut()) {
            return Ok(output);
        }
        let until = wants.until();
        if wants.is_empty() || wants.is_cancelled() && until.is_none_or(|until| until > Instant::now()) {
            return Err(Error::Panic("an operation waits for nothing".into()));
        }
        if !wants.is_cancelled()
            && let Err(error) = sys::wait(wants.watches_mut(), until)
        {
            log::warn(format_args!("{error} (error {}): a call ends early", error.errno()));
            wants.cancel();
        }
    }
}
