//! Calls about users, and the resolution of users to those of the identity store.

use serde::Deserialize;
use serde_json::json;
use sym_sdk::error::{ErrorKind, Result};
use sym_sdk::model::User;

use super::client::Service;
use super::{AwsSso, SsoUser, codes};
use crate::kit::Resource;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetUserIdResponse {
    user_id: String,
}

impl AwsSso {
    /// Returns the id of a user in the identity store: the one in the directory, or else that of the user with their e-mail address, which is
    /// then stored in the directory. See [`find_user_by_email`](Self::find_user_by_email).
    ///
    /// # Errors
    /// `Identity:NOT_FOUND` if there is none.
    pub async fn account_id(&self, user: &User) -> Result<String> {
        let find = async |email: &str| Ok(self.find_user_by_email(email).await?.map(|user| user.user_id.clone()));
        self.service.account_id(user, find).await
    }

    /// Looks up the user with this e-mail address: as it is written, in lower case, and then the one whose user name it is; `None` if there
    /// is none.
    /// [`GetUserId`](https://docs.aws.amazon.com/singlesignon/latest/IdentityStoreAPIReference/API_GetUserId.html)
    ///
    /// # Errors
    /// `AWSSSO:USER_DEPROVISIONED` if the user is disabled.
    pub async fn find_user_by_email(&self, email: &str) -> Result<Option<Resource<SsoUser>>> {
        let lower_case = email.to_lowercase();
        let mut spellings = vec![email];
        spellings.extend((lower_case != email).then_some(lower_case.as_str()));
        for attribute in ["emails.value", "userName"] {
            for spelling in &spellings {
                let Some(id) = self.user_id(attribute, spelling).await? else { continue };
                match self.get_user(&id).await {
                    Ok(user) if !user.has_address(email) => {}
                    Ok(user) if !user.is_enabled() => return Err(super::client::SSO.deactivated_user(email, &id)),
                    Ok(user) => return Ok(Some(user)),
                    // Deleted in between.
                    Err(error) if error.kind() == ErrorKind::NotFound => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(None)
    }

    /// Filters of lists are deprecated, and refused in some places, so that this is the only way to search.
    async fn user_id(&self, attribute: &str, value: &str) -> Result<Option<String>> {
        let arguments = json!({
            "IdentityStoreId": self.instance().await?.identity_store_id,
            "AlternateIdentifier": { "UniqueAttribute": { "AttributePath": attribute, "AttributeValue": value } },
        });
        match self.operation(Service::IdentityStore, "GetUserId", &arguments)?.await {
            Ok(response) => Ok(Some(response.json::<GetUserIdResponse>()?.user_id)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Looks up a user of the identity store by id.
    /// [`DescribeUser`](https://docs.aws.amazon.com/singlesignon/latest/IdentityStoreAPIReference/API_DescribeUser.html)
    ///
    /// # Errors
    /// `AWSSSO:USER_NOT_FOUND` if there is no such user.
    pub async fn get_user(&self, user_id: &str) -> Result<Resource<SsoUser>> {
        let arguments = json!({ "IdentityStoreId": self.instance().await?.identity_store_id, "UserId": user_id });
        let call = self.operation(Service::IdentityStore, "DescribeUser", &arguments)?;
        let message = format!("there is no user `{user_id}` in the identity store");
        call.not_found(codes::USER_NOT_FOUND, message).await?.json()
    }
}
