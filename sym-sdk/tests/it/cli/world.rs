//! A store with what a day brings, and the two ways to it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value};
use sym_sdk::BoxFuture;
use sym_sdk::api::Api;
use sym_sdk::clock::{Clock as _, SystemClock, VirtualClock};
use sym_sdk::config::Config;
use sym_sdk::engine::{InputKey, SqliteStore};
use sym_sdk::error::{Error, ErrorKind, codes};
use sym_sdk::handlers;
use sym_sdk::machine::MAX_REVOKE_DELAY;
use sym_sdk::model::RunId;
use sym_sdk::prelude::*;
use sym_sdk::runtime::{Runtime, Submission, WorkloadTokenVerifier};
use sym_sdk::server::{Server, axum, listen};
use sym_sdk::strategy::StrategyType;
use sym_sdk::testing::{RecordingDelivery, RecordingStrategy};
use tempfile::TempDir;

use super::program::{Done, run};
use crate::support::access_flow;

pub(super) const MINUTE: Duration = Duration::from_secs(60);

/// The failed attempts to revoke access. The next one is as far off as they get: however long commands take, none finds it due, since one
/// that is cannot be brought forward.
const ATTEMPTS: u32 = 12;

/// Ben, and the bot `deployer`, may decide.
#[reducer]
pub(super) async fn get_permissions(directory: &Directory) -> Result<RequestPermission> {
    let ben = directory.get_or_create_user_by_email("ben@example.com").await?;
    let bots = directory.bots().await?.into_iter().filter(|bot| bot.username() == "deployer");
    let deciders = user_ids([ben].into_iter().chain(bots)).or(PermissionLevel::Admin);
    Ok(RequestPermission::decided_by(deciders).seen_by(PermissionLevel::Admin))
}

pub(super) fn config() -> Config {
    let mut config = access_flow("test");
    config.organization.domains.push("example.com".into());
    config
}

/// A way to a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Its file, while the program does not run.
    File,
    /// The API of the program that has it.
    Server,
}

impl Way {
    pub(super) const BOTH: [Self; 2] = [Self::File, Self::Server];
}

/// A store, and a way to it.
pub(super) struct World {
    pub(super) dir: TempDir,
    pub(super) way: Way,
    pub(super) strategy: RecordingStrategy,
    pub(super) clock: Arc<VirtualClock>,
    /// The program, if it runs.
    pub(super) runtime: Option<Runtime>,
    /// Its routes.
    pub(super) routes: axum::Router,
    /// The address of the program, and the token of an administrator.
    pub(super) server: String,
    pub(super) token: String,
    /// Ana holds access.
    pub(super) held: RunId,
    /// The access of Zoe could not be revoked.
    pub(super) stuck: RunId,
    /// The request of Cleo was denied by Ben.
    pub(super) denied: RunId,
    /// The access of Kim could not be granted.
    pub(super) failed: RunId,
    /// The request of Dee waits for a decision.
    pub(super) open: RunId,
}

impl World {
    pub(super) async fn new(way: Way) -> Self {
        // Commands read the clock of the system, which is the same after the attempts below.
        let start = SystemClock.now().saturating_sub(ATTEMPTS * MAX_REVOKE_DELAY).unwrap();
        let mut world = Self {
            dir: tempfile::tempdir().unwrap(),
            way,
            strategy: RecordingStrategy::new(),
            clock: Arc::new(VirtualClock::at(start)),
            runtime: None,
            routes: axum::Router::new(),
            server: String::new(),
            token: String::new(),
            held: RunId::from_uuid(uuid::Uuid::nil()),
            stuck: RunId::from_uuid(uuid::Uuid::nil()),
            denied: RunId::from_uuid(uuid::Uuid::nil()),
            failed: RunId::from_uuid(uuid::Uuid::nil()),
            open: RunId::from_uuid(uuid::Uuid::nil()),
        };
        let runtime = world.start().await;
        let directory = runtime.directory();
        directory.put_user(User::from_email("ada@example.com").unwrap().with_role(UserRole::Admin)).await.unwrap();
        directory.contact("ben@example.com").await.unwrap();
        let ops = directory.create_bot("ops").await.unwrap();
        directory.set_role(ops.id(), UserRole::Admin).await.unwrap();
        let token = directory.issue_token(ops.id(), "test", 24 * 60 * MINUTE).await.unwrap();
        world.token = token.secret.expose_secret().to_owned();

        directory.create_bot("deployer").await.unwrap();

        world.failed = requested(&runtime, "kim@example.com", "1h").await;
        world.strategy.fail_grant_permanently();
        approve(&runtime, world.failed).await;
        world.stuck = requested(&runtime, "zoe@example.com", "10m").await;
        approve(&runtime, world.stuck).await;
        world.strategy.fail_revocations(ATTEMPTS as usize);
        for _ in 0..ATTEMPTS {
            world.clock.advance(MAX_REVOKE_DELAY);
            runtime.run_until_idle().await.unwrap();
        }
        world.held = requested(&runtime, "ana@example.com", "1h").await;
        approve(&runtime, world.held).await;
        world.denied = requested(&runtime, "cleo@example.com", "1h").await;
        let deny = Submission::deny(world.denied, "ben@example.com").message("use the replica");
        runtime.submit(deny).await.unwrap();
        world.open = requested(&runtime, "dee@example.com", "1h").await;
        match way {
            // The file is free from now on.
            Way::File => drop(runtime),
            Way::Server => world.serve(runtime).await,
        }
        world
    }

