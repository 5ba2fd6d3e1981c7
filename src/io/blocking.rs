//! The blocking driver: runs one operation to its end on the calling thread.

use std::future::Future;
use std::pin::pin;
use std::task::Poll;

use super::{Wants, sys};
use crate::error::{Error, Result};

/// Runs `operation` and gives what it came to.
///
/// May be called while another runs on this thread (from a log callback): each has its own list of what it waits for.
///
/// Errors are the driver's own: `Panic` if the operation waits for nothing at all, which is a defect, `Unavailable`
/// if the system cannot wait. The operation is then dropped where it stood.
pub fn run<F: Future>(operation: F) -> Result<F::Output> {
    let mut operation = pin!(operation);
    let mut wants = Wants::blocking();
    loop {
        if let Poll::Ready(output) = wants.poll(operation.as_mut()) {
            return Ok(output);
        }
        if wants.is_empty() {
            return Err(Error::Panic("an operation waits for nothing".into()));
        }
        let until = wants.until();
        sys::wait(wants.watches_mut(), until)?;
    }
}
