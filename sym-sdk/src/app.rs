//! The program that an organization runs: its handlers, its configuration and its command line.
//!
//! [`App`] collects the parts and hands them to the command line. It decides nothing itself: the commands are in the module `cli`,
//! and what they run is a [`Runtime`](crate::runtime::Runtime) or a [`Simulation`](crate::simulation::Simulation), which can be used
//! without an app as well.

use std::ffi::OsString;
use std::fmt;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

pub use crate::cli::Exit;
use crate::cli::{self, ConfigSource, DemoRequest, Install, Program};
use crate::config::Config;
use crate::delivery::Delivery;
use crate::error::Result;
use crate::handler::Registry;
use crate::integration::{Fake, IntegrationClient, Outbox};
use crate::model::User;
use crate::runtime::{Builder, Plugin};
#[cfg(feature = "server")]
use crate::runtime::{FrontEnd, FrontEndType};
use crate::strategy::{AccessStrategy, StrategyConfig, StrategyType};

/// The program of an organization: handlers, configuration and integrations, with a command line.
///
/// It has these commands:
///
/// - `check` reports every error of the configuration and the handlers,
/// - `handlers` lists the handlers and the flows that use them,
/// - `generate types` writes a module with the types of each flow's fields and vars,
/// - `simulate REQUEST.json` dry-runs a request on a virtual clock.
///
/// With feature `server`, `slack manifest` prints the manifest of the app that the front end of type `slack` needs. Every type of
/// front ends with a manifest has such a command.
///
/// With feature `sqlite` there are commands for a store in a file:
///
/// - `serve`, with feature `server` too, runs the flows and serves the front ends, or with `--fake-slack` a fake of the service, where
///   clients and strategies are simulated. With feature `api` it also serves the HTTP API, and with feature `mcp` agents,
/// - `mcp`, with feature `mcp`, serves one agent over standard input and output,
/// - `runs` lists the Runs, and finds those whose access could not be revoked,
/// - `revoke` revokes access before it expires, and `write-off` gives up on a revocation that cannot succeed,
/// - `audit export` prints the audit log, `audit anchor` what it ends with, and `audit verify` verifies it,
/// - `backup` copies the file, also while it is in use.
///
/// With features `api` and `remote` as well, these commands and more work on a running program or on its file: requests, decisions, access,
/// users, bots, tokens and the audit log. The guide to [the command line](crate::guide::command_line) has them all.
///
/// ```no_run
/// use sym_sdk::App;
/// use sym_sdk::prelude::*;
///
/// #[reducer]
/// fn get_permissions() -> RequestPermission {
///     RequestPermission::decided_by(PermissionLevel::Member).seen_by(PermissionLevel::Admin)
/// }
///
/// fn main() -> std::process::ExitCode {
///     App::new().config_dir("infra/sym").domain("example.com").main()
/// }
/// ```
#[must_use = "an app does nothing until `main` is called"]
#[derive(Default)]
pub struct App {
    program: Program,
}

/// Defers a plugin until there is a builder.
fn deferred(plugin: impl Plugin + Send + 'static) -> Install {
    Box::new(move |builder| plugin.install(builder))
}

impl App {
    /// Returns an app with the handlers that are linked into the program.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a plugin: strategies, front ends and everything else that a crate of integrations provides.
    ///
    /// Simulations use none of its clients, strategies and front ends.
    pub fn with(mut self, plugin: impl Plugin + Send + 'static) -> Self {
        #[cfg(feature = "server")]
        for kind in plugin.front_end_types() {
            self.program.front_end_types.retain(|known| known.kind() != kind.kind());
            self.program.front_end_types.push(kind);
        }
        self.program.plugins.push(deferred(plugin));
        self
    }

    /// Sets the handlers. By default, they are those that are linked into the program.
    pub fn registry(mut self, registry: Registry) -> Self {
        self.program.registry = Some(registry);
        self
    }

    /// Sets the configuration.
    pub fn config(mut self, config: Config) -> Self {
        self.program.config = ConfigSource::Value(Box::new(config));
        self
    }

