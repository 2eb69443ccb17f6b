//! The arguments of the command line.
//!
//! Most of it is declared for clap. Commands and flags that depend on what a program was given, such as `slack manifest` and
//! `--fake-slack`, are added at run time, according to its [`Capabilities`].

#[cfg(all(feature = "api", feature = "remote", feature = "sqlite"))]
mod api_commands;
mod help;
mod missing_commands;
#[cfg(all(feature = "console", feature = "sqlite"))]
mod sign_in;
#[cfg(all(feature = "sqlite", not(all(feature = "api", feature = "remote"))))]
mod store_commands;
mod values;

use std::ffi::OsString;
#[cfg(all(feature = "server", feature = "sqlite"))]
use std::net::SocketAddr;
#[cfg(feature = "sqlite")]
use std::num::NonZeroU32;
#[cfg(all(feature = "server", feature = "sqlite"))]
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

#[cfg(feature = "sqlite")]
use clap::ArgGroup;
use clap::{ArgMatches, FromArgMatches, Parser, Subcommand};
use jiff::Timestamp;

#[cfg(feature = "sqlite")]
use crate::audit::AuditHead;
use crate::model::Source;
#[cfg(all(feature = "server", feature = "sqlite"))]
use crate::runtime::PublicUrl;
use crate::strategy::{Failures, GrantOutcome};
#[cfg(all(feature = "api", feature = "remote", feature = "sqlite"))]
pub(super) use api_commands::{
    AccessArgs, ApiArgs, ApiCommand, ApproveArgs, AuditCommand, AuditFilterArgs, BotsCommand, ColumnArgs,
    ConnectionArgs, DenyArgs, FlowsArgs, GiveBackArgs, OpenArgs, ReconcileArgs, RequestArgs, RevokeArgs, RunArgs,
    RunsArgs, SignInArgs, SignOutArgs, TokensCommand, TrustsCommand, UserArgs, UsersCommand, WriteOffArgs,
};
#[cfg(all(feature = "server", feature = "sqlite"))]
use help::fake_flag;
pub(super) use help::{command, help};
#[cfg(all(feature = "console", feature = "sqlite"))]
pub(super) use sign_in::SignInSettings;
#[cfg(all(feature = "sqlite", not(all(feature = "api", feature = "remote"))))]
pub(super) use store_commands::{AuditCommand, RunArgs, RunsArgs, StoreCommand, UserArgs, UsersCommand, WriteOffArgs};

