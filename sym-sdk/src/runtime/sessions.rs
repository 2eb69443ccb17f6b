//! Sessions of people, whose store has a time limit like all others.

use std::sync::Arc;

use secrecy::SecretString;

use super::Runtime;
use crate::directory::{PendingSignIn, Session, SessionKind, SignInSecret};
use crate::error::Result;
use crate::model::{SessionId, User, UserId};

impl Runtime {
    /// Begins a session of a person, who was authenticated: see [`Directory::begin_session`](crate::directory::Directory::begin_session).
    ///
    /// # Errors
    /// If there is no such person, they are locked, or the store fails.
    pub async fn begin_session(&self, user: &UserId, kind: SessionKind) -> Result<(Session, SecretString)> {
        let begun = self.executor.ask_directory(self.directory().begin_session(*user, kind)).await?;
        tracing::info!(user = %user, session = %begun.0.id, kind = kind.as_str(), "a session has begun");
        Ok(begun)
    }

    /// Returns the session with this secret, and the person as they are now. `None` if it has ended, or the person was deleted or is
    /// locked.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn session(&self, secret: &SecretString) -> Result<Option<(Session, Arc<User>)>> {
        self.executor.ask_directory(self.directory().session(secret)).await
    }

    /// Ends a session, and returns it if there was one.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn end_session(&self, id: SessionId) -> Result<Option<Session>> {
        let ended = self.executor.ask_directory(self.directory().end_session(id)).await?;
        if let Some(session) = &ended {
            tracing::info!(user = %session.user, session = %id, "a session was ended");
        }
        Ok(ended)
    }

    /// Ends all sessions of a person, in browsers and on command lines. Returns their number.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn end_sessions_of(&self, user: &UserId) -> Result<usize> {
        let ended = self.executor.ask_directory(self.directory().end_sessions_of(*user)).await?;
        tracing::info!(user = %user, ended, "all sessions of a person were ended");
        Ok(ended)
    }

    /// Returns the sessions of a person that have not ended, oldest first.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn sessions_of(&self, user: &UserId) -> Result<Vec<Session>> {
        self.executor.ask_directory(self.directory().sessions_of(*user)).await
    }

    /// Begins a sign-in, which can be finished once, within ten minutes.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn begin_sign_in(&self, pending: PendingSignIn) -> Result<SignInSecret> {
        self.executor.ask_directory(self.directory().begin_sign_in(pending)).await
    }

    /// Takes the sign-in with this secret, which is gone then. `None` if there is none, it was taken before, or it took too long.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn take_sign_in(&self, secret: &SignInSecret) -> Result<Option<PendingSignIn>> {
        self.executor.ask_directory(self.directory().take_sign_in(secret)).await
    }
}
