//! The fake Slack beside a program, for `serve --fake-slack`.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use sym_sdk::delivery::Delivery;
use sym_sdk::error::Result;
use sym_sdk::model::{User, UserType};
use sym_sdk::runtime::{Builder, FakeConfig, FakeService, FrontEnd, RouterContext, Runtime};
use tokio_util::sync::CancellationToken;

use super::shared::configuration_error;
use super::{FakeSlack, Member, web_api};
use crate::slack::app::SlackApp;
use crate::slack::client::SUPPORT;

/// The shortcut in the manifest of the app.
const REQUEST_SHORTCUT: &str = "request";

/// Starts the fake with the users of the program, and returns a front end that is connected to it.
pub(in crate::slack) async fn start(config: FakeConfig) -> Result<FakeService> {
    let FakeConfig { listen, server, integrations, people, directory, clock, .. } = config;
    let fake = FakeSlack::builder().clock(clock);
    let (fake, support) = match integrations.as_slice() {
        [] => (fake, ""),
        [only] => {
            let support = only.settings().get(SUPPORT).map(String::as_str).unwrap_or_default();
            (fake.workspace(only.external_id()), support)
        }
        several => {
            let message = format!("found {} integrations of type `slack`; the fake Slack supports one", several.len());
            return Err(configuration_error(message));
        }
    };
    let fake = fake.listen(listen).await?;
    for member in members(&people, fake.workspace()) {
        fake.add(member)?;
    }
    fake.add_shortcut(REQUEST_SHORTCUT, "Request access");
    fake.connect(&format!("http://{}/slack", reached_at(server)))?;
    let slack = fake.client().directory(directory).build()?;
    let app = fake.app(slack.clone())?.with_support(support);
    let how_to = format!("Fake Slack: http://{} (open it and pick a user)", fake.address());
    let front_end = FrontEndWithFake { app, _fake: fake };
    Ok(FakeService::new(how_to, move |builder: Builder| builder.client(slack).front_end(front_end)))
}

/// Returns the address at which a server is reachable from this machine. A server on all addresses is reached on loopback.
fn reached_at(server: SocketAddr) -> SocketAddr {
    match server.ip() {
        ip if ip.is_unspecified() => SocketAddr::from((Ipv4Addr::LOCALHOST, server.port())),
        _ => server,
    }
}

/// Creates a member for each user, with their Slack identity if they have one.
fn members(people: &[User], workspace: &str) -> Vec<Member> {
    let people = || people.iter().filter(|user| user.user_type() == UserType::Normal);
    let account = |user: &User| Some(user.identity("slack", Some(workspace))?.user_id().to_owned());
    let account = |user: &User| account(user).filter(|id| web_api::is_user_id(&Member::new(id)));
    let mut taken: BTreeSet<String> = people().filter_map(account).collect();
    let mut members = Vec::new();
    for user in people() {
        let id = account(user).unwrap_or_else(|| made_up(user, &mut taken));
        let name = Some(user.full_name()).filter(|name| !name.trim().is_empty());
        let member = Member::new(id).name(name.unwrap_or_else(|| name_of(user)));
        members.push(match user.email() {
            Some(email) => member.email(email),
            None => member,
        });
    }
    members
}

/// Returns a name for a user who has none, by the address: `Ana Silva` for `ana.silva@example.com`.
fn name_of(user: &User) -> String {
    let local = user.username().split('@').next().unwrap_or_default();
    let words = local.split(['.', '_', '-']).filter(|word| !word.is_empty());
    let capitalized = words.map(|word| {
        let mut letters = word.chars();
        letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect::<String>()
    });
    capitalized.collect::<Vec<_>>().join(" ")
}

/// Creates an unused user id that resembles the user's name.
fn made_up(user: &User, taken: &mut BTreeSet<String>) -> String {
    let name = user.username().split('@').next().unwrap_or_default();
    let name: String = name.chars().filter(char::is_ascii_alphanumeric).take(20).collect();
    let first = format!("U0{}", name.to_ascii_uppercase());
    let numbered = (2_u32..).map(|number| format!("{first}{number}"));
    let id = std::iter::once(first.clone()).chain(numbered).find(|id| !taken.contains(id)).unwrap_or_default();
    taken.insert(id.clone());
    id
}

