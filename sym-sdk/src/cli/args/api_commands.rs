//! The arguments of the commands that call the API: that of a server, or that in this process on a file.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args, Subcommand};
use serde_json::Value;

use super::{KeyArgs, VerifyArgs, values};
use crate::directory::WorkloadProvider;
use crate::model::{EventId, RunId, RunStatus, TokenId, TrustId, UserRole};

/// The place that a command works on, and the one who does.
#[derive(Clone, Debug, Default, Args)]
pub(in crate::cli) struct ConnectionArgs {
    /// Call the program at this address [env: SYM_SERVER; the token: SYM_TOKEN, or SYM_JWT for that of a CI job]
    #[arg(long, value_name = "URL", conflicts_with_all = ["db", "profile"])]
    pub(in crate::cli) server: Option<String>,
    /// Call the server of this profile, with its token [env: SYM_PROFILE]
    #[arg(long, value_name = "NAME", conflicts_with = "db")]
    pub(in crate::cli) profile: Option<String>,
    /// Trust the authorities in this file, in PEM format, and no others, for the server's certificate [env: SYM_CA_CERT]
    #[arg(long, value_name = "FILE", conflicts_with = "db")]
    pub(in crate::cli) ca_cert: Option<PathBuf>,
    /// Work on the store in this file. Reading works beside the program that has it; to change it, the program must not run
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) db: Option<PathBuf>,
    /// With `--db`: e-mail address of the person who does this, who is no bot. The record also names you, as `file:USER@HOST`
    #[arg(id = "act_as", long = "as", value_name = "EMAIL", conflicts_with_all = ["server", "profile"])]
    pub(in crate::cli) actor: Option<String>,
    /// Show times in UTC, instead of the local time zone
    #[arg(long)]
    pub(in crate::cli) utc: bool,
    /// Never ask anything
    #[arg(long)]
    pub(in crate::cli) no_input: bool,
}

