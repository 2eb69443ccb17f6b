//! The JSON form of events, in Sym's schema, as strategies and audit log destinations receive it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Step;
use super::{Channel, ChannelType, EventId, Run, RunId, Srn, SrnVersion, User};

/// The value of Sym's `meta.schema_version`.
pub(crate) const SCHEMA_VERSION: u32 = 6;

/// The name of the built-in flow in which users choose a flow from a list.
const FLOW_SELECTION: &str = "flow_selection";

/// The JSON form of an event.
#[derive(Debug, Serialize)]
pub(crate) struct LoggedEvent<'a> {
    /// `None` for the line of an audit entry, whose id follows from its record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<EventId>,
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    pub(crate) meta: Meta,
    pub(crate) state: State,
    pub(crate) run: LoggedRun<'a>,
    pub(crate) event: Occurrence<'a>,
    pub(crate) actor: LoggedActor,
    pub(crate) fields: Map<String, Value>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Meta {
    schema_version: u32,
}

#[derive(Debug, Serialize)]
pub(crate) struct State {
    status: &'static str,
    errors: Vec<Value>,
}

#[derive(Debug, Serialize)]
pub(crate) struct LoggedRun<'a> {
    id: RunId,
    srn: Srn,
    flow: &'a Srn,
    actors: &'a BTreeMap<Step, LoggedActor>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<Srn>,
}

/// The change that has happened.
#[derive(Debug, Serialize)]
pub(crate) struct Occurrence<'a> {
    id: EventId,
    srn: Srn,
    #[serde(rename = "type")]
    kind: Step,
    template: &'static str,
    timestamp: &'a Timestamp,
    channel: ChannelType,
}

/// The data of a [`LoggedEvent`].
pub(crate) struct Parts<'a> {
    pub(crate) id: Option<EventId>,
    pub(crate) run: RunId,
    pub(crate) flow: &'a Srn,
    pub(crate) parent: Option<RunId>,
    /// The users who triggered each step so far, in the form of [`actor`].
    pub(crate) actors: &'a BTreeMap<Step, LoggedActor>,
    pub(crate) event: EventId,
    pub(crate) name: Step,
    pub(crate) at: &'a Timestamp,
    pub(crate) channel: &'a Channel,
    pub(crate) actor: &'a User,
    pub(crate) fields: Map<String, Value>,
    pub(crate) state: State,
}

impl State {
    pub(crate) fn new(status: &'static str, errors: Vec<Value>) -> Self {
        Self { status, errors }
    }
}

impl<'a> LoggedEvent<'a> {
    pub(crate) fn new(parts: Parts<'a>) -> Self {
        let Parts { id, run, flow, parent, actors, event, name, at, channel, fields, state, .. } = parts;
        let organization = flow.organization();
        let parent = parent.map(|parent| selection_run(organization, parent));
        Self {
            id,
            kind: "event",
            meta: Meta { schema_version: SCHEMA_VERSION },
            state,
            run: LoggedRun { id: run, srn: Run::srn_of(flow, run), flow, actors, parent },
            event: Occurrence {
                id: event,
                srn: event_srn(name),
                kind: name,
                template: "sym:template:approval:1.0.0",
                timestamp: at,
                channel: channel.kind(),
            },
            actor: actor(parts.actor, channel, organization),
            fields,
        }
    }
}

/// Returns the SRN of the kind of event: `sym:event-spec:approval:1.0.0:<name>`.
pub(super) fn event_srn(name: Step) -> Srn {
    let version = SrnVersion::Numbered(1, 0, 0);
    Srn::from_slugs_with("sym", "event-spec", None, "approval", version, Some(&name.as_str()))
}

/// A user in Sym's schema, with their account in the service that an event came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LoggedActor {
    /// The SRN of the user.
    pub user: Srn,
    /// The full name; empty if it is not known.
    pub name: String,
    /// The username, for people their e-mail address.
    pub username: String,
    /// The account.
    pub identity: LoggedIdentity,
}

/// An account in Sym's schema.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LoggedIdentity {
    /// The service, such as `slack`.
    pub service: String,
    /// The account of the organization in the service. On the command line, it is the host.
    pub external_id: String,
    /// The user's id in the service.
    pub user_id: String,
}

/// Returns a user with their account in the service that the event came from. Without a known account, it is the account that Sym
/// itself assigns to every user. On the command line, it is the operating system's user.
pub(crate) fn actor(user: &User, channel: &Channel, organization: &str) -> LoggedActor {
    let identity = |service: &str, external_id: &str, user_id: String| LoggedIdentity {
        service: service.to_owned(),
        external_id: external_id.to_owned(),
        user_id,
    };
    let operator = || channel.identifier().filter(|_| channel.kind() == ChannelType::Cli)?.rsplit_once('@');
    let identity = match (user.identity(channel.kind().as_str(), None), operator()) {
        (_, Some((name, host))) => identity(channel.kind().as_str(), host, name.to_owned()),
        (Some(known), None) => identity(known.service(), known.service_id(), known.user_id().to_owned()),
        (None, None) => identity("sym", "cloud", user.id().to_string()),
    };
    LoggedActor { user: user.srn(organization), name: user.full_name(), username: user.username().to_owned(), identity }
}

fn selection_run(organization: &str, run: RunId) -> Srn {
    let version = SrnVersion::Numbered(1, 0, 0);
    Srn::from_slugs_with(organization, "run", None, FLOW_SELECTION, version, Some(run.as_uuid()))
}
