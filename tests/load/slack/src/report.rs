//! What was measured, as a table.

use std::io::{self, Write};

use crate::bench::{APPROVE, Results, TYPE_AHEAD};
use crate::measure::Step;

/// At this rate people notice nothing.
const GOAL_RATE: u32 = 500;
const GOAL_P99_MS: f64 = 5.0;

/// How many more requests we answer in a second of a core than Bolt for JavaScript.
const GOAL_RATIO: f64 = 5.0;

pub(crate) fn write(results: &Results, out: &mut impl Write) -> io::Result<()> {
    let where_run = if results.pinned {
        "each server on one core, the load from the other"
    } else {
        "servers and load share the cores: there is no taskset, or one core only"
    };
    let [before, after] = results.load;
    writeln!(out, "{where_run}; load of the machine {before:.2} before and {after:.2} after")?;
    for scenario in [TYPE_AHEAD, APPROVE] {
        let steps: Vec<_> = results.steps.iter().filter(|step| step.scenario == scenario).collect();
        if !steps.is_empty() {
            writeln!(out)?;
            table(scenario, &steps, out)?;
        }
    }
    writeln!(out)?;
    for (server, calls) in results.calls.iter().filter(|(_, calls)| !calls.is_empty()) {
        let calls: Vec<_> = calls.iter().map(|(method, count)| format!("{method} {count:.2}")).collect();
        writeln!(out, "calls of Slack's Web API per approval, {server}: {}", calls.join(", "))?;
    }
    goals(&results.steps, out)
}

fn table(scenario: &str, steps: &[&Step], out: &mut impl Write) -> io::Result<()> {
    writeln!(
        out,
        "{scenario:<26} {:>7} {:>9} {:>8} {:>8} {:>8} {:>6} {:>8} {:>8} {:>6}",
        "rate/s", "answered", "p50 ms", "p99 ms", "max ms", "errors", "CPU ms", "/CPU s", "ratio"
    )?;
    for step in steps {
        let rate = step.rate.map_or("most".to_owned(), |rate| rate.to_string());
        let rate = if step.is_overloaded() { format!("{rate} !") } else { rate };
        let ratio = ratio(steps.iter().copied(), step).map_or("-".to_owned(), |ratio| format!("{ratio:.1}"));
        writeln!(
            out,
            "{:<26} {rate:>7} {:>9.0} {:>8.2} {:>8.2} {:>8.2} {:>6} {:>8.3} {:>8.0} {ratio:>6}",
            step.server,
            step.achieved,
            step.p50_ms,
            step.p99_ms,
            step.max_ms,
            step.errors,
            step.cpu_ms,
            step.per_cpu_second,
        )?;
        if let Some(error) = &step.first_error {
            writeln!(out, "  {error}")?;
        }
    }
    Ok(())
}

/// How many more requests we answer in a second of a core than this server at this rate.
fn ratio<'a>(mut steps: impl Iterator<Item = &'a Step>, theirs: &Step) -> Option<f64> {
    let ours = steps.find(|step| step.server == "ours" && step.rate == theirs.rate)?;
    (theirs.server != "ours").then(|| ours.per_cpu_second / theirs.per_cpu_second)
}

fn goals(steps: &[Step], out: &mut impl Write) -> io::Result<()> {
    let typing = || steps.iter().filter(|step| step.scenario == TYPE_AHEAD);
    let said = |is_met: bool| if is_met { "met" } else { "missed" };
    if let Some(ours) = typing().find(|step| step.server == "ours" && step.rate == Some(GOAL_RATE)) {
        let is_met = ours.p99_ms < GOAL_P99_MS && !ours.is_overloaded();
        let p99 = ours.p99_ms;
        writeln!(out, "p99 of {TYPE_AHEAD} under {GOAL_P99_MS} ms at {GOAL_RATE}/s: {} ({p99:.2} ms)", said(is_met))?;
    }
    for theirs in steps.iter().filter(|step| step.server == "bolt-js") {
        let scenario = theirs.scenario;
        let Some(ratio) = ratio(steps.iter().filter(|step| step.scenario == scenario), theirs) else { continue };
        let rate = match theirs.rate {
            Some(GOAL_RATE) => format!("at {GOAL_RATE}/s"),
            Some(_) => continue,
            None => "at most".to_owned(),
        };
        let what = format!("{scenario}, {rate}: {GOAL_RATIO} times the requests per CPU second of Bolt for JavaScript");
        writeln!(out, "{what}: {} ({ratio:.1} times)", said(ratio >= GOAL_RATIO))?;
    }
    Ok(())
}
