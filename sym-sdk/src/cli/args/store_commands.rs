//! The arguments of commands for a store in a program without the API and its client. With them, `api_commands` has these commands, and more.

use std::num::NonZeroUsize;

use clap::Subcommand;

use super::{Database, KeyArgs, VerifyArgs, values};
use crate::model::{RunId, RunStatus, UserRole};

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum StoreCommand {
    /// List the Runs of a store, newest first
    Runs(RunsArgs),
    /// Export or verify the audit log
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Compare the access that Runs give with what its targets list
    ///
    /// Reads the targets with the program's credentials, and a copy of the store, also while it is in use. Nothing is changed. Exits with 1
    /// if a target lists access that no Run gives, or lacks access that one gives.
    Reconcile(Database),
    /// Revoke access before it expires, or retry a failing revocation now
    ///
    /// Only for a program that is not running: a store has one writer. The access is revoked when the program next runs.
    Revoke(RunArgs),
    /// Give up on a revocation that cannot succeed
    ///
    /// For access that was removed by hand, or whose target is gone. It is recorded in the audit log, with the reason. Only for a
    /// program that is not running: a store has one writer.
    WriteOff(WriteOffArgs),
    /// List users; lock, unlock, delete, restore or admit one
    #[command(subcommand)]
    Users(UsersCommand),
}

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct RunsArgs {
    #[command(flatten)]
    pub(in crate::cli) database: Database,
    /// Only Runs whose access could not be revoked yet, or whose end a hook defers
    #[arg(long)]
    pub(in crate::cli) stuck: bool,
    /// Only Runs that hold access, or may
    #[arg(long)]
    pub(in crate::cli) holding: bool,
    /// Only Runs of this flow
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) flow: Option<String>,
    /// Only Runs with this status
    #[arg(long, value_name = "STATUS", value_parser = values::status())]
    pub(in crate::cli) status: Option<RunStatus>,
    /// Maximum number of Runs to list
    #[arg(long, value_name = "NUMBER", default_value = "50", value_parser = values::positive::<NonZeroUsize>)]
    pub(in crate::cli) limit: NonZeroUsize,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum AuditCommand {
    /// Print the entries as JSON Lines, as log destinations receive them
    Export {
        #[command(flatten)]
        database: Database,
        /// Start after the entry with this number
        #[arg(long, value_name = "NUMBER", default_value = "0")]
        after: u64,
    },
    /// Print an anchor: what the log ends with now
    ///
    /// Run this periodically, and append the output to a file that nobody who can write to the store can change. `audit verify --anchor`
    /// then finds a log that was rewritten. Works while the store is in use.
    Anchor {
        #[command(flatten)]
        database: Database,
        #[command(flatten)]
        keys: KeyArgs,
    },
    /// Verify that no entry was changed, removed or inserted
    Verify(VerifyArgs),
}

/// The arguments of an action on a Run.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct RunArgs {
    #[command(flatten)]
    pub(in crate::cli) database: Database,
    /// Id of the Run
    #[arg(value_name = "RUN")]
    pub(in crate::cli) run: RunId,
    /// E-mail address of the person who does this, who is no bot
    #[arg(long = "as", value_name = "EMAIL")]
    pub(in crate::cli) actor: String,
}

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct WriteOffArgs {
    #[command(flatten)]
    pub(in crate::cli) run: RunArgs,
    /// Reason, for the audit log
    #[arg(long, value_name = "TEXT")]
    pub(in crate::cli) reason: String,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum UsersCommand {
    /// List users, and those who were deleted
    List(Database),
    /// Refuse everything that a user does, and end what they have
    ///
    /// Nothing more is granted to the user, open requests are denied, and access is revoked when the program next runs. Only for a
    /// program that is not running: a store has one writer.
    Lock(UserArgs),
    /// Unlock a user; access that ended does not come back
    Unlock(UserArgs),
    /// Delete a user, and end what they have
    ///
    /// A deleted user is not added again by what they do. Only for a program that is not running: a store has one writer.
    Delete(UserArgs),
    /// Bring a deleted user back, as they were
    Restore(UserArgs),
    /// Add a new person, whose address may have been that of a deleted user
    Admit {
        #[command(flatten)]
        args: UserArgs,
        /// Role of the person
        #[arg(long, value_name = "ROLE", default_value = "member", value_parser = values::role())]
        role: UserRole,
    },
}

/// The arguments of an action on a user.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct UserArgs {
    #[command(flatten)]
    pub(in crate::cli) database: Database,
    /// E-mail address of the user; for `restore`, also the id
    #[arg(value_name = "USER")]
    pub(in crate::cli) user: String,
    /// E-mail address of the administrator who does this, who is no bot
    #[arg(long = "as", value_name = "EMAIL")]
    pub(in crate::cli) actor: String,
    /// Reason, for the audit log
    #[arg(long, value_name = "TEXT")]
    pub(in crate::cli) reason: String,
}