/// Check, simulate and run access workflows
#[derive(Debug, Parser)]
pub(super) struct Args {
    #[command(flatten)]
    pub(super) common: Common,
    #[cfg(feature = "sqlite")]
    #[command(flatten)]
    pub(super) demo: DemoArgs,
    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

/// Options of the demo, which runs when there is no command.
#[cfg(feature = "sqlite")]
#[derive(Debug, clap::Args)]
pub(super) struct DemoArgs {
    /// Run the demo on a store in this file and on a real clock, instead of simulating it
    #[arg(long, value_name = "FILE")]
    pub(super) db: Option<PathBuf>,
    /// Speed of the clock with `--db`, as a multiple of real time
    #[arg(long, value_name = "FACTOR", default_value = "60", value_parser = values::positive::<NonZeroU32>, requires = "db")]
    pub(super) speed: NonZeroU32,
    #[command(flatten)]
    pub(super) log: LogArgs,
}

/// Options of the log.
#[cfg(feature = "sqlite")]
#[derive(Debug, clap::Args)]
pub(super) struct LogArgs {
    /// Format of the log on standard error; the environment variable RUST_LOG filters it
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(super) log_format: LogFormat,
}

/// A format of the log.
#[cfg(feature = "sqlite")]
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(super) enum LogFormat {
    /// A line of text for each event.
    Text,
    /// A JSON object for each event.
    Json,
}

/// The optional commands and flags of a program.
#[derive(Debug, Default)]
pub(super) struct Capabilities {
    /// It has demo requests.
    pub(super) demo: bool,
    /// The types of front ends that have a manifest.
    #[cfg(feature = "server")]
    pub(super) manifests: Vec<String>,
    /// The types of front ends that have a fake of their service.
    #[cfg(all(feature = "server", feature = "sqlite"))]
    pub(super) fakes: Vec<String>,
}

#[derive(Debug, clap::Args)]
pub(super) struct Common {
    #[command(flatten)]
    pub(super) terraform: TerraformArgs,
    /// Add an e-mail domain of the organization; can be repeated
    #[arg(long = "domain", value_name = "DOMAIN", global = true)]
    pub(super) domains: Vec<String>,
    /// Print JSON
    #[arg(long, global = true)]
    pub(super) json: bool,
}

/// The Terraform files that are read, and the values that they are given.
#[derive(Debug, Default, clap::Args)]
pub(super) struct TerraformArgs {
    /// Read the configuration from the Terraform files in this directory
    #[arg(long, value_name = "DIR", global = true)]
    pub(super) config: Option<PathBuf>,
    /// Set a Terraform variable; can be repeated
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = values::variable, global = true)]
    variables: Vec<(String, String)>,
    /// Set the Terraform variables in this file; can be repeated. What comes later counts, also if it is `--var`
    #[arg(long = "var-file", value_name = "FILE", global = true)]
    variable_files: Vec<PathBuf>,
    /// Name of the Terraform workspace [default: TF_WORKSPACE, or what `terraform workspace select` chose]
    #[arg(long, value_name = "NAME", global = true)]
    pub(super) workspace: Option<String>,
    /// Read values that only `terraform apply` knows from this JSON file, such as {"module.okta.group_id": "00g1"}
    #[arg(long, value_name = "FILE", global = true)]
    pub(super) known_values: Option<PathBuf>,
    /// The variables and the files of variables, in their order on the command line.
    #[arg(skip)]
    pub(super) assignments: Vec<Assignment>,
}

/// An assignment of Terraform variables.
#[derive(Clone, Debug)]
pub(super) enum Assignment {
    Variable(String, String),
    File(PathBuf),
}

impl TerraformArgs {
    fn read_order(&mut self, matches: &ArgMatches) {
        let indices = |name| matches.indices_of(name).into_iter().flatten();
        let variables = self.variables.drain(..).map(|(name, value)| Assignment::Variable(name, value));
        let mut found: Vec<_> = indices("variables").zip(variables).collect();
        found.extend(indices("variable_files").zip(self.variable_files.drain(..).map(Assignment::File)));
        found.sort_by_key(|(index, _)| *index);
        self.assignments = found.into_iter().map(|(_, assignment)| assignment).collect();
    }
}

#[derive(Debug, clap::Args)]
pub(super) struct CheckArgs {
    /// Also check every client and target in its service: credentials, permissions, and that targets exist
    ///
    /// Reads the secrets as `serve` does and changes nothing. Calls are read-only, so a permission that only a change needs may be found
    /// missing later. Nothing is called if the configuration has errors. Exits with 1 if access to a target could not be granted.
    #[arg(long)]
    pub(super) live: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Check the configuration and the handlers
    Check(CheckArgs),
    /// List the handlers and the flows that use them
    Handlers,
    /// Generate Rust code from the configuration
    #[command(subcommand)]
    Generate(GenerateCommand),
    /// Dry-run a request on a virtual clock
    ///
    /// Nothing real is touched: clients are fakes, strategies are simulated, and messages are not sent.
    Simulate(SimulateArgs),
    /// Run the flows and serve their front ends
    ///
    /// Each front end is mounted below its name. `GET /health` and `GET /ready` are liveness and readiness probes. SIGINT or SIGTERM
    /// stops the program gracefully: work in flight has some seconds to finish, and the rest is resumed at the next start. A second
    /// signal stops it immediately. If the store fails for good, the program ends with exit code 3: have a supervisor restart it.
    #[cfg(all(feature = "server", feature = "sqlite"))]
    Serve(Box<ServeArgs>),
    /// Serve one agent over standard input and output, with the Model Context Protocol
    ///
    /// For a client that starts programs. The environment variable SYM_TOKEN has the token of the agent. At the end of the input, or with a
    /// signal, what the agent has requested is given back. Only for a program that is not running: a store has one writer. Where `serve`
    /// runs, agents connect to its `/mcp`.
    #[cfg(all(feature = "mcp", feature = "sqlite"))]
    Mcp(McpArgs),
    // `slack manifest` and its like. Added at run time for the types of front ends that the program has.
    #[cfg(feature = "server")]
    #[command(skip)]
    Manifest(ManifestArgs),
    /// Compare recorded requests with what today's handlers and configuration would make of them
    ///
    /// Reads the requests of a store, also while it is in use, and changes nothing. Each goes through the handlers on a clock that shows its
    /// time, with the decisions of its approvers; services are replaced as in `simulate`. Exits with 1 if routing, approvers,
    /// auto-approval, target or duration of a request would differ, or if it could not be made any more.
    #[cfg(feature = "sqlite")]
    Replay(ReplayArgs),
    /// Copy a store, also while it is in use
    #[cfg(feature = "sqlite")]
    Backup(BackupArgs),
    #[cfg(all(feature = "api", feature = "remote", feature = "sqlite"))]
    #[command(flatten)]
    Api(ApiCommand),
    #[cfg(all(feature = "sqlite", not(all(feature = "api", feature = "remote"))))]
    #[command(flatten)]
    Store(StoreCommand),
    /// Print a script with which a shell completes commands
    Completions {
        /// Shell
        #[arg(value_name = "SHELL")]
        shell: clap_complete::Shell,
    },
}

