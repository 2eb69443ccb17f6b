//! Adding, listing and removing trusts.

use super::{NewTrust, WorkloadTrust, unknown_trust};
use crate::directory::Directory;
use crate::directory::users::unknown_user;
use crate::error::{Error, ErrorKind, Result, codes};
use crate::model::{TrustId, UserId, UserType};

impl Directory {
    /// Adds the trust of a bot in certain jobs of a CI service: see
    /// [`Runtime::exchange_token`](crate::runtime::Runtime::exchange_token).
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), sym_sdk::Error> {
    /// use sym_sdk::directory::{Directory, MemoryDirectory, NewTrust, WorkloadProvider};
    ///
    /// let directory = Directory::new(MemoryDirectory::new(), ["example.com"]);
    /// let bot = directory.create_bot("deployer").await?;
    /// let trust = NewTrust::new(WorkloadProvider::GithubActions, "https://sym.example.com")
    ///     .claim("repository_owner_id", "1342004")
    ///     .claim("repository_id", "74791")
    ///     .claim("environment", "production");
    /// let trust = directory.add_trust(bot.id(), trust).await?;
    /// assert_eq!(directory.trusts(Some(bot.id())).await?, [trust]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If there is no such bot; if the trust pins no owner and no repository or project, or names neither environment nor ref; if the issuer
    /// is no HTTPS address; or if the store fails.
    pub async fn add_trust(&self, bot: UserId, trust: NewTrust) -> Result<WorkloadTrust> {
        let trust = self.checked_trust(bot, trust).await?;
        self.insert_trust(&trust).await?;
        Ok(trust)
    }

    /// Returns the trust that is to be added, under its id.
    pub(crate) async fn checked_trust(&self, bot: UserId, trust: NewTrust) -> Result<WorkloadTrust> {
        let user = self.store.user(bot).await?.ok_or_else(|| unknown_user(bot))?;
        if user.user_type() != UserType::Bot {
            let message = format!("`{}` is not a bot, and only bots have trusts", user.username());
            return Err(Error::new(ErrorKind::InvalidInput, codes::INVALID_TRUST, message)
                .with_hint("add a bot with `Directory::create_bot`"));
        }
        trust.check(TrustId::from_uuid(uuid::Uuid::new_v4()), bot, self.clock.now())
    }

    /// Adds a trust that was checked.
    pub(crate) async fn insert_trust(&self, trust: &WorkloadTrust) -> Result<()> {
        // The bot may have been deleted in the meantime.
        if self.store.insert_trust(trust.clone()).await? { Ok(()) } else { Err(unknown_user(trust.bot)) }
    }

    /// Returns the trusts of one bot, or of all bots if `bot` is `None`, oldest first.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn trusts(&self, bot: Option<UserId>) -> Result<Vec<WorkloadTrust>> {
        self.store.trusts(bot).await
    }

    /// Removes a trust, and returns it. Tokens that were issued by it are good until they expire.
    ///
    /// # Errors
    /// If there is no such trust, or the store fails.
    pub async fn remove_trust(&self, id: TrustId) -> Result<WorkloadTrust> {
        self.store.delete_trust(id).await?.ok_or_else(|| unknown_trust(id))
    }
}
