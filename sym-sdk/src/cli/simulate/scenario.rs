//! Plays one request to its end.

use std::time::Duration;

use serde::{Serialize, Serializer};

use super::driver::Driver;
use super::form::{FormKeeper, Shown};
use super::request::{Decision, Request, Verdict};
use crate::app::Exit;
use crate::audit::AuditKind;
use crate::cli::output::error_json;
use crate::error::{Error, Result};
use crate::forms::format_duration;
use crate::machine::Access;
use crate::model::{Channel, ChannelType, RunId, RunStatus, Source, User, UserId, UserRole};
use crate::runtime::{Actor, Submission};
use crate::simulation::{EntryDetails, Simulation, Timeline};

/// How long a request waits for a decision, if nobody says: long enough to be seen in the timeline.
const DECIDED_AFTER: Duration = Duration::from_secs(60);

/// What was said on the command line about how a request is to go.
#[derive(Clone, Debug)]
pub(in crate::cli) struct Direction {
    pub(super) source: Option<Source>,
    pub(super) decisions: Option<Vec<Decision>>,
    pub(super) after: Option<Duration>,
    /// How much time may pass.
    pub(super) time: Duration,
}

/// More than any access lasts, for a story that is to end.
pub(super) const LONGEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);

impl Default for Direction {
    fn default() -> Self {
        Self { source: None, decisions: None, after: None, time: LONGEST }
    }
}

/// What became of a request.
#[derive(Debug, Default, Serialize)]
pub(in crate::cli) struct Story {
    pub(super) run: Option<RunId>,
    pub(super) status: Option<RunStatus>,
    pub(super) form: Option<Shown>,
    pub(in crate::cli) notes: Vec<String>,
    /// Whether access could not be taken away in the time there was.
    pub(super) unrevoked: bool,
    pub(super) timeline: Timeline,
}

/// A story, and what cut it short.
#[derive(Debug, Serialize)]
pub(in crate::cli) struct Ending {
    #[serde(flatten)]
    pub(super) story: Story,
    #[serde(serialize_with = "as_json")]
    pub(super) error: Option<Error>,
}

fn as_json<S: Serializer>(error: &Option<Error>, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    error.as_ref().map(error_json).serialize(serializer)
}

impl Ending {
    /// Success if the Run ended as it should: nothing was refused, failed or left behind.
    pub(super) fn exit(&self) -> Exit {
        let failed = self.story.timeline.entries().iter().any(|entry| {
            let EntryDetails::Audit(kind) = &entry.details else { return false };
            matches!(kind, AuditKind::Refused { .. } | AuditKind::Failed { .. } | AuditKind::Reported { .. })
        });
        if failed || self.story.unrevoked || self.error.is_some() { Exit::Failure } else { Exit::Success }
    }
}

/// Plays a request. What happened until an error stands in the story.
pub(super) async fn play(
    simulation: &mut Simulation,
    forms: &FormKeeper,
    request: Request,
    direction: &Direction,
) -> Ending {
    let mut story = Story::default();
    let before = simulation.timeline().entries().len();
    let error = play_to_end(simulation, request, direction, &mut story).await.err();
    story.timeline = simulation.timeline().after(before);
    story.form = forms.take();
    if let Some(run) = story.run
        && let Ok(stored) = simulation.runtime().run(run).await
    {
        story.status = Some(stored.state.run.status());
        story.unrevoked = matches!(stored.state.access, Access::Revoking { .. });
    }
    // A refusal that is on the record is told there.
    let last = story.timeline.entries().last().map(|entry| &entry.details);
    let told = matches!(last, Some(EntryDetails::Audit(AuditKind::Refused { .. })));
    Ending { story, error: error.filter(|_| !told) }
}

async fn play_to_end(
    simulation: &mut Simulation,
    request: Request,
    direction: &Direction,
    story: &mut Story,
) -> Result<()> {
    act(simulation, request, direction, story).await?;
    if !simulation.run_to_end(direction.time).await? {
        story.notes.push(format!("stopped after {}, with more to come", format_duration(direction.time)));
    }
    Ok(())
}

