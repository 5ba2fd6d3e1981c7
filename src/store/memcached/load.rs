//! Reading: records, and versions only.

use std::mem;
use std::time::{Duration, Instant};

use smallvec::{SmallVec, smallvec};

use super::connection::Exchange;
use super::link::Link;
use super::server::Server;
use super::time::Life;
use super::wire::{Answer, Request};
use crate::error::{Error, Result};
use crate::io::is_past;
use crate::store::{Blob, Counter, Key, Left, LoadItem, Loaded, Results, Token};

/// What to read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Read<'a> {
    pub(super) key: &'a Key,
    pub(super) with_bytes: bool,
    pub(super) renew: Option<Duration>,
}

impl<'a> Read<'a> {
    /// All of a record.
    pub(super) fn of(item: &'a LoadItem) -> Self {
        Self { key: &item.key, with_bytes: true, renew: item.renew }
    }

    /// Only whether it is there, and in which version.
    pub(super) fn version(key: &'a Key) -> Self {
        Self { key, with_bytes: false, renew: None }
    }

    fn request(&self, link: &Link, moved: Duration) -> Request<'a> {
        let renew = self.renew.map(|ttl| link.facts().clock.sent_for(Some(ttl), moved));
        Request::Get { key: self.key, with_bytes: self.with_bytes, renew }
    }
}

/// What to read from one server, where the store's clock was moved by `moved`. Passed on as one: each future that has to
/// keep it would be larger by what it is made of.
#[derive(Clone, Copy)]
struct Reading<'a> {
    server: &'a Server,
    reads: &'a [Read<'a>],
    moved: Duration,
    deadline: Instant,
}

/// What was found, in the order of `reads`; the store's clock was moved by `moved`.
///
/// What has expired by the moved clock, and is still there because the server knows nothing of it, is removed: nobody
/// shall meet it when storing.
#[allow(clippy::manual_async_fn, reason = "the future of an async function has its arguments twice")]
pub(super) fn load(
    server: &Server,
    reads: &[Read<'_>],
    moved: Duration,
    deadline: Instant,
) -> impl Future<Output = Results<Result<Loaded>>> {
    async move {
        let reading = Reading { server, reads, moved, deadline };
        let (link, mut exchange) = match ask(&reading).await {
            Ok(answered) => answered,
            Err(error) => return reads.iter().map(|_| Err(error.clone())).collect(),
        };
        if let ([answer], None) = (exchange.answers.as_mut_slice(), &exchange.broken)
            && let Some(loaded) = usual(answer, &link, moved)
        {
            server.checkin(link, &Exchange::nothing());
            return smallvec![Ok(loaded)];
        }
        // On the heap: what one session needs in nearly every case ends above.
        Box::pin(sort_out(reading, (link, exchange))).await
    }
}

/// What one answer says, if that is what it says in nearly every case.
fn usual(answer: &mut Answer, link: &Link, moved: Duration) -> Option<Loaded> {
    match answer {
        Answer::Missing => Some(Loaded::Absent),
        Answer::Found { bytes, begin, cas, t } => {
            let life = link.facts().clock.meaning_of(*t, moved);
            (life != Life::Over).then(|| found(link, mem::take(bytes), *begin, *cas, life))
        }
        _ => None,
    }
}

fn found(link: &Link, bytes: Vec<u8>, begin: usize, cas: u64, life: Life) -> Loaded {
    Loaded::Found {
        blob: Blob::behind(begin, bytes),
        token: Token { cas, epoch: link.epoch() },
        left: match life {
            Life::Left(left) => Some(Left(left)),
            Life::Endless | Life::Over => None,
        },
    }
}

/// What the answers to several reads say, or those to one that are unusual.
async fn sort_out(
    Reading { server, reads, moved, deadline }: Reading<'_>,
    (mut link, exchange): (Link, Exchange),
) -> Results<Result<Loaded>> {
    let broken = exchange.broken.as_ref().map(|broken| server.broken(broken));
    let is_in_step = broken.is_none();
    let mut over = Vec::new();
    let Exchange { answers, begun, broken: ending } = exchange;
    let mut answers = answers.into_iter();
    let mut loaded: Results<Result<Loaded>> = Results::with_capacity(reads.len());
    for (at, read) in reads.iter().enumerate() {
        loaded.push(match answers.next() {
            Some(Answer::Found { bytes, begin, cas, t }) => match link.facts().clock.meaning_of(t, moved) {
                Life::Over => {
                    over.push((at, Request::Delete { key: read.key, cas: Some(cas) }));
                    Ok(Loaded::Absent)
                }
                life => Ok(found(&link, bytes, begin, cas, life)),
            },
            Some(Answer::Missing) => Ok(Loaded::Absent),
            Some(Answer::Refused(text)) => Err(refused(server, &text)),
            Some(Answer::Rejected(text)) => Err(server.protocol(format_args!("rejected a request: {text:?}"))),
            Some(Answer::Done { .. } | Answer::Exists) => Err(server.protocol("gave an answer that does not fit")),
            None => Err(broken.clone().unwrap_or_else(|| server.protocol("gave no answer"))),
        });
    }
    if !is_in_step {
        server.checkin(link, &Exchange { answers: Results::new(), begun, broken: ending });
        return loaded;
    }
    if over.is_empty() {
        server.checkin(link, &Exchange::nothing());
        return loaded;
    }
    let (places, requests): (Vec<usize>, Vec<Request<'_>>) = over.into_iter().unzip();
    let removed = server.exchange(&mut link, &requests, deadline).await;
    if let Some(broken) = &removed.broken {
        for at in places.into_iter().skip(removed.answers.len()) {
            if let Some(slot) = loaded.get_mut(at) {
                *slot = Err(server.broken(broken));
            }
        }
    }
    server.checkin(link, &removed);
    loaded
}

/// Counts what came of `reads`; asking for a version is neither a hit nor a miss.
pub(super) fn count(server: &Server, reads: &[Read<'_>], loaded: &[Result<Loaded>]) {
    let stats = server.stats();
    stats.add(Counter::Requests, reads.len() as u64);
    for (_, loaded) in reads.iter().zip(loaded).filter(|(read, _)| read.with_bytes) {
        match loaded {
            Ok(Loaded::Absent) => stats.add(Counter::Misses, 1),
            Ok(Loaded::Found { blob, .. }) => {
                stats.add(Counter::Hits, 1);
                stats.add(Counter::BytesRead, blob.len() as u64);
            }
            Err(_) => {}
        }
    }
}

/// One round trip; and another on a new connection if the one that was kept turns out to be dead.
async fn ask(reading: &Reading<'_>) -> Result<(Link, Exchange)> {
    loop {
        let mut link = reading.server.checkout(reading.deadline).await?;
        let requests: SmallVec<[Request<'_>; 1]> =
            reading.reads.iter().map(|read| read.request(&link, reading.moved)).collect();
        let exchange = reading.server.exchange(&mut link, &requests, reading.deadline).await;
        if !(link.is_used() && exchange.was_dead()) || is_past(reading.deadline) {
            return Ok((link, exchange));
        }
        reading.server.checkin(link, &exchange);
    }
}

/// The error for a server that cannot answer now.
pub(super) fn refused(server: &Server, text: &str) -> Error {
    Error::Unavailable { message: format!("memcached server {} refused: {text}", server.name()).into(), errno: 0 }
}
