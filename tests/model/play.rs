//! Playing a sequence, and making one that fails short enough to read.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use crate::cover::Cover;
use crate::draw::sequence;
use crate::op::{Op, Sequence};
use crate::sim::{Differ, Sim};

/// Plays a sequence to its end, or to the first difference.
pub(crate) fn play(sequence: &Sequence) -> Result<Cover, Differ> {
    play_once(sequence).0
}

/// The same, with what was called and answered.
fn play_once(sequence: &Sequence) -> (Result<Cover, Differ>, String) {
    loop {
        let mut sim = Sim::new(sequence);
        let all = |sim: &mut Sim| -> Result<(), Differ> {
            for op in &sequence.ops {
                sim.step(op)?;
                if sim.is_over {
                    return sim.verify();
                }
            }
            sim.verify()?;
            sim.read_all()?;
            sim.verify()
        };
        let played = catch_unwind(AssertUnwindSafe(|| all(&mut sim)));
        let result = match played {
            // A machine that stood still for so long proves nothing.
            Ok(_) if sim.is_adrift() => continue,
            Ok(Ok(())) => Ok(sim.cover),
            Ok(Err(differ)) => Err(differ),
            Err(panic) => {
                let text = panic.downcast_ref::<String>().cloned();
                let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
                Err(format!("panic: {}", text.unwrap_or_default()))
            }
        };
        return (result, sim.log);
    }
}

/// The shortest failing part of the sequence of `seed` that leaving out calls leads to, as it was played.
pub(crate) fn report(seed: u64) -> String {
    let mut shortest = sequence(seed);
    let until = Instant::now() + Duration::from_secs(20);
    let fails = |ops: &[Op], of: &Sequence| play(&Sequence { ops: ops.to_vec(), ..of.clone() }).is_err();
    let mut step = shortest.ops.len().div_ceil(2);
    while step > 0 && Instant::now() < until {
        let (mut at, mut is_shorter) = (0, false);
        while at < shortest.ops.len() {
            let mut ops = shortest.ops.clone();
            ops.drain(at..(at + step).min(ops.len()));
            if fails(&ops, &shortest) {
                (shortest.ops, is_shorter) = (ops, true);
            } else {
                at += step;
            }
        }
        if step > 1 || !is_shorter {
            step /= 2;
        }
    }
    let (result, log) = play_once(&shortest);
    let conts: Vec<String> = shortest.conts.iter().map(|cont| format!("{cont:?}")).collect();
    let differ = result.err().unwrap_or_else(|| "it does not fail any more".to_owned());
    format!(
        "seed {seed}, {} calls of {}:\n{}\n{log}{differ}",
        shortest.ops.len(),
        sequence(seed).ops.len(),
        conts.join("\n")
    )
}
