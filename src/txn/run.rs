//! The jobs of a commit run side by side, each as fast as its own server lets it.
//!
//! What the jobs need of one server is gathered into one batch, and all servers are worked at the same time. A server
//! that is slow, or hangs, keeps nobody waiting but those who need it: a session on another one that was changed
//! meanwhile is merged and written again in the time that this takes.

use std::slice;
use std::time::Instant;

use crate::error::{Error, Result};
use crate::io::{Flight, is_past, sleep_until, with_deadline};
use crate::store::{Key, LoadItem, Loaded, Store, WriteItem, Written};
use crate::txn::job::{Job, Next};
use crate::txn::plan::Plan;

/// How far to run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    /// Until each job is about to write.
    Ready,
    /// Until each job has ended.
    Ended,
}

/// Runs the jobs of `plan` until then, or until `deadline`.
pub(super) async fn run(plan: &mut Plan, deadline: Instant, until: Until) {
    match plan.tasks.as_mut_slice() {
        [] => {}
        [task] => run_alone(&mut task.job, deadline, until).await,
        _ => Box::pin(run_together(plan, deadline, until)).await,
    }
}

/// The same for several jobs.
async fn run_together(plan: &mut Plan, deadline: Instant, until: Until) {
    let mut flight = Flight::new();
    let mut lanes: Vec<Lane> = Vec::new();
    let mut under_way = vec![false; plan.tasks.len()];
    loop {
        let wake = gather(plan, &mut lanes, &mut under_way, deadline, until);
        for (at, lane) in lanes.iter_mut().enumerate().filter(|(_, lane)| lane.is_free()) {
            if let Some(batch) = lane.next.take() {
                lane.is_under_way = true;
                flight.push(exchange(at, lane.store.clone(), batch, deadline));
            }
        }
        if flight.is_empty() {
            match wake {
                Some(moment) => drop(with_deadline(deadline, sleep_until(moment)).await),
                None => return,
            }
        }
        for (lane, answers) in flight.next(wake).await {
            if let Some(lane) = lanes.get_mut(lane) {
                lane.is_under_way = false;
            }
            for answer in answers {
                let at = answer.at();
                if let (Some(task), Some(under_way)) = (plan.tasks.get_mut(at), under_way.get_mut(at)) {
                    *under_way = false;
                    answer.give(&mut task.job);
                }
            }
        }
    }
}

/// Asks the jobs that nothing is under way for what they need, and adds it to what their servers are to do next. Gives
/// the moment before which one of them waits.
fn gather(
    plan: &mut Plan,
    lanes: &mut Vec<Lane>,
    under_way: &mut [bool],
    deadline: Instant,
    until: Until,
) -> Option<Instant> {
    let is_late = is_past(deadline);
    let mut wake: Option<Instant> = None;
    for ((at, task), under_way) in plan.tasks.iter_mut().enumerate().zip(under_way) {
        let job = &mut task.job;
        if *under_way || job.verdict().is_some() || until == Until::Ready && job.is_ready() {
            continue;
        }
        if is_late {
            job.expire();
            continue;
        }
        let (key, need) = match job.next() {
            Next::Ended => continue,
            Next::Wait(moment) => {
                wake = Some(wake.map_or(moment, |wake| wake.min(moment)));
                continue;
            }
            Next::Load(item) => (item.key.clone(), Need::Load(item)),
            Next::Write(item) => (item.key.clone(), Need::Write(item)),
        };
        *under_way = true;
        lane_for(lanes, job.store(), &key).add(at, need);
    }
    wake
}

/// What the server of `key` is to do next.
fn lane_for<'l>(lanes: &'l mut Vec<Lane>, store: &Store, key: &Key) -> &'l mut Batch {
    let place = store.place(key);
    let known = lanes.iter().position(|lane| lane.place == place && lane.store == *store);
    let at = known.unwrap_or_else(|| {
        lanes.push(Lane { store: store.clone(), place, is_under_way: false, next: None });
        lanes.len() - 1
    });
    // Just found or pushed.
    #[allow(clippy::indexing_slicing, reason = "the line above")]
    lanes[at].next.get_or_insert_default()
}

/// What one server of one store is asked: one batch after the other.
struct Lane {
    store: Store,
    place: usize,
    is_under_way: bool,
    next: Option<Batch>,
}

impl Lane {
    fn is_free(&self) -> bool {
        !self.is_under_way
    }
}

/// What one job needs.
enum Need {
    Load(LoadItem),
    Write(WriteItem),
}

/// What the jobs of one lane need, each with its place in the plan.
#[derive(Default)]
struct Batch {
    loads: (Vec<usize>, Vec<LoadItem>),
    writes: (Vec<usize>, Vec<WriteItem>),
}

impl Batch {
    fn add(&mut self, at: usize, need: Need) {
        match need {
            Need::Load(item) => {
                self.loads.0.push(at);
                self.loads.1.push(item);
            }
            Need::Write(item) => {
                self.writes.0.push(at);
                self.writes.1.push(item);
            }
        }
    }
}

/// What came of it.
enum Answer {
    Loaded(usize, Result<Loaded>),
    Written(usize, Written),
}

impl Answer {
    fn at(&self) -> usize {
        match self {
            Self::Loaded(at, _) | Self::Written(at, _) => *at,
        }
    }

    fn give(self, job: &mut Job) {
        match self {
            Self::Loaded(_, loaded) => job.loaded(loaded),
            Self::Written(_, written) => job.written(written),
        }
    }
}

/// One batch of loads and one of writes, for the lane of this number.
async fn exchange(lane: usize, store: Store, batch: Batch, deadline: Instant) -> (usize, Vec<Answer>) {
    let Batch { loads: (loading, loads), writes: (writing, writes) } = batch;
    let mut answers = Vec::with_capacity(loads.len() + writes.len());
    if !loads.is_empty() {
        let loaded = store.load(&loads, deadline).await;
        answers.extend(loading.into_iter().zip(loaded).map(|(at, loaded)| Answer::Loaded(at, loaded)));
    }
    if !writes.is_empty() {
        let written = store.write(&writes, deadline).await;
        answers.extend(writing.into_iter().zip(written).map(|(at, written)| Answer::Written(at, written)));
    }
    (lane, answers)
}

/// The same for a single job, the usual case, which needs no sorting out.
#[allow(clippy::manual_async_fn, reason = "the future of an async function has its arguments twice")]
fn run_alone(job: &mut Job, deadline: Instant, until: Until) -> impl Future<Output = ()> {
    async move {
        let no_answer = || Error::Panic("a store gave no answer for an item".into());
        while job.verdict().is_none() && !(until == Until::Ready && job.is_ready()) {
            if is_past(deadline) {
                return job.expire();
            }
            // Lent from where it is: moved out of it, it would stand in the future of each commit twice.
            match &job.next() {
                Next::Ended => return,
                Next::Wait(moment) => drop(with_deadline(deadline, sleep_until(*moment)).await),
                Next::Load(item) => {
                    let loaded = job.store().load(slice::from_ref(item), deadline).await.pop();
                    job.loaded(loaded.unwrap_or_else(|| Err(no_answer())));
                }
                Next::Write(item) => {
                    let written = job.store().write(slice::from_ref(item), deadline).await.pop();
                    job.written(written.unwrap_or_else(|| Written::Unknown(no_answer())));
                }
            }
        }
    }
}
