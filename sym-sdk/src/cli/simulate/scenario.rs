//! Runs one request from its form to the end of its access.
//!
//! The request says how it goes: where it comes from, who decides and when, and what goes wrong. The command line overrides that. If neither names an
//! approver, [simulated admins](super::simulated_approver) approve.

use std::time::Duration;

use serde::{Serialize, Serializer};

use super::driver::Driver;
use super::form::RecordedForm;
use super::request::{Decision, Request, Verdict};
use super::scripted_failures::Outcomes;
use super::{SimulatedProgram, simulated_approver};
use crate::audit::AuditKind;
use crate::cli::Exit;
use crate::cli::args::ScenarioArgs;
use crate::cli::output::error_json;
use crate::error::{Error, Result, codes};
use crate::forms::format_duration;
use crate::machine::Access;
use crate::model::{Channel, ChannelType, RunId, RunStatus, Source};
use crate::runtime::Submission;
use crate::simulation::{EntryDetails, Simulation, Timeline};
use crate::strategy::Failures;

/// The time between a request and its decision, by default: long enough to be visible in the timeline.
pub(super) const DEFAULT_DECISION_DELAY: Duration = Duration::from_secs(60);

/// The time to simulate by default. Longer than any access lasts.
pub(super) const DEFAULT_SIMULATED_TIME: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// The course of a request, as far as it is not left to the request itself.
#[derive(Clone, Debug, Default)]
pub(in crate::cli) struct Scenario {
    source: Option<Source>,
    decisions: Option<Vec<Decision>>,
    /// The time between the request and the decisions.
    after: Option<Duration>,
    /// The outcomes that are scripted.
    outcomes: Outcomes,
    /// The maximum time to simulate after the decisions.
    time: Option<Duration>,
}

impl From<ScenarioArgs> for Scenario {
    fn from(args: ScenarioArgs) -> Self {
        let decision = |verdict, by| Decision { verdict, by, message: None };
        let approvals = args.approve_as.into_iter().map(|by| decision(Verdict::Approve, by));
        let denials = args.deny_as.into_iter().map(|by| decision(Verdict::Deny, by));
        let decisions: Vec<_> = approvals.chain(denials).collect();
        Self {
            source: args.source,
            decisions: (args.no_decision || !decisions.is_empty()).then_some(decisions),
            after: args.after,
            outcomes: Outcomes { grant: args.grant, revocation: args.revocation, undeliverable: args.undeliverable },
            time: args.time,
        }
    }
}

/// The time to simulate by default if access is never revoked, which is retried for ever.
const UNREVOKED_SIMULATED_TIME: Duration = Duration::from_secs(24 * 60 * 60);

/// The outcome of a scenario, as far as it got.
#[derive(Debug, Default, Serialize)]
pub(in crate::cli) struct Outcome {
    run: Option<RunId>,
    status: Option<RunStatus>,
    pub(super) form: Option<RecordedForm>,
    pub(in crate::cli) notes: Vec<String>,
    /// The outcomes that were scripted.
    #[serde(skip_serializing_if = "Outcomes::is_empty")]
    scripted: Outcomes,
    /// Whether access could not be revoked in the simulated time.
    unrevoked: bool,
    pub(super) timeline: Timeline,
    /// The error that ended the scenario early, unless the timeline shows it.
    #[serde(serialize_with = "as_json")]
    pub(super) error: Option<Error>,
}

fn as_json<S: Serializer>(error: &Option<Error>, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    error.as_ref().map(error_json).serialize(serializer)
}

impl Outcome {
    /// Returns success if nothing was refused, nothing failed that was not scripted to, and no access is left that should be revoked.
    pub(super) fn exit(&self) -> Exit {
        let failed = self.timeline.entries().iter().any(|entry| {
            let EntryDetails::Audit(kind) = &entry.details else { return false };
            match kind {
                AuditKind::Refused { .. } => true,
                AuditKind::Failed { error } | AuditKind::Reported { error } => error.code != codes::SCRIPTED_FAILURE,
                _ => false,
            }
        });
        if failed || self.unrevoked || self.error.is_some() { Exit::Failure } else { Exit::Success }
    }
}

