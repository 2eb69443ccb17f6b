//! Commands and flags that the program lacks, because a feature is not enabled. They are parsed all the same, so that the error names the
//! feature; otherwise the command line would know nothing of them, and suggest a command that has a similar name and does something else.

use clap::error::ErrorKind;
use clap::{Arg, ArgMatches, Command};

use super::Capabilities;

/// A command that the program lacks.
struct Missing {
    command: &'static str,
    /// The feature that provides it.
    needs: &'static str,
    /// Advice for `Cargo.toml` or the program.
    help: &'static str,
}

/// Returns the commands that the program lacks.
fn missing(capabilities: &Capabilities) -> Vec<Missing> {
    let mut missing = Vec::new();
    #[cfg(not(feature = "sqlite"))]
    missing.extend(["audit", "backup", "reconcile", "replay", "revoke", "runs", "users", "write-off"].map(|command| {
        Missing {
            command,
            needs: "the feature `sqlite` of the crate `sym-sdk`",
            help: "it is a default feature: remove `default-features = false`, or add `sqlite` to its `features`",
        }
    }));
    #[cfg(not(all(feature = "api", feature = "remote", feature = "sqlite")))]
    missing.extend(NEED_THE_API.map(|command| Missing {
        command,
        needs: "the features `api`, `remote` and `sqlite` of the crate `sym-sdk`",
        help: "add to `Cargo.toml`: sym-sdk = { features = [\"api\", \"remote\", \"sqlite\"], … }",
    }));
    #[cfg(not(all(feature = "server", feature = "sqlite")))]
    missing.push(Missing {
        command: "serve",
        needs: match (cfg!(feature = "server"), cfg!(feature = "sqlite")) {
            (true, _) => "the feature `sqlite` of the crate `sym-sdk`",
            (_, true) => "the feature `server` of the crate `sym-sdk`",
            _ => "the features `server` and `sqlite` of the crate `sym-sdk`",
        },
        help: match (cfg!(feature = "server"), cfg!(feature = "sqlite")) {
            (true, _) => {
                "it is a default feature: remove `default-features = false`, or add `sqlite` to its `features`"
            }
            (_, true) => "add to `Cargo.toml`: sym-sdk = { features = [\"server\"], … }",
            _ => "add to `Cargo.toml`: sym-sdk = { features = [\"server\", \"sqlite\"], … }",
        },
    });
    if !has_slack(capabilities) {
        missing.push(Missing {
            command: SLACK,
            needs: "the feature `slack-app` of the crate `sym-integrations`",
            help: "add it to `Cargo.toml`, and `.with(sym_integrations::all())` to the program",
        });
    }
    missing
}

/// The commands that call the API, and have no other way to a store.
#[cfg(not(all(feature = "api", feature = "remote", feature = "sqlite")))]
const NEED_THE_API: [&str; 17] = [
    "access",
    "api",
    "approve",
    "bots",
    "deny",
    "flows",
    "give-back",
    "open",
    "operations",
    "profiles",
    "request",
    "run",
    "sign-in",
    "sign-out",
    "tokens",
    "trusts",
    "whoami",
];

/// The type of front ends that sym-integrations has.
const SLACK: &str = "slack";

#[cfg(feature = "server")]
fn has_slack(capabilities: &Capabilities) -> bool {
    capabilities.manifests.iter().any(|kind| kind == SLACK)
}

#[cfg(not(feature = "server"))]
fn has_slack(_: &Capabilities) -> bool {
    false
}

/// A flag of `serve` that the program lacks.
#[cfg(all(feature = "server", feature = "sqlite"))]
struct MissingFlag {
    flag: &'static str,
    needs: &'static str,
    help: &'static str,
}

/// Returns the flags of `serve` that the program lacks.
#[cfg(all(feature = "server", feature = "sqlite"))]
fn missing_flags(capabilities: &Capabilities) -> Vec<MissingFlag> {
    let mut missing = Vec::new();
    if !capabilities.fakes.iter().any(|kind| kind == SLACK) {
        missing.push(MissingFlag {
            flag: "fake-slack",
            needs: "the feature `slack-fake` of the crate `sym-integrations`",
            help: "add it to `Cargo.toml`, and `.with(sym_integrations::all())` to the program",
        });
    }
    #[cfg(not(feature = "prometheus"))]
    missing.push(MissingFlag {
        flag: "metrics-listen",
        needs: "the feature `prometheus` of the crate `sym-sdk`",
        help: "add to `Cargo.toml`: sym-sdk = { features = [\"prometheus\"], … }",
    });
    #[cfg(not(feature = "tls"))]
    missing.extend(["tls-cert", "tls-key"].map(|flag| MissingFlag {
        flag,
        needs: "the feature `tls` of the crate `sym-sdk`",
        help: "add to `Cargo.toml`: sym-sdk = { features = [\"tls\"], … }",
    }));
    missing
}

/// Adds the commands and flags that the program lacks, hidden from the help.
#[allow(clippy::let_and_return, reason = "with some features, a flag is added in between")]
pub(super) fn add(command: Command, capabilities: &Capabilities) -> Command {
    let stubs = missing(capabilities).into_iter().map(|missing| {
        let rest = Arg::new("rest").num_args(0..).trailing_var_arg(true).allow_hyphen_values(true).hide(true);
        Command::new(missing.command).hide(true).disable_help_flag(true).arg(rest)
    });
    let command = command.subcommands(stubs);
    #[cfg(all(feature = "server", feature = "sqlite"))]
    let command = command.mut_subcommand("serve", |serve| {
        // With or without a value: what is missing is the feature.
        let flag = |missing: MissingFlag| Arg::new(missing.flag).long(missing.flag).num_args(0..=1).hide(true);
        serve.args(missing_flags(capabilities).into_iter().map(flag))
    });
    command
}

/// Rejects a command or a flag that the program lacks.
///
/// # Errors
/// The error names what provides it.
pub(super) fn reject(
    command: &mut Command,
    matches: &ArgMatches,
    capabilities: &Capabilities,
) -> Result<(), clap::Error> {
    let Some((name, _args)) = matches.subcommand() else { return Ok(()) };
    if let Some(Missing { command: name, needs, help }) =
        missing(capabilities).into_iter().find(|missing| missing.command == name)
    {
        let message = format!("this program has no command `{name}`: it needs {needs}\n\n  help: {help}");
        return Err(command.error(ErrorKind::InvalidSubcommand, message));
    }
    #[cfg(all(feature = "server", feature = "sqlite"))]
    if name == "serve" {
        let given = |flag: &str| _args.value_source(flag) == Some(clap::parser::ValueSource::CommandLine);
        let missing = missing_flags(capabilities).into_iter().find(|missing| given(missing.flag));
        if let Some(MissingFlag { flag, needs, help }) = missing {
            let message = format!("this program has no `--{flag}`: it needs {needs}\n\n  help: {help}");
            return Err(command.error(ErrorKind::UnknownArgument, message));
        }
    }
    Ok(())
}
