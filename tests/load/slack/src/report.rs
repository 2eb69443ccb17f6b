//! The report: tables of the measurements, and whether the performance goals are met.

use std::io::{self, Write};

use crate::bench::{APPROVE, BOLT_JS_LIKE_OURS_NAME, Results, TYPE_AHEAD};
use crate::measure::Step;
use crate::pairs::Comparison;

/// The rate for which the goals are defined, in requests per second.
const GOAL_RATE: u32 = 500;

/// The maximum p99 latency of type-ahead at [`GOAL_RATE`].
const GOAL_P99_MS: f64 = 5.0;

/// For each scenario, the variant of Bolt for JavaScript that does as much as ours, and the minimum ratio of our requests per CPU second to
/// its.
const GOAL_RATIOS: [(&str, &str, f64); 2] = [(TYPE_AHEAD, "bolt-js", 5.0), (APPROVE, BOLT_JS_LIKE_OURS_NAME, 1.0)];

pub(crate) fn write(results: &Results, out: &mut impl Write) -> io::Result<()> {
    let pinning = if results.pinned {
        "servers and load generator pinned to separate cores"
    } else {
        "servers and load generator share cores: taskset is missing, or there is only one core"
    };
    let [before, after] = results.load;
    writeln!(out, "{pinning}; load average {before:.2} before, {after:.2} after")?;
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
        writeln!(out, "Slack Web API calls per approval, {server}: {}", calls.join(", "))?;
    }
    for compared in &results.comparisons {
        let Comparison { scenario, theirs, requests, pairs, ratio, range: [lowest, highest] } = compared;
        let [our_ms, their_ms] = compared.medians();
        writeln!(
            out,
            "{scenario}, {} pairs of {requests}: ours {our_ms:.3} ms of CPU each, {theirs} {their_ms:.3} ms",
            pairs.len()
        )?;
        let goal =
            goal(scenario, theirs).map_or(String::new(), |goal| format!("; goal {goal}: {}", verdict(*ratio >= goal)));
        writeln!(
            out,
            "  {ratio:.2} times the requests per CPU second of {theirs} ({lowest:.2} to {highest:.2}){goal}"
        )?;
    }
    goals(&results.steps, out)
}

/// Returns the minimum ratio to a server in a scenario, if there is one.
fn goal(scenario: &str, theirs: &str) -> Option<f64> {
    GOAL_RATIOS.iter().find(|goal| (goal.0, goal.1) == (scenario, theirs)).map(|goal| goal.2)
}

const fn verdict(is_met: bool) -> &'static str {
    if is_met { "met" } else { "missed" }
}

fn table(scenario: &str, steps: &[&Step], out: &mut impl Write) -> io::Result<()> {
    writeln!(
        out,
        "{scenario:<26} {:>7} {:>9} {:>8} {:>8} {:>8} {:>6} {:>8} {:>8} {:>6}",
        "rate/s", "actual/s", "p50 ms", "p99 ms", "max ms", "errors", "CPU ms", "/CPU s", "ratio"
    )?;
    for step in steps {
        let rate = step.rate.map_or("max".to_owned(), |rate| rate.to_string());
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

/// Returns the ratio of our requests per CPU second to those of another server at the same rate.
fn ratio<'a>(mut steps: impl Iterator<Item = &'a Step>, theirs: &Step) -> Option<f64> {
    let ours = steps.find(|step| step.server == "ours" && step.rate == theirs.rate)?;
    (theirs.server != "ours").then(|| ours.per_cpu_second / theirs.per_cpu_second)
}

fn goals(steps: &[Step], out: &mut impl Write) -> io::Result<()> {
    let type_ahead = || steps.iter().filter(|step| step.scenario == TYPE_AHEAD);
    if let Some(ours) = type_ahead().find(|step| step.server == "ours" && step.rate == Some(GOAL_RATE)) {
        let is_met = ours.p99_ms < GOAL_P99_MS && !ours.is_overloaded();
        let p99 = ours.p99_ms;
        writeln!(
            out,
            "p99 of {TYPE_AHEAD} under {GOAL_P99_MS} ms at {GOAL_RATE}/s: {} ({p99:.2} ms)",
            verdict(is_met)
        )?;
    }
    for theirs in steps {
        let Step { scenario, server, .. } = theirs;
        let Some(goal) = goal(scenario, server) else { continue };
        let Some(ratio) = ratio(steps.iter().filter(|step| step.scenario == *scenario), theirs) else { continue };
        let rate = match theirs.rate {
            Some(GOAL_RATE) => format!("at {GOAL_RATE}/s"),
            Some(_) => continue,
            None => "at maximum throughput".to_owned(),
        };
        let text = format!("{scenario}, {rate}: {goal} times the requests per CPU second of {server}");
        writeln!(out, "{text}: {} ({ratio:.1} times)", verdict(ratio >= goal))?;
    }
    Ok(())
}
