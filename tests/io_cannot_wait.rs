//! A system that cannot wait for an operation any more: it ends, and says of itself what it may have sent.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    unsafe_code,
    missing_docs,
    reason = "tests"
)]

mod support;

use std::fs::File;
use std::future::{Future, pending, poll_fn};
use std::os::fd::AsFd;
use std::pin::{Pin, pin};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use lovely_session::container::Container;
use lovely_session::error::{Error, Result};
use lovely_session::io::queue::{Operation, Queue};
use lovely_session::io::{blocking, join_all, readable, sleep_until, with_deadline};
use lovely_session::store::{Store, StoreOptions};
use lovely_session::txn::Transaction;
use support::memcached::Memcached;

const LONG: Duration = Duration::from_secs(20);

/// Limits are of the whole process.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn container(memcached: &Memcached) -> Container {
    let options = "exchange_timeout=20000&connect_timeout=20000&commit_timeout=40000";
    let store = Store::open(Some(&format!("{}?{options}", memcached.url())), &StoreOptions::new()).unwrap();
    Container::open(&store, "visitors").unwrap()
}

/// A transaction that adds one to a counter of a session, and what the counter is then.
async fn visit(container: &Container) -> Result<(Transaction, i64)> {
    let mut txn = Transaction::new();
    let session = txn.open(container, b"visitor").await?;
    let pkg = txn.pkg(session, "visits")?;
    let visits = txn.add(pkg, "n", 1)?;
    Ok((txn, visits))
}

fn visited(container: &Container) -> (Transaction, i64) {
    blocking::run(visit(container)).unwrap().unwrap()
}

/// What was on its way is stored, when the server gets to it.
fn assert_arrives(container: &Container) {
    let until = Instant::now() + LONG;
    while visited(container).1 != 2 {
        assert!(Instant::now() < until, "it was never stored");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Commits, and from poll number `from` on waits for what no set of descriptors takes too: a file.
fn commit(mut txn: Transaction, from: usize) -> Operation<()> {
    Box::pin(async move {
        let file = File::open("Cargo.toml").unwrap();
        let mut commit = pin!(txn.commit());
        let mut polls = 0;
        poll_fn(|context| {
            polls += 1;
            let polled = commit.as_mut().poll(context);
            if polled.is_pending() {
                // What it notes stays noted.
                let _ = if polls >= from {
                    pin!(readable(file.as_fd())).poll(context)
                } else {
                    pin!(sleep_until(Instant::now() + Duration::from_millis(1))).poll(context)
                };
            }
            polled
        })
        .await
    })
}

/// Makes the connection of the queue, so that a commit finds it.
fn warm(queue: &Queue<()>, container: &Container) {
    let container = container.clone();
    let load = async move { visit(&container).await.map(|_| ()) };
    queue.start(queue.number(), 0, Box::pin(load)).unwrap();
    finish(queue).unwrap();
}

fn finish(queue: &Queue<()>) -> Result<()> {
    let mut result = None;
    assert_eq!(queue.wait(1, Some(LONG), |finished| result = Some(finished.result)).unwrap(), 1, "it hangs");
    result.unwrap()
}

// Contract 6.2.
#[test]
fn a_commit_that_a_queue_cannot_watch_and_that_was_sent_is_unknown() {
    let _alone = ONE_AT_A_TIME.lock();
    let memcached = Memcached::start(&[]);
    let container = container(&memcached);
    let queue = Queue::new().unwrap();
    warm(&queue, &container);
    let (txn, _) = visited(&container);
    memcached.freeze();
    queue.start(queue.number(), 0, commit(txn, 2)).unwrap();
    let result = finish(&queue);
    memcached.resume();
    assert!(matches!(result, Err(Error::Unknown(_))), "{result:?}");
    assert_arrives(&container);
}

#[test]
fn a_commit_that_a_queue_cannot_watch_and_that_was_not_sent_stores_nothing() {
    let _alone = ONE_AT_A_TIME.lock();
    let memcached = Memcached::start(&[]);
    let container = container(&memcached);
    let queue = Queue::new().unwrap();
    warm(&queue, &container);
    let (txn, _) = visited(&container);
    queue.start(queue.number(), 0, commit(txn, 1)).unwrap();
    let result = finish(&queue);
    assert!(matches!(&result, Err(Error::Unavailable { errno, .. }) if *errno == libc::EPERM), "{result:?}");
    warm(&queue, &container);
    assert_eq!(visited(&container).1, 1);
}

/// No descriptors, until dropped: a wait for any is refused.
struct NoDescriptors(libc::rlimit);

impl NoDescriptors {
    fn new() -> Self {
        let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        // SAFETY: one `rlimit`, exclusively borrowed during the call.
        assert_eq!(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) }, 0);
        Self::set(&libc::rlimit { rlim_cur: 0, ..limit });
        Self(limit)
    }

    fn set(limit: &libc::rlimit) {
        // SAFETY: only read, during the call.
        assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, std::ptr::from_ref(limit)) }, 0);
    }
}

impl Drop for NoDescriptors {
    fn drop(&mut self) {
        Self::set(&self.0);
    }
}

// Contract 6.2.
#[test]
fn a_commit_that_cannot_be_waited_for_and_that_was_sent_is_unknown() {
    let _alone = ONE_AT_A_TIME.lock();
    let memcached = Memcached::start(&[]);
    let container = container(&memcached);
    let (mut txn, _) = visited(&container);
    memcached.freeze();
    // Beside something else it does not wait by itself, but leaves that to the driver.
    let beside = with_deadline(Instant::now() + LONG, pending::<()>());
    let both: Vec<Pin<Box<dyn Future<Output = Result<()>>>>> = vec![
        Box::pin(txn.commit()),
        Box::pin(async {
            let _ = beside.await;
            Ok(())
        }),
    ];
    let began = Instant::now();
    let none = NoDescriptors::new();
    let results = blocking::run(join_all(both));
    drop(none);
    memcached.resume();
    let results = results.unwrap();
    assert!(matches!(results[0], Err(Error::Unknown(_))), "{results:?}");
    assert!(began.elapsed() < LONG / 2, "it waited");
    assert_arrives(&container);
}
