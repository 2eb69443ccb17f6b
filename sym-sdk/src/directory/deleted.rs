//! Deleted users: their ids, names and accounts are kept, so that nobody takes their place by accident.
//!
//! Without this record, the next click of somebody who was deleted would add them again, as a member whatever role they had. So
//! a deleted user comes back only if somebody says so: [`Directory::restore_user`] brings back the same person, and
//! [`Directory::admit_user`] gives the address to a new one, who inherits nothing.

use std::sync::Arc;

use jiff::Timestamp;

use super::Directory;
#[cfg(feature = "runtime")]
use super::Inserted;
#[cfg(feature = "runtime")]
use super::users::{processing_error, unknown_user};
use crate::error::Result;
#[cfg(feature = "runtime")]
use crate::error::{Error, ErrorKind, codes};
#[cfg(feature = "runtime")]
use crate::model::UserRole;
use crate::model::{User, UserId, UserIdentity};

/// A user who was deleted.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct DeletedUser {
    /// The user as they were.
    pub user: Arc<User>,
    /// The time of the deletion.
    pub deleted_at: Timestamp,
}

impl DeletedUser {
    /// Creates the record of a deletion.
    pub fn new(user: Arc<User>, deleted_at: Timestamp) -> Self {
        Self { user, deleted_at }
    }
}

/// The property by which a deleted user is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeletedBy<'a> {
    /// The id.
    Id(UserId),
    /// The name, unless it was given to somebody else.
    Username(&'a str),
    /// One of the accounts.
    Account(&'a UserIdentity),
}

impl Directory {
    /// Returns whether an account was that of a deleted user, so that nobody may act with it.
    ///
    /// # Errors
    /// Fails if the store fails.
    pub async fn is_account_deleted(&self, service: &str, service_id: &str, user_id: &str) -> Result<bool> {
        let account = UserIdentity::new(service, service_id, user_id);
        Ok(self.store.deleted_user(DeletedBy::Account(&account)).await?.is_some())
    }
}

#[cfg(feature = "runtime")]
impl Directory {
    /// Returns the users who were deleted, in the order of their deletion.
    ///
    /// # Errors
    /// Fails if the store fails.
    #[cfg_attr(docsrs, doc(cfg(feature = "runtime")))]
    pub async fn deleted_users(&self) -> Result<Vec<DeletedUser>> {
        self.store.deleted_users().await
    }

    /// Adds a deleted user again, with the id, the role and the accounts that they had. Tokens of a bot stay revoked.
    ///
    /// # Errors
    /// Fails if there is no such deleted user, if the name was given to another user, or if the store fails.
    #[cfg_attr(docsrs, doc(cfg(feature = "runtime")))]
    pub async fn restore_user(&self, id: UserId) -> Result<Arc<User>> {
        self.store.restore_user(id).await?.ok_or_else(|| unknown_user(id))
    }

    /// Adds a new person, even if a person with this address was deleted: they are somebody else, with an id of their own. Accounts of
    /// the deleted person stay refused.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), sym_sdk::Error> {
    /// use sym_sdk::directory::{Directory, MemoryDirectory};
    /// use sym_sdk::model::UserRole;
    ///
    /// let directory = Directory::new(MemoryDirectory::new(), ["example.com"]);
    /// let ana = directory.get_or_create_user_by_email("ana@example.com").await?;
    /// directory.delete_user(ana.id()).await?;
    /// assert!(directory.get_or_create_user_by_email("ana@example.com").await.is_err());
    ///
    /// let other = directory.admit_user("ana@example.com", UserRole::Member).await?;
    /// assert_ne!(other.id(), ana.id());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Fails if the address is invalid, if a user has it, or if the store fails.
    #[cfg_attr(docsrs, doc(cfg(feature = "runtime")))]
    pub async fn admit_user(&self, email: &str, role: UserRole) -> Result<Arc<User>> {
        let user = User::person(UserId::random(), email).map_err(|error| processing_error(email, error))?;
        self.admit_person(user.with_role(role)).await
    }

    pub(crate) async fn admit_person(&self, person: User) -> Result<Arc<User>> {
        match self.store.admit_user(person).await? {
            Inserted::New(user) => Ok(user),
            Inserted::Existing(existing) => {
                let message = format!("a user with the address `{}` already exists", existing.username());
                Err(Error::new(ErrorKind::Conflict, codes::USER_PROCESSING_ERROR, message))
            }
        }
    }
}
