//! What happens where the ancestor had a bug: one test for each `quirk` label of the traces, through the exported C
//! functions.
//!
//! Each would fail on what the ancestor did, which is said first, with the trace that shows it; then comes the clause of
//! `docs/contract.md` that says what happens instead.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    reason = "tests"
)]

#[path = "conformance_support/c/mod.rs"]
mod c;
mod support;

use std::collections::BTreeSet;

use c::{Answer, Container, Pkg, Session, Store, Txn};
use lovely_session::capi::container::ls_container_option::{LS_CONTAINER_RESOLUTION, LS_CONTAINER_TIMEOUT};
use lovely_session::capi::error::ls_status;
use serde_json::{Value as Json, json};
use support::everywhere;
use support::relay::Relay;

const MISUSE: i32 = ls_status::LS_ERR_MISUSE as i32;
const UNAVAILABLE: i32 = ls_status::LS_ERR_UNAVAILABLE as i32;

/// A store of its own for each test, with one container that has the traces' options.
struct World {
    store: Store,
    container: Container,
    relay: Option<Relay>,
}

impl World {
    fn new() -> Self {
        let (url, relay) = everywhere::new_url_that_can_fail("quirks");
        let store = Store::open(&url).unwrap();
        let container = Container::open(&store, "MemCacheSession").unwrap();
        container.set(LS_CONTAINER_TIMEOUT, 3_600_000).unwrap();
        container.set(LS_CONTAINER_RESOLUTION, 300_000).unwrap();
        Self { store, container, relay }
    }

    /// The server is away.
    fn take_down(&self) {
        match &self.relay {
            Some(relay) => relay.cut(),
            None => self.store.take_down().unwrap(),
        }
    }

    /// It is there again.
    fn bring_up(&self) {
        match &self.relay {
            Some(relay) => relay.mend(),
            None => self.store.bring_up().unwrap(),
        }
    }

    /// A world in which the session "s1" is stored with `content` in the package "pkg1".
    fn with(content: &Json) -> Self {
        let world = Self::new();
        let work = world.open("s1");
        work.pkg.update(content).unwrap();
        work.txn.commit().unwrap();
        world
    }

    /// A new transaction with the session `id` and its package "pkg1".
    fn open(&self, id: &str) -> Work {
        let txn = Txn::begin().unwrap();
        let session = txn.open(&self.container, id).unwrap();
        let pkg = session.pkg("pkg1").unwrap();
        Work { txn, session, pkg }
    }

    /// The content of the session `id` in a transaction of its own.
    fn read(&self, id: &str) -> Json {
        Txn::begin().unwrap().open(&self.container, id).unwrap().content().unwrap()
    }

    fn is_stored(&self, id: &str) -> bool {
        Txn::begin().unwrap().exists(&self.container, id).unwrap()
    }

    fn pass(&self, seconds: i64) {
        self.store.advance_ms(seconds * 1000).unwrap();
    }
}

struct Work {
    txn: Txn,
    session: Session,
    pkg: Pkg,
}

impl Work {
    /// How many sessions the commit wrote.
    fn commit(&self) -> usize {
        self.txn.commit().unwrap();
        self.txn.report().unwrap().len()
    }
}

fn status<T: std::fmt::Debug>(answer: Answer<T>) -> i32 {
    answer.unwrap_err().status
}

fn ids(txn: &Txn) -> Vec<String> {
    txn.sessions().unwrap().iter().map(|session| session.id().unwrap()).collect()
}

