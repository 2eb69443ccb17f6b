//! Our server: the Slack front end on a runtime with a SQLite store, set up as by the command `serve`, with trivial handlers.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::json;
use sym_integrations::http::BaseUrl;
use sym_integrations::slack::app::SlackApp;
use sym_integrations::slack::signature::SigningSecret;
use sym_integrations::slack::{self, Slack};
use sym_sdk::config::{
    Config, Environment, Flow, Implementation, Integration, PromptField, Reference, Strategy, Target as Declared,
};
use sym_sdk::directory::Directory;
use sym_sdk::engine::{RunFilter, SqliteStore};
use sym_sdk::model::{Channel, ChannelType, RunStatus};
use sym_sdk::prelude::*;
use sym_sdk::runtime::{Limits, Runtime, Submission};
use sym_sdk::server::{CancellationToken, Server, listen};
use sym_sdk::strategy::{SimulatedStrategy, StrategyType};

use crate::Outcome;
use crate::fixture::{DOMAIN, Setup, WORKSPACE, requesters};

/// The type of the strategy, the integration and the target.
const KIND: &str = "load";

/// The name of the flow.
pub(crate) const FLOW: &str = "database";

/// The name of the field with the thousand options.
pub(crate) const FIELD: &str = "database";

/// The number of targets. Each request is for access of its own, as most are: access that Runs share is changed by one of them at a time.
const TARGET_COUNT: usize = 50;

/// The maximum number of requests that are submitted concurrently.
const MAX_CONCURRENT_REQUESTS: usize = 64;

#[reducer]
fn get_permissions() -> RequestPermission {
    RequestPermission::decided_by(PermissionLevel::Member)
}

#[reducer]
fn get_request_notifications() -> Result<Vec<Notification>> {
    Ok(vec![Notification::to(slack::channel("#access")?)])
}

#[prefetch(field = "database")]
fn databases(options: State<Arc<[FieldOption]>>) -> Vec<FieldOption> {
    options.to_vec()
}

/// Serves until standard input is closed. Prints lines of JSON to standard output: first the port, and at the end the number of
/// approved requests.
pub(crate) fn run(setup: &Path) -> Outcome<()> {
    let setup: Setup = serde_json::from_slice(&std::fs::read(setup)?)?;
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(serve(setup))
}

async fn serve(setup: Setup) -> Outcome<()> {
    let file = setup.file.as_deref().ok_or("the setup has no file for the Runs")?;
    let store = Arc::new(SqliteStore::open(file).await?);
    let directory = Directory::from_store(store.clone(), [DOMAIN]);
    let slack = Slack::builder(WORKSPACE).token("xoxb-load").base_url(BaseUrl::parse(&setup.api)?);
    let slack = slack.directory(directory.clone()).without_rate_limits().build()?;
    let app = SlackApp::new(slack, SigningSecret::new(setup.signing_secret.into())?);
    let options = setup.options.iter().map(|label| FieldOption::try_from(label.as_str()));
    let options: Arc<[FieldOption]> = options.collect::<Result<_>>()?;
    let runtime = Runtime::builder(config())
        .sqlite(store.clone())
        .directory(directory)
        .front_end(app)
        .limits(Limits {
            requests_per_minute: usize::MAX,
            requests_per_hour: usize::MAX,
            open_requests: usize::MAX,
            ..Limits::default()
        })
        .strategy_type(StrategyType::new(KIND, |_| Ok(SimulatedStrategy::new())))
        .state(options)
        .build()
        .await?;

    let listener = listen(([127, 0, 0, 1], 0).into()).await?;
    print_line(&json!({ "port": listener.local_addr()?.port() }))?;
    let stop = CancellationToken::new();
    let serving = tokio::spawn(Server::new(runtime.clone()).serve(listener, stop.clone()));
    // Nobody decides at their first contact.
    for person in &setup.people {
        runtime.directory().contact(&person.email).await?;
    }
    submit_requests(&runtime, setup.requests).await?;
    tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink())).await??;
    stop.cancel();
    serving.await??;

    let mut approved = RunFilter::default();
    approved.status = Some(RunStatus::Escalated);
    let approved = runtime.runs(approved, usize::MAX).await?.len();
    drop(runtime);
    store.close().await?;
    print_line(&json!({ "approved": approved }))
}

fn print_line(line: &serde_json::Value) -> Outcome<()> {
    let mut out = std::io::stdout();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}

/// Submits requests as a front end does.
async fn submit_requests(runtime: &Runtime, requests: usize) -> Outcome<()> {
    let requesters = requesters();
    let submissions = (0..requests).zip(requesters.iter().cycle()).map(|(number, requester)| {
        let target = target_name(number / requesters.len() % TARGET_COUNT);
        let submission = Submission::request(FLOW, requester.email.as_str()).channel(Channel::new(ChannelType::Slack));
        let submission = submission.input(FIELD, "db-1").input("reason", "incident 42");
        runtime.submit(submission.input("target_srn", target).input("duration", "1h"))
    });
    Ok(stream::iter(submissions).buffer_unordered(MAX_CONCURRENT_REQUESTS).try_for_each(|_| async { Ok(()) }).await?)
}

fn target_name(number: usize) -> String {
    format!("admins-{number}")
}

fn config() -> Config {
    let reference = |name: &str| Reference::typed(KIND, name);
    let field = |name: &str, label: &str| PromptField {
        name: name.to_owned(),
        field_type: "string".to_owned(),
        label: Some(label.to_owned()),
        ..PromptField::default()
    };
    let mut flow = Flow { name: FLOW.to_owned(), label: Some("Database".to_owned()), ..Flow::default() };
    flow.environment = "main".to_owned();
    // The library that the load tests share has handlers too.
    flow.implementation = Implementation::Module(module_path!().to_owned());
    flow.params.strategy = Some(reference(KIND));
    flow.params.prompt_fields =
        vec![PromptField { prefetch: true, ..field(FIELD, "Database") }, field("reason", "Reason")];
    let mut config = Config::default();
    config.organization.domains.push(DOMAIN.to_owned());
    config.environments.push(Environment { name: "main".to_owned(), ..Environment::default() });
    config.integrations.push(Integration {
        kind: KIND.to_owned(),
        name: KIND.to_owned(),
        external_id: KIND.to_owned(),
        ..Integration::default()
    });
    let targets = || (0..TARGET_COUNT).map(target_name);
    config.targets.extend(targets().map(|name| Declared { kind: KIND.to_owned(), name, ..Declared::default() }));
    config.strategies.push(Strategy {
        kind: KIND.to_owned(),
        name: KIND.to_owned(),
        integration: Some(reference(KIND)),
        targets: targets().map(|name| reference(&name)).collect(),
        ..Strategy::default()
    });
    config.flows.push(flow);
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_configuration_fits_the_handlers_of_the_program() {
        let kind = StrategyType::new(KIND, |_| Ok(SimulatedStrategy::new()));
        let slack = Slack::builder(WORKSPACE).token("xoxb-load").build().unwrap();
        let app = SlackApp::new(slack, SigningSecret::new("secret".into()).unwrap());
        let options: Arc<[FieldOption]> = Arc::from([]);

        Runtime::builder(config()).strategy_type(kind).front_end(app).state(options).build().await.unwrap();
    }
}
