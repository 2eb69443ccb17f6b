//! Access to any repository of an organization: the form lists the repositories, and one target stands for all of them.

use std::collections::BTreeMap;
use std::process::ExitCode;

use sym_integrations::github::{GitHub, SimulatedGitHub};
use sym_integrations::{field_options, slack};
use sym_sdk::App;
use sym_sdk::prelude::*;

#[derive(Deserialize)]
struct Form {
    permission: Permission,
    ticket: Option<String>,
}

#[derive(Clone, Copy, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Permission {
    Pull,
    Push,
    Admin,
}

/// Lists the repositories when the form opens. A request may name only what was listed.
#[prefetch(field = "repo_name")]
async fn repositories(github: &GitHub) -> Result<Vec<FieldOption>> {
    let repositories = github.list_repos().await?;
    field_options(repositories.iter().filter(|repository| !repository.archived))
}

/// Asks for a ticket as soon as somebody picks the role `admin`.
#[on_change(field = "permission")]
fn ask_for_ticket(form: &mut PromptForm) -> Result<()> {
    let is_admin = form.field("permission")?.is("admin");
    let ticket = form.field_mut("ticket")?;
    ticket.visible = is_admin;
    ticket.required = is_admin;
    Ok(())
}

/// Checks the ticket again: a request through the API has no form, so `ask_for_ticket` is not called for it.
#[hook]
fn on_request(form: Fields<Form>) -> Option<NextEvent> {
    let has_ticket = form.ticket.as_ref().is_some_and(|ticket| !ticket.trim().is_empty());
    (form.permission == Permission::Admin && !has_ticket)
        .then(|| ApprovalTemplate::deny().reason("the role `admin` needs a ticket"))
}

/// The role `admin` takes two approvals.
#[reducer]
fn get_permissions(form: Fields<Form>) -> RequestPermission {
    let approvals = if form.permission == Permission::Admin { 2 } else { 1 };
    RequestPermission::decided_by(PermissionLevel::Member).approvals(approvals)
}

#[reducer]
fn get_request_notifications(flow: &Flow) -> Result<Vec<Notification>> {
    Ok(vec![Notification::to(slack::channel(flow.var("request_channel")?)?)])
}

/// GitHub tells nobody which account belongs to an e-mail address, so the ids of accounts come from a list.
#[reducer]
fn get_identity(query: &IdentityQuery, accounts: State<GitHubAccounts>) -> Option<String> {
    (query.service() == "github").then(|| accounts.id_of(query.user())).flatten()
}

/// The numeric ids of GitHub accounts, by e-mail address. Yours would come from the directory of your company.
struct GitHubAccounts(BTreeMap<&'static str, &'static str>);

impl GitHubAccounts {
    fn listed() -> Self {
        Self(include_str!("../accounts.txt").lines().filter_map(|line| line.split_once(' ')).collect())
    }

    fn id_of(&self, user: &User) -> Option<String> {
        self.0.get(user.username()).map(|id| (*id).to_owned())
    }
}

/// Returns what GitHub answers in tests, in `simulate` and in `serve --fake-slack`.
fn fake_github() -> SimulatedGitHub {
    SimulatedGitHub::new("acme").repository("api").repository("website")
}

fn app() -> App {
    App::new()
        .config_dir(env!("CARGO_MANIFEST_DIR"))
        .domain("example.com")
        .with(sym_integrations::all())
        .state(GitHubAccounts::listed())
        .fake(fake_github())
}

fn main() -> ExitCode {
    app().main()
}

#[cfg(test)]
mod tests;
