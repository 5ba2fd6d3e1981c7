//! A way to a server that can be cut and mended, so that a server is away for one store and nobody else.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// Connections to its port go on to a server, unless it is cut.
#[derive(Debug)]
pub struct Relay {
    port: u16,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    is_cut: AtomicBool,
    is_over: AtomicBool,
    open: Mutex<Vec<TcpStream>>,
}

impl Relay {
    /// To the server that `url` names, or the first of several: `memcached://HOST:PORT` or `memcached+unix://PATH`.
    pub fn to(url: &str) -> Self {
        let url = url.split(',').next().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let relay = Self { port: listener.local_addr().unwrap().port(), state: Arc::default() };
        let (state, url) = (Arc::clone(&relay.state), url.to_owned());
        thread::spawn(move || {
            for stream in listener.incoming() {
                if state.is_over.load(Ordering::SeqCst) {
                    return;
                }
                let stream = stream.unwrap();
                let mut open = state.open.lock().unwrap();
                // A connection that is not taken over is closed at once.
                if !state.is_cut.load(Ordering::SeqCst) {
                    stream.set_nodelay(true).unwrap();
                    open.push(stream.try_clone().unwrap());
                    connect(&stream, &url);
                }
            }
        });
        relay
    }

    /// Its port, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Closes all connections, and those that are made from now on. Returns when that is not news any more: the library
    /// asks about a connection that has waited, not about one that was used a moment ago.
    pub fn cut(&self) {
        self.state.is_cut.store(true, Ordering::SeqCst);
        for stream in self.state.open.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
        thread::sleep(Duration::from_millis(120));
    }

    /// Lets connections through again. Returns when a store with the shortest pauses tries again.
    pub fn mend(&self) {
        self.state.is_cut.store(false, Ordering::SeqCst);
        thread::sleep(Duration::from_millis(5));
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.state.is_over.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn connect(client: &TcpStream, url: &str) {
    if let Some(path) = url.strip_prefix("memcached+unix://") {
        let server = UnixStream::connect(path).unwrap();
        let ended = server.try_clone().unwrap();
        pump(client.try_clone().unwrap(), server.try_clone().unwrap(), move || drop(ended.shutdown(Shutdown::Write)));
        pump(server, client.try_clone().unwrap(), hang_up(client));
    } else {
        let server = TcpStream::connect(url.strip_prefix("memcached://").unwrap()).unwrap();
        server.set_nodelay(true).unwrap();
        let ended = server.try_clone().unwrap();
        pump(client.try_clone().unwrap(), server.try_clone().unwrap(), move || drop(ended.shutdown(Shutdown::Write)));
        pump(server, client.try_clone().unwrap(), hang_up(client));
    }
}

fn hang_up(client: &TcpStream) -> impl FnOnce() + Send + 'static {
    let client = client.try_clone().unwrap();
    move || drop(client.shutdown(Shutdown::Both))
}

/// Passes on what comes until it ends, which is passed on too: a server that does not hear of it would keep its end for ever.
fn pump(
    mut from: impl Read + Send + 'static,
    mut to: impl Write + Send + 'static,
    end: impl FnOnce() + Send + 'static,
) {
    thread::spawn(move || {
        let _ = io::copy(&mut from, &mut to);
        end();
    });
}
