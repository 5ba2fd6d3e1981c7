//! Many futures at once: how servers and replicas are worked in parallel, waiting for all of them or for the first.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use std::time::Instant;

use super::{wait, wants};

/// Drives all `futures` at once and gives their outputs in the same order, when the last has finished.
///
/// Each is dropped as soon as it has finished. A single one, the usual case, may block the thread as if it were alone.
pub async fn join_all<F: Future>(mut futures: Vec<F>) -> Vec<F::Output> {
    if futures.len() == 1
        && let Some(only) = futures.pop()
    {
        // On the heap like several: in place it would take its room twice in whoever waits for it.
        return vec![Box::pin(only).await];
    }
    let mut slots: Vec<Slot<F>> = futures.into_iter().map(|future| Slot::Running(Box::pin(future))).collect();
    poll_fn(|context| {
        let mut all = Poll::Ready(());
        for slot in &mut slots {
            if let Slot::Running(future) = slot {
                // One that blocked would keep the others waiting.
                match wants::narrowed(None, || future.as_mut().poll(context)) {
                    Poll::Ready(output) => *slot = Slot::Finished(output),
                    Poll::Pending => all = Poll::Pending,
                }
            }
        }
        all
    })
    .await;
    slots.into_iter().filter_map(Slot::output).collect()
}

/// Futures that are driven at once, and whose outputs are taken as they come.
#[derive(Debug)]
pub struct Flight<F> {
    running: Vec<Pin<Box<F>>>,
}

impl<F: Future> Flight<F> {
    /// Nothing under way.
    pub fn new() -> Self {
        Self { running: Vec::new() }
    }

    /// Adds one; it begins when [`next`](Self::next) is awaited.
    pub fn push(&mut self, future: F) {
        self.running.push(Box::pin(future));
    }

    /// Whether nothing is under way.
    pub fn is_empty(&self) -> bool {
        self.running.is_empty()
    }

    /// Drives all until one or more have finished, and gives their outputs; none if `until` comes first, or if nothing is
    /// under way.
    pub async fn next(&mut self, until: Option<Instant>) -> Vec<F::Output> {
        let mut outputs = Vec::new();
        poll_fn(|context| {
            // A single one may block, as long as nothing else is to be done: until then.
            let may_block = if self.running.len() > 1 { None } else { until.or_else(wants::may_block_until) };
            self.running.retain_mut(|future| match wants::narrowed(may_block, || future.as_mut().poll(context)) {
                Poll::Ready(output) => {
                    outputs.push(output);
                    false
                }
                Poll::Pending => true,
            });
            if !outputs.is_empty() || self.running.is_empty() {
                return Poll::Ready(());
            }
            until.map_or(Poll::Pending, wait::poll_time)
        })
        .await;
        outputs
    }
}

impl<F: Future> Default for Flight<F> {
    fn default() -> Self {
        Self::new()
    }
}

enum Slot<F: Future> {
    Running(Pin<Box<F>>),
    Finished(F::Output),
}

impl<F: Future> Slot<F> {
    fn output(self) -> Option<F::Output> {
        match self {
            Self::Finished(output) => Some(output),
            Self::Running(_) => None,
        }
    }
}
