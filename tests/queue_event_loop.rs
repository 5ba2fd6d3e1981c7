//! The example of an event loop: many connections on one thread, and every visit counted exactly once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod support;

use std::env;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use support::memcached::Memcached;
use support::program::build;

const THREADS: usize = 8;
const CONNECTIONS: usize = 32;
/// Fewer than connections: several count on one session at the same time.
const VISITORS: usize = 100;

/// Ended when the test is, however that ends.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn ask(client: &mut TcpStream, path: &str, visitor: usize) {
    client
        .write_all(format!("GET {path} HTTP/1.1\r\nHost: x\r\nCookie: id=visitor-{visitor}\r\n\r\n").as_bytes())
        .unwrap();
}

/// The body of an answer that is well.
fn hear(client: &mut TcpStream) -> String {
    let mut text = String::new();
    let mut buffer = [0; 4_096];
    loop {
        let received = client.read(&mut buffer).unwrap();
        assert!(received > 0, "closed after {text:?}");
        text.push_str(std::str::from_utf8(&buffer[..received]).unwrap());
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
        let len: usize = head.split("Content-Length: ").nth(1).unwrap().lines().next().unwrap().parse().unwrap();
        if body.len() == len {
            return body.trim().to_owned();
        }
    }
}

/// Visits on many connections at once until it is time; how often.
fn visit(port: u16, until: Instant, thread: usize) -> u64 {
    let connect = |_| {
        let client = TcpStream::connect(("127.0.0.1", port)).unwrap();
        client.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        client
    };
    let mut clients: Vec<TcpStream> = (0..CONNECTIONS).map(connect).collect();
    let mut visits = 0;
    while Instant::now() < until {
        for (at, client) in clients.iter_mut().enumerate() {
            ask(client, "/", (thread * CONNECTIONS + at) % VISITORS);
        }
        for client in &mut clients {
            assert!(hear(client).parse::<u64>().unwrap() > 0);
            visits += 1;
        }
    }
    visits
}

#[test]
fn every_visit_is_counted_exactly_once_on_many_connections() {
    let dir = env::temp_dir().join(format!("lovely-event-loop-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).unwrap();
    let memcached = Memcached::start(&[]);
    let mut command = Command::new(build("examples/event_loop.c", &dir));
    // Other tests may take all of the machine for a while.
    command.arg("0").arg(format!("{}?exchange_timeout=30000&commit_timeout=60000", memcached.url()));
    let mut server = Server(command.stdout(Stdio::piped()).spawn().unwrap());
    let mut output = BufReader::new(server.0.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    let port: u16 = line.trim().trim_end_matches('/').rsplit(':').next().unwrap().parse().unwrap();

    let seconds = env::var("SECONDS_OF_VISITS").ok().and_then(|seconds| seconds.parse().ok()).unwrap_or(3);
    let until = Instant::now() + Duration::from_secs(seconds);
    let threads: Vec<_> = (0..THREADS).map(|at| thread::spawn(move || visit(port, until, at))).collect();
    let visits: u64 = threads.into_iter().map(|thread| thread.join().unwrap()).sum();

    let mut client = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let mut stored = 0;
    for visitor in 0..VISITORS {
        // One more, which tells how many there were before.
        ask(&mut client, "/", visitor);
        stored += hear(&mut client).parse::<u64>().unwrap() - 1;
    }
    assert_eq!(stored, visits);
    for expected in ["1", "2"] {
        ask(&mut client, "/add/book", 1);
        assert_eq!(hear(&mut client), expected);
    }
    ask(&mut client, "/cart", 1);
    assert_eq!(hear(&mut client), r#"{"book":2}"#);

    let pid = i32::try_from(server.0.id()).unwrap();
    assert!(Command::new("kill").arg(pid.to_string()).status().unwrap().success());
    assert!(server.0.wait().unwrap().success());
    line.clear();
    output.read_line(&mut line).unwrap();
    assert_eq!(line, format!("{} visits\n", visits + VISITORS as u64));
    println!("{visits} visits on {} connections in {seconds} s", THREADS * CONNECTIONS);
    std::fs::remove_dir_all(&dir).unwrap();
}
