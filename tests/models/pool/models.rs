//! The pool of connections: what is taken and given back, given up, tried and forked on several threads at once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;

use super::aside::Failure;
use super::connection::Connection;
use super::handshake::Facts;
use super::pool::{Pass, Pool, Way};
use crate::error::Error;
use crate::in_every_order;
use crate::io::sys::{fork_generation, in_a_child};

/// What the pool keeps at most.
const MOST_IDLE: usize = 64;

/// The server, as one process and as the next.
const FACTS: Facts = Facts { identity: 1 };
const RESTARTED: Facts = Facts { identity: 2 };

fn connect(pass: Pass<'_>) -> Box<Connection> {
    Connection::new(pass.connected(FACTS).0)
}

fn take(pool: &Pool) -> Box<Connection> {
    match pool.way(false).unwrap() {
        Way::Idle(connection) => connection,
        Way::New(pass) => connect(pass),
    }
}

/// The epochs of all that is idle.
fn empty(pool: &Pool) -> Vec<u64> {
    let mut epochs = Vec::new();
    while let Way::Idle(connection) = pool.way(false).unwrap() {
        epochs.push(connection.epoch);
    }
    epochs
}

/// Runs `works`, two or three, at the same time on a pool that `begin` has begun with, and `end` when they are done.
fn on_one_pool(begin: fn(&Pool), works: &'static [fn(&Pool)], end: fn(&Pool)) {
    in_every_order(Some(if works.len() > 2 { 2 } else { 4 }), move || {
        let pool = Arc::new(Pool::new());
        begin(&pool);
        let threads: Vec<_> = works
            .iter()
            .map(|work| {
                let pool = Arc::clone(&pool);
                thread::spawn(move || work(&pool))
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        end(&pool);
    });
}

fn use_once(pool: &Pool) {
    let connection = take(pool);
    pool.put(connection);
}

#[test]
fn what_is_given_back_is_kept_and_no_more_is_made_than_was_needed_at_once() {
    on_one_pool(use_once, &[use_once, use_once, use_once], |pool| {
        let idle = empty(pool);
        assert!((1..=3).contains(&idle.len()), "{idle:?}");
        assert!(idle.iter().all(|epoch| *epoch == pool.epoch()));
    });
}

#[test]
fn no_more_is_kept_than_the_limit() {
    fn fill(pool: &Pool) {
        let epoch = connect(pool.pass(false).unwrap()).epoch;
        (1..MOST_IDLE).for_each(|_| pool.put(Connection::new(epoch)));
    }
    fn put(pool: &Pool) {
        pool.put(Connection::new(pool.epoch()));
    }
    on_one_pool(fill, &[put, put], |pool| assert_eq!(empty(pool).len(), MOST_IDLE));
}

/// Takes one, finds it broken, and another: one of a later life.
fn give_up(pool: &Pool) {
    let connection = take(pool);
    let epoch = connection.epoch;
    pool.broke(connection);
    let connection = take(pool);
    assert_ne!(connection.epoch, epoch, "of the life that ended");
    pool.put(connection);
}

// What is told on a connection is worth nothing after a restart: contract 5.5 and the design of versions lean on this.
#[test]
fn nothing_of_a_life_that_ended_is_used_again() {
    on_one_pool(use_once, &[give_up, use_once], |pool| {
        assert!(empty(pool).iter().all(|epoch| *epoch == pool.epoch()));
    });
    on_one_pool(use_once, &[give_up, give_up], |pool| {
        assert!(empty(pool).iter().all(|epoch| *epoch == pool.epoch()));
    });
}

#[test]
fn a_server_that_was_restarted_begins_a_life_for_all() {
    fn begin(pool: &Pool) {
        let mut old = connect(pool.pass(false).unwrap());
        old.when_looked_at = Some(|| {});
        pool.put(old);
    }
    fn find_restarted(pool: &Pool) {
        let (epoch, _) = pool.pass(false).unwrap().connected(RESTARTED);
        pool.put(Connection::new(epoch));
    }
    /// Of the life before: given back late, it is not kept.
    fn use_what_there_is(pool: &Pool) {
        if let Way::Idle(connection) = pool.way(false).unwrap() {
            pool.put(connection);
        }
    }
    on_one_pool(begin, &[find_restarted, find_restarted, use_what_there_is], |pool| {
        let mut count = 0;
        while let Way::Idle(connection) = pool.way(false).unwrap() {
            assert!(connection.when_looked_at.is_none(), "of the life before");
            assert_eq!(connection.epoch, pool.epoch());
            count += 1;
        }
        // Either found it first, and both of them know the one life that began.
        assert!(count >= 1);
    });
}

fn failure() -> (Failure, Error) {
    let cause = Error::Unavailable { message: "refused".into(), errno: 0 };
    (Failure { began: Instant::now(), lost: None }, cause)
}

fn set_aside(pool: &Pool) {
    let (failure, cause) = failure();
    assert!(pool.failed(failure, &cause, Duration::from_secs(10)));
    assert!(pool.pass(false).is_err(), "it is in its pause");
}

/// Tries a server that is set aside, as `then` says, and sees that nobody else does meanwhile.
fn attempt(pool: &Pool, trying: &AtomicUsize, then: fn(Pass<'_>)) {
    if let Ok(pass) = pool.pass(true) {
        assert_eq!(trying.fetch_add(1, Ordering::SeqCst), 0, "two try at once");
        trying.fetch_sub(1, Ordering::SeqCst);
        then(pass);
    }
}

/// Two try a server that is set aside, which ends as `then` says for each.
fn two_try(then: [fn(Pass<'_>); 2], end: fn(&Pool)) {
    in_every_order(None, move || {
        let (pool, trying) = (Arc::new(Pool::new()), Arc::new(AtomicUsize::new(0)));
        set_aside(&pool);
        let threads = then.map(|then| {
            let (pool, trying) = (Arc::clone(&pool), Arc::clone(&trying));
            thread::spawn(move || attempt(&pool, &trying, then))
        });
        for thread in threads {
            thread.join().unwrap();
        }
        end(&pool);
    });
}

/// Cancelled, or out of time.
fn give_way(pass: Pass<'_>) {
    drop(pass);
}

fn fail(pass: Pass<'_>) {
    let (failure, cause) = failure();
    pass.failed(failure, &cause, Duration::from_secs(10));
}

#[test]
fn one_at_a_time_tries_a_server_and_whoever_gives_up_leaves_it_to_the_next() {
    two_try([give_way, give_way], |pool| assert!(pool.pass(true).is_ok(), "nobody may try it any more"));
    two_try([give_way, fail], |pool| assert!(pool.pass(true).is_ok(), "nobody may try it any more"));
    two_try([fail, fail], |pool| {
        assert!(pool.pass(false).is_err(), "it is in its pause");
        assert!(pool.pass(true).is_ok(), "nobody may try it any more");
    });
}

#[test]
fn whoever_finds_a_server_well_lets_everybody_in() {
    // While the first connects, or after: the other one is refused, or let in.
    in_every_order(None, || {
        let pool = Arc::new(Pool::new());
        set_aside(&pool);
        let other = {
            let pool = Arc::clone(&pool);
            thread::spawn(move || pool.pass(false).is_ok())
        };
        let connection = connect(pool.pass(true).unwrap());
        pool.put(connection);
        other.join().unwrap();
        assert!(pool.pass(false).is_ok() && pool.pass(false).is_ok(), "it is still set aside");
    });
}

#[test]
fn a_child_shares_one_pool_of_its_own_and_never_a_connection_of_its_parent() {
    // Threads of the parent and of the child on what is one memory here: more can happen than after a fork.
    fn in_the_child(pool: &Pool) {
        in_a_child(|| {
            assert_eq!(fork_generation(), 1);
            let connection = take(pool);
            assert_eq!(connection.epoch, pool.epoch(), "not of the child's life");
            pool.put(connection);
        });
    }
    on_one_pool(use_once, &[in_the_child, in_the_child, use_once], |pool| {
        let parents = pool.epoch();
        in_a_child(|| {
            let idle = empty(pool);
            assert!((1..=2).contains(&idle.len()), "{idle:?}");
            assert!(!idle.contains(&parents), "of the parent's life");
        });
    });
}

loom::lazy_static! {
    static ref FORKED: Pool = Pool::new();
}

#[test]
fn a_child_does_not_wait_for_a_lock_that_the_parent_held_at_the_fork() {
    in_every_order(None, || {
        let mut connection = connect(FORKED.pass(false).unwrap());
        // Somebody looks at it with the pool locked: then the fork happens.
        connection.when_looked_at = Some(|| in_a_child(|| drop(take(&FORKED))));
        FORKED.put(connection);
        let (epoch, _) = FORKED.pass(false).unwrap().connected(FACTS);
        assert_eq!(epoch, FORKED.epoch());
        let Way::Idle(kept) = FORKED.way(false).unwrap() else { panic!("the child closed what it must not touch") };
        drop(kept);
    });
}
