//! `backup`: copies a store.

use std::io;

use super::args::Backup;
use super::output::Output;
use crate::app::Exit;
use crate::engine::SqliteStore;
use crate::error::Result;

pub(super) async fn run(args: Backup, output: &mut Output<'_>) -> io::Result<Exit> {
    let (from, to) = (args.database.db.display().to_string(), args.to.display().to_string());
    match copy(args).await {
        Ok(()) if output.json => output.value(&serde_json::json!({ "from": from, "to": to }))?,
        Ok(()) => writeln!(output.out, "{from} is copied to {to}")?,
        Err(error) => return output.error(&error).map(|()| Exit::Failure),
    }
    Ok(Exit::Success)
}

async fn copy(args: Backup) -> Result<()> {
    let store = SqliteStore::open_read_only(args.database.db).await?;
    store.backup(args.to).await?;
    Ok(store.close().await?)
}
