//! All histories put together: who read what where, who committed what where, and when servers were emptied.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use lovely_session::error::Status;

use crate::config::{CONTAINERS, RECREATE};
use crate::history::{Call, Deed, Entry, Feat, Nanos, Place, Record, Tag};
use crate::placement;
use crate::state::State;

/// Longer than this nothing is under way.
const LONGEST: Nanos = 10_000_000_000;

/// A server lost everything at some moment between these two.
#[derive(Debug, Clone)]
pub struct Emptied {
    pub server: usize,
    pub t0: Nanos,
    pub t1: Nanos,
    pub how: &'static str,
}

/// What a transaction found where it opened a session.
#[derive(Debug, Clone)]
pub struct Read {
    pub tag: Tag,
    pub t0: Nanos,
    pub t1: Nanos,
    pub is_created: bool,
    /// `None`: nothing.
    pub state: Option<State>,
    /// What does not fit together in it.
    pub wrong: Vec<String>,
}

/// How a commit ended for one session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Acked,
    Refused,
    /// Nobody was told, or only that it is unknown: it may be done at any time from its beginning on.
    Open,
}

/// What one transaction committed, or tried to, to one session.
#[derive(Debug, Clone)]
pub struct Commit {
    pub tag: Tag,
    /// Where the session was opened.
    pub place: Place,
    /// Where it is after that.
    pub target: Place,
    pub deed: Deed,
    pub fate: Fate,
    /// What the report says of it, or else what the whole commit answered.
    pub status: i32,
    pub start: Nanos,
    /// The end of time where the fate is open.
    pub end: Nanos,
    /// When it was opened; what is destroyed unopened was not.
    pub opened: Option<(Nanos, Nanos)>,
    /// Whether nothing was found, or it was created.
    pub is_new: bool,
    pub creators: BTreeSet<Tag>,
}

impl Commit {
    pub fn is_write(&self) -> bool {
        matches!(self.deed, Deed::Write { .. })
    }

    pub fn is_moved(&self) -> bool {
        self.place != self.target
    }

    pub fn delta(&self) -> i64 {
        match self.deed {
            Deed::Write { delta, .. } => delta,
            Deed::Destroy => 0,
        }
    }

    /// When the session ends by itself after this, if it is said here.
    pub fn deadline(&self) -> Option<Nanos> {
        match self.deed {
            Deed::Write { deadline, .. } => deadline,
            Deed::Destroy => None,
        }
    }

    /// For how long the session may be idle, if it is said here.
    pub fn timeout(&self) -> Option<Nanos> {
        match self.deed {
            Deed::Write { timeout, .. } => timeout,
            Deed::Destroy => None,
        }
    }

    pub fn sets(&self, key: u8) -> bool {
        matches!(&self.deed, Deed::Write { sets, .. } if sets.contains(&key))
    }

    pub fn deletes(&self, key: u8) -> bool {
        matches!(&self.deed, Deed::Write { deletes, .. } if deletes.contains(&key))
    }

    /// Whether it stores anew what it does not find any more.
    pub fn may_recreate(&self) -> bool {
        CONTAINERS[self.place.container].0 == RECREATE
    }

    /// Whether it may have been refused for want of memory, and what stood there have been dropped for that.
    ///
    /// If what it had opened was dropped, it has to say so; what else stood there, and whether anything did, it cannot know.
    fn may_have_dropped(&self, is_tombstone: bool) -> bool {
        match self.fate {
            Fate::Acked => false,
            Fate::Open => true,
            Fate::Refused => {
                let is = |status: Status| self.status == status as i32;
                let knows = self.is_write() && !self.is_new && !self.is_moved() && !is_tombstone;
                is(Status::Lost) || !knows && !is(Status::Conflict) && !is(Status::Gone)
            }
        }
    }

