//! First contact: unknown people are added, as members if the organization owns the domain of their address, otherwise as guests.
//!
//! The role is decided once. Later contacts find the person as stored, whatever role they have by then. Ids are random: whoever has an
//! address that was somebody else's before is a new person. Somebody who was [deleted](super::DeletedUser) is not added again.

use std::sync::Arc;

use super::users::processing_error;
use super::{DeletedBy, Directory, Inserted};
use crate::error::Result;
#[cfg(feature = "runtime")]
use crate::error::codes;
use crate::model::{User, UserId, UserIdentity, UserRole};
use crate::normalize::fold_email;

impl Directory {
    /// Returns the person with this email address, and adds them if they are unknown: as a member if the address is in one of
    /// the domains of the organization, otherwise as a guest.
    ///
    /// # Errors
    /// Fails with `SymSDK:USER_DELETED` if the person was deleted, and if the address is invalid or the store fails.
    pub async fn get_or_create_user_by_email(&self, email: &str) -> Result<Arc<User>> {
        Ok(self.contact(email).await?.into_user())
    }

    /// Like [`get_or_create_user_by_email`](Self::get_or_create_user_by_email), and tells whether the person was unknown until now.
    /// Front ends need to know: nobody may decide with their first contact.
    pub async fn contact(&self, email: &str) -> Result<Inserted> {
        let user = User::person(UserId::random(), email).map_err(|error| processing_error(email, error))?;
        if let Some(existing) = self.store.user_by_username(user.username()).await? {
            return Ok(Inserted::Existing(self.recognized(existing)));
        }
        let role = self.initial_role(&user);
        let user = User { id: self.new_id(&user).await?, ..user };
        Ok(match self.store.insert_user(user.with_role(role)).await? {
            Inserted::New(user) => Inserted::New(self.recognized(user)),
            Inserted::Existing(user) => Inserted::Existing(self.recognized(user)),
        })
    }

    /// Returns the person of another organization who has this account, and adds them as a guest if they are unknown. They are known by
    /// the account alone: see [`User::outsider`].
    ///
    /// # Errors
    /// Fails with `SymSDK:USER_DELETED` if the account was that of a deleted user, and if the account is invalid, several users have
    /// it or the store fails.
    pub async fn contact_of_outsider(&self, account: UserIdentity) -> Result<Inserted> {
        account.check()?;
        if let Some(existing) = self.store.user_by_identity(&account).await? {
            return Ok(Inserted::Existing(existing));
        }
        self.store.insert_user(User::outsider(UserId::random(), account)).await
    }

    /// Like [`get_or_create_user_by_email`](Self::get_or_create_user_by_email), for several addresses. If one of the addresses
    /// is invalid, fails without adding anybody.
    pub async fn get_or_create_users_by_emails<'a>(
        &self,
        emails: impl IntoIterator<Item = &'a str>,
    ) -> Result<Vec<Arc<User>>> {
        let emails: Vec<&str> = emails.into_iter().collect();
        for email in &emails {
            User::person(UserId::random(), email).map_err(|error| processing_error(email, error))?;
        }
        let mut users = Vec::with_capacity(emails.len());
        for email in emails {
            users.push(self.get_or_create_user_by_email(email).await?);
        }
        Ok(users)
    }

    /// Like [`get_or_create_users_by_emails`](Self::get_or_create_users_by_emails), but skips invalid addresses and people who were
    /// deleted, and logs a warning for each. Fails on any other error.
    #[cfg(feature = "runtime")]
    #[cfg_attr(docsrs, doc(cfg(feature = "runtime")))]
    pub async fn get_or_create_users_by_emails_lossy<'a>(
        &self,
        emails: impl IntoIterator<Item = &'a str>,
    ) -> Result<Vec<Arc<User>>> {
        let emails: Vec<&str> = emails.into_iter().collect();
        let mut users = Vec::with_capacity(emails.len());
        for email in emails {
            match self.get_or_create_user_by_email(email).await {
                Ok(user) => users.push(user),
                Err(error) if [codes::USER_PROCESSING_ERROR, codes::USER_DELETED].contains(error.code()) => {
                    tracing::warn!(%error, "skipped an email address");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(users)
    }

    /// Whether the email address is in one of the domains of the organization.
    pub fn is_internal_email(&self, email: &str) -> bool {
        fold_email(email).rsplit_once('@').is_some_and(|(_, domain)| {
            // Ignores the case of ASCII letters only. The Kelvin sign, for one, has an ASCII lower-case form, and a domain with
            // it is another domain.
            self.domains.iter().any(|own| own.eq_ignore_ascii_case(domain.trim()))
        })
    }

    /// Whether people whom the directory does not know can become members by themselves.
    #[cfg(feature = "runtime")]
    pub(crate) fn admits_unknown_members(&self) -> bool {
        !self.domains.is_empty()
    }

    /// Returns the id of a person on first contact. Even in a simulation it was nobody's before.
    async fn new_id(&self, person: &User) -> Result<UserId> {
        let derived = UserId::from_email(person.username());
        let is_free = self.reproducible_ids
            && self.store.user(derived).await?.is_none()
            && self.store.deleted_user(DeletedBy::Id(derived)).await?.is_none();
        Ok(if is_free { derived } else { person.id() })
    }

    /// Returns the role of a person on first contact: people with an address outside the organization are guests.
    fn initial_role(&self, user: &User) -> UserRole {
        if self.is_internal_email(user.email().unwrap_or_default()) { UserRole::Member } else { UserRole::Guest }
    }
}
