//! What can be given on the command line.

use std::ffi::OsString;
#[cfg(all(feature = "server", feature = "sqlite"))]
use std::net::SocketAddr;
#[cfg(feature = "sqlite")]
use std::num::{NonZeroU32, NonZeroUsize};
#[cfg(all(feature = "server", feature = "sqlite"))]
use std::path::Path;
use std::path::PathBuf;
#[cfg(feature = "sqlite")]
use std::str::FromStr;
use std::time::Duration;

#[cfg(all(feature = "server", feature = "sqlite"))]
use clap::Arg;
#[cfg(feature = "sqlite")]
use clap::ArgGroup;
use clap::builder::{PossibleValuesParser, TypedValueParser};
#[cfg(feature = "server")]
use clap::{ArgMatches, Args as _};
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use jiff::Timestamp;

#[cfg(feature = "sqlite")]
use crate::audit::AuditHead;
use crate::forms::parse_duration;
use crate::model::Source;
#[cfg(feature = "sqlite")]
use crate::model::{RunId, RunStatus};

/// Checks, shows and simulates the flows of this program.
#[derive(Debug, Parser)]
pub(super) struct Args {
    #[command(flatten)]
    pub(super) common: Common,
    #[cfg(feature = "sqlite")]
    #[command(flatten)]
    pub(super) demo: Demo,
    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

/// How the requests are run that the program brings along.
#[cfg(feature = "sqlite")]
#[derive(Debug, clap::Args)]
pub(super) struct Demo {
    /// Keep the Runs in this file, and have their time really pass
    #[arg(long, value_name = "FILE")]
    pub(super) db: Option<PathBuf>,
    /// How many times as fast as it does time passes, with `--db`
    #[arg(long, value_name = "TIMES", default_value = "60", value_parser = number::<NonZeroU32>, requires = "db")]
    pub(super) speed: NonZeroU32,
}

/// What an app offers beside the commands of all.
#[derive(Debug, Default)]
pub(super) struct Offer {
    /// It brings requests along.
    pub(super) demo: bool,
    /// The types of front ends that have a manifest.
    #[cfg(feature = "server")]
    pub(super) manifests: Vec<String>,
    /// The types of front ends that have a stand-in for their service.
    #[cfg(all(feature = "server", feature = "sqlite"))]
    pub(super) fakes: Vec<String>,
}

#[derive(Debug, clap::Args)]
pub(super) struct Common {
    /// Read the configuration from the Terraform files of this directory
    #[arg(long, value_name = "DIR", global = true)]
    pub(super) config: Option<PathBuf>,
    /// Give a variable of the Terraform files
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = variable, global = true)]
    pub(super) variables: Vec<(String, String)>,
    /// An e-mail domain of the organization, beside those that the program names
    #[arg(long = "domain", value_name = "DOMAIN", global = true)]
    pub(super) domains: Vec<String>,
    /// Print JSON, for programs
    #[arg(long, global = true)]
    pub(super) json: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Find every fault of the configuration and the handlers
    Check,
    /// List the handlers, and the flows that take them
    Handlers,
    /// Run a request through its flow on a virtual clock, and print what happens
    ///
    /// Nothing real is touched: clients are fakes, strategies only pretend, and messages go nowhere.
    Simulate(Simulate),
    /// Run the flows, and let people reach them through the front ends
    ///
    /// Front ends are mounted each below its name. `GET /health` says that the program is alive, `GET /ready` that it can do its
    /// work. SIGINT or SIGTERM stops it: what is under way may finish for some seconds, and the rest goes on at the next start. A
    /// second signal stops it at once.
    #[cfg(all(feature = "server", feature = "sqlite"))]
    Serve(Serve),
    /// What `slack manifest` and the like ask for. They are there for the types of front ends that the app has.
    #[cfg(feature = "server")]
    #[command(skip)]
    Manifest(Manifest),
    /// List the Runs of a store, newest first
    #[cfg(feature = "sqlite")]
    Runs(Runs),
    /// Look into the audit log
    #[cfg(feature = "sqlite")]
    #[command(subcommand)]
    Audit(Audit),
    /// Copy a store, also while it is in use
    #[cfg(feature = "sqlite")]
    Backup(Backup),
    /// Take access away before its time, or at once where that keeps failing
    #[cfg(feature = "sqlite")]
    Revoke(Act),
    /// End a revocation that cannot succeed, on the record: somebody has seen to it that the access is gone
    #[cfg(feature = "sqlite")]
    WriteOff(WriteOff),
}

