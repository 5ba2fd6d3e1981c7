//! Timeouts (contract 4).
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
use lovely_session::container::ContainerOption::{Lifetime, MaxTimeout, Resolution, Timeout};
use lovely_session::error::Status;
use lovely_session::txn::Transaction;

const DAY: Duration = Duration::from_secs(86_400);

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Opens and aborts: what a visit does to the idle clock.
fn visit(c: &Container, id: &str) -> bool {
    let mut txn = Transaction::new();
    let session = open_in(&mut txn, c, id);
    !txn.is_new(session).unwrap()
}

// 4.1
#[test]
fn a_session_that_is_not_opened_for_the_timeout_is_gone_and_one_opened_within_it_is_not() {
    let c = container_with(Timeout, 100_000);
    put(&c, "kept", &[("x", "1")]);
    put(&c, "idle", &[("x", "1")]);
    for _ in 0..5 {
        pass(&c, seconds(95));
        assert!(visit(&c, "kept"));
    }
    assert!(!visit(&c, "idle"), "another session's visits do not keep it");
    pass(&c, seconds(100) + everywhere::slack());
    assert!(!visit(&c, "kept"));
}

// 4.1: nor does asking for it bring back a session whose record outlives it, because others may live longer.
#[test]
fn a_session_that_is_gone_stays_gone_however_often_it_is_opened() {
    let c = container_with(MaxTimeout, 7_200_000);
    set_option(&c, Timeout, 100_000);
    put(&c, "s", &[("x", "1")]);
    pass(&c, seconds(101));
    for _ in 0..3 {
        assert!(!exists(&c, "s"));
        assert!(!visit(&c, "s"));
    }
}

