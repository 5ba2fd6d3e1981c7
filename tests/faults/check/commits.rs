//! What commits were told, compared with what happened since they opened their sessions.

use lovely_session::error::Status;
use lovely_session::txn::Outcome;

use super::world::{Commit, Fate, World};
use super::{Findings, Promise, times};
use crate::config::CONTAINERS;
use crate::state::KEYS;

pub(super) fn check(world: &World, findings: &mut Findings) {
    for commit in world.commits.iter().filter(|commit| commit.fate == Fate::Acked && commit.is_write()) {
        let Some((_, opened)) = commit.opened else { continue };
        if world.is_haunted(&commit.place) || world.is_reborn(&commit.creators) {
            continue;
        }
        gone(world, commit, opened, findings);
        conflicts(world, commit, opened, findings);
    }
    reports(world, findings);
}

/// Nothing is stored over what was destroyed or emptied since it was opened.
fn gone(world: &World, commit: &Commit, opened: u64, findings: &mut Findings) {
    let place = &commit.place;
    let buried = world.destructions_since(place, opened).find(|other| {
        other.fate == Fate::Acked
            && other.tag.txn() != commit.tag.txn()
            && other.start > opened
            && other.end < commit.start
            // Where nothing was opened, a tombstone that is gone with its server is no longer known to anyone; nor is it
            // where what is gone is stored anew.
            && !((commit.is_new || commit.may_recreate())
                && (world.is_emptied(place, other.start, commit.end)
                    || world.may_be_dropped(place, other.start, commit.end, true)))
    });
    findings.check(Promise::Gone, Some(place), commit.end, buried.is_none(), || {
        let by = buried.map(|other| other.tag.to_string()).unwrap_or_default();
        format!("{} was stored, though {by} had destroyed what it had opened", commit.tag)
    });
    if !commit.is_new && !commit.may_recreate() {
        let is_emptied = world.is_surely_emptied(place, opened, commit.start);
        findings.check(Promise::Gone, Some(place), commit.end, !is_emptied, || {
            format!("{} was stored, though the server had lost the session since it was opened", commit.tag)
        });
    }
}

/// Whoever was faster, and changed what this one changed too, keeps it from being stored.
fn conflicts(world: &World, commit: &Commit, opened: u64, findings: &mut Findings) {
    let place = &commit.place;
    let policy = CONTAINERS[place.container].0;
    for other in world.commits_since(place, opened).take_while(|other| other.start < commit.start) {
        let is_between = other.fate == Fate::Acked
            && other.tag != commit.tag
            && other.place == *place
            && other.is_write()
            && other.end < commit.start
            && !(commit.is_new && world.may_be_dropped(place, other.start, commit.end, true))
            // What has ended by itself is as absent as what was found.
            && !(commit.is_new && times::may_have_ended(world, std::slice::from_ref(place), other, commit.end))
            && !world.is_emptied(place, other.start, commit.end);
        if !is_between {
            continue;
        }
        let touches = |commit: &Commit, key| commit.sets(key) || commit.deletes(key);
        // Nobody else may have put back what the transaction had found.
        let is_alone = |key| {
            !world.commits_at(place).any(|third| {
                let is_third = third.tag != commit.tag && third.tag != other.tag && third.fate != Fate::Refused;
                is_third && third.end > other.start && third.start < commit.end && touches(third, key)
            })
        };
        let must = match policy {
            "strict" => true,
            "merge" => (0..KEYS).any(|key| other.sets(key) && touches(commit, key) && is_alone(key)),
            _ => false,
        };
        findings.check(Promise::Conflicts, Some(place), commit.end, !must, || {
            format!("{} was stored under {policy}, though {} had changed the same before", commit.tag, other.tag)
        });
    }
}

/// The status of a commit and the outcomes in its report say the same.
fn reports(world: &World, findings: &mut Findings) {
    for (tag, at, status, report) in &world.outcomes {
        let count = |outcome: Outcome| report.iter().filter(|entry| entry.outcome == outcome as i32).count();
        let (stored, unknown) = (count(Outcome::Stored), count(Outcome::Unknown));
        let is_right = if *status == 0 {
            stored == report.len()
        } else if *status == Status::Partial as i32 {
            stored > 0 && stored < report.len()
        } else if *status == Status::Unknown as i32 {
            stored == 0 && unknown > 0
        } else {
            stored == 0 && unknown == 0
        };
        // Each session that was to be changed is named, once.
        let wanted = world.sizes.get(tag).copied().unwrap_or(0);
        let is_whole = report.len() == wanted || *status != 0 && report.is_empty();
        findings.check(Promise::Reports, None, *at, is_right && is_whole, || {
            format!("commit {tag} of {wanted} sessions answered {status} and reported {report:?}")
        });
    }
}