/// The store that a command is about.
#[cfg(feature = "sqlite")]
#[derive(Debug, clap::Args)]
pub(super) struct Database {
    /// File of the store
    #[arg(long, value_name = "FILE")]
    pub(super) db: PathBuf,
}

#[cfg(all(feature = "server", feature = "sqlite"))]
#[derive(Debug, clap::Args)]
pub(super) struct Serve {
    /// Listen on this address; port 0 is any free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:3000")]
    pub(super) listen: SocketAddr,
    /// File of the store, which is made if there is none [default: sym.db, or sym-fake.db with a stand-in]
    #[arg(long, value_name = "FILE")]
    db: Option<PathBuf>,
    /// The types of front ends whose services have a stand-in, and where those listen.
    #[arg(skip)]
    pub(super) fakes: Vec<(String, SocketAddr)>,
}

#[cfg(all(feature = "server", feature = "sqlite"))]
impl Serve {
    /// The file of the store. What is only pretended has one of its own.
    pub(super) fn db(&self) -> &Path {
        let default = if self.fakes.is_empty() { "sym.db" } else { "sym-fake.db" };
        self.db.as_deref().unwrap_or(Path::new(default))
    }

    /// What was said of stand-ins, for which there is a flag each.
    fn add_fakes(&mut self, matches: &ArgMatches, offer: &Offer) {
        let given = |kind: &String| matches.get_one(&fake_flag(kind)).map(|address| (kind.clone(), *address));
        self.fakes = offer.fakes.iter().filter_map(given).collect();
    }
}

/// The flag that has a stand-in started for the service of a front end.
#[cfg(all(feature = "server", feature = "sqlite"))]
fn fake_flag(kind: &str) -> String {
    format!("fake-{kind}")
}

#[cfg(feature = "server")]
#[derive(Debug, clap::Args)]
pub(super) struct Manifest {
    /// The type of the front end.
    #[arg(skip)]
    pub(super) kind: String,
    /// What the app is to be called
    #[arg(long, value_name = "NAME", default_value = "Sym", value_parser = name)]
    pub(super) name: String,
    /// Where the program is reached from outside, such as `https://sym.example.com`; without it, the app opens the connection
    #[arg(long, value_name = "URL", value_parser = public_address)]
    pub(super) url: Option<String>,
}

#[cfg(feature = "sqlite")]
#[derive(Debug, clap::Args)]
pub(super) struct Runs {
    #[command(flatten)]
    pub(super) database: Database,
    /// Only Runs whose access could not be taken away yet, though it was tried
    #[arg(long)]
    pub(super) stuck: bool,
    /// Only Runs that give access, or may
    #[arg(long)]
    pub(super) holding: bool,
    /// Only Runs of this flow
    #[arg(long, value_name = "NAME")]
    pub(super) flow: Option<String>,
    /// Only Runs with this status
    #[arg(long, value_name = "STATUS", value_parser = status())]
    pub(super) status: Option<RunStatus>,
    /// List so many at most
    #[arg(long, value_name = "NUMBER", default_value = "50", value_parser = number::<NonZeroUsize>)]
    pub(super) limit: NonZeroUsize,
}

