//! Types of the fields and vars of each flow.
//!
//! @generated from the configuration: do not edit. Generate it again with `quickstart generate types`.

#![allow(clippy::all, dead_code, unreachable_pub)]

/// Access to a repository.
pub mod repository_access {
    use sym_sdk::prelude::*;

    /// The fields of a request.
    #[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
    pub struct Form {
        /// Repository.
        pub repo_name: String,
        /// Urgency.
        pub urgency: Urgency,
        /// Reason.
        pub reason: String,
    }

    /// The allowed values of the field `urgency`.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
    pub enum Urgency {
        /// The value `Normal`.
        Normal,
        /// The value `Urgent`.
        Urgent,
    }

    /// The vars of the flow.
    #[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
    pub struct FlowVars {
        /// The var `audit_channel`.
        pub audit_channel: String,
        /// The var `request_channel`.
        pub request_channel: String,
        /// The var `schedule`.
        pub schedule: String,
    }
}

::sym_sdk::generated_types! {
    "repository-access" => "dfd8d07ae2e865d8",
}