/// The file that `generate types` writes by default.
pub(super) const DEFAULT_OUT: &str = "src/flow_types.rs";

#[derive(Debug, Subcommand)]
pub(super) enum GenerateCommand {
    /// Write a module with the types of each flow's fields and vars
    ///
    /// Handlers take them as `Fields<prod::Form>` and `Vars<prod::FlowVars>`, where `prod` is the flow. `check` tells when the types that
    /// are linked into the program are stale.
    Types(GenerateTypesArgs),
}

#[derive(Debug, clap::Args)]
pub(super) struct GenerateTypesArgs {
    /// File to write; `-` writes to standard output
    #[arg(long, value_name = "FILE", default_value = DEFAULT_OUT)]
    pub(super) out: PathBuf,
    /// Write nothing, and exit with 1 if the file is stale
    #[arg(long)]
    pub(super) check: bool,
}

/// The store that a command works on.
#[cfg(feature = "sqlite")]
#[derive(Debug, clap::Args)]
pub(super) struct Database {
    /// File of the store
    #[arg(long, value_name = "FILE")]
    pub(super) db: PathBuf,
}

#[cfg(all(feature = "server", feature = "sqlite"))]
#[derive(Debug, clap::Args)]
pub(super) struct ServeArgs {
    /// Address to listen on; port 0 picks a free port
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:3000")]
    pub(super) listen: SocketAddr,
    /// File of the store, created if missing [default: sym.db, or sym-fake.db with a fake]
    #[arg(long, value_name = "FILE")]
    db: Option<PathBuf>,
    /// Address under which people and agents reach the program, such as `https://sym.example.com`
    #[arg(long, value_name = "URL", value_parser = values::server_url)]
    pub(super) public_url: Option<PublicUrl>,
    /// Do not start if anything is wrong, instead of starting with what works: then no access is revoked either
    #[arg(long)]
    pub(super) strict: bool,
    /// Do not serve the web console, and link to none of its pages
    #[cfg(feature = "console")]
    #[arg(long)]
    pub(super) no_console: bool,
    #[cfg(feature = "console")]
    #[command(flatten)]
    pub(super) sign_in: SignInSettings,
    #[cfg(feature = "tls")]
    #[command(flatten)]
    pub(super) tls: TlsArgs,
    /// Serve the metrics for Prometheus at `/metrics` on this address, which only the collector should reach
    #[cfg(feature = "prometheus")]
    #[arg(long, value_name = "ADDRESS")]
    pub(super) metrics_listen: Option<SocketAddr>,
    #[command(flatten)]
    pub(super) anchors: AnchorArgs,
    #[command(flatten)]
    pub(super) output_keys: OutputKeyArgs,
    #[command(flatten)]
    pub(super) log: LogArgs,
    /// The types of front ends to fake, and the addresses of the fakes. Each has a flag of its own.
    #[arg(skip)]
    pub(super) fakes: Vec<(String, SocketAddr)>,
}