#[cfg(feature = "sqlite")]
#[derive(Debug, Subcommand)]
pub(super) enum Audit {
    /// Print the entries as destinations get them: JSON, one on a line
    Export {
        #[command(flatten)]
        database: Database,
        /// Begin after the entry with this number
        #[arg(long, value_name = "NUMBER", default_value = "0")]
        after: u64,
    },
    /// Check that no entry was changed, removed or put in
    Verify(Verify),
}

#[cfg(feature = "sqlite")]
#[derive(Debug, clap::Args)]
#[command(group(ArgGroup::new("log").required(true).args(["db", "files"])))]
pub(super) struct Verify {
    /// File of a store
    #[arg(long, value_name = "FILE")]
    pub(super) db: Option<PathBuf>,
    /// Files of a destination, the oldest first
    #[arg(value_name = "FILE.jsonl")]
    pub(super) files: Vec<PathBuf>,
    /// Expect this entry, which was once the last: without one, nothing tells of an end that was cut off or written anew
    #[arg(long, value_name = "NUMBER:HASH", value_parser = known)]
    pub(super) known: Option<AuditHead>,
    /// Let the files begin anywhere: older ones have been removed
    #[arg(long, conflicts_with = "db")]
    pub(super) from_anywhere: bool,
    /// Let entries be missing in between: the destination is one of several environments
    #[arg(long, conflicts_with = "db")]
    pub(super) with_gaps: bool,
}

#[cfg(feature = "sqlite")]
#[derive(Debug, clap::Args)]
pub(super) struct Backup {
    #[command(flatten)]
    pub(super) database: Database,
    /// File to write, which must not exist
    #[arg(value_name = "TO")]
    pub(super) to: PathBuf,
}

#[cfg(feature = "sqlite")]
#[derive(Debug, clap::Args)]
pub(super) struct Act {
    #[command(flatten)]
    pub(super) database: Database,
    /// Id of the Run
    #[arg(value_name = "RUN")]
    pub(super) run: RunId,
    /// E-mail address of who does this
    #[arg(long = "as", value_name = "EMAIL")]
    pub(super) actor: String,
}

#[cfg(feature = "sqlite")]
#[derive(Debug, clap::Args)]
pub(super) struct WriteOff {
    #[command(flatten)]
    pub(super) act: Act,
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    pub(super) reason: String,
}

#[derive(Debug, clap::Args)]
pub(super) struct Simulate {
    /// File with the request, as JSON; `-` for the standard input
    #[arg(value_name = "REQUEST.json")]
    pub(super) request: PathBuf,
    #[command(flatten)]
    pub(super) how: How,
}

#[derive(Debug, Default, clap::Args)]
pub(super) struct How {
    /// Where the request comes from [default: the first that the flow allows]
    #[arg(long, value_name = "SOURCE", value_parser = source())]
    pub(super) source: Option<Source>,
    /// Have this person approve; may be given several times
    #[arg(long, value_name = "EMAIL")]
    pub(super) approve_as: Vec<String>,
    /// Have this person deny, after all approvals
    #[arg(long, value_name = "EMAIL")]
    pub(super) deny_as: Vec<String>,
    /// Have nobody decide
    #[arg(long, conflicts_with_all = ["approve_as", "deny_as"])]
    pub(super) no_decision: bool,
    /// How long the request waits for the decision, such as `90s` or `2h` [default: 1m]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(super) after: Option<Duration>,
    /// When it begins [default: 2024-02-29T09:00:00Z]
    #[arg(long, value_name = "TIMESTAMP", value_parser = timestamp)]
    pub(super) at: Option<Timestamp>,
    /// How much time may pass after the decision [default: 366d]
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    pub(super) time: Option<Duration>,
}

const EXIT_CODES: &str = "Exit code: 0 if all is well, 1 if there are faults, 2 if the command line makes no sense";

const REQUEST: &str = r#"A request is what Sym's API takes, and may say what becomes of it:
  {
    "flow_srn": "acme:flow:prod:latest",
    "flow_inputs": { "target_srn": "...", "duration": 3600, "reason": "..." },
    "user_email": "ana@example.com",
    "source": "slack",
    "decision": { "approve": "ben@example.com", "message": "...", "after": "5m" }
  }
