//! When sessions end by themselves: at their deadlines, and when they are idle for too long.

use std::collections::BTreeSet;

use super::world::{Commit, Fate, Read, World};
use super::{Findings, Promise};
use crate::history::{Nanos, Place, Tag};
use crate::state::State;

/// Clocks that are read one after the other differ by less.
const NEARLY: Nanos = 50_000_000;
const SECOND: Nanos = 1_000_000_000;
/// Longer than this no request is under way that its client has given up.
const LATEST: Nanos = 6 * SECOND;

pub(super) fn check(world: &World, findings: &mut Findings) {
    for (place, reads) in &world.reads {
        let lineage = world.lineage(place);
        if lineage.iter().any(|place| world.is_haunted(place)) {
            continue;
        }
        for read in reads {
            if let Some(state) = &read.state {
                past_deadline(world, place, &lineage, read, state, findings);
                idle(world, place, &lineage, read, state, findings);
            }
        }
    }
    for commit in world.commits.iter().filter(|commit| commit.fate == Fate::Acked && commit.is_write()) {
        too_late(world, commit, findings);
    }
}

/// Those who are in a state.
fn members<'w>(world: &'w World, lineage: &'w [Place], state: &'w State) -> impl Iterator<Item = &'w Commit> {
    state.members.keys().filter_map(|tag| world.commit_of(*tag, lineage))
}

/// The latest of all deadlines that a state was given.
fn last_deadline(world: &World, lineage: &[Place], state: &State) -> Option<Nanos> {
    members(world, lineage, state).filter_map(Commit::deadline).max()
}

/// What is past its deadline is not read.
fn past_deadline(world: &World, place: &Place, lineage: &[Place], read: &Read, state: &State, findings: &mut Findings) {
    let Some(deadline) = last_deadline(world, lineage, state) else { return };
    findings.check(Promise::Ends, Some(place), read.t1, read.t0 < deadline + NEARLY, || {
        format!("{} read a session {} ms after its deadline", read.tag, (read.t0 - deadline) / 1_000_000)
    });
}

/// What was not opened for longer than its timeout, and what seconds are rounded up to, is not read.
fn idle(world: &World, place: &Place, lineage: &[Place], read: &Read, state: &State, findings: &mut Findings) {
    let Some(timeout) = members(world, lineage, state).filter_map(Commit::timeout).max() else { return };
    // Everything that may have renewed it before, and when at the latest.
    let tries = world.tries.get(place).map_or(&[][..], Vec::as_slice);
    let before = tries.partition_point(|t0| *t0 < read.t0);
    let reads = world.reads.get(place).into_iter().flatten();
    let done: Vec<(Nanos, Nanos)> =
        reads.filter(|other| other.t0 < read.t0).map(|other| (other.t0, other.t1)).collect();
    let of_try = |t0: &Nanos| done.iter().find(|(done, _)| done == t0).map_or(t0 + LATEST, |(_, t1)| *t1);
    let opened = tries[..before].iter().map(of_try);
    let commits = world.commits_before(place, read.t0);
    let written = commits.map(|commit| if commit.end == Nanos::MAX { commit.start + LATEST } else { commit.end });
    let Some(latest) = opened.chain(written).max() else { return };
    // Up to 2 s of rounding, and one for the server's clock, which stands still while the server does.
    let allowed = timeout + 3 * SECOND + NEARLY;
    findings.check(Promise::Ends, Some(place), read.t1, read.t0 < latest.saturating_add(allowed), || {
        let idle = (read.t0 - latest) / 1_000_000;
        format!("{} read a session idle for {idle} ms, whose timeout is {} ms", read.tag, timeout / 1_000_000)
    });
}

