//! Sessions: the sign-ins of people in browsers and on command lines.
//!
//! A session is a random secret that is handed out once, of which the store keeps the hash alone. It says who somebody is and nothing of
//! what they may do: the user is read anew each time, so a role that was taken away counts from the next request on. Whoever is locked,
//! deleted, or loses a role loses their sessions in the same transaction.

mod command_line;
mod managing;
mod pending;

use std::time::Duration;

use jiff::Timestamp;
#[cfg(any(feature = "api", feature = "mcp"))]
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

pub use self::command_line::{CommandLineAnswer, CommandLineSignIn, SignInCode, WaitingCommandLine};
pub use self::pending::{PendingSignIn, ReturnPath, SignInSecret};
use super::TokenHash;
use crate::model::{SessionId, User, UserId};
use crate::time::TimestampExt as _;

/// The time after which a session ends, whatever it is used for.
pub(crate) const SESSION_TTL: Duration = Duration::from_secs(12 * 60 * 60);

/// The time after which a session in a browser ends if it is not used.
pub(crate) const SESSION_IDLE_TIMEOUT: Duration = Duration::from_secs(60 * 60);

/// The interval at which the use of a session is written down: not at each request.
const USE_RECORDING_INTERVAL: Duration = Duration::from_secs(60);

/// The time within which somebody has to sign in once they have begun to.
pub(crate) const SIGN_IN_TIMEOUT: Duration = Duration::from_secs(10 * 60);

/// The maximum number of pending sign-ins. Anybody can begin one, so the oldest give way.
pub(crate) const MAX_PENDING_SIGN_INS: usize = 10_000;

/// The place in which somebody has signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SessionKind {
    /// A browser, which keeps the secret in a cookie. It ends an hour after its last use, at the latest.
    Browser,
    /// A command line, which sends the secret as a bearer token.
    CommandLine,
}

impl SessionKind {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::Browser, Self::CommandLine];

    /// The name in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Browser => "browser",
            Self::CommandLine => "command_line",
        }
    }

    /// Returns the kind with this name in JSON.
    #[cfg(feature = "sqlite")]
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// Returns the prefix of secrets, by which scanners for leaked secrets recognize one.
    pub(crate) const fn prefix(self) -> &'static str {
        match self {
            Self::Browser => "symweb",
            Self::CommandLine => "symcli",
        }
    }

    /// Returns whether a secret has the form of one of this kind.
    #[cfg(any(feature = "api", feature = "mcp"))]
    pub(crate) fn is_kind_of(self, secret: &SecretString) -> bool {
        secret.expose_secret().split_once('_').is_some_and(|(prefix, _)| prefix == self.prefix())
    }

    const fn idle_timeout(self) -> Duration {
        match self {
            Self::Browser => SESSION_IDLE_TIMEOUT,
            Self::CommandLine => SESSION_TTL,
        }
    }
}

/// The description of a session, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Session {
    /// The id.
    pub id: SessionId,
    /// The person.
    pub user: UserId,
    /// The place in which they have signed in.
    pub kind: SessionKind,
    /// The time at which they have signed in.
    pub created_at: Timestamp,
    /// The time of the last use, to the minute.
    pub last_used_at: Timestamp,
    /// The time from which the session is invalid, however much it is used.
    pub ends_at: Timestamp,
}

impl Session {
    /// Creates a session that was never used after its beginning.
    pub fn new(id: SessionId, user: UserId, kind: SessionKind, created_at: Timestamp, ends_at: Timestamp) -> Self {
        Self { id, user, kind, created_at, last_used_at: created_at, ends_at }
    }

    /// Returns the time from which the session is invalid unless it is used before.
    pub fn expires_at(&self) -> Timestamp {
        self.ends_at.min(self.last_used_at.plus(self.kind.idle_timeout()))
    }

    /// Returns whether a change of a user ends their sessions: a lock, or the loss of a role. A store ends them in the transaction that
    /// makes the change.
    pub fn end_with_change(before: &User, after: &User) -> bool {
        // The roles are in descending order.
        (after.is_locked() && !before.is_locked()) || after.role() > before.role()
    }
}

/// A session as it is stored: its description and the hash of its secret.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StoredSession {
    /// The description.
    pub session: Session,
    /// The hash.
    pub hash: TokenHash,
}

impl StoredSession {
    /// Creates a stored session from its parts.
    pub fn new(session: Session, hash: TokenHash) -> Self {
        Self { session, hash }
    }
}
