//! Access by membership in a group: one strategy for all vendors.
//!
//! Most access is a membership: of a group, a role or a team. What makes such a strategy safe is the same for all of them, and
//! stands here once. A grant checks that the group may be changed and that the identity is an account's id, since a member added
//! under another name would not be found when the access ends. A revocation is confirmed by the service before anything else is
//! tried, is then read back for as long as the service's lists may lag, and fails if the user is listed even then, because
//! something puts them back. A vendor says how its calls are made, and nothing more.
//!
//! A user who is a member before the grant stays one: the runtime reads the membership first, and calls neither step for them. Where
//! groups have roles, a user can be a member with less than the target grants. A vendor with roles describes that in
//! [`Membership::prior_access`], and gets the description back to [restore](Membership::restore_member) it.

use std::borrow::Cow;
use std::time::Duration;

use serde_json::json;
use sym_sdk::config::{IntegrationSchema, SettingSchema, SettingsSchema, StrategySchema, TargetSchema};
use sym_sdk::error::{Error, ErrorKind, Result, codes};
use sym_sdk::integration::IntegrationClient;
use sym_sdk::machine::MIN_SETTLE_TIME;
use sym_sdk::model::{AccessTarget, StepOutput, User};
use sym_sdk::strategy::{
    AccessRequest, AccessStrategy, GrantResult, PriorAccess, RevocationScope, StrategyConfig, StrategyType,
};

use super::repeated_read::SETTLE_DELAYS;
use super::{Account, VendorClient, is_picked_by_requester, resource_named_by, vendor_errors};
use crate::http::Paginator;

/// Timeout of each call after a confirmed removal. None of them can undo it, so none may hold it up.
const READ_BACK_TIMEOUT: Duration = Duration::from_secs(10);

/// A group that a target names.
#[derive(Clone, Copy, Debug)]
pub struct GroupRef<'a> {
    /// The id of the group: the value of the target's [setting](Membership::GROUP_SETTING).
    pub id: &'a str,
    /// The target, for settings that say more, such as a role.
    pub target: &'a AccessTarget,
}

/// A group, as far as the strategy needs to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupInfo {
    /// The name that people know it by.
    pub name: String,
    /// The reason why its members cannot be changed; `None` if they can.
    pub locked: Option<String>,
}

/// A vendor's groups and their members: the calls that [`MembershipStrategy`] is made of.
///
/// After a revocation the strategy calls a client [for revocations](super::ServiceClient::for_revocation), so implementations need
/// not choose a rate group.
pub trait Membership: VendorClient {
    /// The `type` of the targets, such as `okta_group`.
    const TARGET: &'static str;

    /// The setting of a target that holds the id of the group.
    const GROUP_SETTING: &'static str = "group_id";

    /// The second part of the error code for a group that does not exist.
    const GROUP_NOT_FOUND: &'static str = vendor_errors::GROUP_NOT_FOUND;

    /// The settings of a target: the group's, and those that say more, such as a role.
    const TARGET_SETTINGS: &'static [SettingSchema] = &[SettingSchema::required(Self::GROUP_SETTING).bindable()];

    /// The longest time for which the service may go on with a grant after its caller has given up, or does not show it; see
    /// [`AccessStrategy::settle_time`].
    const SETTLE_TIME: Duration = MIN_SETTLE_TIME;

    /// The scope of a revocation: whether existing sessions end.
    const REVOCATION_SCOPE: RevocationScope;

    /// The delays between reads of a user's groups after a removal. When all have passed and the user is still listed, the removal
    /// has failed. By default, the service's lists follow within seconds.
    const SETTLE_DELAYS: &'static [Duration] = SETTLE_DELAYS;

    /// The hint for a user who is listed after a removal: what puts users back.
    const STILL_MEMBER_HINT: &'static str;