/// Nothing is stored to a session that was past its deadline when the commit began.
fn too_late(world: &World, commit: &Commit, findings: &mut Findings) {
    let Some((t0, _)) = commit.opened else { return };
    let place = &commit.place;
    let lineage = world.lineage(place);
    let mut reads = world.reads.get(place).into_iter().flatten();
    let read = reads.find(|read| read.tag == commit.tag.txn() && read.t0 == t0);
    let Some(state) = read.and_then(|read| read.state.as_ref()) else { return };
    let Some(deadline) = last_deadline(world, &lineage, state) else { return };
    // Somebody else may have put it off, or the session have been stored anew, which asks nobody.
    let is_put_off = world.commits_before(place, commit.end).any(|other| {
        other.tag != commit.tag
            && other.fate != Fate::Refused
            && other.deadline().is_some()
            && !state.members.contains_key(&other.tag)
    });
    let is_excused = is_put_off || commit.may_recreate() || world.is_haunted(place);
    findings.check(Promise::Ends, Some(place), commit.end, is_excused || commit.start < deadline + NEARLY, || {
        let late = (commit.start - deadline) / 1_000_000;
        format!("{} was stored {late} ms after the deadline of what it had opened", commit.tag)
    });
}

/// Whether the incarnation of `last`, which was stored at the end of `lineage`, may have ended by itself before `until`.
pub(super) fn may_have_ended(world: &World, lineage: &[Place], last: &Commit, until: Nanos) -> bool {
    let kin = kin(world, last);
    let is_kin = |commit: &&Commit| {
        commit.fate != Fate::Refused && commit.is_write() && commit.start < until && commit.belongs_to(&kin)
    };
    lineage.iter().flat_map(|place| world.commits_at(place)).filter(is_kin).any(|commit| {
        commit.deadline().is_some_and(|deadline| deadline < until + NEARLY)
            || commit
                .timeout()
                .is_some_and(|timeout| longest_idle(world, &lineage[0], commit.start, until) + SECOND >= timeout)
    })
}

/// Who may have created the incarnation of `last`: as far as anybody saw, and those who created one at the same time, which
/// may have been merged with it.
fn kin(world: &World, last: &Commit) -> BTreeSet<Tag> {
    let mut kin = last.creators.clone();
    kin.extend(last.is_new.then_some(last.tag));
    let begun = |commit: &Commit| commit.opened.map_or(commit.start, |(t0, _)| t0);
    let meets = |a: &Commit, b: &Commit| a.target == b.target && begun(a) < b.end && begun(b) < a.end;
    loop {
        let known = kin.len();
        for place in [&last.target, &last.place] {
            let seen = world.reads.get(place).into_iter().flatten().filter_map(|read| read.state.as_ref());
            for state in seen.filter(|state| !state.creators.is_disjoint(&kin)).collect::<Vec<_>>() {
                kin.extend(state.creators.iter().copied());
            }
            let created = world.commits_at(place).filter(|commit| commit.is_new && commit.fate != Fate::Refused);
            let old: Vec<&Commit> =
                kin.iter().filter_map(|tag| world.of.get(tag)).map(|at| &world.commits[*at]).collect();
            kin.extend(created.filter(|commit| old.iter().any(|old| meets(commit, old))).map(|commit| commit.tag));
        }
        if kin.len() == known {
            return kin;
        }
    }
}

/// The longest that the session at `place` can have been idle between the two.
fn longest_idle(world: &World, place: &Place, since: Nanos, until: Nanos) -> Nanos {
    let reads = world.reads.get(place).into_iter().flatten().filter(|read| read.state.is_some());
    let reads = reads.map(|read| (read.t0, read.t1));
    let writes =
        world.commits_at(place).filter(|commit| commit.fate == Fate::Acked).map(|commit| (commit.start, commit.end));
    let mut renewed: Vec<(Nanos, Nanos)> = reads.chain(writes).filter(|(t0, t1)| *t0 > since && *t1 < until).collect();
    renewed.sort_unstable();
    renewed.push((until, until));
    let (mut longest, mut from) = (0, since);
    for (t0, t1) in renewed {
        longest = longest.max(t1.saturating_sub(from));
        from = t0;
    }
    longest
}
