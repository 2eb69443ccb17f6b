//! Authentication of bots by their tokens: refuses tokens that are unknown, expired or revoked, and those of deleted bots.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use uuid::Uuid;

use super::{StoredToken, TOKEN_PREFIX, TokenHash};
use crate::directory::Directory;
use crate::error::{Error, ErrorKind, Result, codes};
use crate::model::{TokenId, User, UserType};

impl Directory {
    /// Returns the bot that a token belongs to.
    ///
    /// # Errors
    /// Fails with kind [`ErrorKind::Unauthorized`] if there is no such token, if it has expired or was revoked, or if its bot was
    /// deleted or is locked, as is the owner of an agent. The code tells these apart. Also fails if the store fails.
    ///
    /// The first use of a token on each day, in UTC, is written down.
    pub async fn authenticate(&self, token: &SecretString) -> Result<Arc<User>> {
        let refused = |code, message| Error::new(ErrorKind::Unauthorized, code, message);
        let unknown = || {
            refused(codes::AUTHENTICATION_INVALID_JWT, "the token is unknown".to_owned())
                .with_hint(format!("tokens start with `{TOKEN_PREFIX}_` and are issued by `Directory::issue_token`"))
        };
        let id = token_id(token.expose_secret()).ok_or_else(unknown)?;
        let StoredToken { token: stored, .. } =
            self.store.token(id).await?.filter(|stored| stored.hash.matches(token)).ok_or_else(unknown)?;
        let label = &stored.label;
        let Some(user) = self.store.user(stored.bot).await?.filter(|user| user.user_type() == UserType::Bot) else {
            let message = format!("the bot of the token `{label}` was deleted");
            return Err(refused(codes::AUTHENTICATION_BOT_DELETED, message));
        };
        if user.is_locked() {
            return Err(refused(codes::USER_LOCKED, format!("the bot `{}` is locked", user.username())));
        }
        if let Some(at) = stored.revoked_at {
            let message = format!("the token `{label}` was revoked at {at}");
            return Err(refused(codes::AUTHENTICATION_TOKEN_REVOKED, message));
        }
        if stored.is_expired(self.clock.now()) {
            let message = format!("the token `{label}` expired at {}", stored.expires_at);
            return Err(
                refused(codes::AUTHENTICATION_TOKEN_EXPIRED, message).with_hint("issue a new token for the bot")
            );
        }
        let user = self.recognized(user);
        self.check_owner(&user).await.map_err(|error| match error.kind() {
            ErrorKind::Forbidden => error.with_kind(ErrorKind::Unauthorized),
            _ => error,
        })?;
        let now = self.clock.now();
        if stored.is_new_day(now) {
            // Whoever revokes access on a full disk must get in.
            if let Err(error) = self.store.record_token_use(id, now).await {
                tracing::warn!(token = %id, %error, "the use of a token could not be written down");
            }
        }
        Ok(user)
    }
}

impl TokenHash {
    /// Hashes a token.
    pub fn of(token: &SecretString) -> Self {
        Self::from_bytes(Sha256::digest(token.expose_secret().as_bytes()).into())
    }

    /// Whether this is the hash of the token. Runs in constant time.
    pub fn matches(&self, token: &SecretString) -> bool {
        self.as_bytes().ct_eq(Self::of(token).as_bytes()).into()
    }
}

/// Returns the id contained in a token.
fn token_id(token: &str) -> Option<TokenId> {
    let (prefix, rest) = token.split_once('_')?;
    let (id, _) = rest.split_once('_')?;
    (prefix == TOKEN_PREFIX && id.len() == 32).then(|| Uuid::try_parse(id).ok())?.map(TokenId::from_uuid)
}