    /// Returns what is the same for all ways to write the id of a group, so that targets of one group share the access. By default, there is
    /// one way.
    fn group_key(id: &str) -> Cow<'_, str> {
        Cow::Borrowed(id)
    }

    /// Finds the id of the account with this e-mail address.
    fn find_account(&self, email: &str) -> impl Future<Output = Result<Option<String>>> + Send;

    /// Looks up an account by its id. The id of the result may differ from the name that it was looked up by.
    ///
    /// # Errors
    /// If there is none.
    fn account(&self, id: &str) -> impl Future<Output = Result<Account>> + Send;

    /// Looks up a group.
    ///
    /// # Errors
    /// A code that ends in [`GROUP_NOT_FOUND`](Self::GROUP_NOT_FOUND) if there is none.
    fn group(&self, group: GroupRef<'_>) -> impl Future<Output = Result<GroupInfo>> + Send;

    /// Returns what the target grants of its group, where members have roles; see [`AccessStrategy::level`].
    fn level(target: &AccessTarget) -> Option<String> {
        let _ = target;
        None
    }

    /// Returns the account's membership, compared with what the target grants. By default, a member has all that it grants.
    ///
    /// A vendor with roles returns [`PriorAccess::Lesser`] for a lower role, with a description for
    /// [`restore_member`](Self::restore_member).
    fn prior_access(&self, group: GroupRef<'_>, account: &str) -> impl Future<Output = Result<PriorAccess>> + Send {
        async move {
            let is_member = self.is_member(group, account).await?;
            Ok(if is_member { PriorAccess::Sufficient } else { PriorAccess::None })
        }
    }

    /// Gives an account back the membership that it had before the grant, as [`prior_access`](Self::prior_access) has described it, and
    /// returns when the service has confirmed it. By default, the account is removed.
    fn restore_member(
        &self,
        group: GroupRef<'_>,
        account: &str,
        prior: &str,
    ) -> impl Future<Output = Result<()>> + Send {
        let _ = prior;
        self.remove_member(group, account)
    }

    /// Whether an account is a member now, with at least what the target grants.
    fn is_member(&self, group: GroupRef<'_>, account: &str) -> impl Future<Output = Result<bool>> + Send;

    /// Adds an account, or raises its role to what the target grants. One that has it already stays as it is.
    fn add_member(&self, group: GroupRef<'_>, account: &str) -> impl Future<Output = Result<()>> + Send;

    /// Removes an account, and returns when the service has confirmed it. One that is not a member is no error.
    fn remove_member(&self, group: GroupRef<'_>, account: &str) -> impl Future<Output = Result<()>> + Send;

    /// Lists the ids of the members with at least what the target grants.
    fn members(&self, group: GroupRef<'_>) -> Paginator<String>;

    /// Makes a cheap call that needs the credentials, for targets whose group is not known until a user picks it.
    fn check_credentials(&self) -> impl Future<Output = Result<()>> + Send;
}

/// An access strategy that grants access by adding users to groups, and revokes it by removing them, or by giving them back the lesser
/// role that they had before.
///
/// Both steps have an output such as `{"group_id": "00g1", "group_name": "prod-admins", "user_id": "00u1"}`; that of a revocation
/// lacks the name if the service did not return it. A user who was a member before the request stays one when it ends: neither step is
/// taken then, and neither has an output.
///
/// A membership does not tell who has given it. A revocation [after a grant that has failed](super::follows_failed_grant) takes it, also if
/// somebody else gave it after the request was made, or the membership of before could not be read.
#[derive(Clone, Debug)]
pub struct MembershipStrategy<M> {
    client: M,
}

impl<M: Membership> MembershipStrategy<M> {
    /// Creates a strategy that works through a client.
    pub fn new(client: M) -> Self {
        Self { client }
    }

    /// Grants access, and returns the step's output.
    pub(crate) async fn grant(&self, request: &AccessRequest<'_>) -> Result<StepOutput> {
        let (group, account) = (group_ref::<M>(request.target())?, request.identity());
        let info = unlocked(&self.client, group).await?;
        self.check_account(request).await?;
        self.client.add_member(group, account).await?;
        output(group.id, Some(&info.name), account)
    }

    /// Rejects identities that are not ids, under which a member would not be found again when the access ends.
    async fn check_account(&self, request: &AccessRequest<'_>) -> Result<()> {
        let identity = request.identity();
        let account = self.client.account(identity).await?;
        if account.id != identity {
            let vendor = M::VENDOR;
            let message = format!(
                "`{identity}` is not the id of a user in {}, but another name of user `{}`",
                vendor.error_type(),
                account.id
            );
            return Err(vendor
                .error(ErrorKind::Identity, vendor.code(vendor_errors::NOT_A_USER_ID), message)
                .with_hint(format!("store `{}` instead, with `Directory::put_identity`", account.id)));
        }
        match account.is_active {
            true => Ok(()),
            false => Err(M::VENDOR.deactivated_user(request.requester().username(), identity)),
        }
    }

    async fn revoke(&self, request: &AccessRequest<'_>) -> Result<StepOutput> {
        let (group, account) = (group_ref::<M>(request.target())?, request.identity());
        let client = self.client.with_service(self.client.service().for_revocation());
        let removed = match request.prior() {
            Some(prior) => client.restore_member(group, account, prior).await,
            None => client.remove_member(group, account).await,
        };
        removed.map_err(|error| match error.code().name() == M::GROUP_NOT_FOUND {
            // The configuration may name the wrong group since the grant, so this does not count as success.
            true => error
                .with_hint("if it was deleted, all access through it ended with it: the revocation can be written off"),
            false => error,
        })?;
        // The removal is confirmed. The calls that follow cannot undo it, so they may fail.
        let client = client.with_service(client.service().with_timeout(READ_BACK_TIMEOUT));
        let name = client.group(group).await.ok().map(|info| info.name);
        if is_still_member(&client, group, account).await {
            let vendor = M::VENDOR;
            let title = vendor.error_type();
            let called = name.as_deref().unwrap_or(group.id);
            let message = format!(
                "{title} removed user `{account}` from group `{called}` (`{}`), and still lists them in it",
                group.id
            );
            return Err(vendor
                .error(ErrorKind::Conflict, vendor.code(vendor_errors::STILL_MEMBER), message)
                .with_hint(M::STILL_MEMBER_HINT));
        }
        output(group.id, name.as_deref(), account)
    }

    async fn list(&self, target: &AccessTarget) -> Result<Vec<String>> {
        self.client.with_service(self.client.service().for_revocation()).members(group_ref::<M>(target)?).await
    }

    async fn check_target(&self, target: &AccessTarget) -> Result<()> {
        if is_picked_by_requester(target, M::GROUP_SETTING) {
            return self.client.check_credentials().await;
        }
        unlocked(&self.client, group_ref::<M>(target)?).await.map(drop)
    }
}

impl<M: Membership + IntegrationClient> MembershipStrategy<M> {
    const TARGETS: &'static [TargetSchema] =
        &[TargetSchema::new(M::TARGET, SettingsSchema::closed(M::TARGET_SETTINGS))];
    const SCHEMA: StrategySchema = StrategySchema::ANY
        .with_integration(IntegrationSchema::new(M::TYPE, M::SETTINGS).with_key(M::KEY))
        .with_settings(SettingsSchema::closed(&[]))
        .with_targets(Self::TARGETS);

    /// The strategies of a type that work through the client of their integration and have no settings of their own.
    pub fn strategy_type(kind: &'static str) -> StrategyType {
        StrategyType::new(kind, |config: &StrategyConfig<'_>| {
            let integration = config.integration()?;
            config.expect_settings(&[])?;
            Ok(Self::new(M::from_config(&integration)?))
        })
        .with_schema(Self::SCHEMA)
    }
}

impl<M: Membership> AccessStrategy for MembershipStrategy<M> {
    async fn fetch_remote_identity(&self, user: &User) -> Result<Option<String>> {
        match user.email() {
            Some(email) => self.client.find_account(email).await,
            None => Ok(None),
        }
    }

    async fn escalate(&self, request: &AccessRequest<'_>) -> Result<GrantResult> {
        Ok(GrantResult::granted().with_output(self.grant(request).await?))
    }

    async fn deescalate(&self, request: &AccessRequest<'_>) -> Result<Option<StepOutput>> {
        self.revoke(request).await.map(Some)
    }

    fn revocation_scope(&self) -> RevocationScope {
        M::REVOCATION_SCOPE
    }

    /// The group alone, so that targets of one group share the access.
    fn resource(&self, target: &AccessTarget) -> String {
        let id = target.settings().get(M::GROUP_SETTING).map(|id| M::group_key(id));
        resource_named_by(target, &[(M::GROUP_SETTING, id.as_deref())])
    }

    async fn list_current(&self, target: &AccessTarget) -> Result<Option<Vec<String>>> {
        self.list(target).await.map(Some)
    }

    fn level(&self, target: &AccessTarget) -> Option<String> {
        M::level(target)
    }

    fn settle_time(&self) -> Duration {
        M::SETTLE_TIME
    }

    async fn prior_access(&self, target: &AccessTarget, identity: &str) -> Result<PriorAccess> {
        self.client.prior_access(group_ref::<M>(target)?, identity).await
    }

    /// A group that a requester picks in the form is not known yet: of such a target only the credentials are checked.
    async fn check(&self, target: &AccessTarget) -> Result<()> {
        self.check_target(target).await
    }
}

/// Returns a group whose members can be changed.
async fn unlocked<M: Membership>(client: &M, group: GroupRef<'_>) -> Result<GroupInfo> {
    let info = client.group(group).await?;
    let Some(reason) = &info.locked else { return Ok(info) };
    let vendor = M::VENDOR;
    let message = format!("{} group `{}` (`{}`) {reason}", vendor.error_type(), info.name, group.id);
    Err(vendor.error(ErrorKind::Configuration, vendor.code(vendor_errors::GROUP_NOT_NATIVE), message).with_hint(
        format!("use a target whose `{}` names a group that can be changed through the API", M::GROUP_SETTING),
    ))
}

/// Whether the service still lists a member whom it has removed, after all settle delays. A read that fails counts as no: the
/// runtime reads the group's members next, and records if that fails.
async fn is_still_member<M: Membership>(client: &M, group: GroupRef<'_>, account: &str) -> bool {
    let mut reads = client.service().repeat_reads(M::SETTLE_DELAYS);
    while reads.next().await {
        match client.is_member(group, account).await {
            Ok(true) => {}
            Ok(false) => return false,
            Err(error) => {
                tracing::debug!(code = %error.code(), "could not read a user's groups after a revocation");
                return false;
            }
        }
    }
    true
}

fn group_ref<M: Membership>(target: &AccessTarget) -> Result<GroupRef<'_>> {
    if target.kind() != M::TARGET {
        let message = format!("targets of type `{}` are not {} groups", target.kind(), M::VENDOR.error_type());
        return Err(Error::new(ErrorKind::Configuration, codes::CONFIGURATION, message).with_hint(format!(
            "use a target of type `{}` with a setting `{}`",
            M::TARGET,
            M::GROUP_SETTING
        )));
    }
    Ok(GroupRef { id: target.setting(M::GROUP_SETTING)?, target })
}

fn output(group_id: &str, group_name: Option<&str>, user_id: &str) -> Result<StepOutput> {
    let mut output = json!({ "group_id": group_id, "user_id": user_id });
    if let Some(name) = group_name {
        output["group_name"] = name.into();
    }
    StepOutput::new(output)
}
