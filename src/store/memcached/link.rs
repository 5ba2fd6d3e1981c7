//! The way that an exchange takes to a server: a connection of its own for as long as it lasts, or, on a queue, one that
//! it shares with others.

use std::sync::Arc;
use std::time::Instant;

use super::connection::{Connection, Exchange};
use super::handshake::Facts;
use super::shared::{self, SharedLine};
use super::wire::Request;

/// What an operation talks to a server through. Given back to the server after each exchange.
#[derive(Debug)]
pub(super) enum Link {
    /// A connection that nobody else uses meanwhile.
    Own(Box<Connection>),
    /// A connection of the queue that the operation runs on.
    Shared(Arc<SharedLine>),
}

impl Link {
    /// What the server told when the connection was made.
    pub(super) fn facts(&self) -> &Facts {
        match self {
            Self::Own(connection) => &connection.facts,
            Self::Shared(line) => &line.facts,
        }
    }

    /// Which unbroken life of the server the versions that come this way belong to.
    pub(super) fn epoch(&self) -> u64 {
        match self {
            Self::Own(connection) => connection.epoch,
            Self::Shared(line) => line.epoch,
        }
    }

    /// Whether it was used before: the server may have closed it since.
    pub(super) fn is_used(&self) -> bool {
        match self {
            Self::Own(connection) => connection.is_used,
            Self::Shared(line) => line.is_used(),
        }
    }

    /// Sends `requests` and takes their answers, until `deadline`.
    pub(super) async fn exchange(&mut self, requests: &[Request<'_>], deadline: Instant) -> Exchange {
        match self {
            Self::Own(connection) => connection.exchange(requests, deadline).await,
            Self::Shared(line) => shared::exchange(line, requests, deadline).await,
        }
    }
}
