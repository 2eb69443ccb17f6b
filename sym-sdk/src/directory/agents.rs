//! Agents: bots that ask for access of their own, each with a person who answers for it.
//!
//! An agent reaches no further than its owner. While the owner is locked, or after they were deleted, its token is refused and it is granted
//! nothing. Administrators decide, so no agent is one.

use std::sync::Arc;

use super::{Directory, Inserted};
use crate::error::{Error, ErrorKind, Result, codes};
use crate::model::{User, UserId, UserRole, UserType};

impl Directory {
    /// Adds an agent, as a member, for which the person `owner` answers.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), sym_sdk::Error> {
    /// use sym_sdk::directory::{Directory, MemoryDirectory};
    ///
    /// let directory = Directory::new(MemoryDirectory::new(), ["example.com"]);
    /// let ana = directory.get_or_create_user_by_email("ana@example.com").await?;
    /// let agent = directory.create_agent("ana-coder", ana.id()).await?;
    /// assert_eq!(agent.owner().map(|owner| owner.username()), Some("ana@example.com"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Fails if the owner is not a person of the organization, or is locked, or for the reasons of
    /// [`create_bot`](Self::create_bot).
    pub async fn create_agent(&self, name: &str, owner: UserId) -> Result<Arc<User>> {
        let owner = self.user(owner).await?.ok_or_else(|| super::users::unknown_user(owner))?;
        if owner.user_type() != UserType::Normal || owner.role() == UserRole::Guest || owner.is_locked() {
            let message = format!("`{}` cannot own an agent", owner.username());
            return Err(Error::invalid(codes::USER_PROCESSING_ERROR, message)
                .with_hint("the owner of an agent is a person who may make requests, and is not locked"));
        }
        let agent = User::agent(UserId::random(), name.trim(), &owner);
        match self.add_bot(agent).await? {
            Inserted::New(agent) => Ok(self.recognized(agent)),
            Inserted::Existing(existing) => Err(super::users::name_taken(&existing)),
        }
    }

    /// Checks that the owner of an agent may have access, and so the agent too. Whoever is no agent passes.
    ///
    /// # Errors
    /// Fails if the owner is locked, deleted or a guest, or if the store fails.
    pub async fn check_owner(&self, user: &User) -> Result<()> {
        let Some(owner) = user.owner() else { return Ok(()) };
        let refused = |code, what: &str| {
            let (agent, owner) = (user.username(), owner.username());
            let message = format!("the owner of the agent `{agent}`, {owner}, {what}");
            Err(Error::new(ErrorKind::Forbidden, code, message).with_hint("ask an administrator"))
        };
        match self.store.user(owner.id()).await? {
            Some(owner) if owner.is_locked() => refused(codes::USER_LOCKED, "is locked"),
            Some(owner) if owner.role() == UserRole::Guest => refused(codes::NOT_PERMITTED, "is a guest"),
            Some(_) => Ok(()),
            None => refused(codes::USER_DELETED, "was deleted"),
        }
    }
}