    /// Whether a request of it, which it had given up, may have come to a full server after `since`. What stands there is
    /// dropped then, whatever the request asked for and whoever stored it: memcached looks at the version only later.
    fn may_have_dropped_late(&self, since: Nanos) -> bool {
        /// Whoever was faster has not waited for anything in vain.
        const QUICK: Nanos = 100_000_000;
        self.end - self.start >= QUICK && self.start.saturating_add(LONGEST) > since
    }

    /// Whether it is one of the incarnation that `creators` made.
    pub fn belongs_to(&self, creators: &BTreeSet<Tag>) -> bool {
        if self.is_new { creators.contains(&self.tag) } else { !self.creators.is_disjoint(creators) }
    }
}

/// A call that does I/O.
#[derive(Debug, Clone)]
pub struct Called {
    pub tag: Tag,
    pub what: Call,
    pub t0: Nanos,
    pub t1: Nanos,
    pub allowed_ms: u64,
    pub starved_ms: u64,
    pub status: i32,
    pub message: String,
}

/// What happened, as far as anybody was told.
#[derive(Debug, Default)]
pub struct World {
    /// When the round began.
    pub began: Nanos,
    /// By place, in the order of time.
    pub reads: BTreeMap<Place, Vec<Read>>,
    /// When somebody asked, and whether a session was there.
    pub existed: BTreeMap<Place, Vec<(Nanos, Nanos, Tag, bool)>>,
    /// When somebody was about to open a session, whatever came of it; in the order of time.
    pub tries: BTreeMap<Place, Vec<Nanos>>,
    /// What shows nowhere else, and how often.
    pub feats: BTreeMap<Feat, u64>,
    pub commits: Vec<Commit>,
    /// Which commits touch a place, in the order of their beginning: those that opened it, and those that gave it to a
    /// session.
    pub at: BTreeMap<Place, Vec<usize>>,
    /// The writes that were acknowledged, by where they are and who created their incarnation.
    acked: HashMap<Tag, Vec<usize>>,
    /// The commit that a tag names.
    pub of: HashMap<Tag, usize>,
    /// To how many sessions a transaction committed.
    pub sizes: HashMap<Tag, usize>,
    /// Status and report of each commit that ended, with what it was to do.
    pub outcomes: Vec<(Tag, Nanos, i32, Vec<Entry>)>,
    pub calls: Vec<Called>,
    pub wrongs: Vec<(Tag, Nanos, String)>,
    pub stalls: Vec<(Nanos, Nanos)>,
    pub emptied: Vec<Emptied>,
    /// Whether links delivered answers twice: then servers seem to be out of step.
    pub has_repeats: bool,
    /// Whether servers may have refused for want of room to store something: what stood there is dropped then.
    pub may_refuse: bool,
    /// Whether records were dropped of which nobody knows when.
    pub is_blind: bool,
    /// When records were dropped to make room for others.
    evicted: BTreeMap<Place, Vec<Emptied>>,
    /// Keys that were created by bytes which arrived when nobody waited for them any more.
    pub late_creations: Vec<(Nanos, String)>,
    haunted_places: BTreeSet<Place>,
    haunted_creators: BTreeSet<Tag>,
    /// Where each place is kept.
    pub servers: BTreeMap<Place, usize>,
    /// Reads that began later than this are the last ones, in peace.
    pub peace: Nanos,
}

