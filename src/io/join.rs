//! Many futures at once: how servers and replicas are worked in parallel.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

use super::wants;

/// Drives all `futures` at once and gives their outputs in the same order, when the last has finished.
///
/// Each is dropped as soon as it has finished. A single one, the usual case, costs nothing beyond itself.
pub async fn join_all<F: Future>(mut futures: Vec<F>) -> Vec<F::Output> {
    if futures.len() == 1
        && let Some(only) = futures.pop()
    {
        return vec![only.await];
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
