//! Declarations, as a user writes them: names are text, nothing is resolved yet.
//!
//! They are built in Rust or read from Terraform files, and become [`Flow`](crate::model::Flow)s by [`Config::check`].

use std::collections::BTreeMap;
use std::fmt;

use super::SourceLocation;

/// Everything an organization has declared.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// Who the organization is.
    pub organization: Organization,
    /// The flows.
    pub flows: Vec<Flow>,
    /// The environments that flows run in.
    pub environments: Vec<Environment>,
    /// Connections to outside services.
    pub integrations: Vec<Integration>,
    /// How access is granted.
    pub strategies: Vec<Strategy>,
    /// What access can be had to.
    pub targets: Vec<Target>,
    /// Secrets, by reference.
    pub secrets: Vec<Secret>,
    /// Where secrets are kept.
    pub secret_sources: Vec<SecretSource>,
    /// Where errors go.
    pub error_loggers: Vec<ErrorLogger>,
    /// Where audit entries go.
    pub log_destinations: Vec<LogDestination>,
    /// Which flows a user sees.
    pub flows_filter: Option<FlowsFilter>,
}

/// The organization: its slug in SRNs and the e-mail domains of its members.
#[derive(Clone, Debug, PartialEq)]
pub struct Organization {
    /// The organization part of every SRN.
    pub slug: String,
    /// People with an e-mail address in one of these domains become members on first contact; others become guests.
    pub domains: Vec<String>,
}

impl Default for Organization {
    fn default() -> Self {
        Self { slug: "sym".to_owned(), domains: Vec::new() }
    }
}

/// A workflow. Sym's resource: `sym_flow`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Flow {
    /// Unique, whatever the case.
    pub name: String,
    /// What people see; the name if unset.
    pub label: Option<String>,
    /// Which handlers the flow takes.
    pub implementation: Implementation,
    /// The name of the [`Environment`].
    pub environment: String,
    /// Values handlers read with `event.flow().var(…)`.
    pub vars: BTreeMap<String, String>,
    /// The flow's parameters.
    pub params: FlowParams,
    /// Where it was declared.
    pub location: SourceLocation,
}

/// Which of the program's handlers a [`Flow`] takes.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Implementation {
    /// Every handler.
    #[default]
    All,
    /// Those of a Rust module and the modules below it, such as `my_flows::prod`.
    Module(String),
    /// Those of the module that has the flow's name, if there is one; every handler otherwise.
    ByName,
}

impl Implementation {
    /// The module that was named.
    pub fn module(&self) -> Option<&str> {
        match self {
            Self::Module(module) => Some(module),
            Self::All | Self::ByName => None,
        }
    }
}

/// The parameters of a [`Flow`], with Sym's defaults.
#[derive(Clone, Debug, PartialEq)]
pub struct FlowParams {
    /// The [`Strategy`]; without one the flow stops after approval.
    pub strategy: Option<Reference>,
    /// Whether access can be revoked early by a person. Default: true.
    pub allow_revoke: bool,
    /// Whether access ends by itself after its duration. Default: true.
    pub schedule_deescalation: bool,
    /// Where requests may come from (`slack`, `api`, `web`); unset means everywhere, empty means nowhere.
    pub allowed_sources: Option<Vec<String>>,
    /// Whether an open request has a text input for the decision. Default: false.
    pub include_decision_message: bool,
    /// Text in the header of the form.
    pub additional_header_text: Option<String>,
    /// Whether guests may approve, deny and revoke, if the permissions admit them. Default: false.
    pub allow_guest_interaction: bool,
    /// The fields of the form, in order.
    pub prompt_fields: Vec<PromptField>,
}

impl Default for FlowParams {
    fn default() -> Self {
        Self {
            strategy: None,
            allow_revoke: true,
            schedule_deescalation: true,
            allowed_sources: None,
            include_decision_message: false,
            additional_header_text: None,
            allow_guest_interaction: false,
            prompt_fields: Vec::new(),
        }
    }
}

/// One field of a flow's form.
#[derive(Clone, Debug, PartialEq)]
pub struct PromptField {
    /// An identifier, unique within the flow.
    pub name: String,
    /// One of Sym's eight field types: `string`, `int`, `bool`, `duration`, `slack_user`, `slack_user_list`, `str_list` or
    /// `int_list`.
    pub field_type: String,
    /// What people see; the name if unset.
    pub label: Option<String>,
    /// Default: true.
    pub required: bool,
    /// Default: true. A hidden field still exists for `#[on_change]` handlers.
    pub visible: bool,
    /// Taken when an optional field is left empty.
    pub default: Option<String>,
    /// Makes the field a drop-down.
    pub allowed_values: Option<Vec<String>>,
    /// Whether the options come from a `#[prefetch]` handler. Default: false.
    pub prefetch: bool,
    /// Whether an `#[on_change]` handler runs when the field changes. Default: false.
    pub on_change: bool,
    /// Where it was declared.
    pub location: SourceLocation,
}

impl Default for PromptField {
    fn default() -> Self {
        Self {
            name: String::new(),
            field_type: String::new(),
            label: None,
            required: true,
            visible: true,
            default: None,
            allowed_values: None,
            prefetch: false,
            on_change: false,
            location: SourceLocation::default(),
        }
    }
}

