//! When a server is away (contract 6), by faults that are scripted.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    reason = "tests"
)]

mod contract_support;

use contract_support::*;

use std::time::{Duration, Instant};

use lovely_session::container::Container;
use lovely_session::error::{Error, Status};
use lovely_session::record::{Stored, decode};
use lovely_session::store::{Action, Blob, FaultKind, FaultOps, LoadItem, Loaded, WriteItem, Written};
use lovely_session::txn::{Outcome, Transaction, TxnOption};

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(1)
}

/// The bytes that are stored under `id`.
fn bytes(c: &Container, id: &str) -> Vec<u8> {
    let items = [LoadItem { key: c.key(id.as_bytes()), renew: None }];
    match wait(c.store().load(&items, soon())).remove(0).unwrap() {
        Loaded::Found { blob, .. } => blob.to_vec(),
        Loaded::Absent => panic!("nothing is stored"),
    }
}

/// Stores bytes under `id`, whatever they are.
fn plant(c: &Container, id: &str, bytes: &[u8]) {
    let action = Action::Put(Blob::new(bytes.to_vec()).into());
    let items = [WriteItem { key: c.key(id.as_bytes()), action, ttl: Some(HOUR) }];
    assert!(matches!(wait(c.store().write(&items, soon())).remove(0), Written::Done(_)));
}

// 6.1
#[test]
fn a_load_that_fails_is_an_error_and_opening_again_tries_again() {
    let c = container();
    put(&c, "s", &[("x", "1")]);
    for (kind, expected) in [
        (FaultKind::Unavailable, Status::Unavailable),
        (FaultKind::Timeout, Status::Timeout),
        (FaultKind::LostAnswer, Status::Timeout),
        (FaultKind::Refused, Status::Unavailable),
    ] {
        let mut txn = Transaction::new();
        fail(&c, kind, FaultOps::LOAD, 0, 2);
        assert_eq!(status(wait(txn.open(&c, b"s"))), expected);
        assert_eq!(status(wait(txn.exists(&c, b"s"))), expected);
        assert_eq!(txn.session_count(), 0);
        let session = open_in(&mut txn, &c, "s");
        let pkg = txn.pkg(session, "p").unwrap();
        assert_eq!(txn.get(pkg, "x").unwrap(), Some(&value("1")), "{kind:?}");
        assert_eq!(commit(&mut txn), Ok(0));
    }
}

// 6.1 with 4.4: nor does a load that fails lose what was open.
#[test]
fn a_load_anew_that_fails_leaves_the_open_session_as_it_was() {
    let c = container();
    let mut work = open(&c, "s");
    work.set("x", "1");
    pass(&c, HOUR * 2);
    fail(&c, FaultKind::Unavailable, FaultOps::LOAD, 0, 1);
    assert_eq!(status(wait(work.txn.open(&c, b"s"))), Status::Unavailable);
    assert_eq!(work.get("x").as_deref(), Some("1"));
    assert_ne!(open_in(&mut work.txn, &c, "s"), work.session);
}

