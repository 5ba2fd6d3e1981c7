//! The way between the clients and one server: it delays, holds, cuts and repeats, as a seed says.
//!
//! It never changes a byte. What it delivers it delivers in order, but it may do so when nobody waits for it any more.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use crate::config::Rates;
use crate::history::{Nanos, now};
use crate::random::Random;
use crate::socket::{Address, Listener, Stream};

/// Bytes that are passed on in one piece.
const CHUNK: usize = 16 << 10;

/// What was done, by kind.
#[derive(Debug, Default)]
pub struct Counts {
    pub delays: AtomicU64,
    pub late_requests: AtomicU64,
    pub late_answers: AtomicU64,
    pub trickles: AtomicU64,
    pub cuts_with_fin: AtomicU64,
    pub cuts_with_rst: AtomicU64,
    pub cut_inside: AtomicU64,
    pub repeats: AtomicU64,
    pub connections: AtomicU64,
}

/// Which way bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    ToServer = 0,
    ToClient = 1,
}

/// How a connection is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// As by a peer that closes.
    Fin,
    /// As by a peer that is gone.
    Rst,
    /// As by a network that is gone: the client's end is closed, and what it has sent still arrives.
    ClientOnly,
}

/// A link to one server.
#[derive(Debug)]
pub struct Link {
    address: Address,
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    server: Address,
    rates: Rates,
    /// Longer than this no client waits.
    patience: Duration,
    seed: u64,
    counts: Arc<Counts>,
    is_over: AtomicBool,
    state: Mutex<State>,
    changed: Condvar,
    /// When bytes that create a record were delivered late, and the key of each.
    late_creations: Mutex<Vec<(Nanos, String)>>,
}

#[derive(Debug, Default)]
struct State {
    is_stopped: [bool; 2],
    is_peaceful: bool,
    open: Vec<Arc<Ends>>,
}

/// Both ends of one connection.
#[derive(Debug)]
struct Ends {
    client: Stream,
    server: Stream,
}

impl Link {
    /// To `server`, from `path` or else a free port; `patience` is how long a client waits for an answer.
    pub fn to(
        server: Address,
        path: Option<PathBuf>,
        rates: &Rates,
        patience: Duration,
        seed: u64,
        counts: &Arc<Counts>,
    ) -> Self {
        let (listener, address) = Listener::bind(path);
        let inner = Arc::new(Inner {
            server,
            rates: rates.clone(),
            patience,
            seed,
            counts: Arc::clone(counts),
            is_over: AtomicBool::new(false),
            state: Mutex::default(),
            changed: Condvar::new(),
            late_creations: Mutex::default(),
        });
        let link = Self { address, inner: Arc::clone(&inner) };
        thread::spawn(move || {
            for number in 0.. {
                let client = listener.accept();
                if inner.is_over.load(Ordering::SeqCst) {
                    return;
                }
                // Without a server there is nobody to speak to: the connection is closed at once.
                if let Ok(client) = client
                    && let Ok(server) = inner.server.connect()
                {
                    inner.join(client, server, number);
                }
            }
        });
        link
    }

    /// Where clients find the server.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Holds all bytes that go `way` until `resume`.
    pub fn stop(&self, way: Way) {
        self.inner.state.lock().unwrap().is_stopped[way as usize] = true;
    }

    /// Delivers what was held.
    pub fn resume(&self, way: Way) {
        self.inner.state.lock().unwrap().is_stopped[way as usize] = false;
        self.inner.changed.notify_all();
    }

    /// Ends all connections.
    pub fn cut_all(&self, cut: Cut) {
        let open = std::mem::take(&mut self.inner.state.lock().unwrap().open);
        for ends in open {
            ends.cut(cut, &self.inner.counts);
        }
    }

    /// Does no harm from now on.
    pub fn make_peace(&self) {
        let mut state = self.inner.state.lock().unwrap();
        state.is_peaceful = true;
        state.is_stopped = [false; 2];
        drop(state);
        self.inner.changed.notify_all();
    }

    /// When bytes that create a record were delivered late, and the key of each.
    pub fn late_creations(&self) -> Vec<(Nanos, String)> {
        self.inner.late_creations.lock().unwrap().clone()
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.inner.is_over.store(true, Ordering::SeqCst);
        self.make_peace();
        self.cut_all(Cut::Fin);
        let _ = self.address.connect();
    }
}

impl Inner {
    fn join(self: &Arc<Self>, client: Stream, server: Stream, number: u64) {
        self.counts.connections.fetch_add(1, Ordering::Relaxed);
        let ends = Arc::new(Ends { client, server });
        self.state.lock().unwrap().open.push(Arc::clone(&ends));
        for way in [Way::ToServer, Way::ToClient] {
            let (inner, ends) = (Arc::clone(self), Arc::clone(&ends));
            let random = Random::new(self.seed ^ (number * 2 + way as u64 + 1) << 20);
            thread::spawn(move || {
                // Whatever ends it ends the connection.
                let _ = inner.pump(&ends, way, random);
                match way {
                    // What the client sent before it closed has arrived; the answer may still be on its way.
                    Way::ToServer => drop(ends.server.shutdown(Shutdown::Write)),
                    Way::ToClient => {
                        let _ = ends.client.shutdown(Shutdown::Both);
                        inner.state.lock().unwrap().open.retain(|other| !Arc::ptr_eq(other, &ends));
                    }
                }
            });
        }
    }

