//! Issuing, listing and revoking the tokens of bots. Only bots have tokens, and every token expires.

use std::time::Duration;

use jiff::Timestamp;
use secrecy::SecretString;

use super::{StoredToken, TOKEN_PREFIX, Token, TokenHash};
use crate::directory::Directory;
use crate::directory::users::unknown_user;
use crate::error::{Error, ErrorKind, Result, codes};
use crate::model::{TokenId, UserId, UserType};

/// The maximum length of a token's label, in bytes.
const MAX_LABEL_BYTES: usize = 200;

/// A newly issued token. This is the only time that the secret is available.
///
/// The secret has the form `symbot_<id>_<secret>`, with 32 and 64 lower-case hexadecimal digits.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct IssuedToken {
    /// The id, to revoke the token by.
    pub id: TokenId,
    /// The secret that the bot authenticates with.
    pub secret: SecretString,
    /// The time from which the token is invalid.
    pub expires_at: Timestamp,
}

impl Directory {
    /// Issues a token for a bot. `label` describes its use to people.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), sym_sdk::Error> {
    /// use std::time::Duration;
    /// use sym_sdk::directory::{Directory, MemoryDirectory};
    ///
    /// let directory = Directory::new(MemoryDirectory::new(), ["example.com"]);
    /// let bot = directory.create_bot("ci").await?;
    /// let issued = directory.issue_token(bot.id(), "build server", Duration::from_secs(30 * 86_400)).await?;
    /// assert_eq!(directory.authenticate(&issued.secret).await?, bot);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Fails if there is no such bot, if `expires_in` is zero or out of range, if the label is longer than 200 bytes or contains
    /// control characters, or if the store fails.
    pub async fn issue_token(&self, bot: UserId, label: &str, expires_in: Duration) -> Result<IssuedToken> {
        let label = label.trim();
        if label.len() > MAX_LABEL_BYTES || label.contains(char::is_control) {
            let message = format!("the label of a token must be one line of at most {MAX_LABEL_BYTES} bytes");
            return Err(Error::new(ErrorKind::InvalidInput, codes::INVALID_TOKEN, message));
        }
        let now = self.clock.now();
        let Some(expires_at) = now.checked_add(expires_in).ok().filter(|_| !expires_in.is_zero()) else {
            let message = format!("a token cannot be valid for {expires_in:?}");
            return Err(Error::new(ErrorKind::InvalidInput, codes::INVALID_TOKEN, message));
        };
        let user = self.store.user(bot).await?.ok_or_else(|| unknown_user(bot))?;
        if user.user_type() != UserType::Bot {
            let message = format!("`{}` is not a bot, and only bots have tokens", user.username());
            return Err(Error::new(ErrorKind::InvalidInput, codes::INVALID_TOKEN, message)
                .with_hint("add a bot with `Directory::create_bot`"));
        }
        let id = TokenId::from_uuid(uuid::Builder::from_random_bytes(random()?).into_uuid());
        let secret = SecretString::from(format!("{TOKEN_PREFIX}_{}_{}", id.as_uuid().simple(), hex(&random()?)));
        let token = Token::new(id, bot, label.to_owned(), now, expires_at);
        // The bot may have been deleted in the meantime.
        if !self.store.insert_token(StoredToken::new(token, TokenHash::of(&secret))).await? {
            return Err(unknown_user(bot));
        }
        Ok(IssuedToken { id, secret, expires_at })
    }

    /// Returns the tokens of one bot, or of all bots if `bot` is `None`, oldest first, valid or not.
    ///
    /// # Errors
    /// Fails if the store fails.
    pub async fn tokens(&self, bot: Option<UserId>) -> Result<Vec<Token>> {
        Ok(self.store.tokens(bot).await?.into_iter().map(|stored| stored.token).collect())
    }

    /// Revokes a token. Revoking it again has no effect.
    ///
    /// # Errors
    /// Fails if there is no such token, or if the store fails.
    pub async fn revoke_token(&self, id: TokenId) -> Result<Token> {
        let revoked = self.store.revoke_token(id, self.clock.now()).await?;
        revoked
            .map(|stored| stored.token)
            .ok_or_else(|| Error::new(ErrorKind::NotFound, codes::UNKNOWN_TOKEN, format!("no token has the id `{id}`")))
    }
}

pub(in crate::directory) fn random<const BYTES: usize>() -> Result<[u8; BYTES]> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).map_err(|error| {
        let message = "no secret can be created: the operating system provided no random numbers";
        Error::new(ErrorKind::Internal, codes::INVALID_TOKEN, message).with_source(error)
    })?;
    Ok(bytes)
}

pub(in crate::directory) fn hex(bytes: &[u8; 32]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