impl World {
    /// Puts histories together. What was written after `until` is left out: not all that it rests on may have been read.
    pub fn of(histories: Vec<Vec<Record>>, until: Nanos) -> Self {
        let mut world = Self::default();
        let mut intents = Vec::new();
        let mut outcomes = HashMap::new();
        for record in histories.into_iter().flatten() {
            match record {
                Record::Opened { tag, place, t0, t1, is_created, content } if t1 < until => {
                    let read = content.as_ref().map(State::read);
                    let (state, wrong) = read.map_or((None, Vec::new()), |(state, wrong)| (Some(state), wrong));
                    let read = Read { tag, t0, t1, is_created, state, wrong };
                    world.reads.entry(place).or_default().push(read);
                }
                Record::Existed { tag, place, t0, t1, found } if t1 < until => {
                    world.existed.entry(place).or_default().push((t0, t1, tag, found));
                }
                Record::Intent { tag, t0, acts } if t0 < until => intents.push((tag, t0, acts)),
                Record::Opened { .. } | Record::Existed { .. } | Record::Intent { .. } => {}
                Record::Trying { place, t0 } => world.tries.entry(place).or_default().push(t0),
                Record::Did { what } => *world.feats.entry(what).or_default() += 1,
                Record::Outcome { tag, t1, status, report } => {
                    outcomes.insert(tag, (t1, status, report.clone()));
                    if t1 < until {
                        world.outcomes.push((tag, t1, status, report));
                    }
                }
                Record::Called { tag, what, t0, t1, allowed_ms, starved_ms, status, message } => {
                    world.calls.push(Called { tag, what, t0, t1, allowed_ms, starved_ms, status, message });
                }
                Record::Wrong { tag, at, text } => world.wrongs.push((tag, at, text)),
                Record::Stalled { t0, t1 } => world.stalls.push((t0, t1)),
            }
        }
        for reads in world.reads.values_mut() {
            reads.sort_by_key(|read| read.t0);
        }
        world.tries.values_mut().for_each(|tries| tries.sort_unstable());
        world.add_commits(intents, &outcomes);
        world
    }

    #[allow(clippy::type_complexity, reason = "as the records have it")]
    fn add_commits(
        &mut self,
        intents: Vec<(Tag, Nanos, Vec<crate::history::Act>)>,
        outcomes: &HashMap<Tag, (Nanos, i32, Vec<Entry>)>,
    ) {
        let mut opened: HashMap<(Tag, &Place), &Read> = HashMap::new();
        for (place, reads) in &self.reads {
            opened.extend(reads.iter().map(|read| ((read.tag, place), read)));
        }
        let mut commits = Vec::new();
        for (tag, start, acts) in intents {
            for act in acts {
                let target = match &act.deed {
                    Deed::Write { new_id: Some(id), .. } => Place { container: act.place.container, id: id.clone() },
                    _ => act.place.clone(),
                };
                let read = opened.get(&(tag, &act.place));
                let is_destroy = act.deed == Deed::Destroy;
                let (fate, end) = fate(outcomes.get(&tag), &target, is_destroy);
                let status = outcomes.get(&tag).map_or(0, |(_, status, report)| {
                    entry(report, &target, is_destroy).map_or(*status, |entry| entry.status)
                });
                let state = read.and_then(|read| read.state.as_ref());
                commits.push(Commit {
                    tag: act.tag,
                    target,
                    deed: act.deed,
                    fate,
                    status,
                    start,
                    end,
                    opened: read.map(|read| (read.t0, read.t1)),
                    is_new: state.is_none(),
                    creators: state.map(|state| state.creators.clone()).unwrap_or_default(),
                    place: act.place,
                });
            }
        }
        commits.sort_by_key(|commit| commit.start);
        for (i, commit) in commits.iter().enumerate() {
            if commit.fate == Fate::Acked && commit.is_write() {
                let own = commit.is_new.then_some(commit.tag);
                for creator in own.iter().chain(&commit.creators) {
                    self.acked.entry(*creator).or_default().push(i);
                }
            }
            self.at.entry(commit.place.clone()).or_default().push(i);
            if commit.is_moved() {
                self.at.entry(commit.target.clone()).or_default().push(i);
            }
            self.of.insert(commit.tag, i);
            *self.sizes.entry(commit.tag.txn()).or_default() += 1;
        }
        self.commits = commits;
    }

    /// The commits that touch `place`.
    pub fn commits_at(&self, place: &Place) -> impl Iterator<Item = &Commit> {
        self.at.get(place).into_iter().flatten().map(|i| &self.commits[*i])
    }