    fn pump(&self, ends: &Ends, way: Way, mut random: Random) -> io::Result<()> {
        let (mut from, mut to) = match way {
            Way::ToServer => (&ends.client, &ends.server),
            Way::ToClient => (&ends.server, &ends.client),
        };
        let mut buffer = vec![0; CHUNK];
        // The keys of the latest requests to create a record, of which the last may come in many pieces.
        let mut creations: Vec<String> = Vec::new();
        loop {
            let len = from.read(&mut buffer)?;
            if len == 0 {
                return Ok(());
            }
            let chunk = &buffer[..len];
            let came = now();
            let (roll, mut below) = (random.next() % 10_000, 0);
            // True for at most one of those that are asked for in turn.
            let mut is = |rate: u64| {
                below += rate;
                roll < below
            };
            if self.is_peaceful() {
                to.write_all(chunk)?;
                continue;
            }
            if is(self.rates.delay) {
                self.counts.delays.fetch_add(1, Ordering::Relaxed);
                thread::sleep(Duration::from_millis(1 + random.next() % 40));
            } else if is(self.rates.late) {
                thread::sleep(self.patience + Duration::from_millis(20 + random.next() % 400));
            } else if is(self.rates.trickle) {
                self.counts.trickles.fetch_add(1, Ordering::Relaxed);
                let piece = 1 + chunk.len() / 8;
                for piece in chunk.chunks(piece) {
                    to.write_all(piece)?;
                    thread::sleep(Duration::from_millis(1 + random.next() % 4));
                }
                continue;
            } else if is(self.rates.cut) {
                let some = random.below(len + 1);
                self.counts.cut_inside.fetch_add(u64::from(some > 0 && some < len), Ordering::Relaxed);
                to.write_all(&chunk[..some])?;
                ends.cut([Cut::Fin, Cut::Rst, Cut::ClientOnly][random.below(3)], &self.counts);
                return Ok(());
            }
            self.wait_while_stopped(way);
            if way == Way::ToServer {
                let begun = creations_in(chunk);
                if !begun.is_empty() {
                    creations = begun;
                }
            }
            self.note_if_late(way, came, &creations);
            to.write_all(chunk)?;
            if way == Way::ToClient && chunk.ends_with(b"\r\n") && random.next() % 10_000 < self.rates.repeat {
                self.counts.repeats.fetch_add(1, Ordering::Relaxed);
                // After a moment, so that the first one is taken for all there is.
                thread::sleep(Duration::from_micros(200));
                to.write_all(chunk)?;
            }
        }
    }

    fn is_peaceful(&self) -> bool {
        let state = self.state.lock().unwrap();
        state.is_peaceful && state.is_stopped == [false; 2]
    }

    fn wait_while_stopped(&self, way: Way) {
        let state = self.state.lock().unwrap();
        drop(self.changed.wait_while(state, |state| state.is_stopped[way as usize]).unwrap());
    }

    /// Takes note of bytes that arrive when the client has given up on them.
    fn note_if_late(&self, way: Way, came: Nanos, creations: &[String]) {
        if u128::from(now() - came) < self.patience.as_nanos() {
            return;
        }
        match way {
            Way::ToServer => self.counts.late_requests.fetch_add(1, Ordering::Relaxed),
            Way::ToClient => self.counts.late_answers.fetch_add(1, Ordering::Relaxed),
        };
        if way == Way::ToServer {
            let late = creations.iter().map(|key| (now(), key.clone()));
            self.late_creations.lock().unwrap().extend(late);
        }
    }
}

/// The keys of the requests in `chunk` to store something where nothing is.
fn creations_in(chunk: &[u8]) -> Vec<String> {
    let lines = chunk.split(|byte| *byte == b'\n').map(String::from_utf8_lossy);
    let creations = lines.filter(|line| line.starts_with("ms ") && line.contains(" ME "));
    creations.filter_map(|line| line.split(' ').nth(1).map(str::to_owned)).collect()
}

impl Ends {
    fn cut(&self, cut: Cut, counts: &Counts) {
        match cut {
            Cut::Rst => {
                counts.cuts_with_rst.fetch_add(1, Ordering::Relaxed);
                reset(&self.client);
                reset(&self.server);
            }
            Cut::Fin => {
                counts.cuts_with_fin.fetch_add(1, Ordering::Relaxed);
                let _ = self.client.shutdown(Shutdown::Both);
                let _ = self.server.shutdown(Shutdown::Both);
            }
            Cut::ClientOnly => {
                counts.cuts_with_fin.fetch_add(1, Ordering::Relaxed);
                let _ = self.client.shutdown(Shutdown::Both);
            }
        }
    }
}

/// Ends a connection at once and unclean, whoever else holds it; on a unix socket there is no such thing, and it just ends.
#[allow(unsafe_code, reason = "the standard library has no way to send RST")]
fn reset(stream: &Stream) {
    // SAFETY: all zero is an address of no family, which dissolves the connection.
    unsafe {
        let nowhere: libc::sockaddr = std::mem::zeroed();
        libc::connect(stream.as_raw_fd(), &raw const nowhere, size_of::<libc::sockaddr>().try_into().unwrap());
    }
    // A reader of ours that waits in it has to wake up.
    let _ = stream.shutdown(Shutdown::Both);
}
