//! Commit and prepare: what can be known to fail is found first; then `run` has the jobs of a plan do their work.

use std::time::Instant;

use crate::container::Policy;
use crate::error::{Error, Result};
use crate::io::join_all;
use crate::store::{Key, Store};
use crate::txn::job::Expected;
use crate::txn::plan::{Plan, Task};
use crate::txn::report::Outcome;
use crate::txn::run::{Until, run};
use crate::txn::{State, Transaction};

impl Transaction {
    /// Stores every session that changed, or none as far as the stores can promise it, and ends the transaction.
    ///
    /// `Ok`: everything is stored. `Partial`: some sessions are stored, the report says which; running again would
    /// repeat them. `Unknown`: of the sessions that the report calls unknown a write was not answered, or a new id was
    /// given half-way when time ran out, which leaves the session under the old id, the new, or both, or under neither if
    /// somebody else destroyed it meanwhile; whatever the report calls not stored is not. `Lost`: not stored, and what
    /// stood there is gone too, or may be, because the server refused. Any other error: nothing of this transaction is
    /// stored.
    /// After an error the transaction keeps its report and takes only abort.
    pub async fn commit(&mut self) -> Result<()> {
        self.check_readable()?;
        let is_prepared = self.is_prepared();
        // If this future is dropped half-way, the transaction has failed.
        self.state = State::Failed;
        let mut plan = match self.plan.take() {
            Some(plan) if is_prepared => plan,
            _ => self.plan()?,
        };
        let deadline = self.commit_deadline(&plan);
        if is_prepared {
            for task in &mut plan.tasks {
                task.job.refresh_options();
            }
        } else {
            let is_several = plan.tasks.iter().map(|task| task.job.writes()).sum::<usize>() > 1;
            vote(&mut plan, deadline, is_several).await;
        }
        if !has_error(&plan) {
            run(&mut plan, deadline, Until::Ended).await;
        }
        self.take_report(&plan);
        match first_error(&plan) {
            None => {
                self.end(State::Committed);
                Ok(())
            }
            Some(error) => Err(error),
        }
    }

    /// Finds out whether a commit would succeed, as far as that can be known, and promises to change nothing more: the
    /// vote of a two-phase commit. Stores nothing.
    pub async fn prepare(&mut self) -> Result<()> {
        self.check_writable()?;
        self.state = State::Failed;
        let mut plan = self.plan()?;
        let deadline = self.commit_deadline(&plan);
        vote(&mut plan, deadline, true).await;
        match first_error(&plan) {
            None => {
                self.plan = Some(plan);
                self.state = State::Prepared;
                Ok(())
            }
            Some(error) => {
                self.take_report(&plan);
                Err(error)
            }
        }
    }
}

/// Finds what can be known to fail before anything is written (contract 2.4): limits; and, if `with_versions`, servers
/// that do not answer and sessions that somebody changed or destroyed.
async fn vote(plan: &mut Plan, deadline: Instant, with_versions: bool) {
    // What a single session that was loaded does not need is on the heap: in place, each commit would be as large.
    if plan.tasks.iter().any(is_unreached) {
        Box::pin(reach(plan, deadline)).await;
    }
    check_abilities(plan);
    if has_error(plan) {
        return;
    }
    for task in &mut plan.tasks {
        task.job.check();
    }
    if has_error(plan) {
        return;
    }
    if with_versions {
        Box::pin(check_versions(plan, deadline)).await;
    }
    let is_to_look = |task: &Task| task.job.verdict().is_none() && !task.job.is_ready();
    if !has_error(plan) && plan.tasks.iter().any(is_to_look) {
        Box::pin(run(plan, deadline, Until::Ready)).await;
    }
}

/// Whether the limits of the stores are not known that a task writes to.
fn is_unreached(task: &Task) -> bool {
    task.job.keys().any(|key| !task.job.store().is_reached(key))
}

