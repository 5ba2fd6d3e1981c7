//! One server: where it is, how to connect to it, and which connection to use next.

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::aside::Failure;
use super::channel::{Channel, Fault};
use super::connection::{Break, Connection, Exchange};
use super::handshake::{Facts, shake_hands};
use super::link::Link;
use super::pool::{Pass, Pool, Way};
use super::shared;
use super::wire::Request;
use crate::error::{Error, Result};
use crate::io::fork::Lock;
use crate::io::sys::{self, Connecting};
use crate::io::{is_cancelled, may_block_until, now, seat, sleep_until, time_passed, with_deadline, writable};
use crate::log;
use crate::planted::{Bug, is_planted};
use crate::store::stats::Open;
use crate::store::{Address, Counter, ServerStats, StoreOptions};

/// Names are not looked up again more often than this.
const RESOLVED_FOR: Duration = Duration::from_secs(1);
/// Between two tries at a unix socket whose server has too many callers waiting.
const QUEUE_PAUSE: Duration = Duration::from_millis(2);

#[derive(Debug)]
pub(super) struct Server {
    address: Address,
    name: String,
    connect_timeout: Duration,
    exchange_timeout: Duration,
    longest_pause: Duration,
    stats: Arc<ServerStats>,
    resolved: Lock<Resolved>,
    pool: Arc<Pool>,
    limits: Limits,
}

/// What the server told last of what every commit asks for, without the lock of the pool.
#[derive(Debug, Default)]
struct Limits {
    /// 0 until the server was reached.
    item_size: AtomicUsize,
    lacks_versions: AtomicBool,
}

/// What the host's name was last found to stand for.
#[derive(Debug, Clone, Default)]
struct Resolved {
    at: Option<Instant>,
    addresses: Vec<SocketAddr>,
}

/// Where to connect to.
enum Place<'a> {
    Tcp(SocketAddr),
    Unix(&'a str),
}

