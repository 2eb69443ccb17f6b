//! First contact: unknown people are added, as members if the organization owns the domain of their address, otherwise as guests.
//!
//! The role is decided once. Later contacts find the person as stored, whatever role they have by then.

use std::sync::Arc;

use super::Directory;
use super::users::processing_error;
use crate::error::Result;
#[cfg(feature = "runtime")]
use crate::error::codes;
use crate::model::{User, UserId, UserRole};

impl Directory {
    /// Returns the person with this email address, and adds them if they are unknown: as a member if the address is in one of
    /// the domains of the organization, otherwise as a guest.
    pub async fn get_or_create_user_by_email(&self, email: &str) -> Result<Arc<User>> {
        let user = User::person(UserId::from_email(email), email).map_err(|error| processing_error(email, error))?;
        if let Some(existing) = self.store.user_by_username(user.username()).await? {
            return Ok(existing);
        }
        let role = self.initial_role(&user);
        Ok(self.store.insert_user(user.with_role(role)).await?.into_user())
    }

    /// Like [`get_or_create_user_by_email`](Self::get_or_create_user_by_email), for several addresses. If one of the addresses
    /// is invalid, fails without adding anybody.
    pub async fn get_or_create_users_by_emails<'a>(
        &self,
        emails: impl IntoIterator<Item = &'a str>,
    ) -> Result<Vec<Arc<User>>> {
        let emails: Vec<&str> = emails.into_iter().collect();
        for email in &emails {
            User::person(UserId::from_email(email), email).map_err(|error| processing_error(email, error))?;
        }
        let mut users = Vec::with_capacity(emails.len());
        for email in emails {
            users.push(self.get_or_create_user_by_email(email).await?);
        }
        Ok(users)
    }

    /// Like [`get_or_create_users_by_emails`](Self::get_or_create_users_by_emails), but skips invalid addresses and logs a
    /// warning for each. Fails on any other error.
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
                Err(error) if *error.code() == codes::USER_PROCESSING_ERROR => {
                    tracing::warn!(%error, "skipped an invalid email address");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(users)
    }

    /// Whether the email address is in one of the domains of the organization.
    pub fn is_internal_email(&self, email: &str) -> bool {
        email.rsplit_once('@').is_some_and(|(_, domain)| {
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

    /// Returns the role of a person on first contact: people with an address outside the organization are guests.
    fn initial_role(&self, user: &User) -> UserRole {
        if self.is_internal_email(user.email().unwrap_or_default()) { UserRole::Member } else { UserRole::Guest }
    }
}
