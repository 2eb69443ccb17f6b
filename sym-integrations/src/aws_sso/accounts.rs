//! Calls about the accounts of the organization.

use serde_json::json;
use sym_sdk::error::{ErrorKind, Result};

use super::client::{SSO, Service, list};
use super::{AwsSso, SsoAccount, codes};
use crate::aws::Arn;
use crate::http::Paginator;
use crate::kit::Resource;

/// The largest page of a list.
const PAGE: u32 = 20;

impl AwsSso {
    /// Lists the accounts of the organization, or those of an organizational unit or of the root, without those of the units below it.
    /// Accounts that are not in use are included; see [`SsoAccount::is_active`].
    /// [`ListAccounts`](https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListAccounts.html),
    /// [`ListAccountsForParent`](https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListAccountsForParent.html)
    ///
    /// # Errors
    /// `AWSSSO:PARENT_NOT_FOUND` if there is no such organizational unit.
    pub async fn list_accounts(&self, organizational_unit: Option<&str>) -> Result<Vec<Resource<SsoAccount>>> {
        self.accounts(organizational_unit)?.await
    }

    fn accounts(&self, organizational_unit: Option<&str>) -> Result<Paginator<Resource<SsoAccount>>> {
        let call = match organizational_unit {
            None => self.operation(Service::Organizations, "ListAccounts", &json!({ "MaxResults": PAGE }))?,
            Some(parent) => {
                let arguments = json!({ "ParentId": parent, "MaxResults": PAGE });
                let call = self.operation(Service::Organizations, "ListAccountsForParent", &arguments)?;
                call.not_found(codes::PARENT_NOT_FOUND, format!("there is no organizational unit or root `{parent}`"))
                    .hint(&[ErrorKind::NotFound], "the id of a root begins with `r-`, that of a unit with `ou-`")
            }
        };
        Ok(list(call, "Accounts"))
    }

    /// Looks up an account. `None` if the role may not ask the organization, which only its management account and delegated administrators
    /// may, or if there is no organization.
    ///
    /// # Errors
    /// `AWSSSO:ACCOUNT_NOT_ACTIVE` if the account does not belong to the organization, or is not in use: it would never be ready for an
    /// assignment, and AWS would say to try again.
    pub(super) async fn active_account(&self, id: &str) -> Result<Option<Resource<SsoAccount>>> {
        let found = match self.accounts(None)?.find(|account| account.id == id).await {
            Ok(found) => found,
            Err(error) if matches!(error.kind(), ErrorKind::Forbidden | ErrorKind::Configuration) => {
                tracing::debug!(code = %error.code(), "the state of an account is not known");
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let (message, hint) = match &found {
            Some(account) if account.is_active() => return Ok(found),
            Some(account) => {
                let state = account.state().map(ToString::to_string).unwrap_or_default();
                (format!("account `{}` (`{id}`) is {state}", account.name()), "use a target whose account is in use")
            }
            None => (format!("the organization has no account `{id}`"), "check `account_id` of the target"),
        };
        Err(SSO.error(ErrorKind::Configuration, codes::ACCOUNT_NOT_ACTIVE, message).with_hint(hint))
    }
}

impl SsoAccount {
    /// The id of the organization's management account.
    pub(super) fn management_account(&self) -> Option<String> {
        Some(Arn::parse(self.arn.as_deref()?).ok()?.account().to_owned()).filter(|account| !account.is_empty())
    }
}