    /// Those of them that began after `since`, in this order.
    pub fn commits_since(&self, place: &Place, since: Nanos) -> impl DoubleEndedIterator<Item = &Commit> {
        let at = self.at.get(place).map_or(&[][..], Vec::as_slice);
        at[at.partition_point(|i| self.commits[*i].start <= since)..].iter().map(|i| &self.commits[*i])
    }

    /// Those of them that began before `until`, the latest first.
    pub fn commits_before(&self, place: &Place, until: Nanos) -> impl Iterator<Item = &Commit> {
        let at = self.at.get(place).map_or(&[][..], Vec::as_slice);
        at[..at.partition_point(|i| self.commits[*i].start < until)].iter().rev().map(|i| &self.commits[*i])
    }

    /// The writes at `place` that were acknowledged, of the incarnation of `creators`.
    pub fn acked_at(&self, place: &Place, creators: &BTreeSet<Tag>) -> Vec<&Commit> {
        let mut found: Vec<usize> = creators.iter().filter_map(|tag| self.acked.get(tag)).flatten().copied().collect();
        found.sort_unstable();
        found.dedup();
        found.into_iter().map(|i| &self.commits[i]).filter(|commit| commit.target == *place).collect()
    }

    /// Those that leave a tombstone at `place`.
    pub fn destructions_at<'a>(&'a self, place: &'a Place) -> impl Iterator<Item = &'a Commit> {
        self.destructions_since(place, 0)
    }

    /// Those of them that began after `since`.
    pub fn destructions_since<'a>(&'a self, place: &'a Place, since: Nanos) -> impl Iterator<Item = &'a Commit> {
        self.commits_since(place, since)
            .filter(move |commit| commit.place == *place && (commit.deed == Deed::Destroy || commit.is_moved()))
    }

    /// The commit that gave `place` to a session that was elsewhere before.
    pub fn move_to(&self, place: &Place) -> Option<&Commit> {
        self.commits_at(place).find(|commit| commit.is_moved() && commit.target == *place)
    }

    /// `place`, and those where what is there was before, the latest first.
    pub fn lineage(&self, place: &Place) -> Vec<Place> {
        let mut lineage = vec![place.clone()];
        while let Some(commit) = self.move_to(&lineage[lineage.len() - 1]) {
            lineage.push(commit.place.clone());
        }
        lineage
    }

    /// The commit of `tag`, if its result is at one of `places`.
    pub fn commit_of(&self, tag: Tag, places: &[Place]) -> Option<&Commit> {
        let commit = &self.commits[*self.of.get(&tag)?];
        (commit.is_write() && places.contains(&commit.target)).then_some(commit)
    }

    /// Finds the sessions that may be there a second time, as they were when they were created: what creates one was still
    /// under way when the server was emptied, on a link or in a commit that looked, found nothing, and did it again.
    pub fn find_haunts(&mut self) {
        let mut places = BTreeSet::new();
        for place in self.at.keys() {
            let key = placement::key(place);
            let is_emptied = |at: Nanos| self.may_be_gone(place, at.saturating_sub(LONGEST), at);
            if self.late_creations.iter().any(|(at, late)| *late == key && is_emptied(*at)) {
                places.insert(place.clone());
            }
        }
        let mut creators = BTreeSet::new();
        let creates = |commit: &&Commit| commit.is_new || commit.is_moved() || commit.may_recreate();
        for commit in self.commits.iter().filter(creates) {
            let end = commit.end.min(commit.start + LONGEST);
            if commit.is_write() && self.may_be_gone(&commit.target, commit.start, end) {
                creators.extend(commit.is_new.then_some(commit.tag).into_iter().chain(commit.creators.iter().copied()));
            }
        }
        (self.haunted_places, self.haunted_creators) = (places, creators);
    }

