//! The types of answers, with the members that programs use. Others are ignored, so that a newer server is understood.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::model::{EventId, RunId, RunStatus, UserId, UserRole, UserType};

macro_rules! answers {
    ($($(#[$meta:meta])* $name:ident { $($(#[$field_meta:meta])* $field:ident: $type:ty,)* })*) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Deserialize)]
        #[non_exhaustive]
        pub struct $name {
            $($(#[$field_meta])* pub $field: $type,)*
        }
    )*};
}

answers! {
    /// The caller, and their rights.
    Me {
        /// The user.
        user: UserDetails,
        /// Whether they may make requests.
        can_request: bool,
        /// Whether they may make requests for others.
        can_request_for_others: bool,
        /// Whether they may administer users, read the audit log and operate the program.
        is_admin: bool,
        /// The version of the server's `sym-sdk`.
        server_version: String,
        /// The organization.
        #[serde(default)]
        organization: Option<String>,
    }

    /// A user.
    UserDetails {
        /// The id.
        id: UserId,
        /// The name: the e-mail address of a person.
        username: String,
        /// The type.
        #[serde(rename = "type")]
        kind: UserType,
        /// The role.
        role: UserRole,
        /// Whether everything that they submit is refused.
        #[serde(default)]
        is_locked: bool,
    }

    /// A user by id and name.
    Person {
        /// The id.
        id: UserId,
        /// The name: the e-mail address of a person.
        username: String,
    }

    /// A thing with a name, and a label for people.
    Named {
        /// The name.
        name: String,
        /// The label.
        label: String,
    }

    /// A flow.
    FlowSummary {
        /// The name.
        name: String,
        /// The label.
        label: String,
        /// The resource name.
        srn: String,
        /// Whether it gives access. Otherwise it is about an approval alone.
        gives_access: bool,
    }

    /// A flow, with what a request to it consists of.
    FlowDetails {
        /// The name.
        name: String,
        /// The label.
        label: String,
        /// The resource name.
        srn: String,
        /// Whether it gives access.
        gives_access: bool,
        /// The fields of the form.
        fields: Vec<FlowField>,
        /// The targets that access can be requested to.
        targets: Vec<TargetDetails>,
        /// The durations that are offered, in seconds. Empty if any is taken.
        durations: Vec<u64>,
    }

    /// A field of a form.
    FlowField {
        /// The name.
        name: String,
        /// The label.
        label: String,
        /// The type, such as `string` or `int`.
        #[serde(rename = "type")]
        kind: String,
        /// Whether a request needs it.
        required: bool,
        /// Whether people see it.
        visible: bool,
        /// The values that are offered.
        allowed_values: Vec<Value>,
        /// Whether its options are looked up.
        has_options: bool,
    }

    /// A target.
    TargetDetails {
        /// The name.
        name: String,
        /// The label.
        label: String,
        /// The resource name.
        srn: String,
    }

    /// The receipt of what was accepted.
    Receipt {
        /// The Run.
        run_id: RunId,
        /// The event.
        event_id: EventId,
    }

    /// A Run: the life of one request.
    Run {
        /// The id.
        run_id: RunId,
        /// The status.
        status: RunStatus,
        /// The number of changes so far.
        version: u64,
        /// The time of the request.
        created_at: Timestamp,
        /// The time of the last change.
        updated_at: Timestamp,
        /// The flow.
        flow: Named,
        /// The user who gets the access.
        requester: Option<Person>,
        /// The target of the access.
        target: Option<Named>,
        /// The seconds for which access is requested.
        duration: Option<u64>,
        /// The fields of the form.
        fields: Map<String, Value>,
        /// The reason.
        reason: Option<String>,
        /// The time at which the request expires, while it waits for a decision.
        expires_at: Option<Timestamp>,
        /// The approvals.
        approvals: ApprovalCount,
        /// The decision.
        decision: Option<DecisionMade>,
        /// The digest of what is decided.
        seen: Option<String>,
        /// The access that it gives.
        access: AccessState,
        /// The failure, if it has failed.
        error: Option<RunFailure>,
    }

    /// The approvals of a request.
    ApprovalCount {
        /// Those that were given.
        given: usize,
        /// Those that it takes.
        needed: Option<u8>,
    }

    /// A decision that was made.
    DecisionMade {
        /// `approve` or `deny`.
        action: String,
        /// The user who made it.
        by: Person,
        /// The time.
        at: Timestamp,
        /// The text for the requester.
        message: Option<String>,
    }

    /// The access that a Run gives.
    AccessState {
        /// `none`, `granting`, `held`, `revoking`, `ended` or `written_off`.
        state: String,
        /// The time at which it ends.
        until: Option<Timestamp>,
        /// Whether it has not ended when it was to.
        is_stuck: bool,
        /// The number of attempts to grant or revoke it that have failed in a row.
        failed_attempts: u32,
        /// The time of the next attempt.
        next_attempt_at: Option<Timestamp>,
        /// The time until which access that was revoked is revoked again.
        #[serde(default)]
        settles_at: Option<Timestamp>,
    }

    /// The failure of a Run.
    RunFailure {
        /// The stable name of it.
        code: String,
        /// The message.
        message: String,
        /// The hint: a way to resolve it.
        #[serde(default)]
        hint: Option<String>,
        /// The event that has failed.
        event: String,
    }

    /// A page of Runs, the latest first.
    RunPage {
        /// The Runs.
        runs: Vec<Run>,
        /// The cursor of the next page. `None` on the last one.
        #[serde(default)]
        next: Option<String>,
    }

    /// A part of the timeline of a Run, in order.
    Timeline {
        /// The entries.
        entries: Vec<TimelineEntry>,
        /// The number after which the next part begins. `None` on the last one.
        #[serde(default)]
        next: Option<u64>,
    }

    /// An entry of the record.
    TimelineEntry {
        /// The number in the record.
        seq: u64,
        /// The time.
        at: Timestamp,
        /// The Run.
        run_id: RunId,
        /// The flow.
        flow: String,
        /// The event during which it happened.
        event: EntryEvent,
        /// The status of the Run from here on.
        status: RunStatus,
        /// The kind, such as `granted`.
        kind: String,
        /// The handler that was called, with its place in the source.
        #[serde(default)]
        handler: Option<String>,
        /// The number of the attempt, for what is tried again.
        #[serde(default)]
        attempt: Option<u64>,
        /// The time of the next attempt.
        #[serde(default)]
        next_attempt_at: Option<String>,
        /// The details, by the kind.
        details: Map<String, Value>,
    }

    /// The event during which something happened.
    EntryEvent {
        /// The id.
        id: EventId,
        /// The name, such as `approve`.
        name: String,
        /// The user whose event it is.
        actor: Person,
        /// The channel through which it came.
        channel: String,
        /// The text with a decision.
        #[serde(default)]
        message: Option<String>,
    }

    /// The people who can decide a request, or could have.
    Deciders {
        /// Whether it waits for a decision.
        is_open: bool,
        /// The role from which on users can decide. `None` if single users are named, or it was not routed yet.
        level: Option<String>,
        /// The users who are named.
        users: Vec<Person>,
        /// The administrators who are not named.
        admins: Vec<Person>,
        /// The users who have approved so far.
        approved: Vec<Person>,
        /// The number of approvals that it takes.
        approvals_needed: u8,
        /// The users who cannot approve although one might expect it.
        barred: Vec<Barred>,
        /// The handler that has named them, with its place in the source.
        reducer: Option<String>,
    }

    /// Somebody who cannot approve.
    Barred {
        /// The user.
        user: Person,
        /// The reason.
        message: String,
    }

    /// The outcome that a request would have.
    Preview {
        /// Whether it would be accepted and routed to people, as far as the values and the reducers tell.
        is_valid: bool,
        /// The errors by field.
        errors: Vec<FieldFailure>,
        /// The error of a reducer.
        failure: Option<FieldFailure>,
        /// The people who would decide.
        deciders: Option<PreviewDeciders>,
        /// The notifications that would be sent, one after the other.
        notifications: Vec<PreviewNotification>,
        /// The hook that may decide it before people are asked.
        hook: Option<String>,
    }

    /// An error of a field.
    FieldFailure {
        /// The field. `None` if it is about the request as a whole.
        #[serde(default)]
        field: Option<String>,
        /// The message.
        message: String,
        /// The stable name of the failure.
        code: String,
        /// The hint: a way to resolve it.
        #[serde(default)]
        hint: Option<String>,
    }

    /// The people who would decide a request.
    PreviewDeciders {
        /// The role from which on users could decide.
        level: Option<String>,
        /// The users who would be named.
        users: Vec<Person>,
        /// The administrators who would not be named.
        admins: Vec<Person>,
        /// The users who could not approve although one might expect it.
        barred: Vec<Barred>,
        /// The number of approvals that it would take.
        approvals_needed: u8,
        /// The handler that names them, with its place in the source.
        reducer: Option<String>,
    }

    /// A notification that would be sent.
    PreviewNotification {
        /// The destinations.
        destinations: Vec<Value>,
        /// The seconds after which the next one would be sent.
        timeout: Option<u64>,
    }

    /// Access that somebody has, or may have.
    HeldAccess {
        /// The Run that gives it.
        run_id: RunId,
        /// The flow.
        flow: Named,
        /// The user.
        #[serde(default)]
        user: Option<Person>,
        /// The target.
        target: Option<Named>,
        /// The account of the user in the service.
        #[serde(default)]
        identity: Option<String>,
        /// The time since when.
        since: Timestamp,
        /// `granting`, `held`, `revoking` or `written_off`.
        state: String,
        /// The time at which it ends.
        until: Option<Timestamp>,
        /// Whether it has not ended when it was to.
        is_stuck: bool,
        /// The code of the reason for which it cannot be taken away as things are.
        #[serde(default)]
        blocked: Option<String>,
    }
}

impl Run {
    /// Returns whether the request waits for a decision, or for what precedes it.
    pub fn is_undecided(&self) -> bool {
        matches!(self.status, RunStatus::Pending | RunStatus::Prompted | RunStatus::Requested | RunStatus::Forwarded)
    }

    /// Returns whether nothing more happens in the Run.
    pub fn is_final(&self) -> bool {
        matches!(self.status, RunStatus::Expired | RunStatus::Denied | RunStatus::Deescalated | RunStatus::Errored)
    }
}

impl Deciders {
    /// Returns the names of those who can decide, with a word for administrators.
    pub fn names(&self) -> Vec<String> {
        names(self.level.as_deref(), &self.users)
    }
}

impl PreviewDeciders {
    /// Returns the names of those who could decide, with a word for administrators.
    pub fn names(&self) -> Vec<String> {
        names(self.level.as_deref(), &self.users)
    }
}

fn names(level: Option<&str>, users: &[Person]) -> Vec<String> {
    let mut names: Vec<_> = users.iter().map(|user| user.username.clone()).collect();
    match level {
        Some("member") => names.push("any member".to_owned()),
        _ => names.push("an administrator".to_owned()),
    }
    names
}
