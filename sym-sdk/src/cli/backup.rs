//! The command `backup`: copies a store, also while it is in use.

use super::Exit;
use super::args::BackupArgs;
use super::exit::CommandError;
use super::output::Output;
use crate::engine::SqliteStore;

pub(super) async fn run(args: BackupArgs, output: &mut Output<'_>) -> Result<Exit, CommandError> {
    let (from, to) = (args.database.db.display().to_string(), args.to.display().to_string());
    let store = SqliteStore::open_read_only(args.database.db).await?;
    store.backup(args.to).await?;
    store.close().await?;
    if output.json {
        output.value(&serde_json::json!({ "from": from, "to": to }))?;
    } else {
        writeln!(output.out, "Copied {from} to {to}")?;
    }
    Ok(Exit::Success)
}
