//! Targets of type `aws_sso_permission_set`: access by the assignment of a permission set in an account.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;
use sym_sdk::error::{ErrorKind, Result, codes as sdk_codes};
use sym_sdk::model::{AccessTarget, StepOutput};
use sym_sdk::strategy::{AccessRequest, GrantResult};

use super::assignments::Assignment;
use super::client::SSO;
use super::model::permission_set_id;
use super::{AwsSso, PermissionSet, codes};
use crate::aws::{Arn, is_account_id};
use crate::kit::Resource;

/// The `type` of the targets.
pub(super) const TARGET: &str = "aws_sso_permission_set";

/// The settings of a target.
pub(super) const PERMISSION_SET: &str = "permission_set_arn";
pub(super) const ACCOUNT: &str = "account_id";

/// Timeout of each call after a confirmed deletion. None of them can undo it, so none may hold it up.
const READ_BACK_TIMEOUT: Duration = Duration::from_secs(10);

/// Names what a target gives: one permission set in one account, however the set is written.
pub(super) fn resource(target: &AccessTarget) -> String {
    let setting = |name: &str| target.settings().get(name).map(String::as_str).unwrap_or_default();
    json!([TARGET, permission_set_id(setting(PERMISSION_SET)), setting(ACCOUNT)]).to_string()
}

impl AwsSso {
    pub(super) async fn grant_assignment(&self, request: &AccessRequest<'_>) -> Result<GrantResult> {
        let assignment = self.assignment(request.target(), request.identity()).await?;
        let account = self.active_account(&assignment.account_id).await?;
        let user = self.get_user(&assignment.user_id).await?;
        if !user.is_enabled() {
            return Err(SSO.deactivated_user(request.requester().username(), &user.user_id));
        }
        self.create_assignment(&assignment).await?;
        let mut output = output(&assignment);
        if let Some(account) = account {
            output["account_name"] = account.name().into();
        }
        Ok(GrantResult::granted().with_output(StepOutput::new(output)?))
    }

    pub(super) async fn revoke_assignment(&self, request: &AccessRequest<'_>) -> Result<StepOutput> {
        let sso = self.for_revocation();
        let assignment = sso.assignment(request.target(), request.identity()).await?;
        let assigned = sso.assigned_users(&assignment.permission_set, &assignment.account_id).await;
        let assigned = assigned.map_err(|error| match *error.code() == codes::PERMISSION_SET_NOT_FOUND {
            true => error.with_hint(
                "if the permission set was deleted, all access through it ended with it: the revocation can be written off",
            ),
            false => error,
        })?;
        let mut output = output(&assignment);
        if !assigned.contains(&assignment.user_id) {
            return StepOutput::new(output);
        }
        sso.delete_assignment(&assignment).await?;
        let ended = sso.service.clock().now();
        if let Some(until) = sso.sessions_may_last_until(&assignment.permission_set, ended).await {
            output["sessions_may_last_until"] = until.to_string().into();
        }
        StepOutput::new(output)
    }

    /// Returns when the last session is over that may have begun right before access ended.
    async fn sessions_may_last_until(&self, permission_set: &Arn, ended: Timestamp) -> Option<Timestamp> {
        use crate::kit::VendorClient;

        let sso = self.with_service(self.service.with_timeout(READ_BACK_TIMEOUT));
        match sso.get_permission_set(permission_set.as_str()).await {
            Ok(set) => {
                let until = ended.checked_add(set.session_duration()).ok()?;
                tracing::info!(%permission_set, %until, "an assignment is removed; sessions may last on");
                Some(until)
            }
            Err(error) => {
                tracing::debug!(code = %error.code(), "could not read the session duration of a permission set");
                None
            }
        }
    }

    pub(super) async fn list_assigned(&self, target: &AccessTarget) -> Result<Vec<String>> {
        let sso = self.for_revocation();
        let (permission_set, account_id) = sso.settings(target).await?;
        sso.assigned_users(&permission_set, account_id).await
    }

    /// Checks a target as far as it is known: settings that a requester picks in the form are not yet.
    pub(super) async fn check_assignment(&self, target: &AccessTarget) -> Result<()> {
        let instance = self.instance().await?;
        let is_known = |name: &str| {
            target.settings().contains_key(name) || !target.field_bindings().iter().any(|bound| bound == name)
        };
        let set = match is_known(PERMISSION_SET) {
            true => Some(self.get_permission_set(target.setting(PERMISSION_SET)?).await?),
            false => None,
        };
        let account = match is_known(ACCOUNT) {
            true => self.active_account(account_id(target)?).await?,
            false => None,
        };
        match (set, account.and_then(|account| account.management_account())) {
            (Some(set), Some(management)) => self.check_delegation(&set, &management, target).await,
            _ => Ok(()),
        }
        .inspect_err(|_| tracing::debug!(instance = %instance.arn, "a target cannot be granted"))
    }

    /// A delegated administrator can change neither the management account nor any set that is provisioned in it.
    async fn check_delegation(
        &self,
        set: &Resource<PermissionSet>,
        management: &str,
        target: &AccessTarget,
    ) -> Result<()> {
        let Some(role_account) = self.instances.role_account.as_deref().filter(|account| *account != management) else {
            return Ok(());
        };
        let is_management = target.settings().get(ACCOUNT).is_some_and(|account| account == management);
        if !is_management && !self.is_provisioned(&Arn::parse(&set.permission_set_arn)?, management).await? {
            return Ok(());
        }
        let message = format!(
            "permission set `{}` is provisioned in the management account `{management}`, and only that account can change it; \
             the role belongs to `{role_account}`",
            set.name()
        );
        Err(SSO
            .error(ErrorKind::Configuration, codes::DELEGATED_ADMINISTRATOR, message)
            .with_hint("use a permission set of its own for the other accounts, or a role of the management account"))
    }

    async fn assignment(&self, target: &AccessTarget, user_id: &str) -> Result<Assignment> {
        let (permission_set, account_id) = self.settings(target).await?;
        Ok(Assignment { permission_set, account_id: account_id.to_owned(), user_id: user_id.to_owned() })
    }

    async fn settings<'a>(&self, target: &'a AccessTarget) -> Result<(Arn, &'a str)> {
        Ok((self.permission_set_arn(target.setting(PERMISSION_SET)?).await?, account_id(target)?))
    }
}

fn account_id(target: &AccessTarget) -> Result<&str> {
    let id = target.setting(ACCOUNT)?;
    if is_account_id(id) {
        return Ok(id);
    }
    let message = format!("`{}` is not the id of an AWS account", id.escape_debug());
    Err(SSO
        .error(ErrorKind::Configuration, sdk_codes::CONFIGURATION, message)
        .with_hint("set `account_id` of the target to the 12 digits of the account, as text"))
}

fn output(assignment: &Assignment) -> serde_json::Value {
    json!({
        "permission_set_arn": assignment.permission_set.as_str(),
        "account_id": assignment.account_id,
        "user_id": assignment.user_id,
    })
}
