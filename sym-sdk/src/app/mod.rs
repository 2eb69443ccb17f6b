//! A program of flows: its handlers, its configuration, and its command line.

mod config;
mod exit;

use std::ffi::OsString;
use std::fmt;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

pub use exit::Exit;

use crate::cli;
use crate::config::Config;
use crate::delivery::Delivery;
use crate::handler::Registry;
use crate::integration::IntegrationClient;
use crate::integration::Outbox;
use crate::model::User;
use crate::runtime::{Builder, Plugin};
#[cfg(feature = "server")]
use crate::runtime::{FrontEnd, FrontEndType};
use crate::strategy::StrategyType;
use config::ConfigSource;

/// A program that runs an organization's flows. It gives the program its command line:
///
/// - `check` finds every fault of the configuration and the handlers,
/// - `handlers` lists the handlers,
/// - `simulate REQUEST.json` runs a request through its flow on a virtual clock, and prints what happens.
///
/// With feature `server`, `slack manifest` describes the app that the front end of type `slack` needs to its service, for each type
/// of front ends that can say so.
///
/// With feature `sqlite` there are commands for a store in a file:
///
/// - `serve`, with feature `server` too, runs the flows and lets people reach them through the front ends, or with `--fake-slack` in
///   a stand-in for the service, where clients and strategies only pretend,
/// - `runs` lists the Runs, and finds those whose access could not be taken away,
/// - `revoke` takes access away before its time, and `write-off` ends a revocation that cannot succeed,
/// - `audit export` prints the audit log, and `audit verify` checks that it is as it was written,
/// - `backup` copies the file, also while it is in use.
///
/// ```no_run
/// use sym_sdk::App;
/// use sym_sdk::prelude::*;
///
/// #[reducer]
/// fn get_permissions() -> RequestPermission {
///     RequestPermission::new(PermissionLevel::Admin, PermissionLevel::Member)
/// }
///
/// fn main() -> std::process::ExitCode {
///     App::new().config_dir("infra/sym").domain("example.com").main()
/// }
/// ```
#[must_use = "an app does nothing until `main` is called"]
#[derive(Default)]
pub struct App {
    pub(crate) config: ConfigSource,
    pub(crate) domains: Vec<String>,
    pub(crate) registry: Option<Registry>,
    pub(crate) extensions: Vec<Install>,
    #[cfg(feature = "server")]
    pub(crate) front_end_types: Vec<FrontEndType>,
    pub(crate) stand_ins: Vec<Install>,
    pub(crate) users: Vec<User>,
    pub(crate) outbox: Outbox,
    pub(crate) demo: Vec<Demo>,
}

/// An extension that waits for its builder.
pub(crate) type Install = Box<dyn FnOnce(Builder) -> Builder + Send>;

/// A request that the program runs to show itself.
#[derive(Debug)]
pub(crate) struct Demo {
    pub(crate) name: String,
    pub(crate) request: String,
}

fn later(extension: impl Plugin + Send + 'static) -> Install {
    Box::new(move |builder| extension.install(builder))
}

impl App {
    /// An app with the handlers that are linked into the program.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds strategies, front ends and whatever else a crate of integrations brings.
    pub fn with(mut self, extension: impl Plugin + Send + 'static) -> Self {
        #[cfg(feature = "server")]
        for kind in extension.front_end_types() {
            self.front_end_types.retain(|known| known.kind() != kind.kind());
            self.front_end_types.push(kind);
        }
        self.extensions.push(later(extension));
        self
    }

    /// The handlers. Without this, those that are linked into the program.
    pub fn registry(mut self, registry: Registry) -> Self {
        self.registry = Some(registry);
        self
    }

    /// The configuration.
    pub fn config(mut self, config: Config) -> Self {
        self.config = ConfigSource::Given(Box::new(config));
        self
    }

