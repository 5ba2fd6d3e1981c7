//! Writing: what is sent at all, and what became of it.
//!
//! Three kinds of failure are told apart (contract 6.2). Nothing of the request left this process: definitely not
//! applied. The server refused: it may have dropped what was stored. Anything between: unknown, unless the process that
//! may have applied it is gone, and everything that it held with it.

use std::time::{Duration, Instant};

use smallvec::{SmallVec, smallvec};

use super::connection::{Break, Exchange};
use super::link::Link;
use super::load::{Read, load};
use super::server::Server;
use super::wire::{Answer, Mode, Request};
use crate::error::Error;
use crate::io::is_past;
use crate::planted::{Bug, is_planted};
use crate::store::{Action, Counter, Key, Payload, Results, Token, WriteItem, Written};

/// Writes `items`: what became of each, in their order; the store's clock was moved by `moved`, and the caller wants no
/// record over `item_limit`.
pub(super) async fn write(
    server: &Server,
    items: &[&WriteItem],
    item_limit: Option<usize>,
    moved: Duration,
    deadline: Instant,
) -> Results<Written> {
    if !moved.is_zero() {
        // Reading removes what has expired by the moved clock. An error will show when writing.
        let reads: Vec<Read<'_>> = items.iter().map(|item| Read::version(&item.key)).collect();
        Box::pin(load(server, &reads, moved, deadline)).await;
    }
    loop {
        let mut link = match server.checkout(deadline).await {
            Ok(link) => link,
            Err(error) => return items.iter().map(|_| Written::Failed(error.clone())).collect(),
        };
        let mut requests: SmallVec<[Request<'_>; 1]> = SmallVec::with_capacity(items.len());
        let mut unsent = Vec::new();
        for (at, item) in items.iter().enumerate() {
            match request(server, &link, item, item_limit, moved) {
                Ok(request) => requests.push(request),
                Err(outcome) => unsent.push((at, outcome)),
            }
        }
        let mut exchange = if requests.is_empty() {
            Exchange::nothing()
        } else {
            server.exchange(&mut link, &requests, deadline).await
        };
        if link.is_used() && exchange.begun == 0 && exchange.was_dead() && !is_past(deadline) {
            // Nothing has left this process: a new connection may do better.
            server.checkin(link, &exchange);
            continue;
        }
        let epoch = link.epoch();
        if let ([_], [request]) = (items, requests.as_slice())
            && let Some(answer) = exchange.answers.pop()
        {
            // Nearly every commit: one session, and its answer.
            server.checkin(link, &exchange);
            return smallvec![outcome(server, request, answer, epoch)];
        }
        let mut written = Results::with_capacity(items.len());
        for (request, answer) in requests.iter().zip(exchange.answers.drain(..)) {
            written.push(outcome(server, request, answer, epoch));
        }
        if written.len() == requests.len() {
            server.checkin(link, &exchange);
        } else {
            let begun = exchange.begun;
            // On the heap: rarely needed.
            let unanswered = Box::pin(unanswered(server, link, exchange, written.len(), deadline)).await;
            for order in written.len()..requests.len() {
                written.push(if order < begun { unanswered.begun.clone() } else { unanswered.unsent.clone() });
            }
        }
        // From the first to the last: each comes to its place.
        for (at, outcome) in unsent {
            written.insert(at, outcome);
        }
        return written;
    }
}

/// Counts what came of `items`.
pub(super) fn count<'i>(server: &Server, items: impl Iterator<Item = &'i WriteItem>, written: &[Written]) {
    let stats = server.stats();
    stats.add(Counter::Requests, written.len() as u64);
    for (item, written) in items.zip(written) {
        match (written, item.action.payload()) {
            (Written::Done(_), Some(payload)) => {
                stats.add(Counter::Writes, 1);
                stats.add(Counter::BytesWritten, payload.len() as u64);
            }
            (Written::Changed, _) => stats.add(Counter::Conflicts, 1),
            (Written::Refused(_), _) => stats.add(Counter::Refused, 1),
            _ => {}
        }
    }
}

/// What to say of the requests that have no answer.
struct Unanswered {
    begun: Written,
    unsent: Written,
}

