//! Beginning, looking up, listing and ending sessions.

use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};
use uuid::Uuid;

use super::{SESSION_TTL, Session, SessionKind, StoredSession, USE_RECORDING_INTERVAL};
use crate::directory::tokens::{hex, random};
use crate::directory::users::unknown_user;
use crate::directory::{Directory, TokenHash};
use crate::error::{Error, ErrorKind, Result, codes};
use crate::model::{SessionId, User, UserId, UserType};
use crate::time::TimestampExt as _;

impl Directory {
    /// Begins a session of a person, who was authenticated. The secret is available this once.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), sym_sdk::Error> {
    /// use sym_sdk::directory::{Directory, MemoryDirectory, SessionKind};
    ///
    /// let directory = Directory::new(MemoryDirectory::new(), ["example.com"]);
    /// let ana = directory.get_or_create_user_by_email("ana@example.com").await?;
    /// let (session, secret) = directory.begin_session(ana.id(), SessionKind::Browser).await?;
    ///
    /// let (found, user) = directory.session(&secret).await?.expect("a session that has just begun");
    /// assert_eq!((found, user), (session.clone(), ana));
    /// directory.end_session(session.id).await?;
    /// assert!(directory.session(&secret).await?.is_none());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If there is no such person, they are locked, or the store fails.
    pub async fn begin_session(&self, user: UserId, kind: SessionKind) -> Result<(Session, SecretString)> {
        let person = self.store.user(user).await?.ok_or_else(|| unknown_user(user))?;
        if person.user_type() != UserType::Normal {
            let message = format!("`{}` is not a person, and only people sign in", person.username());
            return Err(Error::new(ErrorKind::Forbidden, codes::AUTHENTICATION_SIGN_IN_REFUSED, message)
                .with_hint("bots authenticate with their tokens"));
        }
        let locked = || {
            let message = format!("{} is locked", person.username());
            Error::new(ErrorKind::Forbidden, codes::USER_LOCKED, message).with_hint("ask an administrator")
        };
        if person.is_locked() {
            return Err(locked());
        }
        let now = self.clock.now();
        let id = SessionId::from_uuid(uuid::Builder::from_random_bytes(random()?).into_uuid());
        let secret = format!("{}_{}_{}", kind.prefix(), id.as_uuid().simple(), hex(&random()?));
        let secret = SecretString::from(secret);
        let session = Session::new(id, user, kind, now, now.plus(SESSION_TTL));
        // The person may have been locked or deleted in the meantime.
        if self.store.insert_session(StoredSession::new(session.clone(), TokenHash::of(&secret))).await? {
            return Ok((session, secret));
        }
        Err(if self.store.user(user).await?.is_some() { locked() } else { unknown_user(user) })
    }

    /// Returns the session with this secret, and the person as they are now. `None` if there is none, it has ended, or the person was
    /// deleted or is locked.
    ///
    /// Writes down the time of use, at most once a minute.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn session(&self, secret: &SecretString) -> Result<Option<(Session, Arc<User>)>> {
        let Some(id) = session_id(secret.expose_secret()) else { return Ok(None) };
        let Some(stored) = self.store.session(id).await?.filter(|stored| stored.hash.matches(secret)) else {
            return Ok(None);
        };
        let (mut session, now) = (stored.session, self.clock.now());
        if now >= session.expires_at() {
            return Ok(None);
        }
        let user = self.store.user(session.user).await?;
        let Some(user) = user.filter(|user| user.user_type() == UserType::Normal && !user.is_locked()) else {
            return Ok(None);
        };
        if now >= session.last_used_at.plus(USE_RECORDING_INTERVAL) {
            session.last_used_at = now;
            // Whoever revokes access on a full disk must get in.
            if let Err(error) = self.store.record_session_use(session.clone()).await {
                tracing::warn!(session = %session.id, %error, "the use of a session could not be written down");
            }
        }
        Ok(Some((session, self.recognized(user))))
    }

    /// Ends a session, and returns it if there was one.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn end_session(&self, id: SessionId) -> Result<Option<Session>> {
        self.store.end_session(id).await
    }

    /// Ends all sessions of a person, in browsers and on command lines. Returns their number.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn end_sessions_of(&self, user: UserId) -> Result<usize> {
        self.store.end_sessions_of(user).await
    }

    /// Returns the sessions of a person that have not ended, oldest first.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn sessions_of(&self, user: UserId) -> Result<Vec<Session>> {
        let (mut sessions, now) = (self.store.sessions_of(user).await?, self.clock.now());
        sessions.retain(|session| now < session.expires_at());
        Ok(sessions)
    }
}

/// Returns the id in the secret of a session.
fn session_id(secret: &str) -> Option<SessionId> {
    let (prefix, rest) = secret.split_once('_')?;
    let (id, _) = rest.split_once('_')?;
    let is_session = SessionKind::ALL.iter().any(|kind| kind.prefix() == prefix) && id.len() == 32;
    is_session.then(|| Uuid::try_parse(id).ok())?.map(SessionId::from_uuid)
}
