//! What was read, compared with everything that was committed.

use std::collections::{BTreeMap, BTreeSet};

use super::world::{Commit, Fate, Read, World};
use super::{Findings, Promise, times};
use crate::config::{CONTAINERS, RECREATE};
use crate::history::{Nanos, Place, Tag};
use crate::state::{KEYS, State};

pub(super) fn check(world: &World, findings: &mut Findings) {
    for (place, reads) in &world.reads {
        let session = Session { world, place, lineage: world.lineage(place) };
        // Of what a session is made of, too, where it was before.
        let is_haunted = session.lineage.iter().any(|place| world.is_haunted(place));
        for read in reads.iter().filter(|read| !read.is_created) {
            if let Some(state) = &read.state {
                session.whole(read, state, findings);
                session.members(read, state, findings);
                session.latest(read, state, findings);
            }
            if is_haunted || read.state.as_ref().is_some_and(|state| world.is_reborn(&state.creators)) {
                continue;
            }
            if let Some(state) = &read.state {
                session.kept(read, state, findings);
                session.destroyed(read, state, findings);
            }
            session.present(read.t0, read.t1, read.tag, read.state.as_ref(), findings);
        }
        if !is_haunted {
            session.one_history(reads, findings);
        }
    }
    for (place, asked) in &world.existed {
        let session = Session { world, place, lineage: world.lineage(place) };
        for (t0, t1, tag, found) in asked {
            if !found && !session.lineage.iter().any(|place| world.is_haunted(place)) {
                session.present(*t0, *t1, *tag, None, findings);
            }
        }
    }
}

/// One id.
struct Session<'w> {
    world: &'w World,
    place: &'w Place,
    /// It, and where what is there was before.
    lineage: Vec<Place>,
}