/// The columns of a list.
#[derive(Clone, Debug, Default, Args)]
pub(in crate::cli) struct ColumnArgs {
    /// Show these columns, in this order; another name is answered with those that there are
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    pub(in crate::cli) columns: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum ApiCommand {
    /// List the flows that you may request, or show one
    Flows(FlowsArgs),
    /// Request access, or an approval
    Request(RequestArgs),
    /// List Runs, newest first
    Runs(RunsArgs),
    /// Show a Run: what was asked for, who decides, and what has happened
    Run(RunArgs),
    /// Open the page of a Run in the browser, or the first page of the console
    ///
    /// Without a terminal, the address is printed.
    Open(OpenArgs),
    /// List who has access to what now
    Access(AccessArgs),
    /// Approve requests
    Approve(ApproveArgs),
    /// Deny requests, or withdraw your own
    Deny(DenyArgs),
    /// Give back access that you have
    GiveBack(GiveBackArgs),
    /// Revoke access before it expires, or retry a failing revocation now
    ///
    /// With `--db`, the access is revoked when the program next runs.
    Revoke(RevokeArgs),
    /// Give up on a revocation that cannot succeed
    ///
    /// For access that was removed by hand, or whose target is gone. It is recorded in the audit log, with the reason.
    WriteOff(WriteOffArgs),
    /// List users; add, lock, unlock, delete or restore one, or set a role
    #[command(subcommand)]
    Users(UsersCommand),
    /// List bots; add or delete one
    #[command(subcommand)]
    Bots(BotsCommand),
    /// List tokens of bots; issue or revoke one
    #[command(subcommand)]
    Tokens(TokensCommand),
    /// List trusts of bots in jobs of CI services; add or remove one
    #[command(subcommand)]
    Trusts(TrustsCommand),
    /// Search, export, verify or follow the audit log
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Show the state of the program: what is stuck, late or unavailable
    Operations(ConnectionArgs),
    /// Compare the access that Runs give with what its targets list
    ///
    /// With `--db`, reads the targets with this program's credentials and a copy of the store, also while it is in use, and changes nothing.
    /// Exits with 1 if a target lists access that no Run gives, or lacks access that one gives.
    Reconcile(ReconcileArgs),
    /// Sign in as yourself, in the console of a server
    ///
    /// Shows a code, which you enter on a page of the console. The session is kept in a profile, for twelve hours.
    SignIn(SignInArgs),
    /// End the session of a profile, and forget it
    SignOut(SignOutArgs),
    /// Show who you are, and what you may do
    Whoami(ConnectionArgs),
    /// List the profiles of the configuration file
    Profiles(ColumnArgs),
    /// Make any call of the API
    Api(ApiArgs),
}

#[derive(Debug, Args)]
pub(in crate::cli) struct FlowsArgs {
    /// Name of a flow
    #[arg(value_name = "FLOW", conflicts_with = "columns")]
    pub(in crate::cli) flow: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) columns: ColumnArgs,
    #[command(flatten)]
    pub(in crate::cli) connection: ConnectionArgs,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct RequestArgs {
    /// Name of the flow
    #[arg(value_name = "FLOW")]
    pub(in crate::cli) flow: String,
    /// Values of the form's fields
    #[arg(value_name = "FIELD=VALUE", value_parser = values::field)]
    pub(in crate::cli) fields: Vec<(String, String)>,
    /// Target of the access, by name or label
    #[arg(long, value_name = "TARGET")]
    pub(in crate::cli) to: Option<String>,
    /// Duration of the access, such as `1h`
    #[arg(long = "for", value_name = "DURATION")]
    pub(in crate::cli) duration: Option<String>,
    /// Reason
    #[arg(long, value_name = "TEXT")]
    pub(in crate::cli) reason: Option<String>,
    /// E-mail address of the person who gets the access, if that is not you
    #[arg(long, value_name = "EMAIL")]
    pub(in crate::cli) user: Option<String>,
    /// Show what would become of it, and request nothing
    ///
    /// The reducers are called, and no hooks. Exits with 1 if it would be refused.
    #[arg(long, conflicts_with_all = ["wait", "key"])]
    pub(in crate::cli) dry_run: bool,
    /// Wait for the decision and the access, for 30 minutes or this long
    #[arg(long, value_name = "DURATION", num_args = 0..=1, require_equals = true, default_missing_value = "30m", value_parser = values::duration)]
    pub(in crate::cli) wait: Option<Duration>,
    /// Withdraw the request, or give back the access, if the wait is interrupted
    #[arg(long, requires = "wait")]
    pub(in crate::cli) withdraw_on_interrupt: bool,
    /// Key with which the command can be repeated without a second request
    #[arg(long, value_name = "KEY")]
    pub(in crate::cli) key: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) connection: ConnectionArgs,
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("relation").args(["mine", "to_decide", "decided"])))]
pub(in crate::cli) struct RunsArgs {
    /// Only your own requests
    #[arg(long)]
    pub(in crate::cli) mine: bool,
    /// Only requests that wait for a decision which you may make
    #[arg(long)]
    pub(in crate::cli) to_decide: bool,
    /// Only requests that you have decided
    #[arg(long)]
    pub(in crate::cli) decided: bool,
    /// Only Runs that wait for a decision
    #[arg(long)]
    pub(in crate::cli) open: bool,
    /// Only Runs that hold access, or may
    #[arg(long)]
    pub(in crate::cli) holding: bool,
    /// Only Runs whose access could not be revoked yet, or whose end a hook defers
    #[arg(long)]
    pub(in crate::cli) stuck: bool,
    /// Only Runs of this flow
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) flow: Option<String>,
    /// Only Runs with this status
    #[arg(long, value_name = "STATUS", value_parser = values::status())]
    pub(in crate::cli) status: Option<RunStatus>,
    /// Only Runs of this requester, by e-mail address or id
    #[arg(long, value_name = "USER")]
    pub(in crate::cli) user: Option<String>,
    /// Only Runs for this target, by name
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) target: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) period: PeriodArgs,
    /// Maximum number of Runs to list
    #[arg(long, value_name = "NUMBER", default_value = "50", value_parser = values::positive::<NonZeroUsize>)]
    pub(in crate::cli) limit: NonZeroUsize,
    /// Go on where another list has ended: its `next`
    #[arg(long, value_name = "CURSOR")]
    pub(in crate::cli) after: Option<String>,
    /// List all
    #[arg(long, conflicts_with = "limit")]
    pub(in crate::cli) all: bool,
    /// Then show what changes, until the command is interrupted
    ///
    /// On a terminal, the list is drawn again; otherwise, and with `--json`, each Run that has changed has a line.
    #[arg(long, conflicts_with_all = ["all", "after"])]
    pub(in crate::cli) watch: bool,
    #[command(flatten)]
    pub(in crate::cli) columns: ColumnArgs,
    #[command(flatten)]
    pub(in crate::cli) connection: ConnectionArgs,
}

