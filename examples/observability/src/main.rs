//! Logs with the Run and the event in each line, and metrics of your own beside those of the engine.
//!
//! ```sh
//! cargo run -p observability -- serve --fake-slack --metrics-listen 127.0.0.1:9464
//! curl http://127.0.0.1:9464/metrics
//! ```

use std::io;
use std::process::ExitCode;

use sym_integrations::slack;
use sym_sdk::App;
use sym_sdk::prelude::*;
use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

#[derive(Deserialize)]
struct Form {
    urgency: Urgency,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Urgency {
    Normal,
    Urgent,
}

impl Urgency {
    /// The value of the label. Labels need few values, so names and free text do not belong there.
    const fn label(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Urgent => "urgent",
        }
    }
}

#[reducer]
fn get_permissions() -> RequestPermission {
    RequestPermission::decided_by(PermissionLevel::Member)
}

#[reducer]
fn get_request_notifications(flow: &Flow) -> Result<Vec<Notification>> {
    Ok(vec![Notification::to(slack::channel(flow.var("request_channel")?)?)])
}

/// Counts open forms. Compared with requests, they tell how many people give up.
#[hook]
fn after_prompt(flow: &Flow) {
    metrics::counter!("access_forms_total", "flow" => flow.name().to_string()).increment(1);
}

/// Counts requests, and logs one line. The engine calls handlers in a span, so the line has the Run and the event without being told.
#[hook]
fn after_request(event: &Event, form: Fields<Form>) {
    let flow = event.flow().name().to_string();
    metrics::counter!("access_requests_total", "flow" => flow, "urgency" => form.urgency.label()).increment(1);
    tracing::info!(user = event.user().username(), urgency = form.urgency.label(), "requested");
}

/// Returns the subscriber of the program: JSON, with the fields of the surrounding spans in each line. A subscriber that exports spans,
/// such as one of OpenTelemetry, goes here.
fn subscriber<W>(writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().json().with_env_filter(filter).with_writer(writer).finish()
}

fn app() -> App {
    App::new().config_dir(env!("CARGO_MANIFEST_DIR")).domain("example.com").with(sym_integrations::all())
}

fn main() -> ExitCode {
    // `serve` installs a subscriber of its own, unless there is one.
    let _ = tracing::subscriber::set_global_default(subscriber(io::stderr));
    app().main()
}

#[cfg(test)]
mod tests;
