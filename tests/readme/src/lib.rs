//! Compiles the Rust code in the READMEs of the repository and its crates as doctests, against the crates as users see them. The pages of the guide are doctests
//! of `sym-sdk`.

#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
pub struct Readme;

#[cfg(doctest)]
#[doc = include_str!("../../../sym-sdk/README.md")]
pub struct ReadmeOfSdk;

#[cfg(doctest)]
#[doc = include_str!("../../../sym-integrations/README.md")]
pub struct ReadmeOfIntegrations;

/// The example of generated types in the guide to fields, with what the file contains.
///
/// ```
/// use flow_types::repository_access::{FlowVars, Form, Urgency};
/// use sym_sdk::prelude::*;
///
/// # /*
/// mod flow_types;
/// # */
/// # mod flow_types {
/// #     pub mod repository_access {
/// #         #[derive(serde::Deserialize)]
/// #         pub struct Form { pub urgency: Urgency }
/// #         #[derive(serde::Deserialize)]
/// #         pub struct FlowVars { pub request_channel: String }
/// #         #[derive(serde::Deserialize, PartialEq)]
/// #         pub enum Urgency { Urgent, Normal }
/// #     }
/// # }
///
/// #[hook]
/// fn on_request(form: Fields<Form>, vars: Vars<FlowVars>) -> Option<NextEvent> {
///     let reason = format!("urgent, and {} is told", vars.request_channel);
///     (form.urgency == Urgency::Urgent).then(|| ApprovalTemplate::approve().reason(reason))
/// }
/// # fn main() {}
/// ```
#[cfg(doctest)]
pub struct GeneratedTypes;