Without a decision, an admin approves who is made up for this."#;

impl Args {
    /// Parses the arguments. What is no error is a text to be shown, such as the help.
    pub(super) fn parse(program: &str, offer: &Offer, args: Vec<OsString>) -> Result<Self, clap::Error> {
        let mut command = command(program, offer);
        let matches = command.try_get_matches_from_mut(args)?;
        let args = Self::read(&matches, offer).map_err(|error| error.format(&mut command))?;
        #[cfg(feature = "sqlite")]
        if args.command.is_some() && args.demo.db.is_some() {
            let message =
                "`--db` before a command is for running without one; commands that need it take it after their name";
            return Err(command.error(clap::error::ErrorKind::ArgumentConflict, message));
        }
        Ok(args)
    }

    #[cfg(feature = "server")]
    fn read(matches: &ArgMatches, offer: &Offer) -> Result<Self, clap::Error> {
        if let Some((kind, of_kind)) = matches.subcommand()
            && offer.manifests.iter().any(|known| known == kind)
            && let Some((_, asked)) = of_kind.subcommand()
        {
            let manifest = Manifest { kind: kind.to_owned(), ..Manifest::from_arg_matches(asked)? };
            return Ok(Self {
                common: Common::from_arg_matches(matches)?,
                #[cfg(feature = "sqlite")]
                demo: Demo::from_arg_matches(matches)?,
                command: Some(Command::Manifest(manifest)),
            });
        }
        #[cfg_attr(not(feature = "sqlite"), expect(unused_mut, reason = "`serve` needs a store in a file"))]
        let mut args = Self::from_arg_matches(matches)?;
        #[cfg(feature = "sqlite")]
        if let (Some(Command::Serve(serve)), Some((_, asked))) = (&mut args.command, matches.subcommand()) {
            serve.add_fakes(asked, offer);
        }
        Ok(args)
    }

    #[cfg(not(feature = "server"))]
    fn read(matches: &clap::ArgMatches, _: &Offer) -> Result<Self, clap::Error> {
        Self::from_arg_matches(matches)
    }
}

/// The command, with examples that name the program.
fn command(program: &str, offer: &Offer) -> clap::Command {
    let has_demo = offer.demo;
    let examples = |lines: &[&str]| {
        let lines: Vec<_> = lines.iter().map(|line| format!("  {program} {line}")).collect();
        format!("Examples:\n{}\n\n{EXIT_CODES}", lines.join("\n"))
    };
    let alone = if has_demo { "Without a command, it simulates the requests that it brings along.\n\n" } else { "" };
    let command = Args::command();
    #[cfg(feature = "sqlite")]
    let command =
        ["db", "speed"].into_iter().fold(command, |command, name| command.mut_arg(name, |arg| arg.hide(!has_demo)));
    let general: &[&str] = if has_demo && cfg!(feature = "sqlite") {
        &["check", "handlers", "simulate request.json", "--db demo.db", "runs --db demo.db"]
    } else {
        &["check", "handlers", "simulate request.json"]
    };
    #[cfg(all(feature = "server", feature = "sqlite"))]
    let command = command.mut_subcommand("serve", |serve| {
        let mut lines = vec!["serve".to_owned(), "serve --listen 127.0.0.1:8080 --db /var/lib/sym/sym.db".to_owned()];
        lines.extend(offer.fakes.iter().map(|kind| format!("serve --{}", fake_flag(kind))));
        let lines: Vec<_> = lines.iter().map(String::as_str).collect();
        serve.args(offer.fakes.iter().map(|kind| fake(kind))).after_help(examples(&lines))
    });
    #[cfg(feature = "server")]
    let command = command.subcommands(offer.manifests.iter().map(|kind| {
        let lines = [format!("{kind} manifest"), format!("{kind} manifest --url https://sym.example.com")];
        of_front_end(kind, examples(&[&lines[0], &lines[1]]))
    }));
    command
        .bin_name(program)
        .after_help(format!("{alone}{}", examples(general)))
        .mut_subcommand("check", |check| {
            check.after_help(examples(&["check", "check --config infra/sym --var environment=prod", "check --json"]))
        })
        .mut_subcommand("handlers", |handlers| handlers.after_help(examples(&["handlers", "handlers --json"])))
        .mut_subcommand("simulate", |simulate| {
            let examples = examples(&[
                "simulate request.json",
                "simulate request.json --config infra/sym --deny-as ben@example.com",
                "simulate - --source api --no-decision < request.json",
            ]);
            simulate.after_help(format!("{REQUEST}\n\n{examples}"))
        })
}