    /// Serves the API of a runtime whose work is done when the test says so.
    async fn serve(&mut self, runtime: Runtime) {
        let listener = listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
        self.server = format!("http://{}", listener.local_addr().unwrap());
        let routes = Server::new(runtime.clone()).router();
        self.routes = routes.clone();
        tokio::spawn(async move { axum::serve(listener, routes).await });
        self.runtime = Some(runtime);
    }

    pub(super) fn db(&self) -> PathBuf {
        self.dir.path().join("sym.db")
    }

    async fn start(&self) -> Runtime {
        let strategy = self.strategy.clone();
        let builder = Runtime::builder(config());
        #[cfg(feature = "console")]
        let builder = builder.front_end(sym_sdk::console::Console::new().with_user_chooser());
        builder
            .registry(handlers![get_permissions])
            .delivery(RecordingDelivery::new())
            .strategy_type(StrategyType::new("test", move |_| Ok(strategy.clone())))
            .clock(self.clock.clone())
            .front_end(Api::new())
            .workload_verifier(Jobs)
            .sqlite(Arc::new(SqliteStore::open(self.db()).await.unwrap()))
            .build()
            .await
            .unwrap()
    }

    /// Has the program do what is due. With a file, it starts after the command has ended.
    pub(super) async fn settle(&self) {
        if self.way == Way::File {
            self.clock.advance_to(SystemClock.now());
        }
        match &self.runtime {
            Some(runtime) => runtime.run_until_idle().await.unwrap(),
            None => self.start().await.run_until_idle().await.unwrap(),
        };
    }

    /// Starts a command that only looks, and goes on until it is interrupted.
    #[cfg(unix)]
    pub(super) fn watch(&self, args: &[&str]) -> super::program::Running {
        let db = self.db();
        match self.way {
            Way::File => super::program::Running::start(&[args, &["--db", db.to_str().unwrap()]].concat(), &[]),
            Way::Server => {
                let environment = [("SYM_SERVER", self.server.as_str()), ("SYM_TOKEN", self.token.as_str())];
                super::program::Running::start(args, &environment)
            }
        }
    }

    /// Runs a command that only looks.
    pub(super) async fn look(&self, args: &[&str]) -> Done {
        let db = self.db();
        match self.way {
            Way::File => run(&[args, &["--db", db.to_str().unwrap()]].concat(), &[]).await,
            Way::Server => self.call(args, &self.token).await,
        }
    }

    /// Runs a command as the administrator: Ada with a file, a bot on a server.
    pub(super) async fn act(&self, args: &[&str]) -> Done {
        match self.way {
            Way::File => self.look(&[args, &["--as", "ada@example.com"]].concat()).await,
            Way::Server => self.look(args).await,
        }
    }

    /// Runs a command on the server, with a token.
    pub(super) async fn call(&self, args: &[&str], token: &str) -> Done {
        run(&[args, &["--server", &self.server]].concat(), &[("SYM_TOKEN", token)]).await
    }
}

/// The issuer of tokens of jobs, which has signed those that say so.
#[derive(Debug)]
struct Jobs;

impl Jobs {
    fn read(token: &SecretString) -> Result<Map<String, Value>> {
        let claims = token.expose_secret().strip_suffix(".signed");
        claims.and_then(|claims| serde_json::from_str(claims).ok()).ok_or_else(|| {
            Error::new(ErrorKind::Unauthorized, codes::AUTHENTICATION_INVALID_JWT, "the signature is forged")
        })
    }
}

impl WorkloadTokenVerifier for Jobs {
    fn unverified_claims(&self, token: &SecretString) -> Result<Map<String, Value>> {
        Self::read(token)
    }

    fn verify<'a>(&'a self, _: &'a str, token: &'a SecretString) -> BoxFuture<'a, Result<Map<String, Value>>> {
        Box::pin(std::future::ready(Self::read(token)))
    }
}

async fn requested(runtime: &Runtime, requester: &str, duration: &str) -> RunId {
    let request = Submission::request("prod", requester).input("duration", duration).key(InputKey::new(requester));
    let run = runtime.submit(request).await.unwrap().run;
    runtime.run_until_idle().await.unwrap();
    run
}

async fn approve(runtime: &Runtime, run: RunId) {
    runtime.submit(Submission::approve(run, "ben@example.com")).await.unwrap();
    runtime.run_until_idle().await.unwrap();
}
