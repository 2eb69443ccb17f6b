//! Declarations, as an author writes them: references are names, and nothing is checked.
//!
//! They are built in Rust or read from Terraform files. [`Config::check`] resolves them into [`Flow`](crate::model::Flow)s.

use std::collections::BTreeMap;
use std::fmt;

use super::SourceLocation;

/// All declarations of an organization.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// The organization itself.
    pub organization: Organization,
    /// The flows.
    pub flows: Vec<Flow>,
    /// The environments of the flows.
    pub environments: Vec<Environment>,
    /// The connections to outside services.
    pub integrations: Vec<Integration>,
    /// The strategies that grant access.
    pub strategies: Vec<Strategy>,
    /// The resources that access can be granted to.
    pub targets: Vec<Target>,
    /// The secrets, by reference.
    pub secrets: Vec<Secret>,
    /// The stores that secrets are read from.
    pub secret_sources: Vec<SecretSource>,
    /// The destinations of warnings and errors.
    pub error_loggers: Vec<ErrorLogger>,
    /// The destinations of audit entries.
    pub log_destinations: Vec<LogDestination>,
    /// The filter of the flows that a user sees.
    pub flows_filter: Option<FlowsFilter>,
    /// The settings and vars that are unset because only `terraform apply` knows their values.
    pub unknown_settings: Vec<UnknownSetting>,
}

/// A setting or a var of Terraform files that is unset because its value is unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnknownSetting {
    /// The location of the declaration that has it.
    pub location: SourceLocation,
    /// The name.
    pub name: String,
    /// The reference to its value, such as `module.okta.group_id`.
    pub reference: String,
    /// A way to give the value.
    pub hint: String,
}

/// An organization: its slug in SRNs and the e-mail domains of its members.
#[derive(Clone, Debug, PartialEq)]
pub struct Organization {
    /// The organization part of every SRN.
    pub slug: String,
    /// The e-mail domains of members. Users with an address in one of them become members on first contact; others become
    /// guests.
    pub domains: Vec<String>,
}

impl Default for Organization {
    fn default() -> Self {
        Self { slug: "sym".to_owned(), domains: Vec::new() }
    }
}

/// A workflow. Sym's resource is `sym_flow`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Flow {
    /// The name, unique ignoring case.
    pub name: String,
    /// The label that users see. Default: the name.
    pub label: Option<String>,
    /// The handlers of the flow.
    pub implementation: Implementation,
    /// The name of the [`Environment`].
    pub environment: String,
    /// Values that handlers read with `event.flow().var(…)`.
    pub vars: BTreeMap<String, String>,
    /// The parameters.
    pub params: FlowParams,
    /// The location of the declaration.
    pub location: SourceLocation,
}

/// The selection of handlers for a [`Flow`].
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Implementation {
    /// All handlers of the program.
    #[default]
    All,
    /// The handlers of a Rust module and the modules below it, such as `my_flows::prod`.
    Module(String),
    /// The handlers of the module with the flow's name, or all handlers if there is no such module.
    ByName,
}

impl Implementation {
    /// Returns the module, if one is named.
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
    /// The [`Strategy`]. A flow without one ends with the approval.
    pub strategy: Option<Reference>,
    /// Whether users can revoke the access early. Default: true.
    pub allow_revoke: bool,
    /// Whether the access ends automatically after its duration. Default: true.
    pub schedule_deescalation: bool,
    /// Whether requesters can ask for an extension of access that has not ended yet. Default: true.
    pub allow_extension: bool,
    /// The sources that requests may come from (`slack`, `api`, `web`, `mcp`). Unset allows every source but `mcp`, through which agents
    /// request; an empty list allows none.
    pub allowed_sources: Option<Vec<String>>,
    /// Whether an open request has a text input for the decision. Default: false.
    pub include_decision_message: bool,
    /// Whether a denial needs a reason. Default: false.
    pub require_denial_reason: bool,
    /// Text in the header of the form.
    pub additional_header_text: Option<String>,
    /// Whether guests may approve, deny and revoke, if the permissions allow them to. Default: false.
    pub allow_guest_interaction: bool,
    /// The time after which a request that nobody has decided expires, such as `7d`. Default: `30d`.
    pub request_lifetime: Option<String>,
    /// The times before the end of access at which the requester is warned of it, such as `1d` and `15m`, which are the default. An empty
    /// list gives no warning.
    pub expiry_warnings: Option<Vec<String>>,
    /// The longest duration for which an agent is given access, such as `1h`. Default: what the flow offers.
    pub max_agent_duration: Option<String>,
    /// The time without a call of an agent after which its access is taken away, such as `30m`. Default: `1h`.
    pub agent_grace_period: Option<String>,
    /// The fields of the form, in order.
    pub prompt_fields: Vec<PromptField>,
}

