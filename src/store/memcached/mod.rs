//! The store on memcached: what a batch comes to on the servers that its keys belong to, all worked at the same time.
//!
//! `wire` is the protocol, `channel` a socket, `handshake` what a server tells of itself, `connection` one exchange, `link`
//! the way that it takes, `shared` the connections of queues, `pool` the connections at rest, `server` the way to one server, `rendezvous` which server has a
//! key; `load` and `write` say what the answers mean, `time` how memcached counts. Sessions are not known here.

mod aside;
mod channel;
mod connection;
mod handshake;
mod link;
mod load;
mod pool;
mod rendezvous;
mod server;
mod shared;
mod time;
mod wire;
mod write;

use std::sync::Arc;
use std::time::{Duration, Instant};

use smallvec::{SmallVec, smallvec};

use super::{
    Address, Counter, Key, Left, LoadItem, Loaded, Results, ServerStats, Store, StoreOption, StoreOptions, Token,
    WriteItem, Written,
};
use crate::error::{Error, Result};
use crate::io::join_all;
use connection::Exchange;
use load::Read;
use rendezvous::Rendezvous;
use server::Server;
use wire::{Answer, Request};

/// The items of one server.
type Batch<I> = SmallVec<[I; 1]>;

/// What `-I` is without the option: the limit as long as no server has told its own.
const USUAL_ITEM_SIZE: usize = 1 << 20;

#[derive(Debug)]
pub(super) struct Memcached {
    /// In the order of their addresses, whatever the order in the URL.
    servers: Vec<Server>,
    rendezvous: Rendezvous,
    /// A limit for records that the caller set.
    item_limit: Option<usize>,
    flush_allowed: bool,
}

impl Memcached {
    pub(super) fn new(servers: &[Address], options: &StoreOptions) -> Self {
        let servers: Vec<Server> = servers.iter().map(|address| Server::new(address, options)).collect();
        Self {
            rendezvous: Rendezvous::new(servers.iter().map(Server::name)),
            servers,
            item_limit: options.explicit(StoreOption::ItemLimit).map(|_| options.item_limit()),
            flush_allowed: options.flush_allowed(),
        }
    }

    /// Looks the servers' names up. Blocks. The error is that of the last one that could not be found.
    pub(super) fn resolve(&self) -> Result<()> {
        self.servers.iter().map(Server::resolve).fold(Ok(()), Result::and)
    }

    pub(super) fn load(
        &self,
        store: &Store,
        items: &[LoadItem],
        deadline: Instant,
    ) -> impl Future<Output = Results<Result<Loaded>>> {
        self.read(store.clock().offset(), items.iter().map(Read::of).collect(), deadline)
    }

    pub(super) async fn versions(
        &self,
        store: &Store,
        keys: &[Key],
        deadline: Instant,
    ) -> Results<Result<Option<Token>>> {
        let found = self.read(store.clock().offset(), keys.iter().map(Read::version).collect(), deadline).await;
        let version = |loaded| match loaded {
            Loaded::Absent => None,
            Loaded::Found { token, .. } => Some(token),
        };
        found.into_iter().map(|loaded| loaded.map(version)).collect()
    }

    async fn read(&self, moved: Duration, reads: Batch<Read<'_>>, deadline: Instant) -> Results<Result<Loaded>> {
        let only = match (self.servers.as_slice(), reads.as_slice()) {
            ([server], _) => Some(server),
            (_, [read]) => self.server(read.key),
            _ => None,
        };
        if let Some(server) = only {
            let loaded = load::load(server, &reads, moved, deadline).await;
            load::count(server, &reads, &loaded);
            return loaded;
        }
        // On the heap: as large as what is above, and rarely needed.
        Box::pin(self.read_several(&reads, moved, deadline)).await
    }

