//! The program under load: a flow with a simulated strategy, and its people.

use std::sync::Arc;

use sym_sdk::config::{
    Config, Environment, Flow, Implementation, Integration, PromptField, Reference, Strategy, Target as Declared,
};
use sym_sdk::engine::SqliteStore;
use sym_sdk::prelude::*;
use sym_sdk::runtime::{Builder, Limits, Runtime, Submission};
use sym_sdk::strategy::{SimulatedStrategy, StrategyType};

/// The type of the strategy, the integration and the targets.
const KIND: &str = "load";

/// The domain of the people.
const DOMAIN: &str = "example.com";

/// The name of the flow.
pub const FLOW: &str = "prod";

/// The reason of each request.
pub const REASON: &str = "INC-42: look at stuck orders";

/// The number of administrators. Each may open 20 pages a second.
pub const ADMINS: u32 = 20;

/// The number of people who decide.
pub const DECIDERS: u32 = 20;

/// The number of people who make requests.
pub const REQUESTERS: u32 = 500;

/// The names of the targets.
pub const TARGETS: [&str; 5] = ["prod-db", "staging", "billing", "payroll", "warehouse"];

/// Returns the address of a person.
#[must_use]
pub fn address_of(name: &str, number: u32) -> String {
    format!("{name}{number:04}@{DOMAIN}")
}

#[reducer]
async fn get_permissions(directory: &Directory) -> Result<RequestPermission> {
    let deciders: Vec<_> = (0..DECIDERS).map(|number| address_of("ben", number)).collect();
    let people = directory.get_or_create_users_by_emails(deciders.iter().map(String::as_str)).await?;
    Ok(RequestPermission::decided_by(user_ids(people).or(PermissionLevel::Admin)).seen_by(PermissionLevel::Admin))
}

/// Returns a builder of a runtime on this store, without limits on requests, and without front ends.
pub fn builder(store: Arc<SqliteStore>) -> Builder {
    let limits = Limits {
        requests_per_minute: usize::MAX,
        requests_per_hour: usize::MAX,
        open_requests: usize::MAX,
        ..Limits::default()
    };
    let simulated = StrategyType::new(KIND, |_| Ok(SimulatedStrategy::new()));
    Runtime::builder(config()).sqlite(store).limits(limits).strategy_type(simulated)
}

/// Adds the people.
///
/// # Errors
/// If the store fails.
pub async fn add_people(directory: &Directory) -> Result<()> {
    for number in 0..ADMINS {
        let user = directory.get_or_create_user_by_email(&address_of("ada", number)).await?;
        directory.set_role(user.id(), UserRole::Admin).await?;
    }
    for number in 0..REQUESTERS {
        directory.get_or_create_user_by_email(&address_of("ana", number)).await?;
    }
    Ok(())
}

/// Returns a request for access, as a front end submits it.
pub fn request(requester: &str, target: &str) -> Submission {
    let request = Submission::request(FLOW, requester).input("target_srn", target).input("duration", "1h");
    request.input("reason", REASON).into()
}

fn config() -> Config {
    let reference = |name: &str| Reference::typed(KIND, name);
    let mut flow = Flow { name: FLOW.to_owned(), label: Some("Production".to_owned()), ..Flow::default() };
    flow.environment = "main".to_owned();
    // A program that uses this crate may have handlers of its own.
    flow.implementation = Implementation::Module(module_path!().to_owned());
    flow.params.strategy = Some(reference(KIND));
    flow.params.prompt_fields = vec![PromptField {
        name: "reason".to_owned(),
        field_type: "string".to_owned(),
        label: Some("Reason".to_owned()),
        ..PromptField::default()
    }];
    let mut config = Config::default();
    config.organization.domains.push(DOMAIN.to_owned());
    config.environments.push(Environment { name: "main".to_owned(), ..Environment::default() });
    config.integrations.push(Integration {
        kind: KIND.to_owned(),
        name: KIND.to_owned(),
        external_id: KIND.to_owned(),
        ..Integration::default()
    });
    let target = |name: &&str| Declared { kind: KIND.to_owned(), name: (*name).to_owned(), ..Declared::default() };
    config.targets.extend(TARGETS.iter().map(target));
    config.strategies.push(Strategy {
        kind: KIND.to_owned(),
        name: KIND.to_owned(),
        integration: Some(reference(KIND)),
        targets: TARGETS.iter().map(|name| reference(name)).collect(),
        ..Strategy::default()
    });
    config.flows.push(flow);
    config
}