impl Session<'_> {
    fn whole(&self, read: &Read, state: &State, findings: &mut Findings) {
        findings.check(Promise::Whole, Some(self.place), read.t1, read.wrong.is_empty(), || {
            format!("{} read {}", read.tag, read.wrong.join("; "))
        });
        findings.check(Promise::OwnData, Some(self.place), read.t1, state.id.as_ref() == Some(&self.place.id), || {
            format!("{} read what belongs to {:?}", read.tag, state.id)
        });
    }

    /// Who is in a state has committed there, and to this incarnation.
    fn members(&self, read: &Read, state: &State, findings: &mut Findings) {
        let members = state.members.iter().map(|(tag, delta)| (*tag, Some(*delta)));
        let values = state.keys.values().chain(&state.creators).map(|tag| (*tag, None));
        for (tag, delta) in members.chain(values) {
            let commit = self.world.commit_of(tag, &self.lineage);
            let text = match commit {
                None => Some("did not commit here".to_owned()),
                Some(commit) if commit.fate == Fate::Refused => Some("was refused".to_owned()),
                Some(commit) if commit.start > read.t1 => Some("had not begun to commit".to_owned()),
                Some(commit) if delta.is_some_and(|delta| delta != commit.delta()) => {
                    Some(format!("added {} and not {delta:?}", commit.delta()))
                }
                Some(_) if !state.members.contains_key(&tag) => Some("is only half in it".to_owned()),
                Some(_) => None,
            };
            findings.check(Promise::Committed, Some(self.place), read.t1, text.is_none(), || {
                format!("{} read what {tag} wrote, which {}", read.tag, text.unwrap_or_default())
            });
            if let Some(commit) = commit {
                let is_kin = commit.belongs_to(&state.creators);
                findings.check(Promise::OneIncarnation, Some(self.place), read.t1, is_kin, || {
                    let by = names(&state.creators);
                    format!("{} read what {tag} wrote to another incarnation than that of {by}", read.tag)
                });
            }
        }
        // Several created it together only if each began before the others were done.
        for a in &state.creators {
            for b in state.creators.iter().filter(|b| a < *b) {
                let [a, b] = [a, b].map(|tag| self.world.commit_of(*tag, &self.lineage));
                if let (Some(a), Some(b)) = (a, b) {
                    let began_before = |a: &Commit, b: &Commit| a.opened.is_none_or(|(t0, _)| t0 < b.end);
                    // What is stored anew is created once more, and merged with what others create meanwhile.
                    let (since, until) = (a.start.min(b.start), a.end.max(b.end));
                    let is_anew = a.may_recreate() && self.world.may_be_gone(&a.target, since, until);
                    let meet = |a: &Commit, b: &Commit| began_before(a, b) && began_before(b, a);
                    // Where one was created while a session came there that was elsewhere before, they are merged too.
                    let came = |place: &Place| self.world.move_to(place).filter(|_| self.lineage.contains(place));
                    let is_met = [a, b].iter().any(|one| came(&one.target).is_some_and(|came| meet(one, came)));
                    let is_kept = is_anew || is_met || meet(a, b);
                    findings.check(Promise::OneIncarnation, Some(self.place), read.t1, is_kept, || {
                        format!("{} read one incarnation of {} and {}, who did not meet", read.tag, a.tag, b.tag)
                    });
                }
            }
        }
    }

    /// Each key shows the last of those who changed it, as far as their order is certain.
    fn latest(&self, read: &Read, state: &State, findings: &mut Findings) {
        let commits: Vec<&Commit> =
            state.members.keys().filter_map(|tag| self.world.commit_of(*tag, &self.lineage)).collect();
        for key in 0..KEYS {
            let after = |one: &Commit| {
                let other = |other: &&&Commit| (other.sets(key) || other.deletes(key)) && one.end < other.start;
                commits.iter().find(other).map(|other| other.tag)
            };
            if let Some(writer) = state.keys.get(&key) {
                let Some(commit) = commits.iter().find(|commit| commit.tag == *writer) else { continue };
                let later = after(commit).or((!commit.sets(key)).then_some(commit.tag));
                findings.check(Promise::LatestWins, Some(self.place), read.t1, later.is_none(), || {
                    format!("{} read k{key} of {writer}, after {later:?} changed it", read.tag)
                });
            } else if let Some(setter) = commits.iter().find(|commit| commit.sets(key)) {
                let is_deleted = commits.iter().any(|commit| commit.deletes(key) && after(commit).is_none());
                findings.check(Promise::LatestWins, Some(self.place), read.t1, is_deleted, || {
                    format!("{} read no k{key}, which {} set and nobody deleted after", read.tag, setter.tag)
                });
            }
        }
    }

    /// Who must be in a state of the incarnation of `creators` that is read from `t0` on.
    fn required(&self, creators: &BTreeSet<Tag>, t0: Nanos) -> Vec<&Commit> {
        let mut required = Vec::new();
        let mut until = t0;
        for place in &self.lineage {
            let acked = self.world.acked_at(place, creators);
            required.extend(acked.into_iter().filter(|commit| commit.end < until));
            // What was stored under the old id while the new one was given is merged only by the end of that, unless it was
            // lost with its server before.
            let is_merged = |commit: &Commit| {
                let begin = commit.opened.map_or(commit.start, |(t0, _)| t0);
                commit.fate == Fate::Acked
                    && commit.end < until
                    && !self.world.is_emptied(&commit.place, begin, commit.end)
            };
            match self.world.move_to(place) {
                // Where what is gone is stored anew, that may be done under the old id after this: it stays there.
                Some(commit) if is_merged(commit) => until = until.min(commit.end),
                Some(commit) => until = until.min(commit.opened.map_or(commit.start, |(t0, _)| t0)),
                None => {}
            }
        }
        required
    }

    /// Whether what `commit` stored may have been dropped under the old id by a server that had no room for the tombstone:
    /// whoever gave the new id, and had loaded the session before, cannot know of it.
    fn may_have_stayed_behind(&self, commit: &Commit) -> bool {
        let missed = |came: &Commit| came.place == commit.target && came.opened.is_none_or(|(t0, _)| commit.end > t0);
        self.world.may_refuse && self.lineage.iter().any(|place| self.world.move_to(place).is_some_and(missed))
    }

    fn kept(&self, read: &Read, state: &State, findings: &mut Findings) {
        let mut required = self.required(&state.creators, read.t0);
        // What was stored anew is what its transaction had opened, and what others stored since may be gone.
        required.retain(|commit| {
            let is_safe = !commit.may_recreate() || !self.world.may_be_gone(&commit.target, commit.start, read.t1);
            is_safe && !self.may_have_stayed_behind(commit)
        });
        for commit in &required {
            let is_in = state.members.contains_key(&commit.tag);
            findings.check(Promise::Kept, Some(self.place), read.t1, is_in, || {
                format!("{} read a state without what {} was told is stored", read.tag, commit.tag)
            });
        }
        if read.t0 > self.world.peace {
            let least: i64 = required.iter().map(|commit| commit.delta()).sum();
            // Whoever was not refused may be in it: those in doubt, and those whom an id in doubt left behind.
            let may = self.world.commits.iter().filter(|commit| {
                commit.fate != Fate::Refused
                    && self.lineage.contains(&commit.target)
                    && commit.belongs_to(&state.creators)
            });
            let most: i64 = may.map(Commit::delta).sum();
            let is_between = (least..=most).contains(&state.counter);
            findings.check(Promise::Counters, Some(self.place), read.t1, is_between, || {
                format!("the counter ended as {} and not as {least} to {most}", state.counter)
            });
        }
    }

    /// What was stored is still there, unless somebody destroyed it or its server was emptied.
    fn present(&self, t0: Nanos, t1: Nanos, tag: Tag, state: Option<&State>, findings: &mut Findings) {
        // The one that began last is the hardest to excuse.
        let last = self.world.commits_before(self.place, t0).find(|commit| {
            commit.fate == Fate::Acked
                && commit.is_write()
                && commit.target == *self.place
                && commit.end < t0
                && state.is_none_or(|state| !commit.belongs_to(&state.creators))
        });
        let Some(last) = last else { return };
        let is_destroyed = self.world.destructions_at(self.place).any(|other| {
            other.fate != Fate::Refused
                && other.tag.txn() != last.tag.txn()
                && other.start < t1
                && other.end > last.start
        });
        let is_excused = is_destroyed
            || self.world.may_be_gone(self.place, last.start, t1)
            || times::may_have_ended(self.world, &self.lineage, last, t1);
        let promise = if last.is_moved() { Promise::NewIds } else { Promise::Present };
        findings.check(promise, Some(self.place), t1, is_excused, || {
            let what = if state.is_some() { "another session" } else { "nothing" };
            format!("{tag} found {what}, where {} was told its session is stored", last.tag)
        });
    }

    /// Nothing is of before a destruction that was acknowledged.
    fn destroyed(&self, read: &Read, state: &State, findings: &mut Findings) {
        // Whoever is in this state and opened it first is who a destruction may have come after.
        let here = std::slice::from_ref(self.place);
        let opened = |tag: &Tag| Some((self.world.commit_of(*tag, here)?.opened?.1, *tag));
        let Some((first, old)) = state.members.keys().filter_map(opened).min() else { return };
        let buried = self.world.destructions_since(self.place, first).find(|buried| {
            buried.fate == Fate::Acked
                && buried.end < read.t0
                && !self.world.is_emptied(self.place, buried.start, read.t1)
                && !self.world.may_be_dropped(self.place, buried.start, read.t1, true)
        });
        findings.check(Promise::StaysDestroyed, Some(self.place), read.t1, buried.is_none(), || {
            let by = buried.map(|buried| buried.tag.to_string()).unwrap_or_default();
            format!("{} read what {old} wrote, after {by} had destroyed it", read.tag)
        });
    }

    /// Of any two states of an incarnation one is the beginning of the other, and the earlier one was read earlier.
    fn one_history(&self, reads: &[Read], findings: &mut Findings) {
        let is_stored_anew = CONTAINERS[self.place.container].0 == RECREATE
            && (self.world.may_refuse || self.world.emptied_at(self.place).next().is_some());
        if is_stored_anew {
            return;
        }
        let mut incarnations: BTreeMap<Tag, Vec<(&Read, &State)>> = BTreeMap::new();
        let mut first_of: BTreeMap<Tag, Tag> = BTreeMap::new();
        // Who was seen together with whom is of one incarnation, whoever of them was seen first.
        let states = || reads.iter().filter_map(|read| read.state.as_ref().map(|state| (read, state)));
        for (_, state) in states() {
            let known = state.creators.iter().filter_map(|creator| first_of.get(creator)).min().copied();
            let Some(first) = known.or(state.creators.first().copied()) else { continue };
            first_of.extend(state.creators.iter().map(|creator| (*creator, first)));
        }
        for (read, state) in states() {
            let Some(first) = state.creators.first().and_then(|creator| first_of.get(creator)) else { continue };
            incarnations.entry(*first).or_default().push((read, state));
        }
        for mut states in incarnations.into_values() {
            if states.iter().any(|(_, state)| self.world.is_reborn(&state.creators)) {
                continue;
            }
            // Reads are in the order of their beginning: what ended before one began must not have had more.
            let mut ended: Vec<(Nanos, usize)> =
                states.iter().map(|(read, state)| (read.t1, state.members.len())).collect();
            ended.sort_unstable();
            let (mut next, mut most) = (0, 0);
            for (read, state) in &states {
                while ended[next].0 < read.t0 {
                    most = most.max(ended[next].1);
                    next += 1;
                }
                findings.check(Promise::OneHistory, Some(self.place), read.t1, state.members.len() >= most, || {
                    format!("{} read {} members, after a read of {most}", read.tag, state.members.len())
                });
            }
            states.sort_by_key(|(_, state)| state.members.len());
            for pair in states.windows(2) {
                let [(a, few), (b, many)] = pair else { continue };
                let lacks = few.members.keys().find(|tag| !many.members.contains_key(tag));
                findings.check(Promise::OneHistory, Some(self.place), a.t1.max(b.t1), lacks.is_none(), || {
                    let lacks = lacks.map(Tag::to_string).unwrap_or_default();
                    format!("{} read what {lacks} wrote, and {} a state without it and with others", a.tag, b.tag)
                });
            }
        }
    }
}

fn names(tags: &BTreeSet<Tag>) -> String {
    tags.iter().map(Tag::to_string).collect::<Vec<_>>().join(", ")
}
