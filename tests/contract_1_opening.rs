//! Opening and reading (contract 1).
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
use lovely_session::container::Container;
use lovely_session::container::ContainerOption::Timeout;
use lovely_session::error::Status;
use lovely_session::txn::Transaction;

// 1.1
#[test]
fn opening_an_unknown_id_gives_an_empty_new_session_and_stores_nothing() {
    let c = container();
    let mut work = open(&c, "nobody");
    assert!(work.txn.is_new(work.session).unwrap());
    assert_eq!(to_pkgs(&mut work), "[\"p\"]");
    assert_eq!(work.commit(), Ok(0));
    assert_eq!(io(&c).0, 0);
    assert!(!exists(&c, "nobody"));
}

fn to_pkgs(work: &mut Work) -> String {
    lovely_session::value::json::to_json(work.txn.pkg_names(work.session).unwrap()).unwrap()
}

// 1.1 is about opening: creating an id is itself a change.
#[test]
fn an_empty_session_that_was_created_is_stored_because_creating_is_a_change() {
    let c = container();
    let mut txn = Transaction::new();
    let session = txn.create(&c).unwrap();
    let id = String::from_utf8(txn.session_id(session).unwrap().to_vec()).unwrap();
    assert!(txn.is_new(session).unwrap());
    assert_eq!(commit(&mut txn), Ok(1));
    assert!(exists(&c, &id));
}

// 1.2
#[test]
fn the_same_id_is_the_same_session_whatever_handle_of_the_container_it_came_by() {
    let c = container();
    let same = Container::open(c.store(), "c").unwrap();
    let other = Container::open(c.store(), "d").unwrap();
    let mut work = open(&c, "s");
    assert_eq!(open_in(&mut work.txn, &same, "s"), work.session);
    assert_ne!(open_in(&mut work.txn, &other, "s"), work.session);
    assert_eq!(work.txn.pkg(work.session, "p").unwrap(), work.pkg);
    assert_ne!(work.txn.pkg(work.session, "q").unwrap(), work.pkg);
}

// 1.2: a container is its store and name.
#[test]
fn the_same_name_in_another_store_is_another_container() {
    let (c, d) = (container(), container());
    put(&c, "s", &[("x", "1")]);
    assert_eq!(stored(&d, "s"), "absent");
}

