//! Calls about permission sets.

use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Deserialize;
use serde_json::json;
use sym_sdk::error::{ErrorKind, Result, codes as sdk_codes};

use super::client::{SSO, Service, list};
use super::model::permission_set_id;
use super::{AwsSso, PermissionSet, codes};
use crate::aws::Arn;
use crate::http::Call;
use crate::kit::Resource;

/// The largest page of a list.
const PAGE: u32 = 100;

/// The number of permission sets that are described at once.
const CONCURRENCY: usize = 4;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DescribeResponse {
    permission_set: Resource<PermissionSet>,
}

impl AwsSso {
    /// Lists the permission sets of the instance. Each of them is a call of its own, since lists contain ARNs only.
    /// [`ListPermissionSets`](https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_ListPermissionSets.html)
    pub async fn list_permission_sets(&self) -> Result<Vec<Resource<PermissionSet>>> {
        let arguments = json!({ "InstanceArn": self.instance().await?.arn.as_str(), "MaxResults": PAGE });
        let call = self.operation(Service::SsoAdmin, "ListPermissionSets", &arguments)?;
        let arns: Vec<String> = list(call, "PermissionSets").await?;
        stream::iter(arns)
            .map(async |arn| self.get_permission_set(&arn).await)
            .buffered(CONCURRENCY)
            .try_collect()
            .await
    }

    /// Looks up a permission set by its ARN, or by the last part of it.
    /// [`DescribePermissionSet`](https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_DescribePermissionSet.html)
    ///
    /// # Errors
    /// `AWSSSO:PERMISSION_SET_NOT_FOUND` if there is no such permission set.
    pub async fn get_permission_set(&self, permission_set: &str) -> Result<Resource<PermissionSet>> {
        let set = self.permission_set_arn(permission_set).await?;
        let arguments = json!({ "InstanceArn": self.instance().await?.arn.as_str(), "PermissionSetArn": set.as_str() });
        let call = self.operation(Service::SsoAdmin, "DescribePermissionSet", &arguments)?;
        Ok(set_not_found(call, set.as_str()).await?.json::<DescribeResponse>()?.permission_set)
    }

    /// Returns whether a permission set is provisioned in an account.
    /// [`ListAccountsForProvisionedPermissionSet`](https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_ListAccountsForProvisionedPermissionSet.html)
    pub(super) async fn is_provisioned(&self, permission_set: &Arn, account_id: &str) -> Result<bool> {
        let arguments = json!({
            "InstanceArn": self.instance().await?.arn.as_str(),
            "PermissionSetArn": permission_set.as_str(),
            "MaxResults": PAGE,
        });
        let call = self.operation(Service::SsoAdmin, "ListAccountsForProvisionedPermissionSet", &arguments)?;
        let mut accounts = list::<String>(set_not_found(call, permission_set.as_str()), "AccountIds");
        Ok(accounts.find(|account| account == account_id).await?.is_some())
    }

    /// Returns the ARN of a permission set of the instance, given it or the last part of it.
    pub(super) async fn permission_set_arn(&self, permission_set: &str) -> Result<Arn> {
        let instance = &self.instance().await?.arn;
        let id = permission_set_id(permission_set);
        let own = instance.resource().strip_prefix("instance/").unwrap_or_default();
        let is_id = id.starts_with("ps-") && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if is_id && permission_set == id {
            return Arn::parse(&format!("arn:{}:sso:::permissionSet/{own}/{id}", instance.partition()));
        }
        if let Ok(arn) = Arn::parse(permission_set)
            && is_id
            && (arn.partition(), arn.service()) == (instance.partition(), "sso")
            && arn.resource().ends_with(&format!("/{own}/{id}"))
        {
            return Ok(arn);
        }
        let message = format!("`{}` is not a permission set of instance `{instance}`", permission_set.escape_debug());
        Err(SSO.error(ErrorKind::Configuration, sdk_codes::CONFIGURATION, message).with_hint(format!(
            "write it as in `arn:{}:sso:::permissionSet/{own}/ps-1234567890abcdef`, and check the instance",
            instance.partition()
        )))
    }
}

pub(super) fn set_not_found(call: Call, permission_set: &str) -> Call {
    call.not_found(codes::PERMISSION_SET_NOT_FOUND, format!("there is no permission set `{permission_set}`"))
}
