//! Identifying users: by e-mail address, and by their accounts in services.

use std::sync::Arc;

use super::Directory;
use super::users::unknown_user;
use crate::error::{Error, ErrorKind, Result, codes};
use crate::model::{User, UserId, UserIdentity};
use crate::normalize::fold_email;

impl Directory {
    /// Returns the person with this e-mail address, or the bot with this name.
    pub async fn user_by_email(&self, email: &str) -> Result<Option<Arc<User>>> {
        Ok(self.store.user_by_username(&fold_email(email)).await?.map(|user| self.recognized(user)))
    }

    /// Returns the user who has this account in an instance of a service. Fails if two users have it.
    pub async fn user_by_identity(&self, service: &str, service_id: &str, user_id: &str) -> Result<Option<Arc<User>>> {
        let user = self.store.user_by_identity(&UserIdentity::new(service, service_id, user_id)).await?;
        Ok(user.map(|user| self.recognized(user)))
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
}
