//! The guide: how to write flows, test them, run them and extend the SDK, in the order in which one learns it.
//!
//! Learn:
//!
//! 1. [A first flow in ten minutes](first_flow)
//! 2. [Customizing flow logic](handlers): the handlers of a flow, and when each is called
//! 3. [Fields and data](fields): forms, vars and outputs
//! 4. [Reducers](reducers): routing and identity
//! 5. [Hooks](hooks): flow control and automation
//! 6. [Prefetch](prefetch): type-ahead fields
//! 7. [Choosing where requests go](destinations)
//! 8. [Automating and fast-tracking approvals](auto_approval)
//! 9. [Defining who can approve](approvers)
//! 10. [Testing handlers](testing)
//! 11. [Porting from Python](porting), and [the patterns of Sym's examples](porting_patterns)
//!
//! Understand:
//!
//! - [How a decision is checked](decisions)
//! - [How a request ends](endings), and who hears of it
//! - [The machine](machine) as a diagram
//! - [People and their identities](users)
//! - [Guarantees and their limits](guarantees)
//! - [The security model](security)
//!
//! Extend:
//!
//! - [Writing an integration](integrations)
//! - [Strategies](strategies)
//! - [Writing a log destination](log_destinations)
//! - [Writing a front end](front_ends)
//!
//! Run:
//!
//! - [Configuration from Terraform files](configuration)
//! - [Operating a program](operations)
//! - [The audit log](audit)
//! - [The HTTP API](http_api)
//! - [Signing in](signing_in)
//! - [Agents](agents), which ask while people decide
//!
//! [More examples](examples) lists the programs and flows of the repository.
//!
//! The pages are the files in `sym-sdk/docs`, which can be read there too, and are an
//! [mdBook](https://rust-lang.github.io/mdBook/): `mdbook serve sym-sdk/docs`.

/// Declares the pages, each with its file and the items of the reference that it is about.
///
/// Pages link to each other by file name, for those who read the files. `docs/guide-links.md` comes first and defines the same labels
/// as modules; Markdown takes the first definition of a label.
macro_rules! pages {
    ($($name:ident $file:literal $($reference:literal)?)*) => {$(
        #[doc = include_str!("docs/guide-links.md")]
        #[doc = include_str!(concat!("../docs/", $file))]
        $(
            #[doc = "\n# Reference\n"]
            #[doc = $reference]
        )?
        pub mod $name {}
    )*};
}

pages! {
    first_flow "first-flow.md"
        "[`App`](crate::App), [`config`](crate::config), [`simulation`](crate::simulation), [`testing::Harness`](crate::testing::Harness)"
    handlers "handlers.md"
        "[`handler`](crate::handler), [`FromContext`](crate::handler::FromContext), [`Registry`](crate::handler::Registry), [`State`](crate::handler::State)"
    fields "fields.md"
        "[`Fields`](crate::handler::Fields), [`Vars`](crate::handler::Vars), [`FieldMap`](crate::forms::FieldMap), [`StepOutput`](crate::model::StepOutput)"
    reducers "reducers.md"
        "[`reducer`](macro@crate::reducer), [`RequestPermission`](crate::routing::RequestPermission), [`Notification`](crate::routing::Notification), [`IdentityQuery`](crate::handler::IdentityQuery), [`FlowsQuery`](crate::handler::FlowsQuery)"
    hooks "hooks.md"
        "[`hook`](macro@crate::hook), [`ApprovalTemplate`](crate::template::ApprovalTemplate), [`NextEvent`](crate::template::NextEvent), [`Step`](crate::model::Step), [`Event`](crate::model::Event)"
    prefetch "prefetch.md"
        "[`prefetch`](macro@crate::prefetch), [`on_change`](macro@crate::on_change), [`FieldOption`](crate::forms::FieldOption), [`PromptForm`](crate::forms::PromptForm)"
    destinations "destinations.md"
        "[`routing`](crate::routing), [`Notification`](crate::routing::Notification), [`RequestForwardContext`](crate::routing::RequestForwardContext)"
    auto_approval "auto-approval.md"
        "[`ApprovalTemplate`](crate::template::ApprovalTemplate), [`Directory::event_count`](crate::directory::Directory::event_count)"
    approvers "approvers.md"
        "[`RequestPermission`](crate::routing::RequestPermission), [`PermissionLevel`](crate::routing::PermissionLevel), [`user_ids`](crate::routing::user_ids)"
    testing "testing.md"
        "[`testing`](crate::testing), [`Harness`](crate::testing::Harness), [`RecordingStrategy`](crate::testing::RecordingStrategy), [`RecordingDelivery`](crate::testing::RecordingDelivery)"
    porting "porting.md"
    porting_patterns "porting-patterns.md"
    decisions "decisions.md"
    endings "endings.md"
    machine "machine.md"
        "[`machine`](crate::machine), [`RunStatus`](crate::model::RunStatus), [`step`](crate::machine::step())"
    users "users.md"
        "[`Directory`](crate::directory::Directory), [`User`](crate::model::User)"
    guarantees "guarantees.md"
        "[`machine`](crate::machine), [`engine`](crate::engine)"
    security "security.md"
    integrations "integrations.md"
        "[`integration`](crate::integration), [`IntegrationClient`](crate::integration::IntegrationClient), [`Outbox`](crate::integration::Outbox)"
    strategies "strategies.md"
        "[`strategy`](crate::strategy), [`AccessStrategy`](crate::strategy::AccessStrategy), [`StrategyType`](crate::strategy::StrategyType)"
    log_destinations "log-destinations.md"
        "[`AuditDestination`](crate::audit::AuditDestination), [`LogDestinationType`](crate::audit::LogDestinationType), [`JsonLines`](crate::audit::JsonLines)"
    front_ends "front-ends.md"
        "[`FrontEnd`](crate::runtime::FrontEnd), [`Delivery`](crate::delivery::Delivery), [`OpenForms`](crate::runtime::OpenForms), [`Preview`](crate::runtime::Preview), [`Menu`](crate::forms::Menu)"
    configuration "configuration.md"
        "[`config`](crate::config), [`TerraformReader`](crate::config::TerraformReader)"
    operations "operations.md"
        "[`runtime`](crate::runtime), [`server`](crate::server), [`engine::observability`](crate::engine::observability)"
    audit "audit.md"
        "[`audit`](crate::audit)"
    replay "replay.md"
        "[`integration::look_up`](crate::integration::look_up), [`AuditKind::LookedUp`](crate::audit::AuditKind::LookedUp)"
    console "console.md"
    http_api "http-api.md"
    signing_in "signing-in.md"
        "[`Runtime::complete_sign_in`](crate::runtime::Runtime::complete_sign_in), [`SignInRules`](crate::runtime::SignInRules), [`Session`](crate::directory::Session)"
    command_line "command-line.md"
        "[`App`](crate::App), [`Exit`](crate::app::Exit)"
    agents "agents.md"
        "[`Directory::create_agent`](crate::directory::Directory::create_agent), [`FlowParams`](crate::model::FlowParams), [`delivery::agent_text`](crate::delivery::agent_text)"
    examples "examples.md"
}
