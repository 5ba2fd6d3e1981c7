//! A server that answers as a script says: what a real memcached never does, and a client has to survive.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// What it does after one request; the request's line, without its end, and its payload are given.
pub type Script = Box<dyn FnMut(&str, &[u8]) -> Reaction + Send>;

/// What a script wants.
#[derive(Debug, Clone)]
pub enum Reaction {
    /// These bytes.
    Answer(Vec<u8>),
    /// These bytes, one at a time.
    Dribble(Vec<u8>),
    /// These bytes once the gate is open.
    Held(Gate, Vec<u8>),
    /// These bytes, and the end.
    Close(Vec<u8>),
    /// Nothing.
    Silence,
}

impl Reaction {
    /// A text as an answer.
    pub fn text(text: &str) -> Self {
        Self::Answer(text.as_bytes().to_vec())
    }
}

/// Holds answers back until it is opened.
#[derive(Debug, Clone, Default)]
pub struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    /// Lets all pass, from now on.
    pub fn open(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }

    fn pass(&self) {
        drop(self.0.1.wait_while(self.0.0.lock().unwrap(), |is_open| !*is_open).unwrap());
    }
}

/// A server on a free port of the loopback, for as long as it is not dropped.
#[derive(Debug)]
pub struct Fake {
    port: u16,
    is_over: Arc<AtomicBool>,
    listening: Option<JoinHandle<()>>,
    /// How many connections were made.
    pub connections: Arc<AtomicUsize>,
    /// The lines of all requests but those of the handshake.
    pub requests: Arc<Mutex<Vec<String>>>,
}

/// What a healthy server of 1.6.18 says when it is asked what it is.
pub fn handshake(version: &str, pid: u32) -> String {
    let mut text = format!("VERSION {version}\r\n");
    for (name, value) in [("pid", pid.to_string()), ("uptime", "100".into()), ("time", "1800000000".into())] {
        text.extend(["STAT ", name, " ", &value, "\r\n"]);
    }
    text += "END\r\nSTAT cas_enabled yes\r\nSTAT auth_enabled_ascii no\r\nSTAT item_size_max 1048576\r\nEND\r\n";
    text
}

impl Fake {
    /// One that greets as 1.6.18 does, and then follows `script` on each connection: 0 is the first.
    pub fn start(script: impl Fn(usize) -> Script + Send + Sync + 'static) -> Self {
        Self::greeting(|_| Reaction::Answer(handshake("1.6.18", 7).into_bytes()), script)
    }

    /// One that greets each connection as `greeting` says.
    pub fn greeting(
        greeting: impl Fn(usize) -> Reaction + Send + Sync + 'static,
        script: impl Fn(usize) -> Script + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut fake = Self {
            port: listener.local_addr().unwrap().port(),
            is_over: Arc::default(),
            listening: None,
            connections: Arc::default(),
            requests: Arc::default(),
        };
        let (is_over, connections) = (Arc::clone(&fake.is_over), Arc::clone(&fake.connections));
        let requests = Arc::clone(&fake.requests);
        let behaviour = Arc::new((greeting, script));
        fake.listening = Some(thread::spawn(move || {
            for stream in listener.incoming() {
                if is_over.load(Ordering::SeqCst) {
                    return;
                }
                let number = connections.fetch_add(1, Ordering::SeqCst);
                let (behaviour, requests) = (Arc::clone(&behaviour), Arc::clone(&requests));
                let stream = stream.unwrap();
                thread::spawn(move || serve(stream, &behaviour.0(number), behaviour.1(number), &requests));
            }
        }));
        fake
    }

    /// The URL of a store on it.
    pub fn url(&self) -> String {
        format!("memcached://127.0.0.1:{}", self.port)
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        // Wakes the listener, which then ends: nobody listens there after that.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        if let Some(listening) = self.listening.take() {
            let _ = listening.join();
        }
    }
}

fn serve(stream: TcpStream, greeting: &Reaction, mut script: Script, requests: &Mutex<Vec<String>>) {
    let mut out = stream.try_clone().unwrap();
    out.set_nodelay(true).unwrap();
    let mut input = BufReader::new(stream);
    loop {
        let mut line = String::new();
        match input.read_line(&mut line) {
            Ok(read) if read > 0 => {}
            _ => return,
        }
        let line = line.trim_end();
        let reaction = match line {
            "version" | "stats" => continue,
            "stats settings" => greeting.clone(),
            _ => {
                let mut payload = Vec::new();
                if line.starts_with("ms ") {
                    let len: usize = line.split(' ').nth(2).unwrap().parse().unwrap();
                    payload.resize(len + 2, 0);
                    if input.read_exact(&mut payload).is_err() {
                        return;
                    }
                    payload.truncate(len);
                }
                requests.lock().unwrap().push(line.to_owned());
                script(line, &payload)
            }
        };
        // A client that has left is not the server's business.
        let is_gone = match reaction {
            Reaction::Answer(bytes) => out.write_all(&bytes).is_err(),
            Reaction::Dribble(bytes) => bytes.iter().any(|byte| {
                thread::sleep(Duration::from_micros(200));
                out.write_all(&[*byte]).is_err()
            }),
            Reaction::Held(gate, bytes) => {
                gate.pass();
                out.write_all(&bytes).is_err()
            }
            Reaction::Close(bytes) => {
                let _ = out.write_all(&bytes);
                true
            }
            Reaction::Silence => false,
        };
        if is_gone {
            return;
        }
    }
}

/// The opaque token of a request, as its answer has to repeat it.
pub fn token(line: &str) -> String {
    line.split(' ').find(|word| word.starts_with('O')).unwrap_or("O0").to_owned()
}