/// The help, for a program that was not told what to do.
pub(super) fn help(program: &str, offer: &Offer) -> String {
    command(program, offer).render_help().to_string()
}

/// The flag for a stand-in.
#[cfg(all(feature = "server", feature = "sqlite"))]
fn fake(kind: &str) -> Arg {
    let flag = fake_flag(kind);
    Arg::new(flag.clone())
        .long(flag)
        .value_name("ADDRESS")
        .num_args(0..=1)
        .require_equals(true)
        .default_missing_value("127.0.0.1:3001")
        .value_parser(clap::value_parser!(SocketAddr))
        .help(format!(
            "Start a stand-in for {kind} beside the program, which then only pretends [default: 127.0.0.1:3001]"
        ))
}

/// The commands for a type of front ends.
#[cfg(feature = "server")]
fn of_front_end(kind: &str, examples: String) -> clap::Command {
    let manifest = Manifest::augment_args(clap::Command::new("manifest"))
        .about(format!("Print what {kind} is to be told of the app, as JSON"))
        .after_help(examples);
    clap::Command::new(kind.to_owned())
        .about(format!("Set up the front end of type `{kind}`"))
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(manifest)
}

#[cfg(feature = "server")]
fn name(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("expected a name, such as `Sym`".to_owned()),
        name => Ok(name.to_owned()),
    }
}

/// An address that services can reach, without the slash at its end.
#[cfg(feature = "server")]
fn public_address(text: &str) -> Result<String, String> {
    let address: Option<axum::http::Uri> = text.parse().ok();
    let fits = |address: &axum::http::Uri| {
        address.scheme_str() == Some("https") && address.host().is_some() && address.query().is_none()
    };
    match address.filter(fits) {
        Some(_) => Ok(text.trim_end_matches('/').to_owned()),
        None => Err("expected an address such as `https://sym.example.com`".to_owned()),
    }
}

fn source() -> impl TypedValueParser<Value = Source> {
    PossibleValuesParser::new(Source::ALL.map(Source::as_str)).try_map(|name| name.parse::<Source>())
}

#[cfg(feature = "sqlite")]
fn status() -> impl TypedValueParser<Value = RunStatus> {
    PossibleValuesParser::new(RunStatus::ALL.map(RunStatus::as_str)).try_map(|name| name.parse::<RunStatus>())
}

#[cfg(feature = "sqlite")]
fn number<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| "expected a whole number from 1 on".to_owned())
}

#[cfg(feature = "sqlite")]
fn known(text: &str) -> Result<AuditHead, String> {
    let parsed =
        text.split_once(':').and_then(|(seq, hash)| Some(AuditHead::new(seq.parse().ok()?, hash.parse().ok()?)));
    parsed.ok_or_else(|| "expected the number of an entry and its hash, as `audit verify` shows them".to_owned())
}

fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).map_err(|error| error.message().to_owned())
}

fn timestamp(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|error| format!("{error}; expected a time such as `2024-02-29T09:00:00Z`"))
}

fn variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected a name and a value, as in `environment=prod`".to_owned()),
    }
}
