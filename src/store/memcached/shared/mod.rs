//! Connections that the operations of a queue share: what they ask goes out together, and the answers, which come in the
//! order of the requests, go to those who asked.
//!
//! `line` is one such connection, `entry` what one operation asked on it, `reader` takes answers apart as they arrive,
//! `way` finds or makes the connection to a server.

mod entry;
mod line;
mod reader;
mod way;

pub(super) use line::SharedLine;
pub(super) use way::{at_hand, find};

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;

use super::connection::{Break, Exchange};
use super::wire::Request;
use crate::io::{poll_deadline, seat};
use crate::store::Results;

/// Asks `requests` on `line` and waits for the answers, until `deadline`.
///
/// Given up half-way, what was not sent never is, and the answers to what was are read and dropped when they come: the
/// others on the line do not notice.
pub(super) async fn exchange(line: &Arc<SharedLine>, requests: &[Request<'_>], deadline: Instant) -> Exchange {
    let Some(seat) = seat() else { return Exchange::dead() };
    if requests.is_empty() {
        return Exchange::nothing();
    }
    let ticket = match SharedLine::append(line, requests, seat.operation) {
        Ok(ticket) => ticket,
        Err(fault) => return Exchange { answers: Results::new(), begun: 0, broken: Some(Break::Fault(fault)) },
    };
    seat.hub.touch(line.number());
    let answered = poll_fn(|_| match ticket.take() {
        Some(exchange) => Poll::Ready(Some(exchange)),
        None => poll_deadline(deadline).map(|()| None),
    });
    if let Some(exchange) = answered.await {
        return exchange;
    }
    let late = ticket.give_up();
    // The line may have been given up with it.
    seat.hub.touch(line.number());
    late
}