// detached-handle: a handle that was taken before a commit, an abort, a rollback or a replacement went on answering from
// an object that nobody stored any more, and what was written through it vanished (h014, h015, h022, h028, h043, h044,
// h045). Contract 2.6, 3.1, 3.4.
#[test]
fn detached_handle_is_an_error_after_the_end_and_writes_what_is_stored_before() {
    let world = World::with(&json!({"a": 1}));
    let committed = world.open("s1");
    committed.txn.commit().unwrap();
    let aborted = world.open("s1");
    aborted.txn.abort().unwrap();
    for work in [&committed, &aborted] {
        assert_eq!(status(work.pkg.set("a", &json!(2))), MISUSE);
        assert_eq!(status(work.pkg.get("a")), MISUSE);
        assert_eq!(status(work.session.content()), MISUSE);
    }
    assert_eq!(world.read("s1"), json!({"pkg1": {"a": 1}}));

    let work = world.open("s1");
    let savepoint = work.txn.savepoint().unwrap();
    let created = work.session.pkg("pkg2").unwrap();
    created.set("b", &json!(2)).unwrap();
    work.session.delete_pkg("pkg1").unwrap();
    work.session.pkg("pkg1").unwrap().replace(&json!({"z": 1})).unwrap();
    work.txn.rollback(savepoint).unwrap();
    assert_eq!(created.content().unwrap(), json!({}), "rolled back with the rest");
    assert_eq!(work.pkg.content().unwrap(), json!({"a": 1}));
    created.set("c", &json!(3)).unwrap();
    work.pkg.set("a", &json!(2)).unwrap();
    work.txn.commit().unwrap();
    assert_eq!(world.read("s1"), json!({"pkg1": {"a": 2}, "pkg2": {"c": 3}}));
}

// timeout-discards-open-session: opening a session again silently replaced the one that was open: with timeout 0 at once
// (h071), and otherwise leaving handles that went on without effect (h002, h061, h066, h067). Contract 4.2, 4.4.
#[test]
fn timeout_discards_open_session_only_after_the_timeout_and_never_without_a_word() {
    let world = World::new();
    world.container.set(LS_CONTAINER_TIMEOUT, 0).unwrap();
    let work = world.open("s1");
    work.pkg.set("a", &json!(1)).unwrap();
    let again = work.txn.open(&world.container, "s1").unwrap();
    assert!(again == work.session, "0 means never");
    assert_eq!(again.content().unwrap(), json!({"pkg1": {"a": 1}}));
    work.txn.abort().unwrap();

    world.container.set(LS_CONTAINER_TIMEOUT, 60_000).unwrap();
    let work = world.open("s1");
    work.pkg.set("a", &json!(1)).unwrap();
    world.pass(50);
    assert!(work.txn.open(&world.container, "s1").unwrap() == work.session);
    world.pass(10);
    let anew = work.txn.open(&world.container, "s1").unwrap();
    assert_eq!(anew.content().unwrap(), json!({}));
    assert_eq!(status(work.session.content()), MISUSE, "the handle of before says so");
    assert_eq!(status(work.pkg.set("b", &json!(1))), MISUSE);
}

// contains-is-transaction-local: asking whether a session exists looked only at what the transaction had open, so that a
// stored session was denied (h032) and one that was never stored confirmed (h003). Contract 1.1, 1.7.
#[test]
fn contains_is_transaction_local_no_more_existence_is_about_what_is_stored() {
    let world = World::with(&json!({"a": 1}));
    let work = world.open("s2");
    assert!(work.txn.exists(&world.container, "s1").unwrap(), "stored, and not open here");
    assert!(!work.txn.exists(&world.container, "s2").unwrap(), "open here, and empty");
    work.txn.abort().unwrap();
    assert!(world.is_stored("s1"), "after an abort, too");
}

// items-is-transaction-local: the container's listing was a list of what the thread had open, and after a failed commit
// and even an abort it went on listing the stuck session (h060). Contract 2.6.
#[test]
fn items_is_transaction_local_by_name_and_empty_after_the_end() {
    let world = World::new();
    let (a, b) = (world.open("s1"), world.open("s2"));
    assert_eq!((ids(&a.txn), ids(&b.txn)), (vec!["s1".to_owned()], vec!["s2".to_owned()]));
    a.pkg.set("a", &json!(1)).unwrap();
    world.take_down();
    assert_eq!(status(a.txn.commit()), UNAVAILABLE);
    assert!(ids(&a.txn).is_empty(), "after a failed commit");
    a.txn.abort().unwrap();
    assert!(ids(&a.txn).is_empty(), "after an abort");
    b.txn.commit().unwrap();
    assert!(ids(&b.txn).is_empty(), "after a commit");
}