    async fn read_several(&self, reads: &[Read<'_>], moved: Duration, deadline: Instant) -> Results<Result<Loaded>> {
        let by_server = |server, reads: Batch<_>| async move {
            let loaded = load::load(server, &reads, moved, deadline).await;
            load::count(server, &reads, &loaded);
            loaded
        };
        self.on_each(reads.iter().copied(), |read| read.key, by_server, || Err(nowhere())).await
    }

    pub(super) async fn write(&self, store: &Store, items: &[WriteItem], deadline: Instant) -> Results<Written> {
        let (moved, limit) = (store.clock().offset(), self.item_limit);
        if let [item] = items
            && let Some(server) = self.server(&item.key)
        {
            let written = write::write(server, &[item], limit, moved, deadline).await;
            write::count(server, std::iter::once(item), &written);
            return written;
        }
        // On the heap: as large as what is above, and rarely needed.
        Box::pin(self.write_several(items, moved, deadline)).await
    }

    async fn write_several(&self, items: &[WriteItem], moved: Duration, deadline: Instant) -> Results<Written> {
        let limit = self.item_limit;
        let by_server = |server, items: Batch<_>| async move {
            let written = write::write(server, &items, limit, moved, deadline).await;
            write::count(server, items.iter().copied(), &written);
            written
        };
        self.on_each(items.iter(), item_key, by_server, || Written::Failed(nowhere())).await
    }

    /// The counters of each server.
    pub(super) fn stats(&self) -> Vec<Arc<ServerStats>> {
        self.servers.iter().map(|server| Arc::clone(server.stats())).collect()
    }

    /// Counts something that has to do with `key`.
    pub(super) fn count(&self, key: &Key, counter: Counter) {
        if let Some(server) = self.server(key) {
            server.stats().add(counter, 1);
        }
    }

    /// Makes sure that the limits of the servers of `keys` are known: connects where that was never done.
    pub(super) async fn reach(&self, keys: &[Key], deadline: Instant) -> Result<()> {
        let mut unknown: Vec<&Server> = Vec::new();
        for server in keys.iter().filter_map(|key| self.server(key)).filter(|server| server.item_size().is_none()) {
            if !unknown.iter().any(|known| std::ptr::eq(*known, server)) {
                unknown.push(server);
            }
        }
        if unknown.is_empty() {
            return Ok(());
        }
        let connecting = unknown.into_iter().map(|server| async move {
            let link = server.checkout(deadline).await?;
            server.checkin(link, &Exchange::nothing());
            Ok(())
        });
        join_all(connecting.collect()).await.into_iter().fold(Ok(()), Result::and)
    }

    /// Whether the server of `key` was ever reached.
    pub(super) fn is_reached(&self, key: &Key) -> bool {
        self.server(key).is_some_and(|server| server.item_size().is_some())
    }

    /// Refuses if the server of `key` counts no versions.
    pub(super) fn check_versions(&self, key: &Key) -> Result<()> {
        match self.server(key) {
            Some(server) if server.lacks_versions() => Err(write::no_versions(server)),
            _ => Ok(()),
        }
    }

    pub(super) fn record_limit(&self, key: &Key) -> usize {
        let item_size = self.server(key).and_then(Server::item_size);
        write::record_limit(item_size.unwrap_or(USUAL_ITEM_SIZE), self.item_limit, key)
    }

    #[allow(clippy::unused_self, reason = "reads as the other store's")]
    pub(super) fn idle(&self, left: Left, max_timeout: Duration) -> Option<Duration> {
        time::idle(left.0, max_timeout)
    }

    pub(super) async fn ping(&self, deadline: Instant) -> Result<()> {
        let pings = self.servers.iter().map(|server| async move {
            // Who asks wants to know it, also of a server that is set aside.
            let exchange = exchange_by(server, &[Request::Noop], deadline, true).await?;
            exchange.broken.as_ref().map_or(Ok(()), |broken| Err(server.broken(broken)))
        });
        join_all(pings.collect()).await.into_iter().fold(Ok(()), Result::and)
    }

    pub(super) async fn flush(&self, store: &Store, deadline: Instant) -> Result<()> {
        if !self.flush_allowed {
            return Err(Error::Unsupported(
                format!(
                    "flushing store {} would remove other applications' data too: its URL has to say flush=allow",
                    store.name()
                )
                .into(),
            ));
        }
        let flushes = self.servers.iter().map(|server| async move {
            let exchange = exchange(server, &[Request::Flush], deadline).await?;
            match (exchange.answers.first(), &exchange.broken) {
                (Some(Answer::Rejected(text) | Answer::Refused(text)), _) => {
                    Err(Error::Unsupported(format!("memcached server {} does not flush: {text}", server.name()).into()))
                }
                (_, Some(broken)) => Err(server.broken(broken)),
                _ => Ok(()),
            }
        });
        join_all(flushes.collect()).await.into_iter().fold(Ok(()), Result::and)
    }

    pub(super) async fn drop_record(&self, store: &Store, key: &Key, deadline: Instant) -> Result<bool> {
        let (Some(server), Loaded::Found { .. }) = (self.server(key), self.version(store, key, deadline).await?) else {
            return Ok(false);
        };
        let exchange = exchange(server, &[Request::Delete { key, cas: None }], deadline).await?;
        match (exchange.answers.into_iter().next(), &exchange.broken) {
            (Some(Answer::Done { .. }), _) => {
                server.stats().add(Counter::Evictions, 1);
                Ok(true)
            }
            (_, Some(broken)) => Err(server.broken(broken)),
            _ => Ok(false),
        }
    }

    pub(super) async fn make_idle(&self, store: &Store, key: &Key, idle: Duration, deadline: Instant) -> Result<bool> {
        let (Some(server), Loaded::Found { left, .. }) = (self.server(key), self.version(store, key, deadline).await?)
        else {
            return Ok(false);
        };
        let Some(Left(left)) = left else { return Ok(true) };
        let Some(facts) = server.facts() else { return Ok(true) };
        // What is left is in whole seconds before the move of the clock: the same again has to be added to be sent.
        let stays = left.saturating_add(store.clock().offset()).as_secs().saturating_sub(idle.as_secs());
        let request = if left.as_secs() > idle.as_secs() {
            Request::Get { key, with_bytes: false, renew: Some(facts.clock.within_seconds(stays)) }
        } else {
            Request::Delete { key, cas: None }
        };
        let exchange = exchange(server, &[request], deadline).await?;
        match (exchange.answers.first(), &exchange.broken) {
            (Some(_), _) => Ok(true),
            (None, Some(broken)) => Err(server.broken(broken)),
            (None, None) => Ok(false),
        }
    }

    async fn version(&self, store: &Store, key: &Key, deadline: Instant) -> Result<Loaded> {
        let loaded = self.read(store.clock().offset(), smallvec![Read::version(key)], deadline).await;
        loaded.into_iter().next().unwrap_or_else(|| Err(nowhere()))
    }

    /// The number of the server that a key belongs to.
    pub(super) fn place(&self, key: &Key) -> usize {
        self.rendezvous.place(key)
    }

    fn server(&self, key: &Key) -> Option<&Server> {
        self.servers.get(self.place(key))
    }

    /// Has `work` done for the items of each server, all servers at the same time, and gives what came of each item in
    /// the order of the items.
    async fn on_each<'s, 'i, I, W, F, T>(
        &'s self,
        items: impl Iterator<Item = I>,
        key: impl Fn(&I) -> &'i Key,
        work: W,
        nowhere: impl Fn() -> T,
    ) -> Results<T>
    where
        W: Fn(&'s Server, Batch<I>) -> F,
        F: Future<Output = Results<T>>,
    {
        // One server is the usual case, and needs no sorting out.
        if let [server] = self.servers.as_slice() {
            return work(server, items.collect()).await;
        }
        let mut batches: Vec<(&Server, Vec<usize>, Batch<I>)> = Vec::new();
        let mut results: Vec<Option<T>> = Vec::new();
        for (at, item) in items.enumerate() {
            results.push(None);
            let Some(server) = self.server(key(&item)) else { continue };
            match batches.iter_mut().find(|(other, ..)| std::ptr::eq(*other, server)) {
                Some((_, places, batch)) => {
                    places.push(at);
                    batch.push(item);
                }
                None => batches.push((server, vec![at], smallvec![item])),
            }
        }
        let (places, futures): (Vec<_>, Vec<_>) =
            batches.into_iter().map(|(server, places, batch)| (places, work(server, batch))).unzip();
        for (places, answers) in places.into_iter().zip(join_all(futures).await) {
            for (at, answer) in places.into_iter().zip(answers) {
                if let Some(slot) = results.get_mut(at) {
                    *slot = Some(answer);
                }
            }
        }
        results.into_iter().map(|result| result.unwrap_or_else(&nowhere)).collect()
    }
}

/// One exchange of requests that may be repeated.
async fn exchange(server: &Server, requests: &[Request<'_>], deadline: Instant) -> Result<Exchange> {
    exchange_by(server, requests, deadline, false).await
}

/// The same; with `insists` also with a server that is set aside.
async fn exchange_by(server: &Server, requests: &[Request<'_>], deadline: Instant, insists: bool) -> Result<Exchange> {
    loop {
        let mut link = server.way(insists, deadline).await?;
        let exchange = server.exchange(&mut link, requests, deadline).await;
        let again = link.is_used() && exchange.was_dead();
        server.checkin(link, &exchange);
        if !again {
            return Ok(exchange);
        }
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "as `on_each` calls it")]
fn item_key<'i>(item: &&'i WriteItem) -> &'i Key {
    &item.key
}

/// A store without servers cannot be named by any URL.
fn nowhere() -> Error {
    Error::Panic("a memcached store has no server for a key".into())
}