/// Settings that several flows share. Sym's resource: `sym_environment`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Environment {
    /// Unique, whatever the case.
    pub name: String,
    /// What people see; the name if unset.
    pub label: Option<String>,
    /// Key, such as `slack`, to the name of the [`Integration`] and its type if known. Sym's `slack_id` is the key `slack`.
    pub integrations: BTreeMap<String, Reference>,
    /// The name of the [`ErrorLogger`].
    pub error_logger: Option<String>,
    /// The names of the [`LogDestination`]s.
    pub log_destinations: Vec<Reference>,
    /// Where it was declared.
    pub location: SourceLocation,
}

/// A reference to a typed declaration: names are unique by type only.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    /// The type, such as `slack`; without one the name alone must tell.
    pub kind: Option<String>,
    /// The name.
    pub name: String,
}

impl Reference {
    /// A reference by name, for a name that no other type shares.
    pub fn named(name: impl Into<String>) -> Self {
        Self { kind: None, name: name.into() }
    }

    /// A reference by type and name.
    pub fn typed(kind: impl Into<String>, name: impl Into<String>) -> Self {
        Self { kind: Some(kind.into()), name: name.into() }
    }
}

/// By name only.
impl From<&str> for Reference {
    fn from(name: &str) -> Self {
        Self::named(name)
    }
}

/// By name only.
impl From<String> for Reference {
    fn from(name: String) -> Self {
        Self::named(name)
    }
}

/// `okta.prod`, or `prod` if the type is not told.
impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Some(kind) => write!(f, "{kind}.{}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

/// A connection to an outside service. Sym's resource: `sym_integration`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Integration {
    /// The type, such as `pagerduty`.
    pub kind: String,
    /// Unique within its type, whatever the case.
    pub name: String,
    /// What people see; the name if unset.
    pub label: Option<String>,
    /// The service's own id of the account: a workspace, a domain, an organization.
    pub external_id: String,
    /// Settings in clear. A secret's setting holds the name of a [`Secret`].
    pub settings: BTreeMap<String, String>,
    /// Where it was declared.
    pub location: SourceLocation,
}

/// How access to a list of targets is granted. Sym's resource: `sym_strategy`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Strategy {
    /// The type, such as `okta`.
    pub kind: String,
    /// Unique within its type, whatever the case.
    pub name: String,
    /// What people see; the name if unset.
    pub label: Option<String>,
    /// The [`Integration`]; only the `http` type does without.
    pub integration: Option<Reference>,
    /// The [`Target`]s.
    pub targets: Vec<Reference>,
    /// Settings of the type. One whose name ends in `_secret` holds the name of a [`Secret`].
    pub settings: BTreeMap<String, String>,
    /// Where it was declared.
    pub location: SourceLocation,
}

/// A thing that access can be had to. Sym's resource: `sym_target`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Target {
    /// The type, such as `okta_group`.
    pub kind: String,
    /// Unique within its type, whatever the case.
    pub name: String,
    /// What people see; the name if unset.
    pub label: Option<String>,
    /// Settings of the type.
    pub settings: BTreeMap<String, String>,
    /// Settings that are filled from the request's field of the same name.
    pub field_bindings: Vec<String>,
    /// Where it was declared.
    pub location: SourceLocation,
}

/// One secret, by reference. Sym's resource: `sym_secret`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Secret {
    /// Unique, whatever the case.
    pub name: String,
    /// What people see; the name if unset.
    pub label: Option<String>,
    /// Where the secret stands in its source: a variable's name, a file's path, a secret's id.
    pub path: String,
    /// The [`SecretSource`].
    pub source: Reference,
    /// Picks one entry of a secret that is a JSON object.
    pub json_key: Option<String>,
    /// Where it was declared.
    pub location: SourceLocation,
}

/// Where secrets are kept. Sym's resource: `sym_secrets`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SecretSource {
    /// `environment`, `file` or `aws_secrets_manager`.
    pub kind: String,
    /// Unique within its type, whatever the case.
    pub name: String,
    /// Settings of the type.
    pub settings: BTreeMap<String, String>,
    /// Where it was declared.
    pub location: SourceLocation,
}

/// Where warnings and errors of an environment's flows go. Sym's resource: `sym_error_logger`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ErrorLogger {
    /// Unique, whatever the case. Sym's resource has none: it is named after the resource.
    pub name: String,
    /// The Slack [`Integration`].
    pub integration: Option<Reference>,
    /// The channel, such as `#sym-errors`.
    pub destination: String,
    /// Where it was declared.
    pub location: SourceLocation,
}

/// Where audit entries go. Sym's resource: `sym_log_destination`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LogDestination {
    /// The type, such as `http`.
    pub kind: String,
    /// Unique within its type, whatever the case. Sym's resource has none: it is named after the resource.
    pub name: String,
    /// The [`Integration`]; only `http` and `datadog` do without.
    pub integration: Option<Reference>,
    /// Settings of the type.
    pub settings: BTreeMap<String, String>,
    /// Where it was declared.
    pub location: SourceLocation,
}

/// Decides which flows a user sees. Sym's resource: `sym_flows_filter`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FlowsFilter {
    /// Where `get_flows` is looked for.
    pub implementation: Implementation,
    /// Values the handler reads.
    pub vars: BTreeMap<String, String>,
    /// Key to the [`Integration`].
    pub integrations: BTreeMap<String, Reference>,
    /// Where it was declared.
    pub location: SourceLocation,
}