impl Default for FlowParams {
    fn default() -> Self {
        Self {
            strategy: None,
            allow_revoke: true,
            schedule_deescalation: true,
            allow_extension: true,
            allowed_sources: None,
            include_decision_message: false,
            require_denial_reason: false,
            additional_header_text: None,
            allow_guest_interaction: false,
            request_lifetime: None,
            expiry_warnings: None,
            max_agent_duration: None,
            agent_grace_period: None,
            prompt_fields: Vec::new(),
        }
    }
}

/// A field of a flow's form.
#[derive(Clone, Debug, PartialEq)]
pub struct PromptField {
    /// The name: an identifier, unique within the flow.
    pub name: String,
    /// The type: `string`, `int`, `bool`, `duration`, `slack_user`, `slack_user_list`, `str_list` or `int_list`.
    pub field_type: String,
    /// The label that users see. Default: the name.
    pub label: Option<String>,
    /// Whether the form cannot be submitted without a value. Default: true.
    pub required: bool,
    /// Whether users see the field. A hidden field still exists for `#[on_change]` handlers. Default: true.
    pub visible: bool,
    /// The value of an optional field that is left empty.
    pub default: Option<String>,
    /// The options. A field with options is a drop-down.
    pub allowed_values: Option<Vec<String>>,
    /// Whether a `#[prefetch]` handler supplies the options. Default: false.
    pub prefetch: bool,
    /// Whether a request may contain only options that the `#[prefetch]` handler supplies. Default: true. A field that fills a setting of a
    /// target is bound to its options in any case.
    pub prefetch_binds: bool,
    /// Whether an `#[on_change]` handler runs when the field changes. Default: false.
    pub on_change: bool,
    /// The location of the declaration.
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
            prefetch_binds: true,
            on_change: false,
            location: SourceLocation::default(),
        }
    }
}

/// Settings that several flows share. Sym's resource is `sym_environment`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Environment {
    /// The name, unique ignoring case.
    pub name: String,
    /// The label that users see. Default: the name.
    pub label: Option<String>,
    /// The [`Integration`]s by key, such as `slack`. Sym's `slack_id` is the key `slack`.
    pub integrations: BTreeMap<String, Reference>,
    /// The name of the [`ErrorLogger`].
    pub error_logger: Option<String>,
    /// The [`LogDestination`]s.
    pub log_destinations: Vec<Reference>,
    /// The location of the declaration.
    pub location: SourceLocation,
}

/// A reference to a declaration whose name is unique within its type only.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    /// The type, such as `slack`. Without a type, the name must be unique among all types.
    pub kind: Option<String>,
    /// The name.
    pub name: String,
}

/// The type of an integration that a Terraform module from elsewhere creates. Only the module is known here, so the actual type is
/// inferred from the declarations that refer to the integration.
pub(super) const MODULE_INTEGRATION: &str = "module";

impl Reference {
    /// Creates a reference by name, for a name that is unique among all types.
    pub fn named(name: impl Into<String>) -> Self {
        Self { kind: None, name: name.into() }
    }

    /// Creates a reference by type and name.
    pub fn typed(kind: impl Into<String>, name: impl Into<String>) -> Self {
        Self { kind: Some(kind.into()), name: name.into() }
    }
}

/// A reference by name only.
impl From<&str> for Reference {
    fn from(name: &str) -> Self {
        Self::named(name)
    }
}

/// A reference by name only.
impl From<String> for Reference {
    fn from(name: String) -> Self {
        Self::named(name)
    }
}

