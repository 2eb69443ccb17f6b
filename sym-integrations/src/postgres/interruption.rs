//! The end of sessions that keep a revocation waiting.
//!
//! A login may change its own role, such as its password, and so lock the row that the revocation has to change, for as long as it keeps
//! its transaction open. Its sessions are therefore ended before each attempt, and again while the attempt waits: until the transaction
//! has the row, a client that connects anew can lock it anew. A transaction that a session has [prepared](super::prepared) keeps the lock
//! without it, and is rolled back.
//!
//! A failure to do so is no failure of the revocation, which needs only the lock; it explains one that failed for a lock.
//! Sessions that remain are ended, or reported, [afterwards](super::sessions).

use std::pin::pin;

use futures_util::future::{Either, select};
use sym_sdk::error::{Error, Result};

use super::connection::{Cluster, Connection};
use super::revoke::Revocation;
use super::sessions::{self, Logins, POLL_INTERVAL, Sessions};
use super::{errors, prepared};

/// Ends the sessions of a revocation's logins on the primary, where alone roles can be locked.
pub(super) struct Interruption<'a> {
    revocation: &'a Revocation<'a>,
    cluster: &'a Cluster,
    ended: Sessions,
    failure: Option<Error>,
}

impl<'a> Interruption<'a> {
    pub(super) fn new(revocation: &'a Revocation<'a>, cluster: &'a Cluster) -> Self {
        Self { revocation, cluster, ended: Sessions::new(), failure: None }
    }

    /// Ends the sessions that there are.
    pub(super) async fn interrupt(&mut self, connection: &Connection) {
        self.failure = self.end_sessions(connection).await.err();
    }

    async fn end_sessions(&mut self, connection: &Connection) -> Result<()> {
        let names = self.revocation.logins(connection).await?;
        let logins = Logins { names, dropped: None };
        self.ended.extend(sessions::look(connection, &self.cluster.primary, &logins).await?);
        prepared::roll_back_blocking(self.cluster, connection, &logins.names).await
    }

    /// Awaits a transaction, and ends sessions for as long as it waits, over and over, on a connection of its own: that of the transaction
    /// waits.
    pub(super) async fn during<T>(&mut self, transaction: impl Future<Output = T>) -> T {
        let mut transaction = pin!(transaction);
        let mut connection = None;
        loop {
            // A wait for the server's locks, which know nothing of the client's clock.
            let pause = pin!(tokio::time::sleep(POLL_INTERVAL));
            if let Either::Left((result, _)) = select(transaction.as_mut(), pause).await {
                return result;
            }
            if connection.is_none() {
                match select(transaction.as_mut(), pin!(self.cluster.primary())).await {
                    Either::Left((result, _)) => return result,
                    Either::Right((Ok(connected), _)) => connection = Some(connected),
                    Either::Right((Err(error), _)) => self.failure = Some(error),
                }
            }
            if let Some(connected) = &connection {
                let interrupting = pin!(self.interrupt(connected));
                // Sessions that it has told to end are to be counted, so it goes on.
                if let Either::Left((result, interrupting)) = select(transaction.as_mut(), interrupting).await {
                    interrupting.await;
                    return result;
                }
            }
            if self.failure.is_some() {
                connection = None;
            }
        }
    }

    /// Explains why a revocation failed: if it waited for a lock, by what kept the sessions from being ended.
    pub(super) fn explain(&mut self, error: Error) -> Error {
        match self.failure.take() {
            Some(failure) if errors::is_conflict(&error) => failure,
            _ => error,
        }
    }

    /// Returns the sessions that were told to end.
    pub(super) fn into_ended(self) -> Sessions {
        self.ended
    }
}