/// Makes the request and has it decided. What follows is left to time.
pub(in crate::cli) async fn act(
    stage: &mut impl Driver,
    request: Request,
    direction: &Direction,
    story: &mut Story,
) -> Result<()> {
    let source = match direction.source.or(request.source) {
        Some(source) => source,
        None => default_source(stage, &request.flow)?,
    };
    let channel = Channel::new(match source {
        Source::Slack => ChannelType::Slack,
        Source::Api => ChannelType::Api,
        Source::Web => ChannelType::Web,
    });
    let Request { flow, inputs, context, actor, .. } = request;
    let mut submission = Submission::request(&flow, actor.clone()).inputs(inputs).channel(channel.clone());
    if let Some(context) = context {
        submission = submission.context(context);
    }
    if source != Source::Api {
        let prompt = Submission::prompt(&flow, actor.clone()).channel(channel.clone());
        let run = stage.submit(prompt).await?.run;
        story.run = Some(run);
        submission = submission.form(run);
    }
    let run = stage.submit(submission).await?.run;
    story.run = Some(run);

    let after = direction.after.or(request.after).unwrap_or(DECIDED_AFTER);
    if is_open(stage, run).await? {
        stage.pass(after).await?;
    }
    match direction.decisions.clone().or(request.decisions) {
        Some(decisions) => decide(stage, run, decisions, &channel, story).await,
        None => stand_in(stage, run, &actor, &channel, story).await,
    }
}

/// Slack, or else the first source that the flow allows.
fn default_source(stage: &impl Driver, flow: &str) -> Result<Source> {
    let flow = stage.runtime().flow(flow)?;
    let allowed = flow.params().allowed_sources.as_ref();
    Ok(allowed.and_then(|allowed| allowed.first().copied()).unwrap_or(Source::Slack))
}

async fn is_open(stage: &impl Driver, run: RunId) -> Result<bool> {
    Ok(stage.runtime().run(run).await?.state.is_open())
}

async fn refusals(stage: &impl Driver, run: RunId) -> Result<usize> {
    let entries = stage.runtime().audit(Some(run), usize::MAX).await?;
    Ok(entries.iter().filter(|entry| matches!(entry.kind, AuditKind::Refused { .. })).count())
}

async fn decide(
    stage: &mut impl Driver,
    run: RunId,
    decisions: Vec<Decision>,
    channel: &Channel,
    story: &mut Story,
) -> Result<()> {
    for Decision { verdict, by, message } in decisions {
        if !is_open(stage, run).await? {
            story.notes.push(format!("the request is not open any more, so {by} has nothing to decide"));
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
        let before = refusals(stage, run).await?;
        let decided = stage.submit(submission.channel(channel.clone())).await;
        // A refusal that is on the record is part of what happens.
        if decided.is_err() && refusals(stage, run).await? == before {
            decided?;
        }
    }
    Ok(())
}

/// Has admins approve who are made up for this, so that a flow can be seen whole.
async fn stand_in(
    stage: &mut impl Driver,
    run: RunId,
    requester: &Actor,
    channel: &Channel,
    story: &mut Story,
) -> Result<()> {
    let domain = match requester {
        Actor::Email(email) => email.rsplit_once('@').map(|(_, domain)| domain.trim()),
        _ => None,
    };
    let domain = domain.unwrap_or("example.com").to_owned();
    for number in 1..=u8::MAX {
        if !is_open(stage, run).await? {
            return Ok(());
        }
        let email = if number == 1 { format!("admin@{domain}") } else { format!("admin{number}@{domain}") };
        if stage.runtime().directory().user_by_email(&email).await?.is_some() {
            continue;
        }
        let admin = User::person(UserId::from_email(&email), &email)?.with_role(UserRole::Admin);
        stage.runtime().directory().put_user(admin).await?;
        story.notes.push(format!("nobody is named to decide, so {email}, a made-up admin, approves"));
        stage.submit(Submission::approve(run, email.as_str()).channel(channel.clone())).await?;
    }
    Ok(())
}