/// Takes the connection back, and finds out what the requests behind the first `answered` may have come to.
async fn unanswered(server: &Server, link: Link, exchange: Exchange, answered: usize, deadline: Instant) -> Unanswered {
    let identity = link.facts().identity;
    server.checkin(link, &exchange);
    let Some(broken) = &exchange.broken else {
        return Unanswered { begun: no_answer(server), unsent: no_answer(server) };
    };
    let error = server.broken(broken);
    let unsent = Written::Failed(error.clone());
    let mut begun = Written::Unknown(error);
    if exchange.begun > answered
        && !matches!(broken, Break::Rejected)
        && let Ok(other) = server.checkout(deadline).await
    {
        if other.facts().identity != identity {
            // The process that may have applied it is gone, and all that it held: look at what stands now.
            begun = Written::Changed;
        }
        server.checkin(other, &Exchange::nothing());
    }
    Unanswered { begun, unsent }
}

fn no_answer(server: &Server) -> Written {
    Written::Unknown(server.protocol("gave no answer"))
}

/// The request for `item`, or what to say of it without sending it.
fn request<'a>(
    server: &Server,
    link: &Link,
    item: &'a WriteItem,
    item_limit: Option<usize>,
    moved: Duration,
) -> Result<Request<'a>, Written> {
    let facts = link.facts();
    let ttl = facts.clock.sent_for(item.ttl, moved);
    let (payload, mode) = match &item.action {
        Action::Touch => {
            return Ok(Request::Get { key: &item.key, with_bytes: false, renew: Some(ttl) });
        }
        Action::Create(payload) => (payload, Mode::Add),
        Action::Put(payload) => (payload, Mode::Put),
        Action::Replace(payload, _) if is_planted(Bug::Cas) => (payload, Mode::Put),
        Action::Replace(_, _) if !facts.has_versions => return Err(Written::Failed(no_versions(server))),
        // The server would compare it with numbers that mean something else now.
        Action::Replace(_, token) if token.epoch != link.epoch() => return Err(Written::Changed),
        Action::Replace(payload, token) => (payload, Mode::Swap(token.cas)),
    };
    let limit = record_limit(facts.item_size, item_limit, &item.key);
    if payload.len() > limit {
        return Err(Written::Failed(too_large(server, payload, limit)));
    }
    Ok(Request::Set { key: &item.key, payload, mode, ttl })
}

/// What `answer` says of `request`.
fn outcome(server: &Server, request: &Request<'_>, answer: Answer, epoch: u64) -> Written {
    match answer {
        Answer::Done { cas } | Answer::Found { cas, .. } => Written::Done(Token { cas, epoch }),
        Answer::Missing => Written::Absent,
        Answer::Exists => Written::Changed,
        // It was only to be renewed.
        Answer::Refused(text) if matches!(request, Request::Get { .. }) => {
            Written::Failed(super::load::refused(server, &text))
        }
        Answer::Refused(text) => Written::Refused(format!("memcached server {}: {text}", server.name()).into()),
        Answer::Rejected(text) => Written::Failed(server.protocol(format_args!("rejected a request: {text:?}"))),
    }
}

/// How many bytes a record under `key` may have where an item may have `item_size`.
///
/// The server counts key and header with it, and drops what is stored when it refuses what is too large: so nothing is
/// sent that comes near.
pub(super) fn record_limit(item_size: usize, item_limit: Option<usize>, key: &Key) -> usize {
    const HEADER: usize = 512;
    let room = item_size.saturating_sub(key.as_str().len() + HEADER);
    item_limit.map_or(room, |limit| limit.min(room))
}

/// The error for a server that counts no versions, where they are needed.
pub(super) fn no_versions(server: &Server) -> Error {
    Error::Unsupported(
        format!(
            "memcached server {} counts no versions (option -C): only containers with policy overwrite may use it",
            server.name()
        )
        .into(),
    )
}

fn too_large(server: &Server, payload: &Payload, limit: usize) -> Error {
    let (len, name) = (payload.len(), server.name());
    Error::TooLarge(format!("record of {len} bytes is over the limit of {limit} of memcached server {name}").into())
}