#[cfg(all(feature = "mcp", feature = "sqlite"))]
#[derive(Debug, clap::Args)]
pub(super) struct McpArgs {
    /// File of the store, created if missing
    #[arg(long, value_name = "FILE", default_value = "sym.db")]
    pub(super) db: PathBuf,
    #[command(flatten)]
    pub(super) log: LogArgs,
}

/// The certificate of the server.
#[cfg(all(feature = "server", feature = "sqlite", feature = "tls"))]
#[derive(Debug, clap::Args)]
pub(super) struct TlsArgs {
    /// File with the certificate and those that lead to its authority, in PEM format: serves HTTPS. Read again when it changes
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(super) tls_cert: Option<PathBuf>,
    /// File with the private key of the certificate, unencrypted, in PEM format
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(super) tls_key: Option<PathBuf>,
}

/// The anchors of the audit log that are written while the program runs.
#[cfg(all(feature = "server", feature = "sqlite"))]
#[derive(Debug, clap::Args)]
#[command(group(ArgGroup::new("anchors").multiple(true).args(["anchor_file", "anchor_destinations"])))]
pub(super) struct AnchorArgs {
    /// Append anchors of the audit log to this file: at start, periodically and at shutdown. Keep it where nobody who can write to the
    /// store can change it
    #[arg(long, value_name = "FILE")]
    pub(super) anchor_file: Option<PathBuf>,
    /// Send the anchors to the log destinations that take them, too
    #[arg(long)]
    pub(super) anchor_destinations: bool,
    /// Interval of the anchors
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = values::duration)]
    pub(super) anchor_interval: Duration,
    /// File with the key that authenticates the anchors
    #[arg(long, value_name = "FILE", requires = "anchors", conflicts_with = "anchor_key_env")]
    pub(super) anchor_key_file: Option<PathBuf>,
    /// Environment variable with the key that authenticates the anchors
    #[arg(long, value_name = "NAME", requires = "anchors")]
    pub(super) anchor_key_env: Option<String>,
}

/// The keys of secrets in outputs of steps.
#[cfg(all(feature = "server", feature = "sqlite"))]
#[derive(Debug, clap::Args)]
pub(super) struct OutputKeyArgs {
    /// File with the key that encrypts secrets in outputs of steps, which are not stored without one; can be repeated, after a key was
    /// replaced: the first one encrypts
    #[arg(long, value_name = "FILE")]
    pub(super) output_key_file: Vec<PathBuf>,
    /// Environment variable with the key that encrypts secrets in outputs of steps
    #[arg(long, value_name = "NAME")]
    pub(super) output_key_env: Option<String>,
}

#[cfg(all(feature = "server", feature = "sqlite"))]
impl ServeArgs {
    /// Returns the file of the store. Simulated access has a file of its own by default.
    pub(super) fn db(&self) -> &Path {
        let default = if self.fakes.is_empty() { "sym.db" } else { "sym-fake.db" };
        self.db.as_deref().unwrap_or(Path::new(default))
    }

    /// Reads the flags that were added at run time.
    fn read_fakes(&mut self, matches: &ArgMatches, capabilities: &Capabilities) {
        let address = |kind: &String| matches.get_one(&fake_flag(kind)).map(|address| (kind.clone(), *address));
        self.fakes = capabilities.fakes.iter().filter_map(address).collect();
    }
}

#[cfg(feature = "server")]
#[derive(Debug, clap::Args)]
pub(super) struct ManifestArgs {
    /// The type of the front end.
    #[arg(skip)]
    pub(super) kind: String,
    /// Name of the app
    #[arg(long, value_name = "NAME", default_value = "Sym", value_parser = values::app_name)]
    pub(super) name: String,
    /// Public address of the program, such as `https://sym.example.com`; without it, the app connects to the service itself
    #[arg(long, value_name = "URL", value_parser = values::public_url)]
    pub(super) url: Option<String>,
}