    /// Sets the directory of the Terraform files with the configuration.
    pub fn config_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.program.config = ConfigSource::Dir(dir.into());
        self
    }

    /// Adds an e-mail domain of the organization. People with an address in it become members on first contact.
    ///
    /// Terraform files have no setting for this.
    pub fn domain(mut self, domain: impl Into<String>) -> Self {
        self.program.domains.push(domain.into());
        self
    }

    /// Adds a client that handlers take as `&T`, instead of building one from the configuration. Not used in simulations.
    pub fn client<T: IntegrationClient>(self, client: T) -> Self {
        self.with(|builder: Builder| builder.client(client))
    }

    /// Adds a value that handlers take as `State<T>`.
    pub fn state<T: Send + Sync + 'static>(self, state: T) -> Self {
        self.with(|builder: Builder| builder.state(state))
    }

    /// Adds the strategy of type `custom` with this name in the configuration, built by this function. Not used in simulations.
    ///
    /// For a schema of its settings, see [`App::strategy_type`] and [`StrategyType::custom`].
    pub fn strategy<S, B>(self, name: impl Into<String>, build: B) -> Self
    where
        S: AccessStrategy,
        B: Fn(&StrategyConfig<'_>) -> Result<S> + Send + Sync + 'static,
    {
        self.strategy_type(StrategyType::custom(name, build))
    }

    /// Adds a type of strategies. Not used in simulations.
    pub fn strategy_type(self, strategy: StrategyType) -> Self {
        self.with(strategy)
    }

    /// Adds a delivery, which sends messages. Not used in simulations.
    pub fn delivery(self, delivery: impl Delivery) -> Self {
        self.with(|builder: Builder| builder.delivery(delivery))
    }

    /// Adds a front end for the command `serve`. Not used in simulations.
    #[cfg(feature = "server")]
    #[cfg_attr(docsrs, doc(cfg(feature = "server")))]
    pub fn front_end(self, front_end: impl FrontEnd) -> Self {
        self.with(|builder: Builder| builder.front_end(front_end))
    }

    /// Adds a type of front ends for the command `serve`, which are built from the configuration. Not used in simulations.
    #[cfg(feature = "server")]
    #[cfg_attr(docsrs, doc(cfg(feature = "server")))]
    pub fn front_end_type(self, front_end: FrontEndType) -> Self {
        self.with(front_end)
    }

    /// Adds the fake of a service for simulations, from which the client that handlers take as `&T` comes: a client, or a type with
    /// answers that are set, such as the `Simulated…` types of `sym-integrations`.
    ///
    /// `simulate`, the demo and `serve` with the fake of a front end use it. The guide `sym_integrations::simulating` shows it for each service. In a
    /// test, see `HarnessBuilder::fake`.
    pub fn fake<F: Fake + Send + 'static>(self, fake: F) -> Self {
        self.simulate_with(|builder: Builder| builder.fake(fake))
    }

    /// Adds a plugin for simulations only, such as a strategy that fails.
    pub fn simulate_with(mut self, plugin: impl Plugin + Send + 'static) -> Self {
        self.program.fakes.push(deferred(plugin));
        self
    }

    /// Sets the outbox in which fakes record what they would have sent. A simulation shows it in its timeline.
    pub fn outbox(mut self, outbox: Outbox) -> Self {
        self.program.outbox = outbox;
        self
    }

    /// Adds a user who exists from the start of a simulation, for example with a role or an account at a service.
    pub fn user(mut self, user: User) -> Self {
        self.program.users.push(user);
        self
    }

    /// Adds several users, as [`user`](Self::user) does.
    pub fn users(mut self, users: impl IntoIterator<Item = User>) -> Self {
        self.program.users.extend(users);
        self
    }

    /// Adds a demo request, which is JSON in the format of `simulate`. When the program is run without a command, it simulates its demo
    /// requests; without any, it prints its help.
    ///
    /// With `--db FILE`, the demo runs on a store and on a real clock, and continues when the program is restarted. Nothing real is
    /// touched then either.
    pub fn demo(mut self, name: impl Into<String>, request: impl Into<String>) -> Self {
        self.program.demo.push(DemoRequest { name: name.into(), request: request.into() });
        self
    }

    /// Runs the command line of the process.
    pub fn main(self) -> ExitCode {
        let args: Vec<_> = std::env::args_os().collect();
        let mut builder = if cli::needs_threads(&self.program, args.clone()) {
            tokio::runtime::Builder::new_multi_thread()
        } else {
            tokio::runtime::Builder::new_current_thread()
        };
        let runtime = match builder.enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => {
                // If this fails too, there is nowhere left to report it.
                let _ = writeln!(io::stderr(), "error: cannot start the tokio runtime: {error}");
                return Exit::Failure.into();
            }
        };
        let (mut stdout, mut stderr) = (io::stdout(), io::stderr());
        let terminal = cli::Terminal::of_process();
        let exit = runtime.block_on(cli::run(self.program, args, terminal, &mut stdout, &mut stderr));
        // Dropping the runtime would wait for handlers that block their thread.
        runtime.shutdown_background();
        exit.into()
    }

    /// Runs the command line `args`, whose first item is the name of the program, and writes to `stdout` and `stderr`.
    /// [`App::main`] does this with those of the process. Here they are taken as no terminals.
    pub async fn run_from<A>(self, args: A, stdout: &mut dyn Write, stderr: &mut dyn Write) -> Exit
    where
        A: IntoIterator,
        A::Item: Into<OsString> + Clone,
    {
        cli::run(self.program, args, cli::Terminal::default(), stdout, stderr).await
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App")
            .field("config", &self.program.config)
            .field("domains", &self.program.domains)
            .field("registry", &self.program.registry)
            .field("users", &self.program.users)
            .field("demo", &self.program.demo)
            .finish_non_exhaustive()
    }
}
