//! Sessions of people, whose store has a time limit like all others.

use std::sync::Arc;

use secrecy::SecretString;

use super::user_administration::Administration;
use super::{Administrator, Runtime};
use crate::directory::{PendingSignIn, Session, SessionKind, SignInSecret};
use crate::error::Result;
use crate::machine::SignInPlace;
use crate::model::{Channel, ChannelType, SessionId, User, UserId};

impl Runtime {
    /// Begins a session of a person, who was authenticated: see [`Directory::begin_session`](crate::directory::Directory::begin_session).
    ///
    /// # Errors
    /// If there is no such person, they are locked, or the store fails.
    pub async fn begin_session(&self, user: &UserId, kind: SessionKind) -> Result<(Session, SecretString)> {
        self.begin_session_at(user, kind, SignInPlace::from(kind), None).await
    }

    /// Begins a session of a person at a place, who was authenticated by the issuer if there is one.
    pub(super) async fn begin_session_at(
        &self,
        user: &UserId,
        kind: SessionKind,
        place: SignInPlace,
        issuer: Option<&str>,
    ) -> Result<(Session, SecretString)> {
        let begun = self.executor.ask_directory(self.directory().begin_session(*user, kind)).await?;
        tracing::info!(user = %user, session = %begun.0.id, kind = kind.as_str(), "a session has begun");
        if let Some(user) = self.executor.ask_directory(self.directory().user(*user)).await? {
            self.record_sign_in(&user, place, issuer).await;
        }
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

    /// Ends a session, and returns it if there was one. Its person is on record as the one who has signed out.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn end_session(&self, id: SessionId) -> Result<Option<Session>> {
        let ended = self.executor.ask_directory(self.directory().end_session(id)).await?;
        if let Some(session) = &ended {
            tracing::info!(user = %session.user, session = %id, "a session was ended");
            if let Some(user) = self.executor.ask_directory(self.directory().user(session.user)).await? {
                let channel = match session.kind {
                    SessionKind::Browser => ChannelType::Web,
                    SessionKind::CommandLine => ChannelType::Api,
                };
                let by = Administration { actor: user.clone(), channel: Channel::new(channel), reason: None };
                self.record_sign_out(&by, &user, 1).await?;
            }
        }
        Ok(ended)
    }

    /// Ends all sessions of a person, in browsers and on command lines. Returns their number, some of which may have expired before. `by` is
    /// on record: the person, or an administrator, which is for the caller to check.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn end_sessions_of(&self, user: &UserId, by: impl Into<Administrator>) -> Result<usize> {
        let by = self.administration(by.into(), None).await?;
        self.end_sessions_by(user, &by).await
    }

    pub(super) async fn end_sessions_by(&self, user: &UserId, by: &Administration) -> Result<usize> {
        let ended = self.executor.ask_directory(self.directory().end_sessions_of(*user)).await?;
        tracing::info!(user = %user, by = by.actor.username(), ended, "all sessions of a person were ended");
        if ended > 0
            && let Some(user) = self.executor.ask_directory(self.directory().user(*user)).await?
        {
            self.record_sign_out(by, &user, ended).await?;
        }
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