/// Simulates a request to its end.
pub(super) async fn simulate(simulated: &mut SimulatedProgram, request: Request, scenario: &Scenario) -> Outcome {
    let SimulatedProgram { simulation, forms, failures, .. } = simulated;
    let scripted = scenario.outcomes.or(request.outcomes.clone());
    let mut outcome = Outcome { notes: failures.set(&scripted), ..Outcome::default() };
    let before = simulation.timeline().entries().len();
    let time = scenario.time.unwrap_or(match scripted.revocation {
        Some(Failures::All) => UNREVOKED_SIMULATED_TIME,
        _ => DEFAULT_SIMULATED_TIME,
    });
    let error = run_to_end(simulation, request, scenario, time, &mut outcome).await.err();
    outcome.notes.extend(failures.unused(&scripted));
    outcome.scripted = scripted;
    outcome.timeline = simulation.timeline().after(before);
    outcome.form = forms.take();
    if let Some(run) = outcome.run
        && let Ok(stored) = simulation.runtime().run(run).await
    {
        outcome.status = Some(stored.state.run.status());
        outcome.unrevoked = matches!(stored.state.access, Access::Revoking { .. });
    }
    // A refusal that was recorded is the last entry of the timeline already.
    let last = outcome.timeline.entries().last().map(|entry| &entry.details);
    let is_recorded = matches!(last, Some(EntryDetails::Audit(AuditKind::Refused { .. })));
    outcome.error = error.filter(|_| !is_recorded);
    outcome
}

async fn run_to_end(
    simulation: &mut Simulation,
    request: Request,
    scenario: &Scenario,
    time: Duration,
    outcome: &mut Outcome,
) -> Result<()> {
    request_and_decide(simulation, request, scenario, outcome).await?;
    if !simulation.run_to_end(time).await? {
        outcome.notes.push(format!("stopped after {}, with work still scheduled", format_duration(time)));
    }
    Ok(())
}

/// Makes the request and the decisions on it. What follows is left to the passing of time.
pub(in crate::cli) async fn request_and_decide(
    driver: &mut impl Driver,
    request: Request,
    scenario: &Scenario,
    outcome: &mut Outcome,
) -> Result<()> {
    let source = match scenario.source.or(request.source) {
        Some(source) => source,
        None => default_source(driver, &request.flow)?,
    };
    let channel = channel_of(source);
    let Request { flow, inputs, context, actor, .. } = request;
    let mut submission = Submission::request(&flow, actor.clone()).inputs(inputs).channel(channel.clone());
    if let Some(context) = context {
        submission = submission.context(context);
    }
    if !matches!(source, Source::Api | Source::Mcp) {
        let prompt = Submission::prompt(&flow, actor.clone()).channel(channel.clone());
        let run = driver.submit(prompt).await?.run;
        outcome.run = Some(run);
        submission = submission.form(run);
    }
    let run = driver.submit(submission).await?.run;
    outcome.run = Some(run);

    let after = scenario.after.or(request.after).unwrap_or(DEFAULT_DECISION_DELAY);
    if driver.is_open(run).await? {
        driver.advance(after).await?;
    }
    match scenario.decisions.clone().or(request.decisions) {
        Some(decisions) => decide(driver, run, decisions, &channel, outcome).await,
        None => simulated_approver::approve(driver, run, &actor, &channel, &mut outcome.notes).await,
    }
}

/// Returns the channel of a source.
pub(super) fn channel_of(source: Source) -> Channel {
    Channel::new(match source {
        Source::Slack => ChannelType::Slack,
        Source::Api => ChannelType::Api,
        Source::Web => ChannelType::Web,
        Source::Mcp => ChannelType::Mcp,
    })
}

/// Returns the first source that the flow allows, or Slack if it allows all.
pub(super) fn default_source(driver: &impl Driver, flow: &str) -> Result<Source> {
    let flow = driver.runtime().flow(flow)?;
    let allowed = flow.params().allowed_sources.as_ref();
    Ok(allowed.and_then(|allowed| allowed.first().copied()).unwrap_or(Source::Slack))
}

/// Returns how many submissions the Run has refused.
async fn refusals(driver: &impl Driver, run: RunId) -> Result<usize> {
    let entries = driver.runtime().audit(Some(run), usize::MAX).await?;
    Ok(entries.iter().filter(|entry| matches!(entry.kind, AuditKind::Refused { .. })).count())
}

async fn decide(
    driver: &mut impl Driver,
    run: RunId,
    decisions: Vec<Decision>,
    channel: &Channel,
    outcome: &mut Outcome,
) -> Result<()> {
    for Decision { verdict, by, message } in decisions {
        if !driver.is_open(run).await? {
            outcome.notes.push(format!("skipped the decision of {by}: the request is no longer open"));
            continue;
        }
        let actor = by.as_str();
        let mut submission = match verdict {
            Verdict::Approve => Submission::approve(run, actor),
            Verdict::Deny => Submission::deny(run, actor),
        };
        if let Some(message) = message {
            submission = submission.message(message);
        }
        let before = refusals(driver, run).await?;
        let decided = driver.submit(submission.channel(channel.clone())).await;
        // A recorded refusal is part of the timeline, and does not end the scenario.
        if decided.is_err() && refusals(driver, run).await? == before {
            decided?;
        }
    }
    Ok(())
}