#[cfg(feature = "sqlite")]
#[derive(Debug, clap::Args)]
#[cfg_attr(
    all(feature = "api", feature = "remote"),
    command(group(ArgGroup::new("log").required(true).args(["db", "files", "server", "profile"])))
)]
#[cfg_attr(
    not(all(feature = "api", feature = "remote")),
    command(group(ArgGroup::new("log").required(true).args(["db", "files"])))
)]
pub(super) struct VerifyArgs {
    /// File of a store
    #[arg(long, value_name = "FILE")]
    pub(super) db: Option<PathBuf>,
    /// Address of a program, whose log is read
    #[cfg(all(feature = "api", feature = "remote"))]
    #[arg(long, value_name = "URL")]
    pub(super) server: Option<String>,
    /// Profile of a program, whose log is read
    #[cfg(all(feature = "api", feature = "remote"))]
    #[arg(long, value_name = "NAME")]
    pub(super) profile: Option<String>,
    /// Trust the authorities in this file, in PEM format, and no others, for the program's certificate
    #[cfg(all(feature = "api", feature = "remote"))]
    #[arg(long, value_name = "FILE", conflicts_with_all = ["db", "files"])]
    pub(super) ca_cert: Option<PathBuf>,
    /// Files of a log destination, oldest first
    #[arg(value_name = "FILE.jsonl")]
    pub(super) files: Vec<PathBuf>,
    /// Expect this entry, the last one of an earlier check. Without it, entries that were cut off or rewritten at the end go undetected
    #[arg(long, value_name = "NUMBER:HASH", value_parser = values::audit_head)]
    pub(super) expect_head: Option<AuditHead>,
    /// Allow the files to start after the first entry, because older files were removed
    #[arg(long, conflicts_with = "db")]
    pub(super) allow_partial: bool,
    /// Allow gaps between entries, because the destination receives only some environments
    #[arg(long, conflicts_with = "db")]
    pub(super) allow_gaps: bool,
    /// Allow lines that a log service has formatted differently; only their content is compared
    #[arg(long, conflicts_with = "db")]
    pub(super) allow_reformatted: bool,
    /// Expect the entries that the anchors in this file name; can be repeated. This detects a log that was rewritten
    #[arg(long = "anchor", value_name = "FILE")]
    pub(super) anchors: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) keys: KeyArgs,
}

/// The keys that authenticate anchors.
#[cfg(feature = "sqlite")]
#[derive(Debug, clap::Args)]
pub(super) struct KeyArgs {
    /// File with the key that authenticates anchors; can be repeated, after a key was replaced
    #[arg(long = "key-file", value_name = "FILE")]
    pub(super) key_files: Vec<PathBuf>,
    /// Environment variable with the key that authenticates anchors
    #[arg(long = "key-env", value_name = "NAME")]
    pub(super) key_env: Option<String>,
}

#[cfg(feature = "sqlite")]
#[derive(Debug, clap::Args)]
pub(super) struct ReplayArgs {
    #[command(flatten)]
    pub(super) database: Database,
    /// Only requests since this time, such as `30d` for the last 30 days, or `2024-02-29` [default: all]
    #[arg(long, value_name = "TIME", value_parser = values::since)]
    pub(super) since: Option<Timestamp>,
}

#[cfg(feature = "sqlite")]
#[derive(Debug, clap::Args)]
pub(super) struct BackupArgs {
    #[command(flatten)]
    pub(super) database: Database,
    /// File to write; must not exist
    #[arg(value_name = "TO")]
    pub(super) to: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(super) struct SimulateArgs {
    /// File with the request as JSON; `-` reads standard input
    #[arg(value_name = "REQUEST.json", required_unless_present = "all")]
    pub(super) request: Option<PathBuf>,
    /// Simulate generated requests of all flows, and report what they do not reach
    #[arg(
        long,
        conflicts_with_all = [
            "request", "source", "approve_as", "deny_as", "no_decision", "after", "grant", "revocation", "undeliverable", "time"
        ]
    )]
    pub(super) all: bool,
    #[command(flatten)]
    pub(super) scenario: ScenarioArgs,
}

