//! A program with flows and people, in which somebody of each kind finds a Run for each thing that they may want to do.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use sym_integrations::slack;
use sym_integrations::slack::app::SlackApp;
use sym_integrations::slack::fake::{Channel, FakeSlack, Member};
use sym_sdk::api::Api;
use sym_sdk::clock::{Clock as _, SystemClock, VirtualClock};
use sym_sdk::config::{self, Config};
use sym_sdk::console::Console;
use sym_sdk::directory::SessionKind;
use sym_sdk::engine::{InputKey, RunFilter, SqliteStore};
use sym_sdk::handlers;
use sym_sdk::machine::Access;
use sym_sdk::model::{Channel as Source, ChannelType, RunId, UserIdentity};
use sym_sdk::prelude::*;
use sym_sdk::runtime::{Administrator, FrontEnd as _, Runtime, Submission};
use sym_sdk::server::axum::Router;
use sym_sdk::server::{CancellationToken, Server, axum, listen};
use sym_sdk::strategy::StrategyType;
use sym_sdk::testing::{RecordingDelivery, RecordingStrategy};
use tempfile::TempDir;

use crate::table::{Act, Actor, Way};

pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const HOUR: Duration = Duration::from_secs(3_600);

/// The name and the type of the strategy, the integration and the targets.
const KIND: &str = "test";

/// The people whom the permissions of requests name, with their accounts in Slack. Those of `partner.com` are guests.
const PEOPLE: [(&str, &str); 8] = [
    ("ana@example.com", "U0ANA"),
    ("ben@example.com", "U0BEN"),
    ("vic@example.com", "U0VIC"),
    ("neil@example.com", "U0NEIL"),
    ("dee@example.com", "U0DEE"),
    ("eli@example.com", "U0ELI"),
    ("ada@example.com", "U0ADA"),
    ("gus@partner.com", "U0GUS"),
];

/// Ana, Ben, Dee and Gus may decide, and Vic may see. Flow `pair` needs two of them.
#[reducer]
pub(crate) async fn get_permissions(event: &Event, directory: &Directory) -> Result<RequestPermission> {
    let named = ["ana@example.com", "ben@example.com", "dee@example.com", "gus@partner.com"];
    let named = directory.get_or_create_users_by_emails(named).await?;
    let vic = directory.get_or_create_user_by_email("vic@example.com").await?;
    let permission = RequestPermission::decided_by(user_ids(named).or(PermissionLevel::Admin));
    let permission = permission.seen_by(user_ids([vic]).or(PermissionLevel::Admin));
    Ok(if event.flow().name().as_str() == "pair" { permission.approvals(2) } else { permission })
}

#[reducer]
pub(crate) fn get_request_notifications() -> Result<Vec<Notification>> {
    Ok(vec![Notification::to(slack::channel("#access")?)])
}

/// Fails for the requests of Cleo.
#[hook]
pub(crate) fn after_deny(event: &Event) -> Result<()> {
    match event.requester() {
        Some(requester) if requester.username() == "cleo@example.com" => Err(Error::handler("the tickets are closed")),
        _ => Ok(()),
    }
}

/// Returns the configuration: `prod`, `guests`, which admits guests, and `pair`, which needs two approvals.
pub(crate) fn config() -> Config {
    let reference = config::Reference::typed(KIND, KIND);
    let mut config = Config::default();
    config.organization.domains.push("example.com".into());
    let errors = config::ErrorLogger { name: "errors".into(), destination: "#errors".into(), ..Default::default() };
    config.error_loggers.push(errors);
    let mut environment = config::Environment { name: "main".into(), ..Default::default() };
    environment.error_logger = Some("errors".into());
    config.environments.push(environment);
    config.integrations.push(config::Integration {
        kind: KIND.into(),
        name: KIND.into(),
        external_id: KIND.into(),
        ..Default::default()
    });
    for act in Act::ALL {
        config.targets.push(config::Target { kind: KIND.into(), name: act.target().into(), ..Default::default() });
    }
    config.strategies.push(config::Strategy {
        kind: KIND.into(),
        name: KIND.into(),
        integration: Some(reference.clone()),
        targets: Act::ALL.iter().map(|act| config::Reference::typed(KIND, act.target())).collect(),
        ..Default::default()
    });
    for name in ["prod", "guests", "pair"] {
        let mut flow = config::Flow { name: name.into(), environment: "main".into(), ..Default::default() };
        flow.params.strategy = Some(reference.clone());
        flow.params.allow_guest_interaction = name == "guests";
        config.flows.push(flow);
    }
    config
}

