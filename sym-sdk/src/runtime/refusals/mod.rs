//! Refusals on the record: submissions that are refused before they become an input of the machine, which records its own.
//!
//! The audit log gets who submitted what kind of action and why it was refused, and nothing of what was entered: neither inputs nor
//! the message of the error, which may quote them. The number of records is [limited](limit), because whoever is refused decides how
//! often. A record that cannot be written never changes the refusal itself; it is counted in the next record.

mod limit;

use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use uuid::Uuid;

use self::limit::{ActorKey, RefusalLimit};
use super::Runtime;
use super::submission::{Actor, Submission};
use crate::engine::InputKey;
use crate::error::{Error, ErrorKind, Result, codes};
use crate::machine::{ActionKind, EffectError, Input, InputBody, Refusal};
use crate::model::{Channel, EventId, RunId, Srn, User, UserId, UserIdentity, UserRole, UserType};
use crate::sync::lock;

/// The namespace of the ids of claimed users. Such an id is never that of a user of the directory.
const CLAIM_NAMESPACE: Uuid = Uuid::from_u128(0x1c0e_7a55_92d4_4b7a_8f3d_6c1b_27a9_e3f0);

/// The maximum length of the name of a claimed user, in characters.
const MAX_CLAIM_CHARS: usize = 254;

/// The name of the flow in records of submissions that name no known flow and no known Run.
const UNKNOWN_FLOW: &str = "unknown-flow";

/// The refusals of a runtime so far, of which clones share the count.
#[derive(Clone, Debug, Default)]
pub(super) struct Refusals(Arc<Mutex<RefusalLimit>>);

impl Refusals {
    /// Counts a refusal. Returns the number that was left out before it if it is to be recorded, and `None` if it is left out too.
    pub(super) fn admit(&self, actor: ActorKey, now: Timestamp) -> Option<u64> {
        lock(&self.0).admit(actor, now)
    }

    /// Adds to the number that the next record says was left out.
    pub(super) fn put_back(&self, omitted: u64) {
        lock(&self.0).put_back(omitted);
    }
}

/// A submission without its content, for the record of its refusal.
pub(super) struct Attempt {
    /// The Run that the submission names, or would begin.
    pub(super) run: RunId,
    pub(super) event: EventId,
    flow: Option<String>,
    actor: Actor,
    channel: Channel,
    action: ActionKind,
}

impl Attempt {
    /// Returns the attempt that a submission is. `run` and `event` are the ids that it would get.
    pub(super) fn new(run: RunId, event: EventId, submission: &Submission) -> Self {
        let Submission { actor, channel, body, .. } = submission;
        let flow = body.flow().map(str::to_owned);
        Self { run, event, flow, actor: actor.clone(), channel: channel.clone(), action: body.action_kind() }
    }
}

impl Runtime {
    /// Records that a front end has refused a submission by itself, as [`submit`](Self::submit) records what it refuses. The actor of the
    /// submission is who they claim to be: for an account that belongs to no user, [`Actor::Account`].
    ///
    /// Errors other than refusals are not recorded. Many refusals of one actor are recorded in part: see
    /// [`AuditKind::SubmissionRefused`](crate::audit::AuditKind::SubmissionRefused). If the store fails, the error is logged.
    pub async fn record_refusal(&self, submission: impl Into<Submission>, error: &Error) {
        let submission = submission.into();
        let (run, event) = self.ids_of(&submission);
        self.record_refused(Attempt::new(run, event, &submission), error).await;
    }

    /// Records the refusal of an attempt, unless the error is not a refusal or there were too many.
    pub(super) async fn record_refused(&self, attempt: Attempt, error: &Error) {
        if !is_refusal(error) {
            return;
        }
        let claimed = claimed_user(&attempt.actor);
        let key = (claimed.id(), attempt.channel.kind());
        let Some(omitted) = self.refusals.admit(key, self.clock().now()) else { return };
        if let Err(failure) = self.write_refusal(attempt, claimed, error, omitted).await {
            self.refusals.put_back(omitted.saturating_add(1));
            tracing::error!(error = %failure, refused = %error.code(), "a refusal could not be recorded in the audit log");
        }
    }

