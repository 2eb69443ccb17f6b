//! Flows and their parameters.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Deref;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Environment, Slug, Srn, SrnVersion, Strategy};
use crate::error::{Error, ErrorKind, Result, codes};
use crate::forms::{FieldSpec, PromptField, PromptForm};
use crate::suggest;

/// A source of requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Source {
    /// Slack.
    Slack,
    /// The HTTP API.
    Api,
    /// The console.
    Web,
    /// Agents, through the Model Context Protocol. The one source that a flow has to name to allow it.
    Mcp,
}

impl Source {
    /// Every source.
    pub const ALL: [Self; 4] = [Self::Slack, Self::Api, Self::Web, Self::Mcp];

    /// The name in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Slack => "slack",
            Self::Api => "api",
            Self::Web => "web",
            Self::Mcp => "mcp",
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Source {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|source| source.as_str() == text).ok_or_else(|| {
            Error::invalid(codes::CONFIGURATION, format!("`{text}` is not a request source")).with_hint(suggest::hint(
                text,
                "sources",
                Self::ALL.map(Self::as_str),
            ))
        })
    }
}

/// The parameters of a flow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FlowParams {
    /// Whether people can revoke access before it expires.
    pub allow_revoke: bool,
    /// Whether access expires after its duration.
    pub schedule_deescalation: bool,
    /// Whether requesters can ask for an extension of access that has not ended yet.
    #[serde(default = "default_allow_extension")]
    pub allow_extension: bool,
    /// The allowed sources of requests. `None` allows all sources but [agents](Source::Mcp); an empty set allows none.
    pub allowed_sources: Option<BTreeSet<Source>>,
    /// Whether approvers can add a message to their decision.
    pub include_decision_message: bool,
    /// Whether a denial needs a reason. Requesters withdraw their requests without one.
    #[serde(default)]
    pub require_denial_reason: bool,
    /// Additional text in the header of the form, in Slack markup.
    pub additional_header_text: Option<String>,
    /// Whether guests may approve, deny and revoke, if the permissions allow it.
    pub allow_guest_interaction: bool,
    /// The durations to choose from.
    #[serde(with = "durations")]
    pub durations: Vec<Duration>,
    /// The time after which a request that nobody has decided expires. 30 days by default.
    #[serde(default = "default_request_lifetime", with = "crate::forms::duration_seconds")]
    pub request_lifetime: Duration,
    /// The times before the end of access at which the requester is warned of it. Access that is shorter than such a time has no such
    /// warning. A day and 15 minutes by default; without any, nobody is warned.
    #[serde(default = "default_expiry_warnings", with = "durations")]
    pub expiry_warnings: Vec<Duration>,
    /// The longest duration for which an agent is given access. `None` allows what the flow offers.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "optional_seconds")]
    pub max_agent_duration: Option<Duration>,
    /// The time without a call of an agent after which the access that it has is taken away. An hour by default.
    #[serde(default = "default_agent_grace_period", with = "crate::forms::duration_seconds")]
    pub agent_grace_period: Duration,
}

const fn default_agent_grace_period() -> Duration {
    Duration::from_secs(60 * 60)
}

const fn default_allow_extension() -> bool {
    true
}

const fn default_request_lifetime() -> Duration {
    Duration::from_secs(30 * 24 * 60 * 60)
}

fn default_expiry_warnings() -> Vec<Duration> {
    [24 * 60 * 60, 15 * 60].map(Duration::from_secs).to_vec()
}

impl Default for FlowParams {
    fn default() -> Self {
        Self {
            allow_revoke: true,
            schedule_deescalation: true,
            allow_extension: true,
            allowed_sources: None,
            include_decision_message: false,
            require_denial_reason: false,
            additional_header_text: None,
            allow_guest_interaction: false,
            durations: [30, 600, 3600].map(Duration::from_secs).to_vec(),
            request_lifetime: default_request_lifetime(),
            expiry_warnings: default_expiry_warnings(),
            max_agent_duration: None,
            agent_grace_period: default_agent_grace_period(),
        }
    }
}

/// Serializes an optional duration as whole seconds.
mod optional_seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(duration: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
        duration.map(|duration| duration.as_secs()).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
        Ok(Option::<u64>::deserialize(deserializer)?.map(Duration::from_secs))
    }
}

/// Serializes durations as whole seconds.
mod durations {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(durations: &[Duration], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(durations.iter().map(Duration::as_secs))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Duration>, D::Error> {
        Ok(Vec::<u64>::deserialize(deserializer)?.into_iter().map(Duration::from_secs).collect())
    }
}

/// A workflow, with everything it refers to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Flow {
    name: Slug,
    srn: Srn,
    label: Option<String>,
    vars: BTreeMap<String, String>,
    fields: Vec<FieldSpec>,
    environment: Environment,
    strategy: Option<Strategy>,
    params: FlowParams,
    implementation: Option<String>,
}

impl Flow {
    /// Returns a builder of a flow with version 1.0.0. Characters of `organization` that are not allowed in an SRN are replaced by
    /// dashes.
    ///
    /// ```
    /// use sym_sdk::model::{Flow, Slug};
    ///
    /// let flow = Flow::builder(Slug::parse("prod")?, "acme").var("channel", "#requests").version(3).build();
    /// assert_eq!(flow.srn().to_string(), "acme:flow:prod:3.0.0");
    /// assert_eq!(flow.var("channel")?, "#requests");
    /// # Ok::<(), sym_sdk::Error>(())
    /// ```
    pub fn builder(name: Slug, organization: &str) -> FlowBuilder {
        let organization = Slug::lossy(organization);
        let srn = Srn::from_slugs(&organization, "flow", None, &name).with_version(SrnVersion::Numbered(1, 0, 0));
        FlowBuilder(Self {
            name,
            srn,
            label: None,
            vars: BTreeMap::new(),
            fields: Vec::new(),
            environment: Environment::new(Slug::lossy("default")),
            strategy: None,
            params: FlowParams::default(),
            implementation: None,
        })
    }

