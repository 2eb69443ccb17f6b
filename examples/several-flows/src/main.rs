//! Three flows in one program. The configuration names a module for each of them, and handlers count for the flows of their module only.

mod production;
mod reports;
mod staging;
mod visibility;

use std::process::ExitCode;

use sym_integrations::slack;
use sym_sdk::App;
use sym_sdk::prelude::*;

/// Returns the notification of the flow's channel. What flows have in common is a function: a handler belongs to one module.
fn request_channel(flow: &Flow) -> Result<Vec<Notification>> {
    Ok(vec![Notification::to(slack::channel(flow.var("request_channel")?)?)])
}

fn app() -> App {
    App::new().config_dir(env!("CARGO_MANIFEST_DIR")).domain("example.com").with(sym_integrations::all())
}

fn main() -> ExitCode {
    app().main()
}

#[cfg(test)]
mod tests;