    /// The directory of Terraform files to read the configuration from.
    pub fn config_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.config = ConfigSource::Dir(dir.into());
        self
    }

    /// An e-mail domain of the organization: people with an address in it become members on first contact. Terraform files do
    /// not have this.
    pub fn domain(mut self, domain: impl Into<String>) -> Self {
        self.domains.push(domain.into());
        self
    }

    /// A client that handlers take as `&T`, in place of one built from the configuration. Simulations do not use it.
    pub fn client<T: IntegrationClient>(self, client: T) -> Self {
        self.with(|builder: Builder| builder.client(client))
    }

    /// A value that handlers take as `State<T>`.
    pub fn state<T: Send + Sync + 'static>(self, state: T) -> Self {
        self.with(|builder: Builder| builder.state(state))
    }

    /// A type of strategies. Simulations do not use it.
    pub fn strategy_type(self, strategy: StrategyType) -> Self {
        self.with(strategy)
    }

    /// A front end. Simulations do not use it.
    pub fn delivery(self, delivery: impl Delivery) -> Self {
        self.with(|builder: Builder| builder.delivery(delivery))
    }

    /// A front end for the command `serve`, through which people reach the flows. Simulations do not use it.
    #[cfg(feature = "server")]
    #[cfg_attr(docsrs, doc(cfg(feature = "server")))]
    pub fn front_end(self, front_end: impl FrontEnd) -> Self {
        self.with(|builder: Builder| builder.front_end(front_end))
    }

    /// A type of front ends for the command `serve`, to be built from the configuration. Simulations do not use it.
    #[cfg(feature = "server")]
    #[cfg_attr(docsrs, doc(cfg(feature = "server")))]
    pub fn front_end_type(self, front_end: FrontEndType) -> Self {
        self.with(front_end)
    }

    /// A client that handlers take as `&T` in simulations.
    pub fn fake<T: IntegrationClient>(self, client: T) -> Self {
        self.simulate_with(|builder: Builder| builder.client(client))
    }

    /// Adds something for simulations only, such as a strategy that fails.
    pub fn simulate_with(mut self, extension: impl Plugin + Send + 'static) -> Self {
        self.stand_ins.push(later(extension));
        self
    }

    /// Where fakes note what they would have sent. What stands there becomes part of the timeline of a simulation.
    pub fn outbox(mut self, outbox: Outbox) -> Self {
        self.outbox = outbox;
        self
    }

    /// A user who is known from the start of a simulation, perhaps with a role or an account in some service.
    pub fn user(mut self, user: User) -> Self {
        self.users.push(user);
        self
    }

    /// The same for several users.
    pub fn users(mut self, users: impl IntoIterator<Item = User>) -> Self {
        self.users.extend(users);
        self
    }

    /// What the program does when it is run without a subcommand: it simulates this request, which is JSON as `simulate`
    /// takes it. May be given several times. Without any, the program prints its help.
    ///
    /// With `--db FILE` it keeps the Runs in a file of its own, has their time really pass, and goes on where it was when it is
    /// started again. Nothing real is touched then either.
    pub fn demo(mut self, name: impl Into<String>, request: impl Into<String>) -> Self {
        self.demo.push(Demo { name: name.into(), request: request.into() });
        self
    }

    /// Does what the command line asks for.
    pub fn main(self) -> ExitCode {
        let args: Vec<_> = std::env::args_os().collect();
        let mut builder = if cli::needs_threads(&self, args.clone()) {
            tokio::runtime::Builder::new_multi_thread()
        } else {
            tokio::runtime::Builder::new_current_thread()
        };
        let runtime = match builder.enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => {
                // There is nobody left to tell if this fails too.
                let _ = writeln!(io::stderr(), "error: no tokio runtime can be had: {error}");
                return Exit::Failure.into();
            }
        };
        let (mut stdout, mut stderr) = (io::stdout(), io::stderr());
        let exit = runtime.block_on(self.run_from(args, &mut stdout, &mut stderr));
        // Not by dropping it: that waits for handlers that block their thread.
        runtime.shutdown_background();
        exit.into()
    }

    /// Does what `args` ask for, of which the first is the name of the program, and writes what there is to say to `stdout` and
    /// `stderr`. [`App::main`] does this with the program's own.
    pub async fn run_from<A>(self, args: A, stdout: &mut dyn Write, stderr: &mut dyn Write) -> Exit
    where
        A: IntoIterator,
        A::Item: Into<OsString> + Clone,
    {
        cli::run(self, args, stdout, stderr).await
    }

    /// Whether nobody said which e-mail domains the organization has.
    pub(crate) fn has_no_domains(&self, config: &Config) -> bool {
        self.domains.is_empty() && config.organization.domains.is_empty()
    }

    /// The builder for this configuration, with everything that was handed over.
    pub(crate) fn builder(&mut self, mut config: Config) -> Builder {
        config.organization.domains.append(&mut self.domains);
        let mut builder = Builder::new(config);
        if let Some(registry) = self.registry.take() {
            builder = builder.registry(registry);
        }
        self.extensions.drain(..).fold(builder, |builder, install| install(builder))
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App")
            .field("config", &self.config)
            .field("domains", &self.domains)
            .field("registry", &self.registry)
            .field("users", &self.users)
            .field("demo", &self.demo)
            .finish_non_exhaustive()
    }
}
