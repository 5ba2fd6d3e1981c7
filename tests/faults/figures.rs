//! What a run was: transactions, outcomes, faults, and how long calls took.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use lovely_session::error::Status;

use crate::check::{Commit, Fate, World};
use crate::history::{Call, Feat};
use crate::link::Counts;

/// Names of statuses, for people.
const STATUSES: [(i32, &str); 11] = [
    (0, "ok"),
    (-20, "unavailable"),
    (-21, "timeout"),
    (-22, "protocol"),
    (-23, "unknown"),
    (-24, "cancelled"),
    (-30, "corrupt"),
    (-40, "conflict"),
    (-41, "gone"),
    (-42, "partial"),
    (-44, "lost"),
];

/// What a run was.
#[derive(Debug, Default)]
pub struct Figures {
    opened: u64,
    /// Calls by what they were and how they ended.
    ended: BTreeMap<(Call, i32), u64>,
    sessions_committed: BTreeMap<&'static str, u64>,
    faults: BTreeMap<&'static str, u64>,
    /// What clients did, and met, beside committing.
    feats: BTreeMap<&'static str, u64>,
    /// Milliseconds that each call took, and what it took beyond its deadline.
    took_ms: BTreeMap<Call, Vec<f64>>,
    most_over_ms: i64,
}

impl Figures {
    /// Those of one round.
    pub fn of(world: &World) -> Self {
        let mut figures = Self { most_over_ms: i64::MIN, ..Self::default() };
        figures.opened = world.reads.values().map(|reads| reads.len() as u64).sum();
        for call in &world.calls {
            *figures.ended.entry((call.what, call.status)).or_default() += 1;
            #[allow(clippy::cast_precision_loss, reason = "milliseconds for people")]
            let ms = (call.t1 - call.t0) as f64 / 1e6;
            figures.took_ms.entry(call.what).or_default().push(ms);
            let over =
                i64::try_from((call.t1 - call.t0) / 1_000_000).unwrap() - i64::try_from(call.allowed_ms).unwrap();
            figures.most_over_ms = figures.most_over_ms.max(over);
        }
        for commit in &world.commits {
            let fate = match commit.fate {
                Fate::Acked => "stored",
                Fate::Refused => "not stored",
                Fate::Open => "in doubt",
            };
            *figures.sessions_committed.entry(fate).or_default() += 1;
        }
        figures.add_feats(world);
        figures
    }

    fn add_feats(&mut self, world: &World) {
        for feat in Feat::ALL {
            self.feats.insert(feat.words(), world.feats.get(&feat).copied().unwrap_or(0));
        }
        let count = |is: &dyn Fn(&Commit) -> bool| world.commits.iter().filter(|commit| is(commit)).count() as u64;
        let is_done = |commit: &Commit| commit.fate == Fate::Acked;
        let is = |commit: &Commit, status: Status| commit.fate == Fate::Refused && commit.status == status as i32;
        let is_dropped = |commit: &Commit| {
            let since = commit.opened.filter(|_| !commit.is_new).map(|(_, t1)| t1);
            since.is_some_and(|since| world.is_surely_emptied(&commit.place, since, commit.start))
        };
        for (words, count) in [
            ("sessions destroyed", count(&|commit| is_done(commit) && !commit.is_write())),
            ("ids renewed", count(&|commit| is_done(commit) && commit.is_moved())),
            ("deadlines set", count(&|commit| is_done(commit) && commit.deadline().is_some())),
            ("timeouts set", count(&|commit| is_done(commit) && commit.timeout().is_some())),
            ("found dropped and gone", count(&|commit| is(commit, Status::Gone) && is_dropped(commit))),
            ("found dropped and stored anew", count(&|commit| is_done(commit) && is_dropped(commit))),
            ("lost to a full server", count(&|commit| is(commit, Status::Lost))),
        ] {
            self.feats.insert(words, count);
        }
    }

    /// Adds what was done to servers, clients and links.
    pub fn add_faults(&mut self, faults: &BTreeMap<&'static str, u64>, counts: &Counts) {
        let mut add = |name: &'static str, count: u64| *self.faults.entry(name).or_default() += count;
        for (name, count) in faults {
            add(name, *count);
        }
        let of_links: [(&str, &AtomicU64); 9] = [
            ("bytes delayed", &counts.delays),
            ("requests delivered late", &counts.late_requests),
            ("answers delivered late", &counts.late_answers),
            ("bytes in small pieces", &counts.trickles),
            ("connections ended with FIN", &counts.cuts_with_fin),
            ("connections ended with RST", &counts.cuts_with_rst),
            ("of these inside a request or answer", &counts.cut_inside),
            ("answers repeated", &counts.repeats),
            ("connections", &counts.connections),
        ];
        for (name, count) in of_links {
            add(name, count.load(Ordering::Relaxed));
        }
    }

