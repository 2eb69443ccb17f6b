//! People have logins of their own in PostgreSQL, without rights. A strategy of this program makes them members of a role for some time.

mod roles;

use std::process::ExitCode;

use sym_integrations::slack;
use sym_sdk::App;
use sym_sdk::prelude::*;

use roles::DatabaseRoles;

#[reducer]
fn get_permissions() -> RequestPermission {
    RequestPermission::decided_by(PermissionLevel::Member)
}

#[reducer]
fn get_request_notifications(flow: &Flow) -> Result<Vec<Notification>> {
    Ok(vec![Notification::to(slack::channel(flow.var("request_channel")?)?)])
}

fn app() -> App {
    App::new()
        .config_dir(env!("CARGO_MANIFEST_DIR"))
        .domain("example.com")
        .with(sym_integrations::all())
        // The name is that of the strategy in the configuration.
        .strategy("database-roles", DatabaseRoles::from_config)
}

fn main() -> ExitCode {
    app().main()
}

#[cfg(test)]
mod tests;
