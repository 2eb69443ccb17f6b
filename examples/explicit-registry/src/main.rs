//! One program for two companies of a group, which differ in their handlers: the program says which ones it has.
//!
//! By default, the linker collects all handlers. Name them where a program must not have all that it links, where two functions are
//! alternatives, and for platforms whose linker does not collect them.

use std::process::ExitCode;
use std::sync::Arc;

use sym_integrations::slack;
use sym_sdk::App;
use sym_sdk::handler::Registry;
use sym_sdk::handlers;
use sym_sdk::prelude::*;

#[reducer]
fn get_permissions() -> RequestPermission {
    RequestPermission::decided_by(PermissionLevel::Member)
}

#[reducer]
fn get_request_notifications(flow: &Flow) -> Result<Vec<Notification>> {
    Ok(vec![Notification::to(slack::channel(flow.var("request_channel")?)?)])
}

/// Approves an hour without asking anybody.
///
/// Two functions cannot have one name in a module, so the attribute says what each of them is.
#[hook(on_request)]
fn approve_short_access(event: &Event) -> Option<NextEvent> {
    let is_short = event.duration().is_some_and(|duration| duration <= Duration::from_secs(60 * 60));
    is_short.then(|| ApprovalTemplate::approve().reason("an hour at most"))
}

/// Denies anything longer than an hour, and leaves the rest to a colleague.
#[hook(on_request)]
fn deny_long_access(event: &Event) -> Option<NextEvent> {
    let is_short = event.duration().is_some_and(|duration| duration <= Duration::from_secs(60 * 60));
    (!is_short).then(|| ApprovalTemplate::deny().reason("an hour at most, please"))
}

/// Shows flows to employees, and none to contractors.
#[reducer]
fn get_flows(query: &FlowsQuery) -> Vec<Arc<Flow>> {
    let is_contractor = query.user().email_domain() == Some("contractors.example.com");
    query.flows().iter().filter(|_| !is_contractor).cloned().collect()
}

/// The companies of the group.
#[derive(Clone, Copy, Debug)]
enum Company {
    Studio,
    Bank,
}

impl Company {
    /// Returns the handlers of a company.
    fn handlers(self) -> Registry {
        match self {
            Self::Studio => handlers![get_permissions, get_request_notifications, get_flows, approve_short_access],
            Self::Bank => handlers![get_permissions, get_request_notifications, get_flows, deny_long_access],
        }
    }
}

fn app(company: Company) -> App {
    App::new()
        .config_dir(env!("CARGO_MANIFEST_DIR"))
        .domain("example.com")
        .with(sym_integrations::all())
        .registry(company.handlers())
}

fn main() -> ExitCode {
    let is_bank = std::env::var("COMPANY").is_ok_and(|name| name == "bank");
    app(if is_bank { Company::Bank } else { Company::Studio }).main()
}

#[cfg(test)]
mod tests;