/// A program, with the parts that belong to one way into it.
pub(crate) struct World {
    pub(crate) dir: TempDir,
    pub(crate) way: Way,
    pub(crate) clock: Arc<VirtualClock>,
    /// The file of the store, in the directory.
    file: PathBuf,
    config: Config,
    pub(crate) strategy: RecordingStrategy,
    pub(crate) delivery: RecordingDelivery,
    /// The program, unless its file is free for a command.
    running: Option<Running>,
    /// The workspace, for [`Way::Slack`].
    pub(crate) slack: Option<FakeSlack>,
}

/// A program that runs.
struct Running {
    runtime: Runtime,
    routes: Router,
    app: Option<SlackApp>,
    /// The address, if it listens.
    address: String,
    stop: CancellationToken,
    store: Arc<SqliteStore>,
}

impl World {
    pub(crate) async fn new(way: Way) -> Self {
        // Commands on the file read the clock of the system, which is past everything that was done before.
        let clock = Arc::new(VirtualClock::at(SystemClock.now().checked_sub(10 * MINUTE).unwrap()));
        let slack = match way {
            Way::Slack => Some(workspace(clock.clone()).await),
            _ => None,
        };
        let dir = tempfile::tempdir().unwrap();
        let mut world = Self {
            file: dir.path().join("sym.db"),
            dir,
            way,
            clock,
            config: config(),
            strategy: RecordingStrategy::new(),
            delivery: RecordingDelivery::new(),
            running: None,
            slack,
        };
        world.resume().await;
        let directory = world.runtime().directory();
        for (email, account) in PEOPLE {
            let role = match email {
                "ada@example.com" => UserRole::Admin,
                "gus@partner.com" => UserRole::Guest,
                _ => UserRole::Member,
            };
            let user = directory.put_user(User::from_email(email).unwrap().with_role(role)).await.unwrap();
            directory.put_identity(user.id(), UserIdentity::new("slack", "T0SANDBOX", account)).await.unwrap();
        }
        directory.create_bot("ci").await.unwrap();
        world
    }

    pub(crate) fn db(&self) -> PathBuf {
        self.file.clone()
    }

    pub(crate) fn runtime(&self) -> &Runtime {
        &self.running.as_ref().expect("the program runs").runtime
    }

    pub(crate) fn routes(&self) -> &Router {
        &self.running.as_ref().expect("the program runs").routes
    }

    /// Returns the address of the program.
    pub(crate) fn server(&self) -> &str {
        &self.running.as_ref().expect("the program runs").address
    }

    /// Frees the file, if commands are to have it.
    pub(crate) async fn release(&mut self) {
        if self.way == Way::File {
            self.stop().await;
        }
    }

    /// Ends the program, and starts it with another configuration.
    pub(crate) async fn restart(&mut self, config: Config) {
        self.stop().await;
        self.config = config;
        self.resume().await;
    }

    /// Ends the program, and starts it on another file.
    pub(crate) async fn start_from(&mut self, file: &Path) {
        self.stop().await;
        self.file = file.to_owned();
        self.resume().await;
    }

    pub(crate) fn now(&self) -> jiff::Timestamp {
        self.clock.now()
    }

