//! Identifying users: by e-mail address, by their accounts in services, and the role that unknown people get.

use std::sync::Arc;

use super::Directory;
use super::users::{processing_error, unknown_user};
use crate::error::{Error, ErrorKind, Result, codes};
use crate::model::{User, UserId, UserIdentity, UserRole};

impl Directory {
    /// Returns the person with this e-mail address, or the bot with this name.
    pub async fn user_by_email(&self, email: &str) -> Result<Option<Arc<User>>> {
        self.store.user_by_username(email.trim()).await
    }

    /// Returns the user who has this account in an instance of a service. Fails if two users have it.
    pub async fn user_by_identity(&self, service: &str, service_id: &str, user_id: &str) -> Result<Option<Arc<User>>> {
        self.store.user_by_identity(&UserIdentity::new(service, service_id, user_id)).await
    }

    /// Returns the person with this e-mail address, and adds them if they are unknown: as a member if the address is in one of
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

    /// Returns the stored account of a user in a service, and in this instance of the service if one is given.
    pub async fn identity(&self, id: UserId, service: &str, service_id: Option<&str>) -> Result<Option<UserIdentity>> {
        let user = self.store.user(id).await?.ok_or_else(|| unknown_user(id))?;
        Ok(user.identity(service, service_id).cloned())
    }

    /// Stores the account of a person in an instance of a service, and adds the person if they are unknown.
    pub async fn persist_user_identity(
        &self,
        email: &str,
        service: &str,
        service_id: &str,
        user_id: &str,
    ) -> Result<UserIdentity> {
        let could_not_save = |error: Error| {
            let message = format!("the account of `{email}` in {service} `{service_id}` could not be saved");
            Error::new(ErrorKind::Identity, codes::IDENTITY_COULD_NOT_SAVE, message).with_source(error)
        };
        let identity = UserIdentity::new(service, service_id, user_id);
        identity.check().map_err(could_not_save)?;
        let user = self.get_or_create_user_by_email(email).await.map_err(could_not_save)?;
        self.put_identity(user.id(), identity.clone()).await.map_err(could_not_save)?;
        Ok(identity)
    }

    /// Stores the account of a user in an instance of a service.
    pub async fn put_identity(&self, id: UserId, identity: UserIdentity) -> Result<Arc<User>> {
        identity.check()?;
        self.change(id, super::UserChange::PutIdentity(identity)).await
    }

    /// Removes the stored account of a user in an instance of a service, if there is one.
    pub async fn delete_identity(&self, id: UserId, service: &str, service_id: &str) -> Result<Arc<User>> {
        let (service, service_id) = (service.to_owned(), service_id.to_owned());
        self.change(id, super::UserChange::DeleteIdentity { service, service_id }).await
    }

    /// Whether the e-mail address is in one of the domains of the organization.
    pub fn is_internal_email(&self, email: &str) -> bool {
        email.rsplit_once('@').is_some_and(|(_, domain)| {
            // Ignores the case of ASCII letters only. The Kelvin sign, for one, has an ASCII lower-case form, and a domain with
            // it is another domain.
            self.domains.iter().any(|own| own.eq_ignore_ascii_case(domain.trim()))
        })
    }

    /// The role of a person on first contact: people with an address outside the organization are guests.
    fn initial_role(&self, user: &User) -> UserRole {
        if self.is_internal_email(user.email().unwrap_or_default()) { UserRole::Member } else { UserRole::Guest }
    }
}