/// The course of a simulated request. Overrides what the request says.
#[derive(Debug, Default, clap::Args)]
pub(super) struct ScenarioArgs {
    /// Source of the request [default: the first that the flow allows]
    #[arg(long, value_name = "SOURCE", value_parser = values::source())]
    pub(super) source: Option<Source>,
    /// Approve as this user; can be repeated
    #[arg(long, value_name = "EMAIL")]
    pub(super) approve_as: Vec<String>,
    /// Deny as this user, after all approvals; can be repeated
    #[arg(long, value_name = "EMAIL")]
    pub(super) deny_as: Vec<String>,
    /// Leave the request undecided, as an approver does who never answers
    #[arg(long, conflicts_with_all = ["approve_as", "deny_as"])]
    pub(super) no_decision: bool,
    /// Time between the request and the decision, such as `90s` or `2h` [default: 1m]
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    pub(super) after: Option<Duration>,
    /// Script the grant: `fails`, `fails:2` for the first two attempts, `refused`, or `unknown` if it takes effect and its reply is lost
    #[arg(long, value_name = "OUTCOME", value_parser = values::grant_outcome)]
    pub(super) grant: Option<GrantOutcome>,
    /// Script the revocation: `fails`, or `fails:2` for the first two attempts
    #[arg(long, value_name = "OUTCOME", value_parser = values::failures)]
    pub(super) revocation: Option<Failures>,
    /// Let nothing be delivered to this channel, user or error destination, such as `#requests`; can be repeated
    #[arg(long, value_name = "TO")]
    pub(super) undeliverable: Vec<String>,
    /// Start time of the simulation [default: 2024-02-29T09:00:00Z]
    #[arg(long, value_name = "TIMESTAMP", value_parser = values::timestamp)]
    pub(super) at: Option<Timestamp>,
    /// Maximum time to simulate after the decision [default: 366d]
    #[arg(long = "for", value_name = "DURATION", value_parser = values::duration)]
    pub(super) time: Option<Duration>,
}

impl Args {
    /// Parses the arguments. `Err` is also used for texts that are no errors, such as the help.
    pub(super) fn parse(program: &str, capabilities: &Capabilities, args: Vec<OsString>) -> Result<Self, clap::Error> {
        let mut command = help::command(program, capabilities);
        let matches = command.try_get_matches_from_mut(args)?;
        missing_commands::reject(&mut command, &matches, capabilities)?;
        let mut args = Self::read(&matches, capabilities).map_err(|error| error.format(&mut command))?;
        args.common.terraform.read_order(&matches);
        #[cfg(feature = "sqlite")]
        if args.command.is_some() && args.demo.db.is_some() {
            let message = "`--db` before a command is an option of the demo; put it after the name of the command";
            return Err(command.error(clap::error::ErrorKind::ArgumentConflict, message));
        }
        Ok(args)
    }

    #[cfg(feature = "server")]
    fn read(matches: &ArgMatches, capabilities: &Capabilities) -> Result<Self, clap::Error> {
        if let Some((kind, kind_matches)) = matches.subcommand()
            && capabilities.manifests.iter().any(|known| known == kind)
            && let Some((_, manifest_matches)) = kind_matches.subcommand()
        {
            let manifest = ManifestArgs { kind: kind.to_owned(), ..ManifestArgs::from_arg_matches(manifest_matches)? };
            return Ok(Self {
                common: Common::from_arg_matches(matches)?,
                #[cfg(feature = "sqlite")]
                demo: DemoArgs::from_arg_matches(matches)?,
                command: Some(Command::Manifest(manifest)),
            });
        }
        #[cfg_attr(not(feature = "sqlite"), expect(unused_mut, reason = "`serve` needs a store in a file"))]
        let mut args = Self::from_arg_matches(matches)?;
        #[cfg(feature = "sqlite")]
        if let (Some(Command::Serve(serve)), Some((_, matches))) = (&mut args.command, matches.subcommand()) {
            serve.read_fakes(matches, capabilities);
        }
        Ok(args)
    }

    #[cfg(not(feature = "server"))]
    fn read(matches: &ArgMatches, _: &Capabilities) -> Result<Self, clap::Error> {
        Self::from_arg_matches(matches)
    }
}