// empty-pkg-stored: reading a package that was not there stored an empty one (h004), and so did setting a key and deleting
// it again (h020), or rolling it back (h036). Contract 1.6.
#[test]
fn empty_pkg_stored_never_because_somebody_looked() {
    let world = World::new();
    let looked = world.open("s1");
    assert_eq!(looked.pkg.content().unwrap(), json!({}));
    assert_eq!(looked.commit(), 0);
    let undone = world.open("s1");
    undone.pkg.set("a", &json!(1)).unwrap();
    assert!(undone.pkg.delete("a").unwrap());
    assert_eq!(undone.commit(), 0);
    let rolled_back = world.open("s1");
    let savepoint = rolled_back.txn.savepoint().unwrap();
    rolled_back.pkg.set("a", &json!(1)).unwrap();
    rolled_back.txn.rollback(savepoint).unwrap();
    assert_eq!(rolled_back.commit(), 0);
    assert!(!world.is_stored("s1"));
}

// spurious-write: deleting a key and setting it again to what it was, or rolling its deletion back, was written as a
// change, because the order of the keys had changed (h010, h075). Contract 2.1, 2.2.
#[test]
fn spurious_write_is_none_when_the_content_is_what_was_loaded() {
    let world = World::with(&json!({"a": 1, "b": 2}));
    let by_hand = world.open("s1");
    assert!(by_hand.pkg.delete("a").unwrap());
    by_hand.pkg.set("a", &json!(1)).unwrap();
    assert_eq!(by_hand.commit(), 0);
    let rolled_back = world.open("s1");
    let savepoint = rolled_back.txn.savepoint().unwrap();
    assert!(rolled_back.pkg.delete("a").unwrap());
    rolled_back.txn.rollback(savepoint).unwrap();
    assert_eq!(rolled_back.commit(), 0);
    assert_eq!(world.read("s1"), json!({"pkg1": {"a": 1, "b": 2}}));
}

// empty-id: the empty id was a session like any other, so that all visitors with a blank cookie shared one (h023). The
// limits in the header.
#[test]
fn empty_id_is_refused() {
    let world = World::new();
    let txn = Txn::begin().unwrap();
    assert_eq!(status(txn.open(&world.container, "")), ls_status::LS_ERR_ARGUMENT as i32);
    assert_eq!(status(txn.exists(&world.container, "")), ls_status::LS_ERR_ARGUMENT as i32);
    assert!(txn.open(&world.container, "s1").is_ok(), "the transaction goes on");
}

// get-ignores-default: asking for a session "or else a default" opened, and joined, a new one (h031). Contract 1.1, 1.7.
#[test]
fn get_ignores_default_no_more_one_can_ask_without_opening() {
    let world = World::new();
    let txn = Txn::begin().unwrap();
    assert!(!txn.exists(&world.container, "s1").unwrap());
    assert!(ids(&txn).is_empty(), "asking joins nothing");
    assert!(txn.open(&world.container, "s1").unwrap().is_new());
}

// container-setitem-is-a-no-op: assigning content to an id of a container did nothing, without a word (h031). Here content
// is put where it belongs, into a package of an opened session. Contract 2.1, 2.6.
#[test]
fn container_setitem_is_a_no_op_no_more_whole_content_can_be_put() {
    let world = World::new();
    let work = world.open("s2");
    work.pkg.replace(&json!({"a": 1})).unwrap();
    assert_eq!(work.commit(), 1);
    assert_eq!(world.read("s2"), json!({"pkg1": {"a": 1}}));
    assert_eq!(status(work.pkg.replace(&json!({"a": 2}))), MISUSE, "and where it cannot, it is an error");
}

/// A value that no store takes: lists in lists, over the limit of nesting.
fn too_deep() -> Json {
    (0..65).fold(json!(1), |inner, _| json!([inner]))
}

// python-error-name: a value that cannot be stored made the next savepoint or commit fail with whatever exception the
// serializer had (h052, h053). Here what fails is the call that is wrong, with a status of its own. Contract 2.4, 7.2.
#[test]
fn python_error_name_is_a_status_that_names_the_limit() {
    let world = World::new();
    let work = world.open("s1");
    let refused = work.pkg.set("f", &too_deep()).unwrap_err();
    assert_eq!((refused.status, refused.name.as_str()), (-13, "LS_ERR_TOO_LARGE"));
    assert!(refused.message.contains("64"), "{}", refused.message);
    work.txn.savepoint().expect("a savepoint has nothing to do with it");
}

