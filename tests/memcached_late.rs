//! A request that got stuck on its way arrives long after it was given up on and done again: as after a partition, when the
//! system that sent it still has it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod support;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use lovely_session::container::Container;
use lovely_session::io::blocking::run;
use lovely_session::store::{Store, StoreOption, StoreOptions};
use lovely_session::txn::Transaction;
use lovely_session::value::Value;
use support::memcached::Memcached;

/// A way to `server` that keeps the first request to store something until it is told to deliver it; then it says that the
/// server has answered.
fn holding(server: &Memcached) -> (String, Sender<()>, Receiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = server.url().strip_prefix("memcached://").unwrap().to_owned();
    let ((deliver, delivery), (answer, answered)) = (channel(), channel());
    thread::spawn(move || {
        let mut delivery = Some(delivery);
        for client in listener.incoming().map(Result::unwrap) {
            let to_server = TcpStream::connect(&server).unwrap();
            let (mut from, mut to) = (to_server.try_clone().unwrap(), client.try_clone().unwrap());
            thread::spawn(move || drop(std::io::copy(&mut from, &mut to)));
            let (delivery, answer) = (delivery.take(), answer.clone());
            thread::spawn(move || forward(client, to_server, delivery, &answer));
        }
    });
    (format!("memcached://127.0.0.1:{port}"), deliver, answered)
}

fn forward(mut client: TcpStream, mut server: TcpStream, mut delivery: Option<Receiver<()>>, answer: &Sender<()>) {
    let mut buffer = [0; 4_096];
    while let Ok(len @ 1..) = client.read(&mut buffer) {
        if let Some(delivery) = delivery.take_if(|_| buffer.starts_with(b"ms ")) {
            delivery.recv().unwrap();
            server.write_all(&buffer[..len]).unwrap();
            // What is asked behind it is answered after it.
            server.write_all(b"mn\r\n").unwrap();
            server.shutdown(std::net::Shutdown::Write).unwrap();
            while server.read(&mut buffer).is_ok_and(|len| len > 0) {}
            answer.send(()).unwrap();
            return;
        }
        if server.write_all(&buffer[..len]).is_err() {
            return;
        }
    }
}

fn put(container: &Container, value: i64) {
    let mut txn = Transaction::new();
    let session = run(txn.open(container, b"s")).unwrap().unwrap();
    let pkg = txn.pkg(session, "p").unwrap();
    txn.set(pkg, "x", Value::Int(value)).unwrap();
    run(txn.commit()).unwrap().unwrap();
}

// Contract 5.5: what is created after a destruction is a session of its own.
#[test]
fn a_destruction_that_arrives_late_leaves_what_was_created_since() {
    for is_opened in [false, true] {
        let server = Memcached::start(&[]);
        let (held_url, deliver, answered) = holding(&server);
        let mut options = StoreOptions::new();
        options.set(StoreOption::ExchangeTimeout, 300).unwrap();
        // Enough for a machine on which everything runs at once.
        options.set(StoreOption::CommitTimeout, 60_000).unwrap();
        let held = Container::open(&Store::open(Some(&held_url), &options).unwrap(), "c").unwrap();
        let direct = Container::open(&Store::open(Some(&server.url()), &StoreOptions::new()).unwrap(), "c").unwrap();
        put(&direct, 1);

        let mut txn = Transaction::new();
        if is_opened {
            run(txn.open(&held, b"s")).unwrap().unwrap();
        }
        txn.destroy(&held, b"s").unwrap();
        run(txn.commit()).unwrap().unwrap();
        put(&direct, 2);
        deliver.send(()).unwrap();
        answered.recv().unwrap();

        let mut txn = Transaction::new();
        let session = run(txn.open(&direct, b"s")).unwrap().unwrap();
        assert!(!txn.is_new(session).unwrap(), "the session of after the destruction is gone");
    }
}
