//! Writing: what is sent at all, and what became of it.
//!
//! Three kinds of failure are told apart (contract 6.2). Nothing of the request left this process: definitely not
//! applied. The server refused: it may have dropped what was stored. Anything between: unknown, unless the process that
//! may have applied it is gone, and everything that it held with it.

use std::time::{Duration, Instant};

use smallvec::SmallVec;

use super::connection::{Break, Exchange};
use super::handshake::Identity;
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
        load(server, &reads, moved, deadline).await;
    }
    let mut written: SmallVec<[Option<Written>; 1]> = items.iter().map(|_| None).collect();
    loop {
        let mut link = match server.checkout(deadline).await {
            Ok(link) => link,
            Err(error) => return fill(written, || Written::Failed(error.clone())),
        };
        let mut requests: SmallVec<[Request<'_>; 1]> = SmallVec::with_capacity(items.len());
        for (item, slot) in items.iter().zip(&mut written) {
            // What was not sent has its outcome.
            *slot = match request(server, &link, item, item_limit, moved) {
                Ok(request) => {
                    requests.push(request);
                    None
                }
                Err(unsent) => Some(unsent),
            };
        }
        let exchange = if requests.is_empty() {
            Exchange::nothing()
        } else {
            server.exchange(&mut link, &requests, deadline).await
        };
        if link.is_used() && exchange.begun == 0 && exchange.was_dead() && !is_past(deadline) {
            // Nothing has left this process: a new connection may do better.
            server.checkin(link, &exchange);
            continue;
        }
        let (epoch, identity) = (link.epoch(), link.facts().identity);
        if exchange.answers.len() == requests.len() {
            server.checkin(link, &exchange);
            let mut answers = exchange.answers.into_iter();
            let outcomes = items.iter().zip(written).map(|(item, unsent)| match unsent {
                Some(unsent) => unsent,
                None => answers.next().map_or_else(|| no_answer(server), |answer| outcome(server, item, answer, epoch)),
            });
            return outcomes.collect();
        }
        let unanswered = unanswered(server, &exchange, identity, deadline, link).await;
        let Exchange { answers, begun, .. } = exchange;
        let mut answers = answers.into_iter();
        let open = items.iter().zip(&mut written).filter(|(_, slot)| slot.is_none());
        for (order, (item, slot)) in open.enumerate() {
            *slot = Some(match answers.next() {
                Some(answer) => outcome(server, item, answer, epoch),
                None if order < begun => unanswered.begun.clone(),
                None => unanswered.unsent.clone(),
            });
        }
        return fill(written, || unanswered.unsent.clone());
    }
}

/// Writes one item; see [`write`].
pub(super) async fn write_one(
    server: &Server,
    item: &WriteItem,
    item_limit: Option<usize>,
    moved: Duration,
    deadline: Instant,
) -> Written {
    if !moved.is_zero() {
        Box::pin(load(server, &[Read::version(&item.key)], moved, deadline)).await;
    }
    loop {
        let mut link = match server.checkout(deadline).await {
            Ok(link) => link,
            Err(error) => return Written::Failed(error),
        };
        let request = match request(server, &link, item, item_limit, moved) {
            Ok(request) => request,
            Err(unsent) => {
                server.checkin(link, &Exchange::nothing());
                return unsent;
            }
        };
        let mut exchange = server.exchange(&mut link, &[request], deadline).await;
        if let Some(answer) = exchange.answers.pop() {
            let epoch = link.epoch();
            server.checkin(link, &exchange);
            return outcome(server, item, answer, epoch);
        }
        if link.is_used() && exchange.begun == 0 && exchange.was_dead() && !is_past(deadline) {
            // Nothing has left this process: a new connection may do better.
            server.checkin(link, &exchange);
            continue;
        }
        let identity = link.facts().identity;
        let unanswered = Box::pin(unanswered(server, &exchange, identity, deadline, link)).await;
        return if exchange.begun > 0 { unanswered.begun } else { unanswered.unsent };
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

/// Takes the connection back, and finds out what the requests without an answer may have come to.
async fn unanswered(
    server: &Server,
    exchange: &Exchange,
    identity: Identity,
    deadline: Instant,
    link: Link,
) -> Unanswered {
    server.checkin(link, exchange);
    let Some(broken) = &exchange.broken else {
        return Unanswered { begun: no_answer(server), unsent: no_answer(server) };
    };
    let error = server.broken(broken);
    let unsent = Written::Failed(error.clone());
    let mut begun = Written::Unknown(error);
    if exchange.begun > exchange.answers.len()
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

fn outcome(server: &Server, item: &WriteItem, answer: Answer, epoch: u64) -> Written {
    match answer {
        Answer::Done { cas } | Answer::Found { cas, .. } => Written::Done(Token { cas, epoch }),
        Answer::Missing => Written::Absent,
        Answer::Exists => Written::Changed,
        Answer::Refused(text) if matches!(item.action, Action::Touch) => {
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

fn fill(written: SmallVec<[Option<Written>; 1]>, rest: impl Fn() -> Written) -> Results<Written> {
    written.into_iter().map(|written| written.unwrap_or_else(&rest)).collect()
}