// 6.2
#[test]
fn a_commit_that_was_not_stored_is_an_error_and_nothing_is_stored() {
    let c = container();
    put(&c, "s", &[("x", "1")]);
    for (kind, expected) in [(FaultKind::Unavailable, Status::Unavailable), (FaultKind::Refused, Status::Unavailable)] {
        let mut work = open(&c, "s");
        work.set("x", "2");
        fail(&c, kind, FaultOps::WRITE, 0, 1);
        assert_eq!(work.commit(), Err(expected));
        assert_eq!(report(&work.txn), [("s".to_owned(), Outcome::NotStored, expected)]);
        assert_eq!(stored(&c, "s"), r#"{"p":{"x":1}}"#, "{kind:?}");
    }
}

// 6.2
#[test]
fn a_commit_whose_answer_was_lost_looks_again() {
    let c = container();
    put(&c, "s", &[("x", "1")]);
    for (turn, kind) in (2..).zip([FaultKind::LostAnswer, FaultKind::Timeout]) {
        let mut work = open(&c, "s");
        work.set("x", &turn.to_string());
        work.add("n", 1);
        fail(&c, kind, FaultOps::WRITE, 0, 1);
        assert_eq!(work.commit(), Ok(1), "{kind:?}");
    }
    assert_eq!(stored(&c, "s"), r#"{"p":{"n":2,"x":3}}"#, "and nothing was added twice");
}

// 6.2: for creations and destructions, too.
#[test]
fn a_lost_answer_to_a_creation_a_destruction_and_a_new_id_is_found_out() {
    for kind in [FaultKind::LostAnswer, FaultKind::Timeout] {
        let c = container();
        fail(&c, kind, FaultOps::WRITE, 0, 1);
        put(&c, "s", &[("x", "1")]);
        for lost in [0, 1] {
            let (from, to) = if lost == 0 { ("s", "t") } else { ("t", "u") };
            let mut work = open(&c, from);
            work.txn.regenerate(work.session, Some(to.as_bytes())).unwrap();
            fail(&c, kind, FaultOps::WRITE, lost, 1);
            assert_eq!(work.commit(), Ok(1), "{kind:?}, write {lost}");
            assert_eq!((stored(&c, from).as_str(), stored(&c, to).as_str()), ("absent", r#"{"p":{"x":1}}"#));
        }
        fail(&c, kind, FaultOps::WRITE, 0, 1);
        destroy(&c, "u");
        assert_eq!(stored(&c, "u"), "absent");
    }
}

// 6.2
#[test]
fn an_outcome_that_cannot_be_found_out_is_unknown_and_names_the_session() {
    for kind in [FaultKind::LostAnswer, FaultKind::Timeout] {
        let c = container();
        put(&c, "s", &[("x", "1")]);
        let mut work = open(&c, "s");
        work.set("x", "2");
        work.txn.set_option(TxnOption::CommitTimeout, 30).unwrap();
        fail(&c, kind, FaultOps::ALL, 0, 0);
        let error = wait(work.txn.commit()).unwrap_err();
        assert!(matches!(error, Error::Unknown(_)), "{error:?}");
        assert!(!error.is_retryable());
        assert!(error.to_string().contains(c.key(b"s").digest()), "{error}");
        assert_eq!(report(&work.txn), [("s".to_owned(), Outcome::Unknown, Status::Unknown)]);
        heal(&c);
        let is = if kind == FaultKind::LostAnswer { r#"{"p":{"x":2}}"# } else { r#"{"p":{"x":1}}"# };
        assert_eq!(stored(&c, "s"), is);
    }
}

// 6.2
#[test]
fn a_refusal_that_dropped_the_stored_session_says_that_it_is_lost() {
    let c = container();
    put(&c, "s", &[("x", "1")]);
    let mut work = open(&c, "s");
    work.set("x", "2");
    fail(&c, FaultKind::RefusedDropped, FaultOps::WRITE, 0, 1);
    assert_eq!(work.commit(), Err(Status::Lost));
    assert_eq!(report(&work.txn), [("s".to_owned(), Outcome::NotStored, Status::Lost)]);
    assert_eq!(stored(&c, "s"), "absent");
}

// 6.2: also where nobody can look what the refusal did.
#[test]
fn a_refused_destruction_says_that_the_session_is_lost_where_nobody_can_look() {
    for is_there in [true, false] {
        let c = container();
        if is_there {
            put(&c, "s", &[("x", "1")]);
        }
        let mut work = open(&c, "s");
        work.txn.destroy(&c, b"s").unwrap();
        work.txn.set_option(TxnOption::CommitTimeout, 50).unwrap();
        fail(&c, FaultKind::RefusedDropped, FaultOps::WRITE, 0, 1);
        fail(&c, FaultKind::Unavailable, FaultOps::LOAD, 0, 0);
        assert_eq!(work.commit(), Err(if is_there { Status::Lost } else { Status::Unavailable }));
    }
}

// 6.3
#[test]
fn savepoint_rollback_reads_writes_and_abort_work_without_a_server() {
    let c = container();
    put(&c, "s", &[("x", "1")]);
    let mut work = open(&c, "s");
    fail(&c, FaultKind::Unavailable, FaultOps::ALL, 0, 0);
    let savepoint = work.txn.savepoint().unwrap();
    work.set("x", "2");
    work.add("n", 1);
    assert_eq!(work.content(), r#"{"p":{"n":1,"x":2}}"#);
    work.txn.rollback(savepoint).unwrap();
    assert_eq!(work.content(), r#"{"p":{"x":1}}"#);
    assert_eq!(open_in(&mut work.txn, &c, "s"), work.session);
    work.txn.create(&c).unwrap();
    work.txn.destroy(&c, b"t").unwrap();
    work.txn.abort().unwrap();
    assert_eq!(open_nothing_and_commit(), Ok(0));
}

fn open_nothing_and_commit() -> Result<usize, Status> {
    commit(&mut Transaction::new())
}

// 6.3: and a commit that has nothing to write.
#[test]
fn a_commit_without_changes_works_without_a_server() {
    let c = container();
    put(&c, "s", &[("x", "1")]);
    let mut work = open(&c, "s");
    fail(&c, FaultKind::Unavailable, FaultOps::ALL, 0, 0);
    assert_eq!(work.commit(), Ok(0));
}

// 6.5
#[test]
fn bytes_that_cannot_be_read_are_an_error_that_names_container_and_digest() {
    let c = container();
    put(&c, "secret-id", &[("key", "\"secret-value\"")]);
    let good = bytes(&c, "secret-id");
    let mut newer = good.clone();
    let version = newer.iter().position(|byte| *byte == 1).unwrap();
    newer[version] = 99;
    for (what, planted) in
        [("empty", &[][..]), ("foreign", b"O:8:\"stdClass\""), ("cut", &good[..good.len() - 1]), ("newer", &newer)]
    {
        plant(&c, "secret-id", planted);
        let mut txn = Transaction::new();
        let error = wait(txn.open(&c, b"secret-id")).unwrap_err();
        assert_eq!(error.status(), Status::Corrupt, "{what}");
        let text = error.to_string();
        assert!(text.contains("\"c\"") && text.contains(c.key(b"secret-id").digest()), "{text}");
        assert!(!text.contains("secret-"), "{text}");
        assert_eq!(txn.session_count(), 0);
        assert_eq!(bytes(&c, "secret-id"), planted, "and stays as it is");
    }
    destroy(&c, "secret-id");
    assert_eq!(stored(&c, "secret-id"), "absent");
    assert!(matches!(decode(Blob::new(bytes(&c, "secret-id"))), Ok(Stored::Tombstone(_))));
}

/// A stored session whose package "wrecked" cannot be read, and whose package "good" can.
fn half_damaged() -> Container {
    let c = container();
    let mut txn = Transaction::new();
    let session = open_in(&mut txn, &c, "s");
    for name in ["good", "wrecked"] {
        let pkg = txn.pkg(session, name).unwrap();
        set(&mut txn, pkg, "k", "\"marked\"");
    }
    commit(&mut txn).unwrap();
    let Ok(Stored::Session(record)) = decode(Blob::new(bytes(&c, "s"))) else { panic!("a session") };
    let (_, bad) = record.entries().find(|(name, _)| *name == "wrecked").unwrap();
    let at = bad.as_ptr() as usize - record.blob().as_ptr() as usize;
    let mut damaged = record.blob().to_vec();
    // The table of the package: how many entries it has.
    damaged[at..at + bad.len()].fill(0xff);
    plant(&c, "s", &damaged);
    c
}

// 6.5
#[test]
fn a_damaged_package_is_an_error_at_its_first_use_and_is_carried_on_by_others() {
    let c = half_damaged();
    let mut txn = Transaction::new();
    let session = open_in(&mut txn, &c, "s");
    let good = txn.pkg(session, "good").unwrap();
    assert_eq!(txn.get(good, "k").unwrap(), Some(&value("\"marked\"")));
    let bad = txn.pkg(session, "wrecked").unwrap();
    for status in [
        status(txn.get(bad, "k").map(|_| ())),
        status(txn.len(bad)),
        status(txn.keys(bad).map(|_| ())),
        status(txn.content(bad).map(|_| ())),
        status(txn.session_content(session).map(|_| ())),
        status(txn.pkg_clear(bad)),
        status(txn.clear(session)),
        status(txn.delete_pkg(session, "wrecked")),
    ] {
        assert_eq!(status, Status::Corrupt);
    }
    assert_eq!(txn.get(good, "k").unwrap(), Some(&value("\"marked\"")), "not even half of it was done");
    set(&mut txn, good, "k", "1");
    assert_eq!(commit(&mut txn), Ok(1), "the error spoiled nothing");
    let mut txn = Transaction::new();
    let session = open_in(&mut txn, &c, "s");
    let good = txn.pkg(session, "good").unwrap();
    assert_eq!(txn.get(good, "k").unwrap(), Some(&value("1")));
    let bad = txn.pkg(session, "wrecked").unwrap();
    assert_eq!(status(txn.get(bad, "k").map(|_| ())), Status::Corrupt, "carried on as it was");
    destroy(&c, "s");
    assert_eq!(stored(&c, "s"), "absent");
}

// 6.5: what cannot be read is not lost by somebody else's merge either.
#[test]
fn a_commit_over_bytes_that_became_unreadable_is_an_error_and_leaves_them() {
    let c = container();
    put(&c, "s", &[("x", "1")]);
    let mut work = open(&c, "s");
    work.set("x", "2");
    plant(&c, "s", b"foreign");
    assert_eq!(work.commit(), Err(Status::Corrupt));
    assert_eq!(bytes(&c, "s"), b"foreign");
}

// Both stores are the same.
#[test]
fn all_of_this_holds_on_memcached() {
    // These script faults, which the embedded store alone can do.
    everywhere::all_on_memcached(
        "all_of_this_holds_on_memcached",
        &[
            "a_load_that_fails_is_an_error_and_opening_again_tries_again",
            "a_load_anew_that_fails_leaves_the_open_session_as_it_was",
            "a_commit_that_was_not_stored_is_an_error_and_nothing_is_stored",
            "a_commit_whose_answer_was_lost_looks_again",
            "a_lost_answer_to_a_creation_a_destruction_and_a_new_id_is_found_out",
            "an_outcome_that_cannot_be_found_out_is_unknown_and_names_the_session",
            "a_refusal_that_dropped_the_stored_session_says_that_it_is_lost",
            "a_refused_destruction_says_that_the_session_is_lost_where_nobody_can_look",
            "savepoint_rollback_reads_writes_and_abort_work_without_a_server",
            "a_commit_without_changes_works_without_a_server",
        ],
    );
}