impl Server {
    pub(super) fn new(address: &Address, options: &StoreOptions) -> Self {
        Self {
            address: address.clone(),
            name: address.to_string(),
            connect_timeout: options.connect_timeout(),
            exchange_timeout: options.exchange_timeout(),
            longest_pause: options.retry_pause(),
            stats: Arc::new(ServerStats::new(address.to_string())),
            resolved: Lock::new(Resolved::default()),
            pool: Arc::new(Pool::new()),
            limits: Limits::default(),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// What is counted of it.
    pub(super) fn stats(&self) -> &Arc<ServerStats> {
        &self.stats
    }

    /// What the server told last, if it was ever reached.
    pub(super) fn facts(&self) -> Option<Facts> {
        self.pool.facts()
    }

    /// The largest item that the server takes, if it was ever reached.
    pub(super) fn item_size(&self) -> Option<usize> {
        Some(self.limits.item_size.load(Ordering::Relaxed)).filter(|size| *size != 0)
    }

    /// Whether the server is known to count no versions.
    pub(super) fn lacks_versions(&self) -> bool {
        self.limits.lacks_versions.load(Ordering::Relaxed)
    }

    /// The connections at rest.
    pub(super) fn pool(&self) -> &Arc<Pool> {
        &self.pool
    }

    /// How long one exchange may take.
    pub(super) fn exchange_timeout(&self) -> Duration {
        self.exchange_timeout
    }

    /// A way to use: on a queue its connection, else one that is idle, or a new one. At once an error while the server is set aside.
    pub(super) fn checkout(&self, deadline: Instant) -> impl Future<Output = Result<Link>> {
        self.way(false, deadline)
    }

    /// The same; but with `insists` a server that is set aside is tried now, unless somebody else does.
    ///
    /// What waits is on the heap, as nearly no call needs it: in place it makes every call as large as that.
    pub(super) async fn way(&self, insists: bool, deadline: Instant) -> Result<Link> {
        if let Some(seat) = seat() {
            return match shared::at_hand(self, &seat) {
                Some(line) => Ok(Link::Shared(line)),
                None => Box::pin(shared::find(self, seat, insists, deadline)).await.map(Link::Shared),
            };
        }
        match self.pool.way(insists)? {
            Way::Idle(connection) => Ok(Link::Own(connection)),
            Way::New(pass) => Box::pin(self.connect(pass, deadline)).await.map(|made| Link::Own(Box::new(made))),
        }
    }

    /// Takes a way back after `exchange`, which may have broken its connection.
    pub(super) fn checkin(&self, link: Link, exchange: &Exchange) {
        let connection = match link {
            Link::Own(connection) => connection,
            // A shared one takes care of itself.
            Link::Shared(_) if exchange.broken.is_none() => return self.pool.answered(),
            Link::Shared(_) => return,
        };
        match exchange.broken {
            None => self.pool.put(connection),
            Some(Break::Late) if is_planted(Bug::Reuse) => self.pool.put(connection),
            // The server speaks: nothing says that it was restarted.
            Some(Break::Rejected) => drop(connection),
            Some(_) => self.pool.broke(connection),
        }
    }

    /// Sends `requests` and takes their answers. A server that lets the time pass is set aside.
    pub(super) async fn exchange(&self, link: &mut Link, requests: &[Request<'_>], deadline: Instant) -> Exchange {
        let began = now();
        let exchange = link.exchange(requests, deadline.min(began + self.exchange_timeout)).await;
        match exchange.broken {
            None => self.stats.answered(now().saturating_duration_since(began)),
            // That the caller gave up says nothing about the server.
            Some(Break::Late) if !is_cancelled() => {
                self.stats.add(Counter::Timeouts, 1);
                let lost = began.elapsed();
                let failure = Failure { began, lost: Some((lost, lost >= self.exchange_timeout)) };
                let cause = self.timed_out("answer");
                self.set_aside(self.pool.failed(failure, &cause, self.longest_pause), &cause);
            }
            Some(_) => {}
        }
        exchange
    }

    /// Looks the host's name up. Blocks.
    pub(super) fn resolve(&self) -> Result<()> {
        let Address::Tcp { host, port } = &self.address else { return Ok(()) };
        let found: io::Result<BTreeSet<SocketAddr>> = match host.parse::<IpAddr>() {
            Ok(ip) => Ok(BTreeSet::from([SocketAddr::new(ip, *port)])),
            Err(_) => (host.as_str(), *port).to_socket_addrs().map(Iterator::collect),
        };
        time_passed();
        let at = Some(now());
        match found {
            Ok(addresses) if !addresses.is_empty() => {
                let addresses: Vec<SocketAddr> = addresses.into_iter().collect();
                let new = Resolved { at, addresses };
                let old = self.resolved.with(|resolved| std::mem::replace(resolved, new.clone()));
                if old.addresses != new.addresses {
                    self.pool.hurry();
                }
                Ok(())
            }
            other => {
                self.resolved.with(|resolved| resolved.at = at);
                let why = other.map_or_else(|error| error.to_string(), |_| "no address".to_owned());
                Err(Error::Unavailable {
                    message: format!("memcached server {}: its name cannot be looked up: {why}", self.name).into(),
                    errno: 0,
                })
            }
        }
    }

    /// A new connection, after the server told what it is. For that it has the same time again, from when it was asked: that this
    /// process was late to see that it is connected is not the server's fault.
    pub(super) async fn connect(&self, pass: Pass<'_>, deadline: Instant) -> Result<Connection> {
        let began = Instant::now();
        let until = deadline.min(began + self.connect_timeout);
        let mut connected = self.connect_somewhere(until).await;
        if connected.is_err() && self.may_resolve() && self.resolve().is_ok() {
            connected = self.connect_somewhere(until).await;
        }
        let told = match connected {
            Ok(channel) => self.greet(channel, deadline.min(Instant::now() + self.connect_timeout)).await,
            Err(error) => Err(error),
        };
        match told {
            Ok((channel, facts)) => {
                let (epoch, was_aside) = pass.connected(facts);
                self.limits.item_size.store(facts.item_size, Ordering::Relaxed);
                self.limits.lacks_versions.store(!facts.has_versions, Ordering::Relaxed);
                if let Some(was_aside) = was_aside {
                    let millis = was_aside.as_millis();
                    log::info(format_args!("memcached server {} is there again, after {millis} ms", self.name));
                }
                Ok(Connection::new(channel, facts, epoch, Open::new(&self.stats)))
            }
            Err(error) if is_cancelled() => Err(error),
            Err(error) => {
                self.stats.add(Counter::ConnectionsFailed, 1);
                self.stats.add(Counter::Timeouts, u64::from(is_timeout(&error)));
                if sets_aside(&error) {
                    let lost = began.elapsed();
                    let lost = is_timeout(&error).then_some((lost, lost >= self.connect_timeout));
                    let is_news = pass.failed(Failure { began, lost }, &error, self.longest_pause);
                    self.set_aside(is_news, &error);
                }
                Err(error)
            }
        }
    }

    /// Tells of a server that was set aside, if that is news.
    fn set_aside(&self, is_news: bool, cause: &Error) {
        if is_news {
            self.stats.add(Counter::SetAside, 1);
            log::warn(format_args!("{cause}: it is set aside"));
        }
    }

    async fn greet(&self, mut channel: Channel, deadline: Instant) -> Result<(Channel, Facts)> {
        match with_deadline(deadline, shake_hands(&mut channel, &self.name)).await {
            Ok(Ok(facts)) => Ok((channel, facts?)),
            Ok(Err(fault)) => Err(self.fault(&fault, "when a connection was made")),
            Err(_) => Err(self.timed_out("tell what it is")),
        }
    }

    /// A connection to the first of the server's addresses that takes it; each gets its share of the time.
    async fn connect_somewhere(&self, deadline: Instant) -> Result<Channel> {
        let addresses = match &self.address {
            Address::Unix { path } => return self.connect_to(Place::Unix(path), deadline).await,
            Address::Tcp { .. } => self.resolved.with(|resolved| resolved.addresses.clone()),
        };
        let mut last = Err(Error::Unavailable {
            message: format!("memcached server {}: its name has not been looked up", self.name).into(),
            errno: 0,
        });
        let count = addresses.len();
        for (at, address) in addresses.into_iter().enumerate() {
            let others = u32::try_from(count - at).unwrap_or(1).max(1);
            let share = deadline.saturating_duration_since(Instant::now()) / others;
            last = self.connect_to(Place::Tcp(address), deadline.min(Instant::now() + share)).await;
            if last.is_ok() {
                break;
            }
        }
        last
    }

    async fn connect_to(&self, place: Place<'_>, deadline: Instant) -> Result<Channel> {
        // A call that waits must leave time to notice that it waited for too long.
        let patience = self.exchange_timeout / 4 * 3;
        let connecting = async {
            loop {
                let begun = match &place {
                    Place::Tcp(address) => sys::connect_tcp(address, patience),
                    Place::Unix(path) => sys::connect_unix(path, patience),
                };
                match begun {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        sleep_until(Instant::now() + QUEUE_PAUSE).await;
                    }
                    Err(error) => return Err(error),
                    Ok(Connecting { socket, is_connected: true }) => return Ok(socket),
                    Ok(Connecting { socket, .. }) => {
                        writable(socket.as_fd()).await;
                        sys::take_error(socket.as_fd())?;
                        return Ok(socket);
                    }
                }
            }
        };
        let failed = |error: &io::Error| Error::Unavailable {
            message: format!("memcached server {}: no connection: {error}", self.name).into(),
            errno: error.raw_os_error().unwrap_or(0),
        };
        match with_deadline(deadline, connecting).await {
            Ok(Ok(socket)) => Ok(Channel::new(socket, patience)),
            Ok(Err(error)) => Err(failed(&error)),
            Err(_) => Err(failed(&io::Error::from_raw_os_error(libc::ETIMEDOUT))),
        }
    }

    /// Whether the name may be looked up now: a call that blocks, and not again and again.
    fn may_resolve(&self) -> bool {
        matches!(&self.address, Address::Tcp { host, .. } if host.parse::<IpAddr>().is_err())
            && may_block_until().is_some()
            && self.resolved.with(|resolved| resolved.at).is_none_or(|at| at.elapsed() >= RESOLVED_FOR)
    }

    /// The error for an exchange that `broken` ended.
    pub(super) fn broken(&self, broken: &Break) -> Error {
        match broken {
            Break::Fault(fault) => self.fault(fault, "while an answer was awaited"),
            Break::Late => self.timed_out("answer"),
            Break::Rejected => self.protocol("does not understand a request"),
        }
    }

    fn fault(&self, fault: &Fault, when: &str) -> Error {
        let name = &self.name;
        match fault {
            Fault::Closed => Error::Unavailable {
                message: format!("memcached server {name} closed the connection {when}").into(),
                errno: 0,
            },
            Fault::System(error) => Error::Unavailable {
                message: format!("memcached server {name}: {error} {when}").into(),
                errno: error.raw_os_error().unwrap_or(0),
            },
            Fault::Violation(what) => self.protocol(format_args!("is out of step: an answer {what}")),
        }
    }

    pub(super) fn timed_out(&self, what: &str) -> Error {
        Error::Timeout(format!("memcached server {} did not {what} in time", self.name).into())
    }

    /// The error for a server that does not speak the protocol.
    pub(super) fn protocol(&self, what: impl std::fmt::Display) -> Error {
        Error::Protocol(format!("memcached server {} {what}", self.name).into())
    }
}

/// Whether an error says that the server cannot be reached. One that speaks otherwise than is understood, and a system
/// that has nothing left to connect with, say nothing of that.
fn sets_aside(error: &Error) -> bool {
    const OWN_TROUBLE: [i32; 5] = [libc::EMFILE, libc::ENFILE, libc::ENOMEM, libc::ENOBUFS, libc::EADDRNOTAVAIL];
    match error {
        Error::Unavailable { errno, .. } => !OWN_TROUBLE.contains(errno),
        other => is_timeout(other),
    }
}

fn is_timeout(error: &Error) -> bool {
    matches!(error, Error::Timeout(_) | Error::Unavailable { errno: libc::ETIMEDOUT, .. })
}