// unpicklable-value: a value that cannot be stored was accepted, and failed the whole transaction at its commit (h053).
// Contract 2.4, 7.2.
#[test]
fn unpicklable_value_is_refused_when_it_is_set_and_the_rest_is_stored() {
    let world = World::new();
    let work = world.open("s1");
    work.pkg.set("a", &json!(1)).unwrap();
    work.pkg.set("f", &too_deep()).unwrap_err();
    assert!(!work.pkg.contains("f").unwrap());
    assert_eq!(work.commit(), 1);
    assert_eq!(world.read("s1"), json!({"pkg1": {"a": 1}}));
}

// lost-update: of two transactions on one session the last commit erased what the other had stored (h054), in another
// package, too (h055). Contract 5.2.
#[test]
fn lost_update_is_merged() {
    let world = World::with(&json!({"a": 1}));
    let (a, b, c) = (world.open("s1"), world.open("s1"), world.open("s1"));
    a.pkg.set("x", &json!("A")).unwrap();
    b.pkg.set("y", &json!("B")).unwrap();
    c.session.pkg("pkg2").unwrap().set("z", &json!("C")).unwrap();
    for work in [b, a, c] {
        work.txn.commit().unwrap();
    }
    assert_eq!(world.read("s1"), json!({"pkg1": {"a": 1, "x": "A", "y": "B"}, "pkg2": {"z": "C"}}));
}

// evicted-session-stored-again: a session that was evicted while it was open was stored again by a change, though nobody
// could tell it from one that had been destroyed (h059). Contract 5.6.
#[test]
fn evicted_session_stored_again_only_if_the_container_says_so() {
    let world = World::with(&json!({"a": 2}));
    let work = world.open("s1");
    assert!(world.container.evict("s1").unwrap());
    work.pkg.set("b", &json!(3)).unwrap();
    assert_eq!(status(work.txn.commit()), ls_status::LS_ERR_GONE as i32);
    assert!(!world.is_stored("s1"));
}

// commit-lost-silently: with the server away a commit reported success and stored nothing (h060, h061). Contract 6.2.
#[test]
fn commit_lost_silently_no_more_what_was_not_stored_is_an_error() {
    let world = World::new();
    let work = world.open("s1");
    work.pkg.set("a", &json!(1)).unwrap();
    world.take_down();
    assert_eq!(status(work.txn.commit()), UNAVAILABLE);
    let report = work.txn.report().unwrap();
    assert_eq!(report.iter().map(|entry| (entry.id.as_str(), entry.is_stored)).collect::<Vec<_>>(), [("s1", false)]);
    world.bring_up();
    assert!(!world.is_stored("s1"));
}

// stuck-session: after a commit that failed, the next transactions of the thread got the session with its changes from
// memory, though nothing was stored, and even after an abort (h060). Contract 2.6.
#[test]
fn stuck_session_is_none_the_next_transaction_sees_what_is_stored() {
    let world = World::new();
    let work = world.open("s1");
    work.pkg.set("a", &json!(1)).unwrap();
    world.take_down();
    work.txn.commit().unwrap_err();
    world.bring_up();
    let failed = ls_status::LS_ERR_FAILED as i32;
    assert_eq!(status(work.txn.open(&world.container, "s1")), failed, "takes only abort");
    assert_eq!(status(work.session.content()), failed);
    work.txn.abort().unwrap();
    assert_eq!(world.read("s1"), json!({}));
}

// stuck-session-not-committed: and what was changed in that stuck session was never written (h060). Contract 2.6.
#[test]
fn stuck_session_not_committed_no_more_the_work_run_again_is_stored() {
    let world = World::new();
    let run = |key: &str| {
        let work = world.open("s1");
        work.pkg.set(key, &json!(1)).unwrap();
        work.txn.commit()
    };
    let lost = world.open("s1");
    lost.pkg.set("a", &json!(1)).unwrap();
    world.take_down();
    lost.txn.commit().unwrap_err();
    world.bring_up();
    assert_eq!(status(lost.txn.commit()), ls_status::LS_ERR_FAILED as i32, "not a second time");
    run("b").unwrap();
    assert_eq!(world.read("s1"), json!({"pkg1": {"b": 1}}));
}

