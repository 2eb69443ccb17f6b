//! Transactions that logins have prepared, and that keep a revocation waiting.
//!
//! A prepared transaction keeps its locks without a session, for as long as nobody ends it, and only its owner may. So the owner's role
//! is taken on for that. Prepared transactions that lock nothing which the revocation needs stay.

use postgres_protocol::escape::{escape_identifier, escape_literal};
use sym_sdk::error::Result;
use tokio_postgres::types::Type;

use super::connection::{Cluster, Connection, column};

/// The action in errors.
const ROLL_BACK: &str = "roll back a prepared transaction";

/// Finds the prepared transactions of logins that sessions of ours wait for.
const BLOCKING: &str = "\
    SELECT gid, owner::text, database::text FROM pg_prepared_xacts \
    WHERE owner::text = ANY($1) AND transaction IN (\
        SELECT transactionid FROM pg_locks JOIN pg_stat_activity USING (pid) \
        WHERE locktype = 'transactionid' AND NOT granted AND usename = session_user)";

/// Rolls back the prepared transactions of logins that this user's statements wait for.
pub(super) async fn roll_back_blocking(cluster: &Cluster, connection: &Connection, logins: &[String]) -> Result<()> {
    for row in connection.query(ROLL_BACK, BLOCKING, &[(&logins, Type::TEXT_ARRAY)]).await? {
        let text = |index| column::<String>(ROLL_BACK, Some(&row), index);
        let (id, owner, database) = (text(0)?, text(1)?, text(2)?);
        roll_back(cluster, &id, &owner, &database).await.map_err(|error| {
            let statement = format!("ROLLBACK PREPARED {}", escape_literal(&id));
            error.with_hint(format!("as an administrator of the server, run in database `{database}`: {statement}"))
        })?;
    }
    Ok(())
}

async fn roll_back(cluster: &Cluster, id: &str, owner: &str, database: &str) -> Result<()> {
    let connection = cluster.primary_database(database).await?;
    let owner = escape_identifier(owner);
    connection.execute(ROLL_BACK, &format!("GRANT {owner} TO CURRENT_USER")).await?;
    let rolled_back = async {
        connection.execute(ROLL_BACK, &format!("SET ROLE {owner}")).await?;
        // By itself, since a prepared transaction cannot be ended within another one.
        connection.execute(ROLL_BACK, &format!("ROLLBACK PREPARED {}", escape_literal(id))).await
    }
    .await;
    // Also if that has failed: the membership is not to stay.
    let reset = async {
        connection.execute(ROLL_BACK, "RESET ROLE").await?;
        connection.execute(ROLL_BACK, &format!("REVOKE {owner} FROM CURRENT_USER")).await
    }
    .await;
    rolled_back.and(reset)
}