/// Makes sure that the stores' limits are known, also to a transaction that has loaded nothing.
async fn reach(plan: &mut Plan, deadline: Instant) {
    let unknown = plan.tasks.iter().enumerate().flat_map(|(at, task)| {
        let store = task.job.store();
        task.job.keys().filter(|key| !store.is_reached(key)).map(move |key| (store, key, at))
    });
    // Each server for itself, so that what is wrong with one is said of its own sessions only.
    let reaching = by_server(unknown)
        .into_iter()
        .map(|(store, keys, places)| async move { (places, store.reach(&keys, deadline).await) });
    for (places, reached) in join_all(reaching.collect()).await {
        let Err(error) = reached else { continue };
        for at in places {
            if let Some(task) = plan.tasks.get_mut(at).filter(|task| task.job.verdict().is_none()) {
                task.job.fail(error.clone());
            }
        }
    }
}

/// Makes sure that the stores can do what the containers' policies need.
fn check_abilities(plan: &mut Plan) {
    for task in plan.tasks.iter_mut().filter(|task| task.job.verdict().is_none()) {
        if task.job.place().container.options().policy != Policy::Overwrite {
            let store = task.job.store();
            let checked = task.job.keys().try_for_each(|key| store.check_versions(key));
            if let Err(error) = checked {
                task.job.fail(error);
            }
        }
    }
}

/// Asks for the versions under all keys in one round trip, and has the jobs look where another one stands.
async fn check_versions(plan: &mut Plan, deadline: Instant) {
    let batches = by_server(plan.tasks.iter().enumerate().flat_map(|(at, task)| {
        task.job.expected().map(move |(key, expected)| (task.job.store(), key, (at, expected)))
    }));
    let asking = batches.into_iter().map(|(store, keys, expected)| async move {
        let found = store.versions(&keys, deadline).await;
        expected.into_iter().zip(found).map(|((at, expected), found)| (at, expected, found)).collect::<Vec<_>>()
    });
    let answers = join_all(asking.collect()).await;
    for (at, expected, found) in answers.into_iter().flatten() {
        let Some(task) = plan.tasks.get_mut(at) else { continue };
        let as_expected = match (expected, found) {
            (_, Err(error)) => {
                task.job.fail(error);
                continue;
            }
            (Expected::Free, Ok(Some(_))) => {
                task.job.new_id_is_taken();
                continue;
            }
            (Expected::Any, Ok(_)) | (Expected::Nothing | Expected::Free, Ok(None)) => true,
            (Expected::Version(expected), Ok(Some(found))) => expected == found,
            (Expected::Nothing, Ok(Some(_))) | (Expected::Version(_), Ok(None)) => false,
        };
        if !as_expected {
            task.job.look_first();
        }
    }
}

/// Keys of one server of a store, and what belongs to each.
type Group<T> = (Store, Vec<Key>, Vec<T>);

/// Groups keys by the server that has them, in the order in which they come.
fn by_server<'a, T>(items: impl Iterator<Item = (&'a Store, &'a Key, T)>) -> Vec<Group<T>> {
    let mut groups: Vec<(usize, Group<T>)> = Vec::new();
    for (store, key, item) in items {
        let place = store.place(key);
        match groups.iter_mut().find(|(other, group)| *other == place && group.0 == *store) {
            Some((_, (_, keys, items))) => {
                keys.push(key.clone());
                items.push(item);
            }
            None => groups.push((place, (store.clone(), vec![key.clone()], vec![item]))),
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

/// Whether any job ended with an error.
fn has_error(plan: &Plan) -> bool {
    plan.tasks.iter().any(|task| task.job.verdict().is_some_and(|verdict| verdict.error.is_some()))
}

/// The error that a commit answers with, if any job ended with one.
fn first_error(plan: &Plan) -> Option<Error> {
    if !has_error(plan) {
        return None;
    }
    let verdicts = || plan.tasks.iter().filter_map(|task| task.job.verdict());
    let count = |outcome: Outcome| verdicts().filter(|verdict| verdict.outcome == outcome).count();
    let errors = || verdicts().filter_map(|verdict| verdict.error.as_ref());
    // A retryable error promises that running again may help: any other comes first.
    let error = errors().find(|error| !error.is_retryable()).or_else(|| errors().next())?;
    let (stored, unknown) = (count(Outcome::Stored), count(Outcome::Unknown));
    Some(if stored > 0 {
        let of = plan.tasks.len();
        Error::Partial(
            format!("{stored} of {of} sessions were stored, {unknown} may be, the others not: {error}").into(),
        )
    } else if unknown > 0 {
        errors().find(|error| matches!(error, Error::Unknown(_))).unwrap_or(error).clone()
    } else {
        error.clone()
    })
}
