//! New ids for sessions: staged like any change, and merged like one (contract 2.5, 3.1 and 5).
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

use lovely_session::error::Status;
use lovely_session::store::{FaultKind, FaultOps};
use lovely_session::txn::Outcome;

// A new id: committed like any change, and the old id is destroyed.
#[test]
fn a_new_id_takes_the_content_along_and_destroys_the_old_one() {
    let c = container();
    put(&c, "old", &[("x", "1")]);
    let (mut mover, mut writer, mut late) = (open(&c, "old"), open(&c, "old"), open(&c, "old"));
    let created = mover.txn.created_ms(mover.session).unwrap();
    mover.txn.regenerate(mover.session, Some(b"new")).unwrap();
    mover.set("z", "1");
    assert_eq!(status(wait(mover.txn.open(&c, b"old"))), Status::Gone);
    assert_eq!(open_in(&mut mover.txn, &c, "new"), mover.session);
    assert_eq!(stored(&c, "new"), "absent", "not before the commit");
    writer.set("y", "1");
    writer.commit().unwrap();
    assert_eq!(mover.commit(), Ok(1));
    assert_eq!(report(&mover.txn), [("new".to_owned(), Outcome::Stored, Status::Ok)]);
    assert_eq!(stored(&c, "new"), r#"{"p":{"x":1,"y":1,"z":1}}"#, "merged with what came in between");
    assert_eq!(stored(&c, "old"), "absent");
    late.set("x", "2");
    assert_eq!(late.commit(), Err(Status::Gone));
    let there = open(&c, "new");
    assert_eq!(there.txn.created_ms(there.session).unwrap(), created);
}

#[test]
fn a_new_id_that_cannot_be_committed_leaves_everything_as_it_was() {
    let c = container();
    put(&c, "old", &[("x", "1")]);
    put(&c, "taken", &[("x", "9")]);
    let mut work = open(&c, "old");
    work.txn.regenerate(work.session, Some(b"taken")).unwrap();
    assert_eq!(work.commit(), Err(Status::Conflict));
    let mut work = open(&c, "old");
    work.set("x", "2");
    work.txn.regenerate(work.session, Some(b"new")).unwrap();
    put(&c, "old", &[("x", "3")]);
    assert_eq!(work.commit(), Err(Status::Conflict));
    let mut work = open(&c, "old");
    work.txn.regenerate(work.session, Some(b"new")).unwrap();
    fail(&c, FaultKind::Unavailable, FaultOps::WRITE, 1, 1);
    assert_eq!(work.commit(), Err(Status::Unavailable), "the tombstone for the old id was not stored");
    assert_eq!(stored(&c, "old"), r#"{"p":{"x":3}}"#);
    assert_eq!(stored(&c, "taken"), r#"{"p":{"x":9}}"#);
    assert_eq!(stored(&c, "new"), "absent", "withdrawn");
}

#[test]
fn a_new_id_for_a_session_that_was_destroyed_is_gone() {
    let c = container();
    put(&c, "old", &[("x", "1")]);
    let mut work = open(&c, "old");
    work.txn.regenerate(work.session, None).unwrap();
    let id = String::from_utf8(work.txn.session_id(work.session).unwrap().to_vec()).unwrap();
    destroy(&c, "old");
    assert_eq!(work.commit(), Err(Status::Gone));
    assert_eq!((stored(&c, "old"), stored(&c, &id)), ("absent".to_owned(), "absent".to_owned()));
}

#[test]
fn a_change_that_comes_between_the_two_writes_is_merged_into_the_new_session() {
    let c = container();
    put(&c, "old", &[("x", "1")]);
    let mut work = open(&c, "old");
    work.txn.regenerate(work.session, Some(b"new")).unwrap();
    // It asks for versions, writes the new record, and then the tombstone over the old one.
    assert_eq!(work.commit_interrupted(&c, 3, || put(&c, "old", &[("y", "2")])), Ok(()));
    assert_eq!((stored(&c, "old").as_str(), stored(&c, "new").as_str()), ("absent", r#"{"p":{"x":1,"y":2}}"#));
}

#[test]
fn a_destruction_that_comes_between_the_two_writes_takes_the_new_session_back() {
    let c = container();
    put(&c, "old", &[("x", "1")]);
    let mut work = open(&c, "old");
    work.txn.regenerate(work.session, Some(b"new")).unwrap();
    assert_eq!(work.commit_interrupted(&c, 3, || destroy(&c, "old")), Err(Status::Gone));
    assert_eq!((stored(&c, "old").as_str(), stored(&c, "new").as_str()), ("absent", "absent"));
}

#[test]
fn a_conflict_that_comes_between_the_two_writes_takes_the_new_session_back() {
    let c = container();
    put(&c, "old", &[("x", "1")]);
    let mut work = open(&c, "old");
    work.set("x", "2");
    work.txn.regenerate(work.session, Some(b"new")).unwrap();
    assert_eq!(work.commit_interrupted(&c, 3, || put(&c, "old", &[("x", "3")])), Err(Status::Conflict));
    assert_eq!((stored(&c, "old").as_str(), stored(&c, "new").as_str()), (r#"{"p":{"x":3}}"#, "absent"));
}

// 6.2: its tombstone may have been there before those of others, and then it was seen: "nothing is stored" would be wrong.
#[test]
fn a_new_id_whose_tombstone_is_not_answered_and_then_covered_by_others_is_unknown() {
    let c = container();
    put(&c, "old", &[("x", "1")]);
    let mut work = open(&c, "old");
    work.txn.regenerate(work.session, Some(b"new")).unwrap();
    // It asks for versions, writes the new record, then the tombstone over the old one, and looks for that.
    fail(&c, FaultKind::LostAnswer, FaultOps::WRITE, 1, 1);
    let others = || {
        assert_eq!(stored(&c, "old"), "absent");
        put(&c, "old", &[("y", "2")]);
        destroy(&c, "old");
    };
    assert_eq!(work.commit_interrupted(&c, 4, others), Err(Status::Unknown));
    assert_eq!(report(&work.txn), [("new".to_owned(), Outcome::Unknown, Status::Unknown)]);
    assert_eq!((stored(&c, "old").as_str(), stored(&c, "new").as_str()), ("absent", "absent"));
}

// Both stores are the same.
#[test]
fn all_of_this_holds_on_memcached() {
    // These script faults or pauses, which the embedded store alone can do.
    everywhere::all_on_memcached(
        "all_of_this_holds_on_memcached",
        &[
            "a_new_id_that_cannot_be_committed_leaves_everything_as_it_was",
            "a_new_id_whose_tombstone_is_not_answered_and_then_covered_by_others_is_unknown",
            "a_change_that_comes_between_the_two_writes_is_merged_into_the_new_session",
            "a_conflict_that_comes_between_the_two_writes_takes_the_new_session_back",
            "a_destruction_that_comes_between_the_two_writes_takes_the_new_session_back",
        ],
    );
}