/// A front end that keeps its fake workspace running.
struct FrontEndWithFake {
    app: SlackApp,
    _fake: FakeSlack,
}

impl FrontEnd for FrontEndWithFake {
    fn name(&self) -> &str {
        FrontEnd::name(&self.app)
    }

    fn delivery(self: Arc<Self>) -> Option<impl Delivery> {
        FrontEnd::delivery(Arc::new(self.app.clone()))
    }

    fn router(&self, context: RouterContext) -> Router {
        self.app.router(context.runtime)
    }

    async fn run(&self, runtime: Runtime, stop: CancellationToken) -> Result<()> {
        self.app.run(runtime, stop).await
    }

    async fn check(&self) -> Result<()> {
        self.app.check().await
    }
}

#[cfg(test)]
mod tests {
    use sym_sdk::clock::SystemClock;
    use sym_sdk::config::Config;
    use sym_sdk::directory::{Directory, MemoryDirectory};
    use sym_sdk::error::ErrorKind;
    use sym_sdk::model::{Integration, Slug, UserIdentity};
    use sym_sdk::runtime::Plugin;

    use super::*;

    fn config(integrations: usize) -> FakeConfig {
        let directory = Directory::new(MemoryDirectory::new(), ["example.com"]);
        let address = |text: &str| text.parse().unwrap();
        let (listen, server) = (address("127.0.0.1:0"), address("127.0.0.1:3000"));
        let mut config = FakeConfig::new(listen, server, directory, Arc::new(SystemClock));
        config.people = vec![User::from_email("ana@example.com").unwrap()];
        let integration = Integration::new(Slug::parse("main").unwrap(), "slack", "T012AB3CD");
        config.integrations = vec![integration; integrations];
        config
    }

    #[tokio::test]
    async fn the_fake_runs_as_long_as_the_front_end() {
        let fake = start(config(1)).await.unwrap();
        let url = fake.instructions().split(' ').find(|word| word.starts_with("http://")).unwrap();
        let state = format!("{}/state", url.trim_end_matches(':'));
        let state =
            || async { reqwest::Client::builder().no_proxy().build().unwrap().get(&state).send().await?.text().await };
        let builder = fake.install(Runtime::builder(Config::default()));
        assert!(state().await.unwrap().contains("\"U0ANA\""));
        drop(builder);
        while state().await.is_ok() {
            tokio::task::yield_now().await;
        }

        assert!(start(config(0)).await.unwrap().instructions().contains("127.0.0.1"));
        assert_eq!(start(config(2)).await.unwrap_err().kind(), ErrorKind::Configuration);
    }

    #[test]
    fn members_have_the_users_identity_or_a_generated_one() {
        let person = |email: &str| User::from_email(email).unwrap();
        let account = |id: &str| UserIdentity::new("slack", "T012AB3CD", id);
        let people = [
            person("ana@example.com"),
            person("ana@partner.example"),
            person("ben@example.com").with_identity(account("U0ANA2")),
            person("cyd@example.com").with_identity(account("nonsense")),
            person("é@example.com"),
        ];
        let members = members(&people, "T012AB3CD");
        let ids: Vec<_> = members.iter().map(Member::id).collect();
        assert_eq!(ids, ["U0ANA", "U0ANA3", "U0ANA2", "U0CYD", "U0"]);
        let names: Vec<_> = members.iter().map(Member::display_name).collect();
        assert_eq!(names, ["Ana", "Ana", "Ben", "Cyd", "É"]);
        assert!(members.iter().all(web_api::is_user_id));
    }

    #[test]
    fn a_server_on_all_addresses_is_reached_on_loopback() {
        assert_eq!(reached_at("0.0.0.0:3000".parse().unwrap()).to_string(), "127.0.0.1:3000");
        assert_eq!(reached_at("[::]:3000".parse().unwrap()).to_string(), "127.0.0.1:3000");
        assert_eq!(reached_at("10.0.0.1:80".parse().unwrap()).to_string(), "10.0.0.1:80");
    }
}
