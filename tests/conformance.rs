//! The ancestor's recorded behaviour, replayed through the exported C functions (see `tests/conformance/README.md`).
//!
//! `LOVELY_SESSION_TEST_URL` names another store to replay on; `--nocapture` shows what was checked of each trace.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    reason = "tests"
)]

mod conformance_support;
mod support;

use std::path::Path;

use conformance_support::expect::{Answered, difference};
use conformance_support::runner::replay;
use conformance_support::trace::{Expected, Op, read_all};
use serde_json::{Value as Json, json};
use support::everywhere;

/// What stands in `tests/conformance/traces`, counted there. Fewer would mean that something is silently left out.
const TRACES: usize = 85;
const CLEAN: usize = 43;
const STEPS: usize = 1_032;
/// Steps before the first quirk of their trace: those of which the answer is compared, and those that do nothing here.
const CHECKED: usize = 792;
const SKIPPED: usize = 2;

#[test]
fn the_traces_answer_as_recorded_up_to_their_first_quirk() {
    let url = std::env::var("LOVELY_SESSION_TEST_URL").unwrap_or_else(|_| "memory://conformance".to_owned());
    let traces = read_all(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance/traces"));
    let (mut steps, mut checked, mut skipped, mut differences) = (0, 0, 0, Vec::new());
    for trace in &traces {
        let replayed = replay(&url, trace);
        let kind = if trace.clean { "clean" } else { "strict up to the first quirk" };
        println!("{:<34} {:>3} of {:>3} steps checked, {kind}", trace.file, replayed.checked, replayed.steps);
        assert!(
            !trace.clean || replayed.checked + replayed.skipped == replayed.steps,
            "{}: every step of a clean trace is checked",
            trace.file
        );
        steps += replayed.steps;
        checked += replayed.checked;
        skipped += replayed.skipped;
        differences.extend(replayed.differences);
    }
    let clean = traces.iter().filter(|trace| trace.clean).count();
    println!("{} traces, {clean} clean: {checked} of {steps} steps checked, {skipped} skipped", traces.len());
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
    assert_eq!((traces.len(), clean, steps), (TRACES, CLEAN, STEPS), "traces, clean traces, steps");
    assert_eq!((checked, skipped), (CHECKED, SKIPPED), "steps that were checked and skipped");
}

#[test]
fn a_comparison_of_answers_is_strict_on_types_and_on_what_is_there() {
    let differs = |op: &Op, expected: Json, answered: Json| {
        difference(op, &Expected::Ok(expected), &Answered::Ok(answered)).is_some()
    };
    let get = Op::Get { pkg: "p".to_owned(), key: "k".to_owned() };
    for [a, b] in [
        [json!(1), json!(1.0)],
        [json!(1), json!(true)],
        [json!(1), json!("1")],
        [json!(null), json!(false)],
        [json!({}), json!(null)],
        [json!({}), json!([])],
        [json!([1, 2]), json!([2, 1])],
        [json!({"a": 1}), json!({"a": 1, "b": 1})],
    ] {
        assert!(differs(&get, a.clone(), b.clone()), "{a} {b}");
        assert!(!differs(&get, a.clone(), a.clone()), "{a}");
    }
    let stored = Op::Stored { container: "c".to_owned(), id: "s".to_owned() };
    assert!(!differs(&stored, json!({"data": {"p": {"a": 1}, "q": {}}, "lastAccessTime": 1}), json!({"p": {"a": 1}})));
    assert!(differs(&stored, json!({"data": {"p": {"a": 1}}, "lastAccessTime": 1}), json!({"p": {"a": 2}})));
    assert!(differs(&stored, json!(null), json!({})), "a session that is stored is not one that is not");
    assert!(differs(&stored, json!({"data": {}, "lastAccessTime": 1}), json!(null)));
    let answered = Answered::Error("KeyError".to_owned());
    assert!(difference(&get, &Expected::Error("KeyError".to_owned()), &answered).is_none());
    assert!(difference(&get, &Expected::Error("AttributeError".to_owned()), &answered).is_some());
    assert!(difference(&get, &Expected::Ok(json!(null)), &answered).is_some(), "null is a value");
}

// Both stores are the same.
#[test]
fn all_of_this_holds_on_memcached() {
    everywhere::all_on_memcached("all_of_this_holds_on_memcached", &[]);
}