    async fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop.cancel();
            running.store.close().await.unwrap();
        }
    }

    /// Starts the program, unless it runs.
    pub(crate) async fn resume(&mut self) {
        if self.running.is_none() {
            if self.way == Way::File && self.db().exists() {
                self.clock.advance_to(SystemClock.now());
            }
            self.running = Some(self.start().await);
        }
    }

    async fn start(&self) -> Running {
        let strategy = self.strategy.clone();
        let store = Arc::new(SqliteStore::open(self.db()).await.unwrap());
        let builder = Runtime::builder(self.config.clone())
            .registry(handlers![get_permissions, get_request_notifications, after_deny])
            .strategy_type(StrategyType::new(KIND, move |_| Ok(strategy.clone())))
            .clock(self.clock.clone())
            .sqlite(store.clone());
        let (builder, app) = match &self.slack {
            Some(fake) => {
                let app = fake.app(fake.client().build().unwrap()).unwrap();
                (builder.delivery(app.clone()).front_end(app.clone()), Some(app))
            }
            None => (builder.delivery(self.delivery.clone()), None),
        };
        let console = Console::new().with_user_chooser();
        let builder = builder.front_end(Api::new()).front_end(console.run_pages()).front_end(console);
        let runtime = builder.build_degraded().await.unwrap();
        let routes = Server::new(runtime.clone()).router();
        let stop = CancellationToken::new();
        let mut running = Running { runtime, routes, app, address: String::new(), stop, store };
        if matches!(self.way, Way::Slack | Way::Server) {
            let listener = listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
            running.address = format!("http://{}", listener.local_addr().unwrap());
            let served = axum::serve(listener, running.routes.clone());
            let served = served.with_graceful_shutdown(running.stop.clone().cancelled_owned());
            tokio::spawn(async move { served.await });
        }
        if let Some(fake) = &self.slack {
            fake.connect(&format!("{}/slack", running.address)).unwrap();
        }
        running
    }

    /// Has the program do what is due, after the work that follows responses to Slack.
    pub(crate) async fn settle(&self) {
        let running = self.running.as_ref().expect("the program runs");
        for _ in 0..2 {
            if let Some(app) = &running.app {
                let stop = CancellationToken::new();
                stop.cancel();
                app.run(running.runtime.clone(), stop).await.unwrap();
            }
            running.runtime.run_until_idle().await.unwrap();
        }
    }

    /// Ends the program, and checks what the fake has found fault with.
    pub(crate) async fn end(&mut self) {
        self.stop().await;
        if let Some(slack) = &self.slack {
            assert_eq!(slack.faults(), [""; 0], "rules of Slack");
        }
    }

    pub(crate) async fn user(&self, email: &str) -> Arc<User> {
        self.runtime().directory().user_by_email(email).await.unwrap().unwrap()
    }

    /// Returns the state of the Run that an act is about, and the number of requests of the one that it would be for.
    pub(crate) async fn state(&self, situation: &Situation, act: Act) -> (String, usize) {
        let runtime = self.runtime();
        let state = match situation.runs.get(act.target()) {
            Some(run) => {
                let state = runtime.run(*run).await.unwrap().state;
                let access = match state.access {
                    Access::None => "none",
                    Access::Granting(_) => "granting",
                    Access::Held(_) => "held",
                    Access::Revoking { .. } => "revoking",
                    Access::Ended => "ended",
                    Access::WrittenOff(_) => "written off",
                    _ => "unknown",
                };
                format!("{}, {access}", state.run.status())
            }
            None => String::new(),
        };
        let requester = match act {
            Act::RequestForAnother => "eli@example.com",
            _ => &situation.email,
        };
        let requester = runtime.directory().user_by_email(requester).await.unwrap().map(|user| user.id());
        let requests = match requester {
            Some(id) => {
                let mut filter = RunFilter::default();
                (filter.requester, filter.target) = (Some(id), Some(act.target().to_owned()));
                runtime.runs(filter, 100).await.unwrap()
            }
            None => Vec::new(),
        };
        (state, requests.len())
    }

    /// Returns the code of the last refusal of a person that is on record.
    pub(crate) async fn last_refusal(&self, email: &str) -> Option<String> {
        use sym_sdk::audit::AuditKind;
        let entries = self.runtime().audit(None, usize::MAX).await.unwrap();
        entries.iter().rev().filter(|entry| entry.event.actor.username() == email).find_map(|entry| match &entry.kind {
            AuditKind::Refused { error, .. } | AuditKind::SubmissionRefused { error, .. } => {
                Some(error.code.to_string())
            }
            _ => None,
        })
    }

    async fn requested(&self, flow: &str, requester: &str, act: Act) -> RunId {
        let request = Submission::request(flow, requester).input("target_id", act.target()).input("duration", "1h");
        let run = self.runtime().submit(request.key(InputKey::new(act.target()))).await.unwrap().run;
        self.settle().await;
        run
    }

    async fn approve(&self, run: RunId, by: &str) {
        self.runtime().submit(Submission::approve(run, by)).await.unwrap();
        self.settle().await;
    }
}