    /// Adds those of another round.
    pub fn add(&mut self, other: Self) {
        self.opened += other.opened;
        self.most_over_ms = self.most_over_ms.max(other.most_over_ms);
        for (key, count) in other.ended {
            *self.ended.entry(key).or_default() += count;
        }
        for (key, count) in other.sessions_committed {
            *self.sessions_committed.entry(key).or_default() += count;
        }
        for (key, count) in other.faults {
            *self.faults.entry(key).or_default() += count;
        }
        for (key, count) in other.feats {
            *self.feats.entry(key).or_default() += count;
        }
        for (call, took) in other.took_ms {
            self.took_ms.entry(call).or_default().extend(took);
        }
    }

    /// What did not happen.
    pub fn missing(&self) -> impl Iterator<Item = &'static str> {
        self.faults.iter().chain(&self.feats).filter(|(_, count)| **count == 0).map(|(name, _)| *name)
    }

    /// How many commits ended.
    pub fn commits(&self) -> u64 {
        self.ended.iter().filter(|((call, _), _)| *call == Call::Commit).map(|(_, count)| count).sum()
    }

    /// How many faults of all kinds there were.
    pub fn all_faults(&self) -> u64 {
        self.faults.iter().filter(|(name, _)| **name != "connections").map(|(_, count)| count).sum()
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "sessions opened: {}; sessions of commits: {}", self.opened, list(&self.sessions_committed))?;
        for what in [Call::Open, Call::Prefetch, Call::Exists, Call::Prepare, Call::Commit] {
            let ended = self.ended.iter().filter(|((call, _), _)| *call == what);
            let name =
                |status: i32| STATUSES.iter().find(|(number, _)| *number == status).map_or("other", |(_, name)| name);
            let texts: Vec<String> = ended.map(|((_, status), count)| format!("{} {count}", name(*status))).collect();
            writeln!(f, "{what:?}: {}", texts.join(", "))?;
        }
        writeln!(f, "faults: {}", list(&self.faults))?;
        writeln!(f, "also: {}", list(&self.feats))?;
        for (call, took) in &self.took_ms {
            write!(f, "{call:?}, ms: ")?;
            quantiles(f, took)?;
        }
        writeln!(f, "the latest return was {} ms after its call's deadline", self.most_over_ms)?;
        histogram(f, &self.took_ms.values().flatten().copied().collect::<Vec<f64>>())
    }
}

fn list(counts: &BTreeMap<&'static str, u64>) -> String {
    counts.iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ")
}

fn quantiles(f: &mut fmt::Formatter<'_>, took: &[f64]) -> fmt::Result {
    let mut took = took.to_vec();
    took.sort_by(f64::total_cmp);
    for (name, per_mille) in [("p50", 500), ("p90", 900), ("p99", 990), ("p99.9", 999), ("max", 1_000)] {
        let at = (took.len() * per_mille / 1_000).min(took.len().saturating_sub(1));
        write!(f, "{name} {:.1}  ", took.get(at).copied().unwrap_or(0.0))?;
    }
    writeln!(f, "of {}", took.len())
}

/// All calls by how long they took, in doubling steps.
fn histogram(f: &mut fmt::Formatter<'_>, took: &[f64]) -> fmt::Result {
    const WIDTH: f64 = 50.0;
    let mut bars = [0_u32; 16];
    for ms in took {
        let step = (0..15).find(|step| *ms < 0.125 * f64::from(1 << step)).unwrap_or(15);
        bars[step] += 1;
    }
    let most = f64::from(bars.iter().max().copied().unwrap_or(1).max(1));
    for (step, bar) in bars.iter().enumerate().filter(|(_, bar)| **bar > 0) {
        let width = (f64::from(*bar) / most * WIDTH).ceil();
        let bar_text: String = std::iter::repeat_n('#', (0..50).filter(|at| f64::from(*at) < width).count()).collect();
        writeln!(f, "  < {:>8.3} ms {bar:>8} {bar_text}", 0.125 * f64::from(1 << step))?;
    }
    Ok(())
}