    async fn write_refusal(&self, attempt: Attempt, claimed: User, error: &Error, omitted: u64) -> Result<()> {
        let Attempt { run, event, flow, actor, channel, action } = attempt;
        let known = self.known_actor(&actor).await;
        let is_known = known.is_some();
        let actor = known.unwrap_or_else(|| Arc::new(claimed));
        // An id of its own: the same submission may be accepted later, under the id that is derived from its key. Repeated, the
        // refusal is recorded once.
        let event = Uuid::new_v5(event.as_uuid(), format!("refused:{}", error.code()).as_bytes());
        let key = InputKey::new(format!("refusal:{event}"));
        let refusal = Refusal::new(EventId::from_uuid(event), actor, channel, action, without_message(error))
            .with_known_actor(is_known)
            .with_omitted(omitted);
        let flow = self.flow_for_record(flow.as_deref())?;
        let body = InputBody::SubmissionRefused(Box::new(refusal));
        self.engine.submit(key, Input::new(run, flow, self.clock().now(), body)).await.map(drop)
    }

    /// Returns the user who an actor is, if the directory knows them.
    async fn known_actor(&self, actor: &Actor) -> Option<Arc<User>> {
        if let Actor::Resolved(resolved) = actor {
            return Some(resolved.user().clone());
        }
        // The claim is recorded if the directory fails, or cannot read it.
        self.find_actor(actor).await.ok().flatten()
    }

    fn flow_for_record(&self, named: Option<&str>) -> Result<Srn> {
        let flows = &self.executor.flows;
        match named.and_then(|name| flows.named(name).ok()) {
            Some(entry) => Ok(entry.flow.srn().clone()),
            None => {
                let organization = flows.iter().next().map_or("sym", |entry| entry.flow.organization());
                Srn::new(organization, "flow", None, UNKNOWN_FLOW)
            }
        }
    }
}

/// Whether an error says that somebody may not do something, rather than that something is broken.
pub(super) fn is_refusal(error: &Error) -> bool {
    use ErrorKind::{Conflict, Forbidden, InvalidInput, NotFound, RateLimited, Unauthorized};
    match error.kind() {
        InvalidInput | NotFound | Unauthorized | Forbidden | Conflict => true,
        // Not that of a service which the directory or a handler has asked.
        RateLimited => *error.code() == codes::TOO_MANY_REQUESTS,
        _ => false,
    }
}

/// Returns the error to record. The message that the submitter gets may quote what they entered.
fn without_message(error: &Error) -> EffectError {
    EffectError::new(error.kind(), error.code().clone(), "refused; what was entered is not recorded")
}

/// Returns a user who stands for what a submission claims. Their name is one line and their id is nobody's, unless the front end gave
/// one.
pub(super) fn claimed_user(actor: &Actor) -> User {
    let (id, name) = match actor {
        Actor::Resolved(resolved) => return User::clone(resolved.user()),
        Actor::User(user) => return User::clone(user),
        Actor::Id(id) => (Some(*id), id.to_string()),
        Actor::Email(email) => (None, email.trim().to_lowercase()),
        Actor::Account(account) => {
            let (service, service_id, id) = (account.service(), account.service_id(), account.user_id());
            (None, format!("{service}/{service_id}/{id}"))
        }
    };
    let name: String = name.chars().take(MAX_CLAIM_CHARS).map(|c| if c.is_control() { ' ' } else { c }).collect();
    let id = id.unwrap_or_else(|| UserId::from_uuid(Uuid::new_v5(&CLAIM_NAMESPACE, name.as_bytes())));
    let mut user = User::bot(id, name).with_role(UserRole::Guest);
    user.user_type = UserType::Normal;
    match actor {
        Actor::Account(account) if account.check().is_ok() => user.with_identity(UserIdentity::clone(account)),
        _ => user,
    }
}