/// `okta.prod`, or `prod` for a reference without a type.
impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Some(kind) => write!(f, "{kind}.{}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

/// A connection to an outside service. Sym's resource is `sym_integration`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Integration {
    /// The type, such as `pagerduty`.
    pub kind: String,
    /// The name, unique within the type ignoring case.
    pub name: String,
    /// The label that users see. Default: the name.
    pub label: Option<String>,
    /// The service's id of the account: a workspace, a domain, an organization.
    pub external_id: String,
    /// The settings. One whose name ends in `_secret` holds the name of a [`Secret`].
    pub settings: BTreeMap<String, String>,
    /// The location of the declaration.
    pub location: SourceLocation,
}

/// Grants access to a list of targets. Sym's resource is `sym_strategy`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Strategy {
    /// The type, such as `okta`.
    pub kind: String,
    /// The name, unique within the type ignoring case.
    pub name: String,
    /// The label that users see. Default: the name.
    pub label: Option<String>,
    /// The [`Integration`]. Most types need one.
    pub integration: Option<Reference>,
    /// The [`Target`]s.
    pub targets: Vec<Reference>,
    /// The settings of the type. One whose name ends in `_secret` holds the name of a [`Secret`].
    pub settings: BTreeMap<String, String>,
    /// The location of the declaration.
    pub location: SourceLocation,
}

/// A resource that access can be granted to. Sym's resource is `sym_target`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Target {
    /// The type, such as `okta_group`.
    pub kind: String,
    /// The name, unique within the type ignoring case.
    pub name: String,
    /// The label that users see. Default: the name.
    pub label: Option<String>,
    /// The settings of the type.
    pub settings: BTreeMap<String, String>,
    /// The settings whose values come from the request's fields of the same names.
    pub field_bindings: Vec<String>,
    /// The location of the declaration.
    pub location: SourceLocation,
}

/// A reference to a secret. Sym's resource is `sym_secret`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Secret {
    /// The name, unique ignoring case.
    pub name: String,
    /// The label that users see. Default: the name.
    pub label: Option<String>,
    /// The position of the secret in its source: the name of a variable, the path of a file, the id of a secret.
    pub path: String,
    /// The [`SecretSource`].
    pub source: Reference,
    /// The member to read, for a secret that is a JSON object.
    pub json_key: Option<String>,
    /// The location of the declaration.
    pub location: SourceLocation,
}

/// A store that secrets are read from. Sym's resource is `sym_secrets`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SecretSource {
    /// The type: `environment`, `file` or `aws_secrets_manager`.
    pub kind: String,
    /// The name, unique within the type ignoring case.
    pub name: String,
    /// The settings of the type.
    pub settings: BTreeMap<String, String>,
    /// The location of the declaration.
    pub location: SourceLocation,
}

/// The destination of warnings and errors of an environment's flows. Sym's resource is `sym_error_logger`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ErrorLogger {
    /// The name, unique ignoring case. Sym's resource has no name attribute, so it is named after the resource.
    pub name: String,
    /// The [`Integration`] with the channel, of type `slack`.
    pub integration: Option<Reference>,
    /// The channel, such as `#sym-errors`.
    pub destination: String,
    /// The location of the declaration.
    pub location: SourceLocation,
}

/// A destination of audit entries. Sym's resource is `sym_log_destination`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LogDestination {
    /// The type, such as `http`.
    pub kind: String,
    /// The name, unique within the type ignoring case. Sym's resource has no name attribute, so it is named after the resource.
    pub name: String,
    /// The [`Integration`]. Some types need one.
    pub integration: Option<Reference>,
    /// The settings of the type. One whose name ends in `_secret` holds the name of a [`Secret`].
    pub settings: BTreeMap<String, String>,
    /// The location of the declaration.
    pub location: SourceLocation,
}

/// The filter of the flows that a user sees. Sym's resource is `sym_flows_filter`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FlowsFilter {
    /// The handlers among which `get_flows` is searched.
    pub implementation: Implementation,
    /// Values that the handler reads.
    pub vars: BTreeMap<String, String>,
    /// The [`Integration`]s that the handler may use, by key.
    pub integrations: BTreeMap<String, Reference>,
    /// The location of the declaration.
    pub location: SourceLocation,
}
