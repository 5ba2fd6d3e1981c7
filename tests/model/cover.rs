//! How often what happened: a generator that never reaches a branch proves nothing about it.

use std::collections::BTreeMap;

use crate::support::everywhere::is_embedded;

#[derive(Debug, Default, Clone)]
pub(crate) struct Cover(BTreeMap<String, u64>);

impl Cover {
    pub(crate) fn hit(&mut self, what: &str) {
        match self.0.get_mut(what) {
            Some(count) => *count += 1,
            None => {
                self.0.insert(what.to_owned(), 1);
            }
        }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (what, count) in &other.0 {
            *self.0.entry(what.clone()).or_default() += count;
        }
    }

    pub(crate) fn print(&self) {
        for (what, count) in &self.0 {
            println!("{count:>9}  {what}");
        }
    }

    /// Those of `wanted` that never happened.
    pub(crate) fn missing(&self, wanted: &[&'static str]) -> Vec<&'static str> {
        wanted.iter().copied().filter(|what| !self.0.contains_key(*what)).collect()
    }
}

/// What has to happen in a run of the default length: all of it, or what does without scripted faults.
pub(crate) fn wanted() -> Vec<&'static str> {
    WANTED.iter().copied().filter(|what| is_embedded() || !NEEDS_FAULTS.contains(what)).collect()
}

const NEEDS_FAULTS: &[&str] = &[
    "open: fault",
    "open: could not put the renewal right",
    "fault: adopted what was there",
    "fault: adopted what was written",
    "fault: dropped",
    "fault: withdrawn",
    "fault: stored in spite of lost answers",
    "open Unavailable",
    "open Timeout",
    "exists Unavailable",
    "prepare Unavailable",
    "commit Unknown",
    "commit Unavailable",
    "commit Timeout",
    "commit Lost",
];

const WANTED: &[&str] = &[
    "commit: over what was opened",
    "commit: merged",
    "commit: recreated",
    "commit: gone, destroyed or another session",
    "commit: gone, evicted or expired",
    "commit: strict conflict",
    "commit: created onto an id in use",
    "commit: others did the same",
    "commit: too large",
    "commit: several sessions",
    "commit: several stores",
    "commit: prepared",
    "commit: read only",
    "merge: the same change",
    "merge: conflict",
    "merge: mine wins",
    "merge: deltas added",
    "merge: deltas overflow",
    "regenerate: the id is taken",
    "open: idle for too long",
    "open: past the deadline",
    "open: tombstone",
    "open: nothing",
    "open: session",
    "open: anew after the timeout",
    "open: fault",
    "open: could not put the renewal right",
    "rollback: a session left",
    "rollback: a destroyed session came back",
    "fault: adopted what was there",
    "fault: adopted what was written",
    "fault: dropped",
    "fault: withdrawn",
    "fault: stored in spite of lost answers",
    "open Ok",
    "open Argument",
    "open TooLarge",
    "open Misuse",
    "open Gone",
    "open Failed",
    "open Unavailable",
    "open Timeout",
    "exists Ok",
    "exists Unavailable",
    "create Ok",
    "create Misuse",
    "destroy Ok",
    "destroy Misuse",
    "regenerate Ok",
    "regenerate Argument",
    "regenerate Gone",
    "set_timeout Ok",
    "set_timeout Range",
    "set_timeout Unsupported",
    "set_deadline Ok",
    "set_deadline Gone",
    "clear Ok",
    "delete_pkg Ok",
    "pkg Ok",
    "pkg Gone",
    "pkg Misuse",
    "peek Ok",
    "names Ok",
    "dump Ok",
    "info Ok",
    "get Ok",
    "get Gone",
    "get Misuse",
    "get Failed",
    "set Ok",
    "set Gone",
    "set Misuse",
    "set Failed",
    "add Ok",
    "add Type",
    "add Range",
    "delete Ok",
    "pkg_clear Ok",
    "replace Ok",
    "update Ok",
    "contains Ok",
    "len Ok",
    "keys Ok",
    "content Ok",
    "savepoint Ok",
    "savepoint Misuse",
    "rollback Ok",
    "rollback Savepoint",
    "rollback Misuse",
    "rollback Failed",
    "prepare Ok",
    "prepare Conflict",
    "prepare Gone",
    "prepare TooLarge",
    "prepare Unavailable",
    "commit Ok",
    "commit Conflict",
    "commit Gone",
    "commit TooLarge",
    "commit Range",
    "commit Partial",
    "commit Unknown",
    "commit Unavailable",
    "commit Timeout",
    "commit Lost",
    "commit Failed",
    "commit Misuse",
    "abort Ok",
    "abort Misuse",
    "option Ok",
    "option Range",
];