    /// Takes in when records were dropped to make room for others.
    pub fn add_evictions(&mut self, dropped: impl Iterator<Item = (Nanos, String)>) {
        /// The clocks of a log and of histories differ by less.
        const NEARLY: Nanos = 5_000_000;
        let places = self.at.keys().chain(self.reads.keys()).chain(self.existed.keys());
        let places: HashMap<String, Place> = places.map(|place| (placement::key(place), place.clone())).collect();
        for (at, key) in dropped {
            if let Some(place) = places.get(&key) {
                let (t0, t1) = (at.saturating_sub(NEARLY), at + NEARLY);
                let evicted = Emptied { server: usize::MAX, t0, t1, how: "short of memory and dropped it" };
                self.evicted.entry(place.clone()).or_default().push(evicted);
            }
        }
    }

    /// Whether anything may be at `place` a second time.
    pub fn is_haunted(&self, place: &Place) -> bool {
        self.haunted_places.contains(place)
    }

    /// Whether the incarnation of `creators` may be there a second time.
    pub fn is_reborn(&self, creators: &BTreeSet<Tag>) -> bool {
        !creators.is_disjoint(&self.haunted_creators)
    }

    /// Whether the server of `place` may have lost everything after `since` and before `until`.
    pub fn is_emptied(&self, place: &Place, since: Nanos, until: Nanos) -> bool {
        self.emptied_at(place).any(|emptied| emptied.t1 > since && emptied.t0 < until)
    }

    /// Whether it certainly has.
    pub fn is_surely_emptied(&self, place: &Place, since: Nanos, until: Nanos) -> bool {
        self.servers.contains_key(place)
            && self.emptied_at(place).any(|emptied| emptied.t0 > since && emptied.t1 < until)
    }

    /// Whether a session at `place` may have been lost after `since` and before `until`, for whatever reason.
    pub fn may_be_gone(&self, place: &Place, since: Nanos, until: Nanos) -> bool {
        self.is_emptied(place, since, until) || self.may_be_dropped(place, since, until, false)
    }

    /// Whether the record at `place` may have been dropped between `since` and `until` by a server that refused another.
    pub fn may_be_dropped(&self, place: &Place, since: Nanos, until: Nanos, is_tombstone: bool) -> bool {
        let may = |commit: &Commit| {
            commit.end > since && commit.may_have_dropped(is_tombstone) || commit.may_have_dropped_late(since)
        };
        self.is_blind || self.may_refuse && self.commits_before(place, until).any(may)
    }

    /// When the server of `place` lost everything, or what stood there.
    pub fn emptied_at(&self, place: &Place) -> impl Iterator<Item = &Emptied> {
        let server = self.servers.get(place).copied();
        // Where the place is not known, any server may have been its own.
        let emptied = self.emptied.iter().filter(move |emptied| server.is_none_or(|server| server == emptied.server));
        emptied.chain(self.evicted.get(place).into_iter().flatten())
    }
}

fn fate(outcome: Option<&(Nanos, i32, Vec<Entry>)>, target: &Place, is_destroy: bool) -> (Fate, Nanos) {
    use lovely_session::txn::Outcome;
    let Some((end, status, report)) = outcome else { return (Fate::Open, Nanos::MAX) };
    if *status == 0 {
        return (Fate::Acked, *end);
    }
    if *status != Status::Partial as i32 && *status != Status::Unknown as i32 {
        return (Fate::Refused, *end);
    }
    match entry(report, target, is_destroy).map(|entry| entry.outcome) {
        Some(outcome) if outcome == Outcome::Stored as i32 => (Fate::Acked, *end),
        Some(outcome) if outcome == Outcome::NotStored as i32 => (Fate::Refused, *end),
        _ => (Fate::Open, Nanos::MAX),
    }
}

fn entry<'a>(report: &'a [Entry], target: &Place, is_destroy: bool) -> Option<&'a Entry> {
    report.iter().find(|entry| entry.place == *target && entry.is_destroy == is_destroy)
}
