//! Bots, and the tokens that they are issued.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use uuid::Uuid;

use super::users::{check_bot_name, unknown_user};
use super::{Directory, Inserted, StoredToken, Token, TokenHash};
use crate::error::{Error, ErrorKind, Result, codes};
use crate::model::{TokenId, User, UserId, UserType};

/// What each token begins with, so that programs that look for leaked secrets find it.
const PREFIX: &str = "symbot";

/// For the label of a token, in bytes.
const LABEL_MAX: usize = 200;

/// A token that was just issued. This is the only time that it can be seen.
///
/// It reads `symbot_<id>_<secret>`, with 32 and 64 lower-case hexadecimal digits.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct IssuedToken {
    /// By which it can be revoked.
    pub id: TokenId,
    /// What the bot sends.
    pub secret: SecretString,
    /// From when it is no longer valid.
    pub expires_at: Timestamp,
}

impl Directory {
    /// Adds a bot, as a member.
    ///
    /// # Errors
    /// If there is a user of that name, or the name is not made of ASCII letters, digits and `-_. `.
    pub async fn create_bot(&self, name: &str) -> Result<Arc<User>> {
        let bot = User::bot(UserId::from_bot_name(name), name.trim());
        check_bot_name(bot.username())?;
        match self.store.insert_user(bot).await? {
            Inserted::New(bot) => Ok(bot),
            Inserted::Existing(known) => {
                let message = format!("there is a user called `{}`", known.username());
                Err(Error::new(ErrorKind::Conflict, codes::USER_PROCESSING_ERROR, message)
                    .with_hint("give the bot another name"))
            }
        }
    }

    /// All bots, by name.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn bots(&self) -> Result<Vec<Arc<User>>> {
        let mut users = self.users().await?;
        users.retain(|user| user.user_type() == UserType::Bot);
        Ok(users)
    }

    /// Issues a token for a bot. `label` tells people what it is for.
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
    /// If there is no such bot, the time is none or beyond the end of time, the label is longer than 200 bytes, or the store
    /// fails.
    pub async fn issue_token(&self, bot: UserId, label: &str, expires_in: Duration) -> Result<IssuedToken> {
        let label = label.trim();
        if label.len() > LABEL_MAX || label.contains(char::is_control) {
            let message = format!("the label of a token is one line of at most {LABEL_MAX} bytes");
            return Err(Error::new(ErrorKind::InvalidInput, codes::INVALID_TOKEN, message));
        }
        let now = self.clock.now();
        let Some(expires_at) = now.checked_add(expires_in).ok().filter(|_| !expires_in.is_zero()) else {
            let message = format!("a token cannot be valid for {expires_in:?}");
            return Err(Error::new(ErrorKind::InvalidInput, codes::INVALID_TOKEN, message));
        };
        let user = self.store.user(bot).await?.ok_or_else(|| unknown_user(bot))?;
        if user.user_type() != UserType::Bot {
            let message = format!("`{}` is no bot, and only bots have tokens", user.username());
            return Err(Error::new(ErrorKind::InvalidInput, codes::INVALID_TOKEN, message)
                .with_hint("add a bot with `Directory::create_bot`"));
        }
        let id = TokenId::from_uuid(uuid::Builder::from_random_bytes(random()?).into_uuid());
        let secret = SecretString::from(format!("{PREFIX}_{}_{}", id.as_uuid().simple(), hex(&random()?)));
        let token = Token::new(id, bot, label.to_owned(), now, expires_at);
        // The bot may have been deleted since.
        if !self.store.insert_token(StoredToken::new(token, TokenHash::of(&secret))).await? {
            return Err(unknown_user(bot));
        }
        Ok(IssuedToken { id, secret, expires_at })
    }

    /// The bot whose token this is.
    ///
    /// # Errors
    /// Of kind [`ErrorKind::Unauthorized`]: if there is no such token, it has expired or was revoked, or the bot was deleted.
    /// The code says which. Else if the store fails.
    pub async fn authenticate(&self, token: &SecretString) -> Result<Arc<User>> {
        let refused = |code, message| Error::new(ErrorKind::Unauthorized, code, message);
        let unknown = || {
            refused(codes::AUTHENTICATION_INVALID_JWT, "the token is not known".to_owned())
                .with_hint(format!("a token begins with `{PREFIX}_`, and was issued by `Directory::issue_token`"))
        };
        let id = token_id(token.expose_secret()).ok_or_else(unknown)?;
        let stored = self.store.token(id).await?.filter(|stored| stored.hash.is_of(token)).ok_or_else(unknown)?;
        let StoredToken { token: Token { bot, label, expires_at, revoked_at, .. }, .. } = stored;
        let Some(user) = self.store.user(bot).await?.filter(|user| user.user_type() == UserType::Bot) else {
            let message = format!("the bot that the token `{label}` was issued for has been deleted");
            return Err(refused(codes::AUTHENTICATION_BOT_DELETED, message));
        };
        if let Some(at) = revoked_at {
            let message = format!("the token `{label}` was revoked at {at}");
            return Err(refused(codes::AUTHENTICATION_TOKEN_REVOKED, message));
        }
        if self.clock.now() >= expires_at {
            let message = format!("the token `{label}` expired at {expires_at}");
            return Err(
                refused(codes::AUTHENTICATION_TOKEN_EXPIRED, message).with_hint("have a new token issued for the bot")
            );
        }
        Ok(user)
    }

    /// The tokens of one bot or of all, oldest first, also those that are no longer valid.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn tokens(&self, bot: Option<UserId>) -> Result<Vec<Token>> {
        Ok(self.store.tokens(bot).await?.into_iter().map(|stored| stored.token).collect())
    }

    /// Revokes a token. To revoke it again changes nothing.
    ///
    /// # Errors
    /// If there is no such token, or the store fails.
    pub async fn revoke_token(&self, id: TokenId) -> Result<Token> {
        let revoked = self.store.revoke_token(id, self.clock.now()).await?;
        revoked.map(|stored| stored.token).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, codes::UNKNOWN_TOKEN, format!("there is no token with the id `{id}`"))
        })
    }
}

impl TokenHash {
    /// The hash of a token.
    pub fn of(token: &SecretString) -> Self {
        Self::from_bytes(Sha256::digest(token.expose_secret().as_bytes()).into())
    }

    /// Whether this is the hash of that token. Takes the same time whatever the answer.
    pub fn is_of(&self, token: &SecretString) -> bool {
        self.as_bytes().ct_eq(Self::of(token).as_bytes()).into()
    }
}

/// The id that stands in a token.
fn token_id(token: &str) -> Option<TokenId> {
    let (prefix, rest) = token.split_once('_')?;
    let (id, _) = rest.split_once('_')?;
    (prefix == PREFIX && id.len() == 32).then(|| Uuid::try_parse(id).ok())?.map(TokenId::from_uuid)
}

fn random<const BYTES: usize>() -> Result<[u8; BYTES]> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).map_err(|error| {
        let message = "the operating system gave no random numbers, so no token can be issued";
        Error::new(ErrorKind::Internal, codes::INVALID_TOKEN, message).with_source(error)
    })?;
    Ok(bytes)
}

fn hex(bytes: &[u8; 32]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
