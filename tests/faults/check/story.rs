//! What happened to one session, readable: for whoever has to find out why a promise was broken.

use std::fmt::Write;

use super::Violation;
use super::world::{Commit, Fate, World};
use crate::history::{Deed, Nanos, Place};

/// Lines before and after the violation.
const BEFORE: usize = 40;
const AFTER: usize = 5;

pub(super) fn tell(world: &World, violation: &Violation) -> String {
    let ms = |at: Nanos| at.saturating_sub(world.began) / 1_000_000;
    let mut text = format!("at {} ms: {}: {}\n", ms(violation.at), violation.promise.words(), violation.text);
    let Some(place) = &violation.place else { return text };
    let server = world.servers.get(place).map_or("one of the servers".to_owned(), |server| format!("server {server}"));
    let _ = writeln!(text, "  the story of {place} on {server} (ms from begin to end):");
    let mut lines: Vec<(Nanos, Nanos, String)> = Vec::new();
    for read in world.reads.get(place).into_iter().flatten() {
        let found = match &read.state {
            None if read.is_created => continue,
            None => "nothing".to_owned(),
            Some(state) => {
                let creators: Vec<_> = state.creators.iter().map(ToString::to_string).collect();
                let keys: Vec<_> = state.keys.iter().map(|(key, tag)| format!("k{key}={tag}")).collect();
                let members: Vec<_> = state.members.keys().map(ToString::to_string).collect();
                let (creators, keys, members) = (creators.join(" "), keys.join(" "), members.join(" "));
                format!("the session of {creators}: {keys}; of {}: {members}", state.members.len())
            }
        };
        lines.push((read.t0, read.t1, format!("{} opened {found}", read.tag)));
    }
    lines.extend(world.commits_at(place).map(|commit| (commit.start, commit.end, told(commit))));
    for (t0, t1, tag, found) in world.existed.get(place).into_iter().flatten() {
        lines.push((*t0, *t1, format!("{tag} asked whether it is there: {found}")));
    }
    for emptied in world.emptied_at(place) {
        lines.push((emptied.t0, emptied.t1, format!("server {} was {}", emptied.server, emptied.how)));
    }
    for (at, key) in &world.late_creations {
        lines.push((*at, *at, format!("a creation of {key} arrived late")));
    }
    lines.sort();
    let split = lines.partition_point(|(t0, ..)| *t0 <= violation.at);
    for (t0, t1, line) in &lines[split.saturating_sub(BEFORE)..lines.len().min(split + AFTER)] {
        let end = if *t1 == Nanos::MAX { "...".to_owned() } else { ms(*t1).to_string() };
        let _ = writeln!(text, "  {:>7} {end:>7}  {line}", ms(*t0));
    }
    text
}

fn told(commit: &Commit) -> String {
    let what = match &commit.deed {
        Deed::Destroy => "destroy".to_owned(),
        Deed::Write { delta, sets, deletes, .. } => {
            let to = if commit.is_moved() { format!(" as {}", to(&commit.target)) } else { String::new() };
            format!("store{to} +{delta}, set {sets:?}, delete {deletes:?}")
        }
    };
    let fate = match commit.fate {
        Fate::Acked => "done".to_owned(),
        Fate::Refused => format!("refused ({})", commit.status),
        Fate::Open => "in doubt".to_owned(),
    };
    format!("{} committed to {what}: {fate}", commit.tag)
}

fn to(place: &Place) -> &str {
    &place.id
}