/// Starts a workspace in which all but Neil are in the channel where requests appear.
async fn workspace(clock: Arc<VirtualClock>) -> FakeSlack {
    let fake = FakeSlack::builder().clock(clock).start().await.unwrap();
    for (email, account) in PEOPLE {
        fake.add(Member::new(account).email(email)).unwrap();
    }
    let members = PEOPLE.iter().map(|(_, account)| *account).filter(|account| *account != "U0NEIL");
    fake.add_channel(Channel::new("C0ACCESS").name("access").members(members)).unwrap();
    fake
}

/// An actor, their credentials, and a Run for each act.
pub(crate) struct Situation {
    pub(crate) actor: Actor,
    /// The name in the directory.
    pub(crate) email: String,
    /// The flow of the Runs, and of the actor's own request.
    pub(crate) flow: &'static str,
    /// By the name of their target.
    pub(crate) runs: BTreeMap<&'static str, RunId>,
    /// The token, for the API and the command line.
    pub(crate) token: Option<SecretString>,
    /// The secret of the session of the browser.
    pub(crate) session: Option<SecretString>,
}

impl Situation {
    pub(crate) async fn new(world: &mut World, actor: Actor) -> Self {
        let email = match actor {
            Actor::Requester => "ana@example.com",
            Actor::MemberNamed | Actor::ApprovedAlready => "ben@example.com",
            Actor::MemberWhoMaySee => "vic@example.com",
            Actor::MemberUnrelated => "neil@example.com",
            Actor::GuestAdmitted | Actor::GuestNotAdmitted => "gus@partner.com",
            Actor::Admin => "ada@example.com",
            Actor::Bot => "ci",
            Actor::Deleted | Actor::Expired | Actor::Revoked | Actor::Unknown => "dee@example.com",
        };
        let flow = match actor {
            Actor::GuestAdmitted => "guests",
            Actor::ApprovedAlready => "pair",
            _ => "prod",
        };
        let requester = if actor == Actor::Requester { email } else { "ana@example.com" };
        let mut runs = BTreeMap::new();
        for act in [Act::See, Act::Approve, Act::Deny, Act::Revoke, Act::WriteOff] {
            let run = world.requested(flow, requester, act).await;
            runs.insert(act.target(), run);
            if actor == Actor::ApprovedAlready {
                world.approve(run, email).await;
                continue;
            }
            if matches!(act, Act::Revoke | Act::WriteOff) {
                world.approve(run, "ada@example.com").await;
            }
            if act == Act::WriteOff {
                world.strategy.fail_revocations(1);
                world.runtime().submit(Submission::revoke(run, "ada@example.com")).await.unwrap();
                world.settle().await;
            }
        }
        let mut situation = Self { actor, email: email.to_owned(), flow, runs, token: None, session: None };
        situation.add_credentials(world).await;
        situation
    }

    pub(crate) fn run(&self, act: Act) -> RunId {
        self.runs[act.target()]
    }

    /// Returns the account in Slack.
    pub(crate) fn account(&self) -> &'static str {
        PEOPLE.iter().find(|(email, _)| *email == self.email).unwrap().1
    }

    async fn add_credentials(&mut self, world: &World) {
        let runtime = world.runtime();
        let user = world.user(&self.email).await;
        if self.actor == Actor::Bot {
            let issued = runtime.directory().issue_token(user.id(), "test", 24 * HOUR).await.unwrap();
            self.token = Some(issued.secret);
            return;
        }
        if self.actor == Actor::Unknown {
            return;
        }
        let (command_line, token) = runtime.begin_session(&user.id(), SessionKind::CommandLine).await.unwrap();
        let (browser, session) = runtime.begin_session(&user.id(), SessionKind::Browser).await.unwrap();
        (self.token, self.session) = (Some(token), Some(session));
        match self.actor {
            Actor::Deleted => {
                let ada = world.user("ada@example.com").await;
                let by = Administrator::new(ada, Source::new(ChannelType::Sdk));
                runtime.delete_user(user, by, "left").await.unwrap();
                world.settle().await;
            }
            Actor::Expired => world.clock.advance(13 * HOUR),
            Actor::Revoked => {
                for session in [command_line, browser] {
                    runtime.end_session(session.id).await.unwrap();
                }
            }
            _ => {}
        }
    }

    /// Returns the token in clear text.
    pub(crate) fn token(&self) -> &str {
        self.token.as_ref().map_or("", |token| token.expose_secret())
    }
}