// 1.3
#[test]
fn asking_for_a_package_creates_it_and_peeking_does_not() {
    let c = container();
    let mut work = open(&c, "s");
    assert_eq!(work.txn.peek_pkg(work.session, "q").unwrap(), None);
    assert_eq!(to_pkgs(&mut work), "[\"p\"]");
    let made = work.txn.pkg(work.session, "q").unwrap();
    assert_eq!(work.txn.peek_pkg(work.session, "q").unwrap(), Some(made));
    assert_eq!(work.content(), r#"{"p":{},"q":{}}"#);
}

// 1.4
#[test]
fn a_missing_key_is_not_found_and_null_is_a_value() {
    let c = container();
    let mut work = open(&c, "s");
    work.set("null", "null");
    assert_eq!(work.get("null").as_deref(), Some("null"));
    assert_eq!(work.get("absent"), None);
    assert!(!work.txn.delete(work.pkg, "absent").unwrap());
    assert!(!work.txn.delete_pkg(work.session, "absent").unwrap());
    assert!(work.txn.contains(work.pkg, "null").unwrap());
    assert_eq!(work.commit(), Ok(1));
    assert_eq!(stored(&c, "s"), r#"{"p":{"null":null}}"#);
}

// 1.5
#[test]
fn reads_are_a_snapshot_taken_at_first_open() {
    let c = container();
    put(&c, "s", &[("x", "1"), ("y", "1")]);
    let mut reader = open(&c, "s");
    put(&c, "s", &[("x", "2")]);
    destroy(&c, "s");
    assert_eq!(reader.get("x").as_deref(), Some("1"));
    assert_eq!(open_in(&mut reader.txn, &c, "s"), reader.session);
    assert_eq!(reader.content(), r#"{"p":{"x":1,"y":1}}"#, "packages that nobody looked at before, too");
}

// 1.5
#[test]
fn nobody_sees_a_change_before_it_is_committed() {
    let c = container();
    put(&c, "s", &[("x", "1")]);
    let mut writer = open(&c, "s");
    writer.set("x", "2");
    assert_eq!(stored(&c, "s"), r#"{"p":{"x":1}}"#);
    assert_eq!(writer.get("x").as_deref(), Some("2"), "but for itself");
    writer.commit().unwrap();
    assert_eq!(stored(&c, "s"), r#"{"p":{"x":2}}"#);
}

// 1.5: one load for each session.
#[test]
fn a_session_is_loaded_once_for_each_transaction() {
    let c = container();
    put(&c, "s", &[("x", "1")]);
    let before = io(&c).1;
    let mut work = open(&c, "s");
    assert_eq!(io(&c).1, before + 1);
    open_in(&mut work.txn, &c, "s");
    work.content();
    assert!(wait(work.txn.exists(&c, b"s")).unwrap());
    assert_eq!(io(&c).1, before + 1, "what is open is known");
}

// 1.6
#[test]
fn what_was_not_stored_and_has_no_key_is_no_change() {
    let c = container();
    put(&c, "s", &[("x", "1")]);
    let mut work = open(&c, "s");
    let fresh = work.txn.pkg(work.session, "looked at").unwrap();
    work.txn.pkg_clear(fresh).unwrap();
    work.txn.replace(fresh, &lovely_session::value::Map::default()).unwrap();
    set(&mut work.txn, fresh, "k", "1");
    assert!(work.txn.delete(fresh, "k").unwrap());
    assert!(work.txn.delete_pkg(work.session, "looked at").unwrap());
    assert_eq!(work.commit(), Ok(0));
    assert_eq!(stored(&c, "s"), r#"{"p":{"x":1}}"#);
}

// 1.6
#[test]
fn a_package_that_was_stored_stays_when_its_last_key_goes_and_goes_when_it_is_deleted() {
    let c = container();
    put(&c, "s", &[("x", "1")]);
    let mut work = open(&c, "s");
    work.delete("x");
    assert_eq!(work.commit(), Ok(1));
    assert_eq!(stored(&c, "s"), r#"{"p":{}}"#);
    let mut work = open(&c, "s");
    assert!(work.txn.delete_pkg(work.session, "p").unwrap());
    assert_eq!(work.commit(), Ok(1), "an empty package that was stored is content");
    assert_eq!(stored(&c, "s"), "{}");
}

// 1.6: "or if it was stored before and has not been deleted".
#[test]
fn a_package_that_was_deleted_and_only_looked_at_since_is_not_stored() {
    let c = container();
    put(&c, "s", &[("x", "1")]);
    let mut work = open(&c, "s");
    work.txn.delete_pkg(work.session, "p").unwrap();
    work.txn.pkg(work.session, "p").unwrap();
    assert_eq!(work.commit(), Ok(1));
    assert_eq!(stored(&c, "s"), "{}");
}

// 1.7
#[test]
fn a_transaction_that_changed_nothing_writes_nothing_and_still_keeps_the_session_alive() {
    let c = container_with(Timeout, 60_000);
    put(&c, "s", &[("x", "1")]);
    let writes = io(&c).0;
    for end in ["commit", "abort", "drop"] {
        pass(&c, std::time::Duration::from_secs(40));
        let mut reader = open(&c, "s");
        assert_eq!(reader.get("x").as_deref(), Some("1"), "{end}");
        match end {
            "commit" => assert_eq!(reader.commit(), Ok(0)),
            "abort" => reader.txn.abort().unwrap(),
            _ => {}
        }
    }
    assert_eq!(io(&c).0, writes);
    assert!(exists(&c, "s"), "120 s after it was written, with a timeout of 60 s");
}

// 1.7
#[test]
fn asking_whether_a_session_exists_does_not_renew_it() {
    let c = container_with(Timeout, 60_000);
    put(&c, "s", &[("x", "1")]);
    for _ in 0..2 {
        pass(&c, std::time::Duration::from_secs(25));
        assert!(exists(&c, "s"));
    }
    pass(&c, std::time::Duration::from_secs(25));
    assert!(!exists(&c, "s"));
}

// 1.1, and the limits: an id is 1 to 8,192 bytes, any bytes.
#[test]
fn ids_are_any_bytes_up_to_the_limit_and_an_empty_one_is_refused() {
    let c = container();
    let mut txn = Transaction::new();
    let longest = vec![b'x'; 8_192];
    for id in [&b"\0"[..], b"a\0b", b"line\nbreak", b"\xff\xfe", &longest] {
        let session = wait(txn.open(&c, id)).unwrap();
        assert_eq!(txn.session_id(session).unwrap(), id);
        let pkg = txn.pkg(session, "p").unwrap();
        set(&mut txn, pkg, "k", "1");
    }
    assert_eq!(commit(&mut txn), Ok(5), "five sessions, none taken for another");
    let mut txn = Transaction::new();
    assert_eq!(status(wait(txn.open(&c, b""))), Status::Argument);
    assert_eq!(status(wait(txn.open(&c, &[b'x'; 8_193]))), Status::TooLarge);
    assert_eq!(status(wait(txn.exists(&c, b""))), Status::Argument);
    assert_eq!(status(txn.destroy(&c, b"")), Status::Argument);
}

// Both stores are the same.
#[test]
fn all_of_this_holds_on_memcached() {
    everywhere::all_on_memcached("all_of_this_holds_on_memcached", &[]);
}