// server-down-reads-as-empty: with the server away a stored session read as an empty one, and a later commit overwrote the
// real one (h062, h063). Contract 6.1.
#[test]
fn server_down_reads_as_empty_no_more_it_is_an_error_and_one_can_try_again() {
    let world = World::with(&json!({"a": 1, "b": 2}));
    world.take_down();
    let txn = Txn::begin().unwrap();
    assert_eq!(status(txn.open(&world.container, "s1")), UNAVAILABLE);
    assert_eq!(status(txn.exists(&world.container, "s1")), UNAVAILABLE);
    world.bring_up();
    let session = txn.open(&world.container, "s1").unwrap();
    session.pkg("pkg1").unwrap().set("c", &json!(3)).unwrap();
    txn.commit().unwrap();
    assert_eq!(world.read("s1"), json!({"pkg1": {"a": 1, "b": 2, "c": 3}}));
}

// timeout-is-per-container: one clock for the container: whoever opened any session kept all of them alive, and nobody
// coming for a while lost all of them (h068, h069). Contract 4.1.
#[test]
fn timeout_is_per_container_no_more_each_session_has_its_own_idle_clock() {
    let world = World::with(&json!({"a": 1}));
    let other = world.open("s2");
    other.pkg.set("a", &json!(2)).unwrap();
    other.txn.commit().unwrap();
    for _ in 0..3 {
        world.pass(1800);
        assert_eq!(world.read("s2"), json!({"pkg1": {"a": 2}}), "opened again and again");
    }
    assert!(!world.is_stored("s1"), "idle for 5,400 s");
    assert_eq!(world.read("s1"), json!({}));
}

// stored-session-not-expired-by-clock: whether a stored session was too old was the server's business alone, which does
// not know the clock that everything else was decided by (h070). Contract 4.1, 4.6.
#[test]
fn stored_session_not_expired_by_clock_no_more() {
    let world = World::with(&json!({"a": 1}));
    world.pass(3500);
    assert_eq!(world.read("s1"), json!({"pkg1": {"a": 1}}));
    world.pass(3600 + everywhere::slack().as_secs().cast_signed());
    assert!(!world.is_stored("s1"));
    assert!(world.open("s1").session.is_new());
    assert_eq!(world.read("s1"), json!({}));
}

// session-last-access-never-moves: a session's last access was the time of its creation for ever (h070, h072). Contract
// 4.3.
#[test]
fn session_last_access_never_moves_by_less_than_the_resolution() {
    let world = World::new();
    let work = world.open("s1");
    let created_ms = work.session.accessed_ms().unwrap();
    work.pkg.set("a", &json!(1)).unwrap();
    work.txn.commit().unwrap();
    world.pass(200);
    assert_eq!(world.open("s1").session.accessed_ms().unwrap(), created_ms);
    world.pass(800);
    let later_ms = world.open("s1").session.accessed_ms().unwrap();
    assert!(later_ms >= created_ms + 1_000_000, "{} ms later", later_ms - created_ms);
}

#[test]
fn every_label_of_the_traces_has_its_test() {
    let source = include_str!("quirks.rs");
    let mut labels = BTreeSet::new();
    let traces = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/conformance/traces");
    for entry in std::fs::read_dir(traces).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let trace: Json = serde_json::from_str(&text).unwrap();
        labels.extend(trace["quirks"].as_array().unwrap().iter().map(|label| label.as_str().unwrap().to_owned()));
    }
    assert_eq!(labels.len(), 20);
    for label in labels {
        assert!(source.contains(&format!("\n// {label}: ")), "{label}: no comment says what the ancestor did");
        assert!(source.contains(&format!("\nfn {}_", label.replace('-', "_"))), "{label}: no test is named after it");
    }
}

// Both stores are the same.
#[test]
fn all_of_this_holds_on_memcached() {
    everywhere::all_on_memcached("all_of_this_holds_on_memcached", &[]);
}