// 4.1: a write is a visit, too.
#[test]
fn the_idle_clock_starts_again_with_a_write() {
    let c = container_with(Timeout, 100_000);
    put(&c, "s", &[("x", "1")]);
    let mut work = open(&c, "s");
    work.set("x", "2");
    pass(&c, seconds(60));
    work.commit().unwrap();
    pass(&c, seconds(60));
    assert_eq!(stored(&c, "s"), r#"{"p":{"x":2}}"#);
}

// 4.2
#[test]
fn timeout_0_means_never() {
    let c = container_with(Timeout, 0);
    put(&c, "s", &[("x", "1")]);
    assert_eq!(c.options().max_timeout_ms(), 0);
    pass(&c, DAY * 36_500);
    assert_eq!(stored(&c, "s"), r#"{"p":{"x":1}}"#);
}

// 4.2: "or its own".
#[test]
fn a_negative_timeout_is_refused_and_changes_nothing() {
    let c = container();
    for option in [Timeout, MaxTimeout, Resolution, Lifetime] {
        let before = c.option(option);
        assert_eq!(status(c.set_option(option, -1)), Status::Range);
        assert_eq!(c.option(option), before);
    }
}

// 4.5: whatever is set first.
#[test]
fn a_timeout_over_the_limit_is_refused_and_changes_nothing() {
    let c = container_with(MaxTimeout, 7_200_000);
    assert_eq!(status(c.set_option(Timeout, 7_200_001)), Status::Range);
    assert_eq!(status(c.set_option(Timeout, 0)), Status::Range, "never is longer than any");
    assert_eq!(status(c.set_option(MaxTimeout, 3_599_999)), Status::Range);
    assert_eq!(status(c.set_option(MaxTimeout, 0)), Status::Range, "what nobody expires has no timeout");
    assert_eq!((c.option(Timeout), c.option(MaxTimeout)), (3_600_000, 7_200_000));
    let never = container_with(Timeout, 0);
    set_option(&never, MaxTimeout, 0);
    assert_eq!(status(never.set_option(Timeout, 60_000)), Status::Range);
    assert_eq!(never.option(Timeout), 0);
    let mut work = open(&never, "s");
    assert_eq!(status(work.txn.set_timeout_ms(work.session, Some(1_000))), Status::Unsupported);
}

// 4.2
#[test]
fn a_timeout_over_30_days_is_exact() {
    let c = container_with(Timeout, 40 * 86_400_000);
    put(&c, "s", &[("x", "1")]);
    pass(&c, DAY * 39);
    assert!(visit(&c, "s"));
    pass(&c, DAY * 39);
    assert!(visit(&c, "s"));
    pass(&c, DAY * 41);
    assert!(!visit(&c, "s"));
}

// 4.2
#[test]
fn timeouts_work_past_2038() {
    let c = container_with(Timeout, 100_000);
    pass(&c, DAY * 365 * 30);
    put(&c, "s", &[("x", "1")]);
    let mut work = open(&c, "s");
    assert!(work.txn.created_ms(work.session).unwrap() > i64::from(i32::MAX) * 1_000);
    work.txn.set_deadline_ms(work.session, Some(c.store().clock().now_ms() + 90_000)).unwrap();
    work.commit().unwrap();
    pass(&c, seconds(80));
    assert!(visit(&c, "s"));
    pass(&c, seconds(11));
    assert!(!visit(&c, "s"), "its deadline has passed");
    put(&c, "t", &[("x", "1")]);
    pass(&c, seconds(99));
    assert!(visit(&c, "t"));
    pass(&c, seconds(100));
    assert!(!visit(&c, "t"));
}

// 4.3
#[test]
fn the_last_access_that_is_reported_lags_by_no_more_than_the_resolution() {
    let c = container_with(Resolution, 300_000);
    set_option(&c, Timeout, 100_000_000);
    put(&c, "s", &[("x", "1")]);
    let accessed = || {
        let work = open(&c, "s");
        work.txn.accessed_ms(work.session).unwrap()
    };
    let now = || c.store().clock().now_ms();
    let first = accessed();
    let writes = io(&c).0;
    pass(&c, seconds(200));
    assert_eq!(accessed(), first);
    assert!(now() - c.last_access_ms() <= 300_000);
    pass(&c, seconds(200));
    assert!(now() - accessed() <= 300_000);
    assert!(now() - c.last_access_ms() <= 300_000);
    assert_eq!(io(&c).0, writes, "nothing is written for it");
}

// 4.3
#[test]
fn no_timeout_is_decided_by_the_resolution() {
    let c = container_with(Resolution, 300_000);
    set_option(&c, Timeout, 60_000);
    put(&c, "s", &[("x", "1")]);
    for _ in 0..3 {
        pass(&c, seconds(50));
        assert!(visit(&c, "s"));
    }
    pass(&c, seconds(61));
    assert!(!visit(&c, "s"));
}

// 4.4
#[test]
fn opening_again_within_the_timeout_is_the_same_session_without_io_and_after_it_loads_anew() {
    let c = container_with(Timeout, 60_000);
    put(&c, "s", &[("x", "1")]);
    let mut work = open(&c, "s");
    work.set("x", "2");
    pass(&c, seconds(30));
    put(&c, "s", &[("y", "1")]);
    let before = io(&c);
    assert_eq!(open_in(&mut work.txn, &c, "s"), work.session);
    assert_eq!(io(&c), before);
    pass(&c, seconds(30));
    let anew = open_in(&mut work.txn, &c, "s");
    assert_ne!(anew, work.session);
    assert_eq!(status(work.txn.get(work.pkg, "x").map(|_| ())), Status::Misuse);
    assert_eq!(status(work.txn.set(work.pkg, "x", value("3"))), Status::Misuse);
    assert_eq!(status(work.txn.session_id(work.session).map(|_| ())), Status::Misuse);
    assert_eq!(work.txn.session_count(), 1);
    let pkg = work.txn.pkg(anew, "p").unwrap();
    assert_eq!(work.txn.content(pkg).unwrap(), &value(r#"{"x":1,"y":1}"#), "as stored, without what was not committed");
    assert_eq!(work.commit(), Ok(0));
}

// 4.4
#[test]
fn opening_again_after_the_timeout_what_is_not_there_any_more_is_an_empty_session() {
    let c = container_with(Timeout, 60_000);
    put(&c, "s", &[("x", "1")]);
    let mut work = open(&c, "s");
    pass(&c, seconds(61));
    let anew = open_in(&mut work.txn, &c, "s");
    assert!(work.txn.is_new(anew).unwrap());
    let pkg = work.txn.pkg(anew, "p").unwrap();
    set(&mut work.txn, pkg, "y", "1");
    assert_eq!(work.commit(), Ok(1));
    assert_eq!(stored(&c, "s"), r#"{"p":{"y":1}}"#);
}

// 4.4: what was staged goes with the session, a new id included.
#[test]
fn a_new_id_that_was_staged_is_dropped_with_the_session_that_is_loaded_anew() {
    let c = container_with(MaxTimeout, 7_200_000);
    set_option(&c, Timeout, 60_000);
    put(&c, "old", &[("x", "1")]);
    let mut work = open(&c, "old");
    work.txn.regenerate(work.session, Some(b"new")).unwrap();
    pass(&c, seconds(61));
    put(&c, "old", &[("x", "2")]);
    let anew = open_in(&mut work.txn, &c, "new");
    assert!(work.txn.is_new(anew).unwrap());
    assert!(wait(work.txn.exists(&c, b"old")).unwrap(), "nobody leaves the old id any more");
    let old = open_in(&mut work.txn, &c, "old");
    assert!(!work.txn.is_new(old).unwrap());
    assert_eq!(work.commit(), Ok(0));
    assert_eq!(stored(&c, "old"), r#"{"p":{"x":2}}"#);
}

// 4.5
#[test]
fn a_session_can_have_a_timeout_of_its_own_up_to_the_limit() {
    let c = container_with(MaxTimeout, 7_200_000);
    put(&c, "short", &[("x", "1")]);
    put(&c, "long", &[("x", "1")]);
    for (id, timeout) in [("short", 10_000), ("long", 7_200_000)] {
        let mut work = open(&c, id);
        work.txn.set_timeout_ms(work.session, Some(timeout)).unwrap();
        assert_eq!(work.commit(), Ok(1), "a timeout is content");
    }
    pass(&c, seconds(9));
    assert!(visit(&c, "short"));
    pass(&c, seconds(9));
    assert!(visit(&c, "short"), "renewed");
    pass(&c, seconds(11));
    assert!(!visit(&c, "short"));
    pass(&c, HOUR);
    pass(&c, seconds(1_800));
    assert!(visit(&c, "long"), "idle for longer than the container's timeout");
    let mut work = open(&c, "long");
    assert_eq!(status(work.txn.set_timeout_ms(work.session, Some(7_200_001))), Status::Range);
    assert_eq!(status(work.txn.set_timeout_ms(work.session, Some(0))), Status::Range, "never is longer than any");
    assert_eq!(work.txn.timeout_ms(work.session).unwrap(), Some(7_200_000));
    work.txn.set_timeout_ms(work.session, None).unwrap();
    assert_eq!(work.commit(), Ok(1));
    pass(&c, HOUR + seconds(1));
    assert!(!visit(&c, "long"), "the container's timeout again");
}

// 4.5
#[test]
fn what_is_past_its_deadline_reads_as_absent_however_often_it_is_opened() {
    let c = container();
    put(&c, "s", &[("x", "1")]);
    let mut work = open(&c, "s");
    let deadline = c.store().clock().now_ms() + 100_000;
    work.txn.set_deadline_ms(work.session, Some(deadline)).unwrap();
    assert_eq!(work.commit(), Ok(1), "a deadline is content");
    for _ in 0..3 {
        pass(&c, seconds(30));
        assert!(visit(&c, "s"));
    }
    pass(&c, seconds(11));
    assert!(!exists(&c, "s"));
    let mut fresh = open(&c, "s");
    assert_eq!((fresh.content(), fresh.txn.deadline_ms(fresh.session).unwrap()), (r#"{"p":{}}"#.to_owned(), None));
    fresh.set("y", "1");
    assert_eq!(fresh.commit(), Ok(1));
    assert_eq!(stored(&c, "s"), r#"{"p":{"y":1}}"#);
}

// 4.5: a timeout of 0 does not make a deadline immortal.
#[test]
fn a_deadline_counts_where_no_timeout_does() {
    let c = container_with(Timeout, 0);
    let mut work = open(&c, "s");
    work.set("x", "1");
    work.txn.set_deadline_ms(work.session, Some(c.store().clock().now_ms() + 100_000)).unwrap();
    work.commit().unwrap();
    pass(&c, seconds(90));
    assert!(visit(&c, "s"));
    pass(&c, seconds(11));
    assert!(!visit(&c, "s"));
}

// 4.5
#[test]
fn a_containers_lifetime_sets_the_deadline_at_creation_and_regenerating_keeps_it() {
    let c = container_with(Lifetime, 100_000);
    put(&c, "s", &[("x", "1")]);
    let deadline = |id: &str| {
        let work = open(&c, id);
        work.txn.deadline_ms(work.session).unwrap()
    };
    let given = deadline("s").unwrap();
    assert!((given - c.store().clock().now_ms() - 100_000).abs() < 5_000);
    pass(&c, seconds(50));
    put(&c, "s", &[("y", "1")]);
    assert_eq!(deadline("s"), Some(given), "writing keeps it");
    let mut work = open(&c, "s");
    work.txn.regenerate(work.session, Some(b"new")).unwrap();
    assert_eq!(work.commit(), Ok(1));
    assert_eq!(deadline("new"), Some(given));
    set_option(&c, Lifetime, 0);
    assert_eq!(deadline("new"), Some(given), "of its creation");
    pass(&c, seconds(51));
    assert!(!visit(&c, "new"));
}

// 4.5: "is merged like a key".
#[test]
fn timeouts_and_deadlines_are_merged_like_keys() {
    let c = container();
    put(&c, "s", &[("x", "1")]);
    let (mut a, mut b, mut d) = (open(&c, "s"), open(&c, "s"), open(&c, "s"));
    let deadline = c.store().clock().now_ms() + 1_000_000;
    a.txn.set_timeout_ms(a.session, Some(50_000)).unwrap();
    b.txn.set_deadline_ms(b.session, Some(deadline)).unwrap();
    b.set("x", "2");
    d.txn.set_timeout_ms(d.session, Some(60_000)).unwrap();
    assert_eq!((a.commit(), b.commit()), (Ok(1), Ok(1)));
    assert_eq!(d.commit(), Err(Status::Conflict));
    let seen = open(&c, "s");
    assert_eq!(seen.txn.timeout_ms(seen.session).unwrap(), Some(50_000));
    assert_eq!(seen.txn.deadline_ms(seen.session).unwrap(), Some(deadline));
    assert_eq!(stored(&c, "s"), r#"{"p":{"x":2}}"#);
    let mut twice = [open(&c, "s"), open(&c, "s")];
    for work in &mut twice {
        work.txn.set_timeout_ms(work.session, None).unwrap();
    }
    assert_eq!(twice.map(|mut work| work.commit()), [Ok(1), Ok(1)], "the same change twice is no conflict");
}

// 4.1, 5.2: a record that is idle for too long, and still there because others may live longer, is as good as none.
#[test]
fn what_is_stored_over_an_expired_session_has_nothing_of_it() {
    let c = container_with(MaxTimeout, 7_200_000);
    put(&c, "s", &[("x", "1")]);
    let mut work = open(&c, "s");
    work.txn.set_timeout_ms(work.session, Some(10_000)).unwrap();
    work.commit().unwrap();
    let mut old = open(&c, "s");
    pass(&c, seconds(11));
    let (mut a, mut b) = (open(&c, "s"), open(&c, "s"));
    assert!(a.txn.is_new(a.session).unwrap());
    assert_eq!(a.txn.timeout_ms(a.session).unwrap(), None);
    a.set("y", "1");
    b.set("z", "1");
    assert_eq!((a.commit(), b.commit()), (Ok(1), Ok(1)), "both created it, and are merged");
    old.set("x", "2");
    assert_eq!(old.commit(), Err(Status::Gone), "another session under the same id");
    assert_eq!(stored(&c, "s"), r#"{"p":{"y":1,"z":1}}"#);
    pass(&c, seconds(3_590));
    assert!(visit(&c, "s"), "the container's timeout");
}

// 4.1: the idle clock is the session's, not the transaction's.
#[test]
fn a_session_that_others_kept_alive_can_be_written_by_a_transaction_older_than_the_timeout() {
    let c = container_with(Timeout, 100_000);
    put(&c, "kept", &[("x", "1")]);
    put(&c, "idle", &[("x", "1")]);
    let (mut kept, mut idle) = (open(&c, "kept"), open(&c, "idle"));
    pass(&c, seconds(80));
    assert!(visit(&c, "kept"));
    pass(&c, seconds(80));
    kept.set("x", "2");
    idle.set("x", "2");
    assert_eq!(kept.commit(), Ok(1));
    assert_eq!(idle.commit(), Err(Status::Gone));
}

// 4.6
#[test]
fn one_stored_session_can_be_made_to_look_idle() {
    let c = container_with(Timeout, 100_000);
    put(&c, "s", &[("x", "1")]);
    put(&c, "t", &[("x", "1")]);
    let idle = |id: &str, time: Duration| {
        let deadline = Instant::now() + seconds(1);
        wait(c.store().make_idle(&c.key(id.as_bytes()), time, deadline)).unwrap()
    };
    assert!(idle("s", seconds(50)));
    assert!(exists(&c, "s"));
    assert!(idle("s", seconds(51)));
    assert!(!exists(&c, "s"), "the times add up");
    assert!(exists(&c, "t"));
    assert!(!idle("nobody", seconds(1)));
}

// 4.1, 2.3: a container whose timeout is lowered does not shorten the life of what was stored with the longer one.
#[test]
fn a_session_keeps_the_timeout_that_it_was_stored_with() {
    let c = container_with(Timeout, 3_600_000);
    put(&c, "s", &[("x", "1")]);
    set_option(&c, Timeout, 60_000);
    assert!(visit(&c, "s"));
    pass(&c, seconds(100));
    assert!(visit(&c, "s"), "opened within the timeout of its commit");
}

// The same for a timeout of its own, over a limit that was lowered since, and for none.
#[test]
fn a_session_keeps_its_own_timeout_when_the_limit_is_lowered() {
    let c = container_with(MaxTimeout, 7_200_000);
    let mut work = open(&c, "s");
    work.set("x", "1");
    work.txn.set_timeout_ms(work.session, Some(7_200_000)).unwrap();
    work.commit().unwrap();
    set_option(&c, Timeout, 60_000);
    set_option(&c, MaxTimeout, 60_000);
    pass(&c, HOUR);
    put(&c, "s", &[("x", "2")]);
    pass(&c, HOUR);
    assert!(visit(&c, "s"));
    pass(&c, HOUR);
    assert!(visit(&c, "s"));

    let never = container_with(Timeout, 0);
    put(&never, "s", &[("x", "1")]);
    set_option(&never, Timeout, 60_000);
    assert!(visit(&never, "s"));
    pass(&never, DAY);
    assert!(visit(&never, "s"), "stored for ever");
    put(&never, "s", &[("x", "2")]);
    pass(&never, DAY);
    assert!(!visit(&never, "s"), "stored with a timeout");
}

// 4.1: raising it never ends a session early.
#[test]
fn raising_the_timeout_prolongs_what_is_stored_from_the_next_visit_on() {
    let c = container_with(Timeout, 60_000);
    put(&c, "s", &[("x", "1")]);
    set_option(&c, Timeout, 3_600_000);
    pass(&c, seconds(50));
    assert!(visit(&c, "s"));
    pass(&c, seconds(600));
    assert!(visit(&c, "s"));
}

// Both stores are the same.
#[test]
fn all_of_this_holds_on_memcached() {
    // It moves the clock past 2038, where memcached's own ends.
    everywhere::all_on_memcached("all_of_this_holds_on_memcached", &["timeouts_work_past_2038"]);
}