/// A period of time.
#[derive(Clone, Debug, Default, Args)]
pub(in crate::cli) struct PeriodArgs {
    /// Only from this time on: `2026-10-01`, `2026-10-01T09:00:00Z`, or `30d` for the last 30 days
    #[arg(long, value_name = "TIME")]
    pub(in crate::cli) since: Option<String>,
    /// Only before this time
    #[arg(long, value_name = "TIME")]
    pub(in crate::cli) until: Option<String>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct RunArgs {
    /// Id of the Run
    #[arg(value_name = "RUN")]
    pub(in crate::cli) run: RunId,
    /// Then print what happens, until the Run has ended
    #[arg(long)]
    pub(in crate::cli) follow: bool,
    #[command(flatten)]
    pub(in crate::cli) connection: ConnectionArgs,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct OpenArgs {
    /// Id of a Run
    #[arg(value_name = "RUN")]
    pub(in crate::cli) run: Option<RunId>,
    /// Print the address, and open nothing
    #[arg(long)]
    pub(in crate::cli) print: bool,
    #[command(flatten)]
    pub(in crate::cli) connection: ConnectionArgs,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct AccessArgs {
    /// Only access of this user, by e-mail address
    #[arg(long, value_name = "EMAIL")]
    pub(in crate::cli) user: Option<String>,
    /// Only access that this flow gave
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) flow: Option<String>,
    /// Only access to this target, by name
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) target: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) columns: ColumnArgs,
    #[command(flatten)]
    pub(in crate::cli) connection: ConnectionArgs,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ApproveArgs {
    /// Ids of the Runs
    #[arg(value_name = "RUN", required = true)]
    pub(in crate::cli) runs: Vec<RunId>,
    /// Text for the requester and the record
    #[arg(short, long, value_name = "TEXT")]
    pub(in crate::cli) message: Option<String>,
    /// Approve for a shorter time than was asked for, such as `30m`
    #[arg(long = "for", value_name = "DURATION")]
    pub(in crate::cli) duration: Option<String>,
    /// Do not ask whether to go on
    #[arg(short, long)]
    pub(in crate::cli) yes: bool,
    #[command(flatten)]
    pub(in crate::cli) connection: ConnectionArgs,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct DenyArgs {
    /// Ids of the Runs
    #[arg(value_name = "RUN", required = true)]
    pub(in crate::cli) runs: Vec<RunId>,
    /// Text for the requester and the record
    #[arg(short, long, value_name = "TEXT", required = true)]
    pub(in crate::cli) message: String,
    /// Do not ask whether to go on
    #[arg(short, long)]
    pub(in crate::cli) yes: bool,
    #[command(flatten)]
    pub(in crate::cli) connection: ConnectionArgs,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct GiveBackArgs {
    /// Id of the Run; not needed if you have access from one alone
    #[arg(value_name = "RUN")]
    pub(in crate::cli) run: Option<RunId>,
    #[command(flatten)]
    pub(in crate::cli) connection: ConnectionArgs,
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("what").required(true).args(["run", "user"])))]
pub(in crate::cli) struct RevokeArgs {
    /// Id of the Run
    #[arg(value_name = "RUN")]
    pub(in crate::cli) run: Option<RunId>,
    /// E-mail address of a user, all of whose access is revoked
    #[arg(long, value_name = "EMAIL")]
    pub(in crate::cli) user: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) connection: ConnectionArgs,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct WriteOffArgs {
    /// Id of the Run
    #[arg(value_name = "RUN")]
    pub(in crate::cli) run: RunId,
    /// Reason, for the audit log
    #[arg(long, value_name = "TEXT")]
    pub(in crate::cli) reason: String,
    #[command(flatten)]
    pub(in crate::cli) connection: ConnectionArgs,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum UsersCommand {
    /// List users, and those who were deleted
    List {
        /// Only users whose name begins with this
        #[arg(long, value_name = "TEXT")]
        prefix: Option<String>,
        #[command(flatten)]
        columns: ColumnArgs,
        #[command(flatten)]
        connection: ConnectionArgs,
    },
    /// Show a user with their accounts
    Show {
        /// E-mail address or id of the user
        #[arg(value_name = "USER")]
        user: String,
        #[command(flatten)]
        connection: ConnectionArgs,
    },
    /// Add a new person, whose address may have been that of a deleted user
    #[command(visible_alias = "add")]
    Admit {
        #[command(flatten)]
        args: UserArgs,
        /// Role of the person
        #[arg(long, value_name = "ROLE", default_value = "member", value_parser = values::role())]
        role: UserRole,
    },
    /// Add the people in a CSV file
    ///
    /// The first line names the columns: `email`, and any of `role`, `first_name`, `last_name` and `reason`. Nobody is added if a line is
    /// wrong, and people who are known stay as they are. Run it again after an error: it goes on.
    Import {
        /// File in UTF-8; `-` reads standard input
        #[arg(value_name = "FILE.csv")]
        file: PathBuf,
        /// Role of people whose line names none
        #[arg(long, value_name = "ROLE", default_value = "member", value_parser = values::role())]
        role: UserRole,
        /// Reason, for the audit log, where a line names none
        #[arg(long, value_name = "TEXT", default_value = "imported from a file")]
        reason: String,
        /// Show what would be done, and do nothing
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        connection: ConnectionArgs,
    },
    /// Set the role of a user
    Role {
        /// E-mail address or id of the user
        #[arg(value_name = "USER")]
        user: String,
        /// Role
        #[arg(value_name = "ROLE", value_parser = values::role())]
        role: UserRole,
        /// Reason, for the audit log
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
        #[command(flatten)]
        connection: ConnectionArgs,
    },
    /// Refuse everything that a user does, and end what they have
    ///
    /// Nothing more is granted to the user, open requests are denied, and access is revoked; with `--db`, when the program next runs.
    Lock(UserArgs),
    /// Unlock a user; access that ended does not come back
    Unlock(UserArgs),
    /// Delete a user, and end what they have
    ///
    /// A deleted user is not added again by what they do.
    Delete(UserArgs),
    /// Bring a deleted user back, as they were
    Restore(UserArgs),
}

/// The arguments of an action on a user.
#[derive(Debug, Args)]
pub(in crate::cli) struct UserArgs {
    /// E-mail address or id of the user
    #[arg(value_name = "USER")]
    pub(in crate::cli) user: String,
    /// Reason, for the audit log
    #[arg(long, value_name = "TEXT")]
    pub(in crate::cli) reason: String,
    #[command(flatten)]
    pub(in crate::cli) connection: ConnectionArgs,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum BotsCommand {
    /// List bots
    List {
        #[command(flatten)]
        columns: ColumnArgs,
        #[command(flatten)]
        connection: ConnectionArgs,
    },
    /// Add a bot
    Add {
        /// Name of the bot
        #[arg(value_name = "NAME")]
        name: String,
        /// Role of the bot
        #[arg(long, value_name = "ROLE", default_value = "member", value_parser = values::role())]
        role: UserRole,
        #[command(flatten)]
        connection: ConnectionArgs,
    },
    /// Delete a bot, with its tokens and its access
    Delete {
        /// Name or id of the bot
        #[arg(value_name = "BOT")]
        bot: String,
        /// Reason, for the audit log
        #[arg(long, value_name = "TEXT")]
        reason: String,
        #[command(flatten)]
        connection: ConnectionArgs,
    },
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum TokensCommand {
    /// List tokens, of all bots or of one
    List {
        /// Name or id of a bot
        #[arg(value_name = "BOT")]
        bot: Option<String>,
        #[command(flatten)]
        columns: ColumnArgs,
        #[command(flatten)]
        connection: ConnectionArgs,
    },
    /// Issue a token, and print it: it cannot be read again
    Issue {
        /// Name or id of the bot
        #[arg(value_name = "BOT")]
        bot: String,
        /// Time for which it is good, such as `30d`
        #[arg(long = "for", value_name = "DURATION")]
        valid_for: String,
        /// Purpose of the token
        #[arg(long, value_name = "TEXT", default_value = "issued on the command line")]
        label: String,
        #[command(flatten)]
        connection: ConnectionArgs,
    },
    /// Revoke a token
    Revoke {
        /// Id of the token
        #[arg(value_name = "TOKEN")]
        token: TokenId,
        #[command(flatten)]
        connection: ConnectionArgs,
    },
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum TrustsCommand {
    /// List trusts, of all bots or of one
    List {
        /// Name or id of a bot
        #[arg(value_name = "BOT")]
        bot: Option<String>,
        #[command(flatten)]
        columns: ColumnArgs,
        #[command(flatten)]
        connection: ConnectionArgs,
    },
    /// Show a trust
    Show {
        /// Id of the trust
        #[arg(value_name = "TRUST")]
        trust: TrustId,
        #[command(flatten)]
        connection: ConnectionArgs,
    },
    /// Have jobs with these claims get tokens of a bot
    ///
    /// Each job gets one for its own token, which is good for 15 minutes. The ids of the owner and of the repository or project are
    /// required, and an environment, a ref or a branch.
    Add {
        /// Name or id of the bot
        #[arg(value_name = "BOT")]
        bot: String,
        /// Service that runs the jobs
        #[arg(long, value_name = "SERVICE", value_parser = values::workload_provider())]
        provider: WorkloadProvider,
        /// Audience that jobs ask for: the address of the program, for example
        #[arg(long, value_name = "TEXT")]
        audience: String,
        /// Claim that the tokens must have, such as `environment=production`; can be repeated
        #[arg(long = "claim", value_name = "NAME=VALUE", required = true, value_parser = values::claim)]
        claims: Vec<(String, String)>,
        /// Issuer of the tokens, for a service that the organization runs itself [default: that of the service]
        #[arg(long, value_name = "URL")]
        issuer: Option<String>,
        #[command(flatten)]
        connection: ConnectionArgs,
    },
    /// Remove a trust: no more tokens are issued by it
    #[command(visible_alias = "delete")]
    Remove {
        /// Id of the trust
        #[arg(value_name = "TRUST")]
        trust: TrustId,
        #[command(flatten)]
        connection: ConnectionArgs,
    },
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum AuditCommand {
    /// Find entries, newest first
    Search {
        #[command(flatten)]
        filter: AuditFilterArgs,
        /// In the order of the log
        #[arg(long)]
        oldest: bool,
        /// Maximum number of entries to list
        #[arg(long, value_name = "NUMBER", default_value = "50", value_parser = values::positive::<NonZeroUsize>)]
        limit: NonZeroUsize,
        /// Go on after the entry with this number: `next` of another list
        #[arg(long, value_name = "NUMBER")]
        after: Option<u64>,
        /// List all
        #[arg(long, conflicts_with = "limit")]
        all: bool,
        #[command(flatten)]
        connection: ConnectionArgs,
    },
    /// Print the entries as JSON Lines, as log destinations receive them, or as CSV
    Export {
        #[command(flatten)]
        filter: AuditFilterArgs,
        /// `jsonl`, which can be verified, or `csv`, for people
        #[arg(long, value_name = "FORMAT", default_value = "jsonl", value_parser = ["jsonl", "csv"])]
        format: String,
        /// Start after the entry with this number
        #[arg(long, value_name = "NUMBER")]
        after: Option<u64>,
        #[command(flatten)]
        connection: ConnectionArgs,
    },
    /// Print an anchor: what the log ends with now
    ///
    /// Run this periodically, and append the output to a file that nobody who can write to the store can change. `audit verify --anchor`
    /// then finds a log that was rewritten. Works while the store is in use.
    Anchor {
        #[command(flatten)]
        keys: KeyArgs,
        #[command(flatten)]
        connection: ConnectionArgs,
    },
    /// Verify that no entry was changed, removed or inserted
    ///
    /// Of a store, of files of a log destination, or of a server, whose log is read.
    Verify(VerifyArgs),
    /// Print entries as they are recorded
    Tail {
        #[command(flatten)]
        filter: AuditFilterArgs,
        #[command(flatten)]
        connection: ConnectionArgs,
    },
}

/// The entries of the audit log.
#[derive(Clone, Debug, Default, Args)]
pub(in crate::cli) struct AuditFilterArgs {
    /// Only entries of events of this user, by e-mail address or id
    #[arg(long, value_name = "USER")]
    pub(in crate::cli) actor: Option<String>,
    /// Only entries of this flow
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) flow: Option<String>,
    /// Only entries of this Run
    #[arg(long, value_name = "RUN")]
    pub(in crate::cli) run: Option<RunId>,
    /// Only entries of this event
    #[arg(long, value_name = "EVENT")]
    pub(in crate::cli) event: Option<EventId>,
    /// Only entries of this kind, such as `granted`
    #[arg(long, value_name = "KIND")]
    pub(in crate::cli) kind: Option<String>,
    /// Only entries that name this handler
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) handler: Option<String>,
    /// Only entries whose text has all of these words: people, targets, reasons, errors
    #[arg(long, value_name = "WORDS")]
    pub(in crate::cli) text: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) period: PeriodArgs,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ReconcileArgs {
    /// Grant access again that a Run gives and its target does not list
    #[arg(long, conflicts_with = "db")]
    pub(in crate::cli) regrant_missing: bool,
    /// Revoke access that a target lists and no Run gives, of users whose account is known
    #[arg(long, conflicts_with = "db")]
    pub(in crate::cli) revoke_extra: bool,
    #[command(flatten)]
    pub(in crate::cli) connection: ConnectionArgs,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct SignInArgs {
    /// Sign in at the program at this address [env: SYM_SERVER]
    #[arg(long, value_name = "URL")]
    pub(in crate::cli) server: Option<String>,
    /// Keep the session in this profile, which is added if it is new. By default, it has the name of the host [env: SYM_PROFILE]
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) profile: Option<String>,
    /// Trust the authorities in this file, in PEM format, and no others, for the server's certificate [env: SYM_CA_CERT]
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) ca_cert: Option<PathBuf>,
    /// Print the address of the page, and open nothing
    #[arg(long)]
    pub(in crate::cli) print: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct SignOutArgs {
    /// Sign out at the program at this address [env: SYM_SERVER]
    #[arg(long, value_name = "URL", conflicts_with = "profile")]
    pub(in crate::cli) server: Option<String>,
    /// End the session of this profile [env: SYM_PROFILE]
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) profile: Option<String>,
    /// Trust the authorities in this file, in PEM format, and no others, for the server's certificate [env: SYM_CA_CERT]
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) ca_cert: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ApiArgs {
    /// Method, such as `GET`
    #[arg(value_name = "METHOD", value_parser = ["GET", "POST", "PATCH", "DELETE"], ignore_case = true)]
    pub(in crate::cli) method: String,
    /// Path, such as `/runs` or `/api/v1/runs?limit=5`
    #[arg(value_name = "PATH")]
    pub(in crate::cli) path: String,
    /// Parameter of a GET, or member of the body otherwise: JSON, or else a text; can be repeated
    #[arg(short = 'f', long = "field", value_name = "NAME=VALUE", value_parser = values::member)]
    pub(in crate::cli) fields: Vec<(String, Value)>,
    #[command(flatten)]
    pub(in crate::cli) connection: ConnectionArgs,
}
