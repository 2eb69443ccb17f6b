//! The commands `users …`: who the directory knows, and what an administrator does to them while the program is not running.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};

use super::args::{UserArgs, UsersCommand};
use super::exit::CommandError;
use super::operator;
use super::output::{Output, count};
use super::table::write_table;
use super::{Common, Exit, Program};
use crate::directory::{DeletedUser, DirectoryStore};
use crate::engine::SqliteStore;
use crate::error::{Error, ErrorKind, Result, codes};
use crate::machine::UserAction;
use crate::model::{User, UserId, UserRole};
use crate::normalize::fold_email;
use crate::runtime::{Administrator, EndedAccess, Runtime};

pub(super) async fn run(
    mut program: Program,
    common: Common,
    command: UsersCommand,
    output: &mut Output<'_>,
) -> Result<Exit, CommandError> {
    let (action, args, role) = match command {
        UsersCommand::List(database) => return list(&database.db, output).await,
        UsersCommand::Lock(args) => (UserAction::Lock, args, UserRole::Member),
        UsersCommand::Unlock(args) => (UserAction::Unlock, args, UserRole::Member),
        UsersCommand::Delete(args) => (UserAction::Delete, args, UserRole::Member),
        UsersCommand::Restore(args) => (UserAction::Restore, args, UserRole::Member),
        UsersCommand::Admit { args, role } => (UserAction::Admit, args, role),
    };
    let config = super::read_config(&mut program, common, output)?;
    let db = &args.database.db;
    if !db.exists() {
        return Err(missing(db).into());
    }
    let store = Arc::new(SqliteStore::open(db).await?);
    let done = async {
        // The access is revoked by the program, so nothing real is needed, and a fault of the configuration does not matter.
        let builder = program.simulated_builder(config);
        let runtime = program.install_fakes(builder).sqlite(store.clone()).build_degraded().await?;
        Ok::<_, CommandError>(act(&runtime, action, &args, role).await?)
    };
    let done = done.await;
    store.close().await?;
    write(action, &args.user, done?, output)?;
    Ok(Exit::Success)
}

async fn act(runtime: &Runtime, action: UserAction, args: &UserArgs, role: UserRole) -> Result<EndedAccess> {
    let by = Administrator::new(args.actor.as_str(), operator::channel());
    let (user, reason) = (args.user.as_str(), args.reason.as_str());
    let unchanged = EndedAccess::default;
    Ok(match action {
        UserAction::Lock => runtime.lock_user(user, by, reason).await?,
        UserAction::Delete => runtime.delete_user(user, by, reason).await?,
        UserAction::Unlock => runtime.unlock_user(user, by, reason).await.map(|_| unchanged())?,
        UserAction::Restore => {
            let id = deleted(runtime, user).await?;
            runtime.restore_user(id, by, reason).await.map(|_| unchanged())?
        }
        UserAction::Admit => runtime.admit_user(user, role, by, reason).await.map(|_| unchanged())?,
    })
}

/// Returns the id of the deleted user whom the command names by id, or by the name that they had. The last one of that name counts.
async fn deleted(runtime: &Runtime, name: &str) -> Result<UserId> {
    if let Ok(id) = name.parse() {
        return Ok(id);
    }
    let deleted = runtime.directory().deleted_users().await?;
    let folded = fold_email(name);
    let found = deleted.iter().rfind(|deleted| fold_email(deleted.user.username()) == folded);
    found.map(|deleted| deleted.user.id()).ok_or_else(|| {
        let message = format!("no deleted user was named `{name}`");
        Error::new(ErrorKind::NotFound, codes::UNKNOWN_USER, message).with_hint("`users list` lists deleted users too")
    })
}

fn missing(db: &Path) -> Error {
    // Opening a store creates it, and a new one knows nobody.
    let error = Error::new(ErrorKind::NotFound, codes::STORE, format!("store `{}` does not exist", db.display()));
    error.with_hint("check the path given with `--db`")
}

fn write(action: UserAction, user: &str, ended: EndedAccess, output: &mut Output<'_>) -> std::io::Result<()> {
    let EndedAccess { revoking, denied, failed } = ended;
    if output.json {
        let failed: Vec<_> = failed.iter().map(|(run, error)| json!({ "run_id": run, "error": error })).collect();
        let done = action.past_participle();
        return output
            .value(&json!({ "user": user, "done": done, "revoking": revoking, "denied": denied, "failed": failed }));
    }
    writeln!(output.out, "{user}: {}", action.past_participle())?;
    for run in revoking {
        writeln!(output.out, "Run {run}: access will be revoked when the program next runs")?;
    }
    for run in denied {
        writeln!(output.out, "Run {run}: request denied")?;
    }
    for (run, error) in failed {
        writeln!(output.err, "warning: Run {run}: {}", error.message)?;
    }
    Ok(())
}

async fn list(db: &Path, output: &mut Output<'_>) -> Result<Exit, CommandError> {
    let store = SqliteStore::open_read_only(db).await?;
    let (users, deleted) = (store.users().await, store.deleted_users().await);
    store.close().await?;
    let (users, deleted) = (users?, deleted?);
    if output.json {
        let all = users
            .iter()
            .map(|user| row_json(user, None))
            .chain(deleted.iter().map(|one| row_json(&one.user, Some(one))));
        output.value(&all.collect::<Vec<_>>())?;
        return Ok(Exit::Success);
    }
    if users.is_empty() && deleted.is_empty() {
        writeln!(output.out, "No users found")?;
        return Ok(Exit::Success);
    }
    let head = ["USER", "ROLE", "STATE", "ACCOUNTS", "ID"];
    let rows = users.iter().map(|user| row(user, None)).chain(deleted.iter().map(|one| row(&one.user, Some(one))));
    write_table(output.out, head, rows, None)?;
    Ok(Exit::Success)
}

fn state(user: &User, deleted: Option<&DeletedUser>) -> String {
    match deleted {
        Some(deleted) => format!("deleted {:.0}", deleted.deleted_at),
        None if user.is_locked() => "locked".to_owned(),
        None => "-".to_owned(),
    }
}

fn row(user: &User, deleted: Option<&DeletedUser>) -> [String; 5] {
    let accounts = count(user.identities().len(), "account");
    [user.username().to_owned(), user.role().to_string(), state(user, deleted), accounts, user.id().to_string()]
}

fn row_json(user: &User, deleted: Option<&DeletedUser>) -> Value {
    json!({
        "user_id": user.id(),
        "username": user.username(),
        "type": user.user_type(),
        "role": user.role(),
        "locked": user.is_locked(),
        "deleted_at": deleted.map(|deleted| deleted.deleted_at),
        "identities": user.identities(),
    })
}
