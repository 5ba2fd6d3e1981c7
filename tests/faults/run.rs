//! Runs of many rounds: until the time is over, and with planted defects until each is found.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::check::{Findings, Promise};
use crate::config::Config;
use crate::figures::Figures;
use crate::round::{self, Outcome, Plan};

/// Where histories are kept that broke a promise.
const KEPT: &str = "build/faults";
/// Every seed that ever failed, one a line; `#` begins a comment.
const FAILED_SEEDS: &str = include_str!("seeds.txt");
/// The last digit of the first seed: the kinds of rounds that differ most from others come first.
const FIRST: u64 = 5;
/// The defects that can be planted, and the seed of the first round with each: the last digit says what kind that is.
const DEFECTS: [(&str, u64); 7] =
    [("incarnation", 1), ("token", 1), ("recreate", 6), ("reuse", 1), ("cas", 1), ("deadline", 2), ("lost", 8)];
/// Within this each has to be found.
const FOUND_WITHIN: Duration = Duration::from_secs(60);

/// Rounds of the seeds that ever failed, then of `--seed` and those after it, for `--seconds`.
pub fn rounds(options: &[&str]) -> ExitCode {
    let option = |name: &str| -> Option<u64> {
        let at = options.iter().position(|option| *option == name)?;
        Some(
            options.get(at + 1).and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("{name} needs a number")),
        )
    };
    let seconds = option("--seconds").unwrap_or(25);
    let first = option("--seed").unwrap_or_else(|| u64::from(std::process::id()) * 1_000 + FIRST);
    let is_long = seconds >= 180;
    let begun = Instant::now();
    let until = begun + Duration::from_secs(seconds);
    let (mut findings, mut figures) = (Findings::default(), Figures::default());
    let mut printed = Instant::now();
    let old = failed_seeds().filter(|_| option("--seed").is_none());
    let seeds = old.map(|seed| (seed, 2)).chain((first..).map(|seed| (seed, if is_long { 20 } else { 5 })));
    let mut used = Vec::new();
    for (seed, length) in seeds {
        let left = until.saturating_duration_since(Instant::now());
        if left < Duration::from_secs(3) && !used.is_empty() {
            break;
        }
        let length = Duration::from_secs(length).min(left.max(Duration::from_secs(3)));
        let outcome = one(seed, &Plan { length, ..Plan::default() });
        used.push(seed);
        findings.add(outcome.findings);
        figures.add(outcome.figures);
        if printed.elapsed() >= Duration::from_secs(10) {
            printed = Instant::now();
            println!(
                "{:>5} s: seed {seed}, {} commits, {} faults, {} checks, {} violations",
                begun.elapsed().as_secs(),
                figures.commits(),
                figures.all_faults(),
                findings.checks.values().sum::<u64>(),
                findings.violations.len()
            );
        }
    }
    println!("\nseeds: {}", used.iter().map(u64::to_string).collect::<Vec<_>>().join(" "));
    print!("{figures}");
    close(&findings, &figures, is_long)
}

/// Plants each defect in turn.
pub fn planted() -> ExitCode {
    if !cfg!(feature = "planted-bugs") {
        println!("planted defects have to be built in: --features planted-bugs");
        return ExitCode::FAILURE;
    }
    let mut found = 0;
    for (defect, mut seed) in DEFECTS {
        let begun = Instant::now();
        let outcome = loop {
            let left = FOUND_WITHIN.saturating_sub(begun.elapsed());
            let length = Duration::from_secs(12).min(left);
            let plan = Plan { length, planted: Some(defect), is_impatient: true };
            let mut config = Config::of(seed);
            // What no TCP does: without it a token never has anything to tell.
            config.link.repeat = if defect == "token" { 300 } else { 0 };
            let outcome = round::run(&config, &plan, &Path::new(KEPT).join(format!("planted-{defect}")));
            if !outcome.findings.violations.is_empty() || begun.elapsed() + Duration::from_secs(3) > FOUND_WITHIN {
                break outcome;
            }
            seed += if seed < 8 { 1 } else { 10 };
        };
        let took = begun.elapsed().as_secs_f64();
        match outcome.findings.violations.first() {
            Some(violation) => {
                found += 1;
                println!("{defect}: found after {took:.1} s: {}: {}", violation.promise.words(), violation.text);
            }
            None => println!("{defect}: NOT FOUND within {took:.1} s"),
        }
    }
    println!("\nplanted: {found} passed, {} failed", DEFECTS.len() - found);
    if found == DEFECTS.len() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// One round; what broke a promise is printed at once and kept.
fn one(seed: u64, plan: &Plan) -> Outcome {
    let dir: PathBuf = Path::new(KEPT).join(format!("seed-{seed}"));
    let config = Config::of(seed);
    let outcome = round::run(&config, plan, &dir);
    if outcome.findings.violations.is_empty() {
        let _ = std::fs::remove_dir_all(&dir);
    } else {
        println!("\nseed {seed}: {} violations; histories are in {}", outcome.findings.violations.len(), dir.display());
        println!("{config:?}");
        outcome.stories.iter().for_each(|story| println!("{story}"));
        println!("again: make test-faults SEED={seed}");
    }
    outcome
}

fn failed_seeds() -> impl Iterator<Item = u64> {
    let line = |line: &str| line.split('#').next().unwrap_or_default().trim().parse().ok();
    FAILED_SEEDS.lines().filter_map(line)
}

/// One line for each promise, and the sum of them.
fn close(findings: &Findings, figures: &Figures, is_long: bool) -> ExitCode {
    let mut broken: BTreeMap<Promise, usize> = BTreeMap::new();
    for violation in &findings.violations {
        *broken.entry(violation.promise).or_default() += 1;
    }
    println!();
    let (mut passed, mut failed) = (0, 0);
    for promise in Promise::ALL {
        let checks = findings.checks.get(&promise).copied().unwrap_or(0);
        let word = match broken.get(&promise) {
            Some(times) => format!("BROKEN {times} times"),
            None if checks == 0 && is_long => "NEVER CHECKED".to_owned(),
            None if checks == 0 => "ok, but never checked in this run".to_owned(),
            None => "ok".to_owned(),
        };
        *(if word.starts_with("ok") { &mut passed } else { &mut failed }) += 1;
        println!("{:<55} {checks:>9} checks  {word}", promise.words());
    }
    // What is never done shows nothing, however long one looks.
    let missing: Vec<&str> = figures.missing().collect();
    let word = match missing.len() {
        0 => "ok".to_owned(),
        _ if is_long => format!("NEVER HAPPENED: {}", missing.join(", ")),
        _ => format!("ok, but not in this run: {}", missing.join(", ")),
    };
    *(if word.starts_with("ok") { &mut passed } else { &mut failed }) += 1;
    println!("{:<55} {:>16}  {word}", "all kinds of faults and operations have happened", "");
    println!("violations: {}", findings.violations.len());
    println!("\nfaults: {passed} passed, {failed} failed");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