    /// Returns the flow's form as it was declared, with nothing filled in.
    pub fn prompt_form(&self) -> PromptForm {
        let mut form = PromptForm::new(self.fields.iter().map(PromptField::from_spec).collect());
        form.additional_header_text.clone_from(&self.params.additional_header_text);
        form.with_flow_vars(self.vars.clone())
    }

    /// The name.
    pub fn name(&self) -> &Slug {
        &self.name
    }

    /// The label that people see. Defaults to the name.
    pub fn label(&self) -> &str {
        self.label.as_deref().unwrap_or(&self.name)
    }

    /// The SRN: `org:flow:<name>:<version>`.
    pub fn srn(&self) -> &Srn {
        &self.srn
    }

    /// The slug of the organization.
    pub fn organization(&self) -> &str {
        self.srn.organization()
    }

    /// The vars: values that the configuration passes to handlers.
    pub fn vars(&self) -> &BTreeMap<String, String> {
        &self.vars
    }

    /// Returns a var. Fails with a list of the existing vars if there is none with this name.
    pub fn var(&self, name: &str) -> Result<&str> {
        self.vars.get(name).map(String::as_str).ok_or_else(|| {
            let message = format!("flow `{}` has no var `{name}`", self.name);
            let kind = format!("vars in flow `{}`", self.name);
            Error::new(ErrorKind::NotFound, codes::UNKNOWN_VAR, message).with_hint(suggest::hint(
                name,
                &kind,
                self.vars.keys().map(String::as_str),
            ))
        })
    }

    /// The form fields, in order.
    pub fn fields(&self) -> &[FieldSpec] {
        &self.fields
    }

    /// Returns the form field with this name.
    pub fn field(&self, name: &str) -> Option<&FieldSpec> {
        self.fields.iter().find(|field| field.name() == name)
    }

    /// Returns whether a field fills a setting of one of the flow's targets.
    pub fn fills_setting(&self, field: &str) -> bool {
        let targets = self.strategy().map(Strategy::targets).unwrap_or_default();
        targets.iter().any(|target| target.field_bindings().iter().any(|bound| bound == field))
    }

    /// The environment.
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// The access strategy. A flow without one is approval-only: it ends with the approval.
    pub fn strategy(&self) -> Option<&Strategy> {
        self.strategy.as_ref()
    }

    /// The parameters.
    pub fn params(&self) -> &FlowParams {
        &self.params
    }

    /// The module that contains the handlers of the flow. `None` for all handlers.
    pub fn implementation(&self) -> Option<&str> {
        self.implementation.as_deref()
    }
}

/// Builds a [`Flow`]. Created by [`Flow::builder`].
#[derive(Clone, Debug)]
#[must_use = "call `build` to get the flow"]
pub struct FlowBuilder(Flow);

impl FlowBuilder {
    /// Sets the label, which people see instead of the name.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.0.label = Some(label.into());
        self
    }

    /// Sets the environment.
    pub fn environment(mut self, environment: Environment) -> Self {
        self.0.environment = environment;
        self
    }

    /// Sets the access strategy.
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.0.strategy = Some(strategy);
        self
    }

    /// Adds a var.
    pub fn var(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.vars.insert(name.into(), value.into());
        self
    }

    /// Adds a form field, or replaces the one with the same name.
    pub fn field(mut self, field: FieldSpec) -> Self {
        match self.0.fields.iter_mut().find(|existing| existing.name() == field.name()) {
            Some(existing) => *existing = field,
            None => self.0.fields.push(field),
        }
        self
    }

    /// Sets the parameters.
    pub fn params(mut self, params: FlowParams) -> Self {
        self.0.params = params;
        self
    }

    /// Sets the module that contains the handlers of the flow, such as `my_flows::prod`.
    pub fn implementation(mut self, module: impl Into<String>) -> Self {
        self.0.implementation = Some(module.into());
        self
    }

    /// Sets the major version: `3` results in `3.0.0`. Capped at 999, the maximum in an SRN.
    pub fn version(mut self, version: u32) -> Self {
        let major = u16::try_from(version).unwrap_or(u16::MAX).min(999);
        self.0.srn = self.0.srn.with_version(SrnVersion::Numbered(major, 0, 0));
        self
    }

    /// Builds the flow.
    pub fn build(self) -> Flow {
        self.0
    }
}

/// The flows of an organization. Clones share the same list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Flows(Arc<[Arc<Flow>]>);

impl Flows {
    /// Returns the flow with this name, ignoring case.
    pub fn get(&self, name: &str) -> Option<&Arc<Flow>> {
        self.0.iter().find(|flow| flow.name == *name)
    }
}

impl Deref for Flows {
    type Target = [Arc<Flow>];

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl FromIterator<Arc<Flow>> for Flows {
    fn from_iter<I: IntoIterator<Item = Arc<Flow>>>(flows: I) -> Self {
        Self(flows.into_iter().collect())
    }
}

impl FromIterator<Flow> for Flows {
    fn from_iter<I: IntoIterator<Item = Flow>>(flows: I) -> Self {
        flows.into_iter().map(Arc::new).collect()
    }
}

impl From<Vec<Arc<Flow>>> for Flows {
    fn from(flows: Vec<Arc<Flow>>) -> Self {
        Self(flows.into())
    }
}
