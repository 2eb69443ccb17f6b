//! The strategy `aws_sso`: access by permission sets in accounts, and by groups of the identity store.

use std::borrow::Cow;
use std::time::Duration;

use sym_sdk::config::{IntegrationSchema, SettingSchema, SettingsSchema, StrategySchema, TargetSchema};
use sym_sdk::error::{Error, ErrorKind, Result, codes};
use sym_sdk::integration::IntegrationClient;
use sym_sdk::model::{AccessTarget, StepOutput, User};
use sym_sdk::strategy::{
    AccessRequest, AccessStrategy, GrantResult, PriorAccess, RevocationScope, StrategyConfig, StrategyType,
};

use super::AwsSso;
use super::assignment_strategy::{ACCOUNT, PERMISSION_SET, TARGET, resource};
use crate::http::Paginator;
use crate::kit::{Account, GroupInfo, GroupRef, Membership, MembershipStrategy};

/// The longest time for which AWS may go on with an assignment.
pub(super) const SETTLE_TIME: Duration = Duration::from_secs(30 * 60);

const SCHEMA: StrategySchema = StrategySchema::ANY
    .with_integration(IntegrationSchema::new(AwsSso::TYPE, AwsSso::SETTINGS).with_key(AwsSso::KEY))
    .with_settings(SettingsSchema::closed(&[SettingSchema::optional("instance_arn")]))
    .with_targets(&[
        TargetSchema::new(
            TARGET,
            SettingsSchema::closed(&[
                SettingSchema::required(PERMISSION_SET).bindable(),
                SettingSchema::required(ACCOUNT).bindable(),
            ]),
        ),
        TargetSchema::new(
            <AwsSso as Membership>::TARGET,
            SettingsSchema::closed(<AwsSso as Membership>::TARGET_SETTINGS),
        ),
    ]);

/// The strategies of type `aws_sso`, which are part of [`all`](crate::all).
///
/// ```hcl
/// resource "sym_strategy" "sso" {
///   type           = "aws_sso"
///   name           = "sso"
///   integration_id = sym_integration.sso_context.id
///   targets        = [sym_target.power_user.id, sym_target.admins.id]
///   settings = {
///     instance_arn = "arn:aws:sso:::instance/ssoins-1234567890abcdef"
///   }
/// }
///
/// resource "sym_target" "power_user" {
///   type  = "aws_sso_permission_set"
///   name  = "prod-power-user"
///   label = "Power user in production"
///   settings = {
///     permission_set_arn = "arn:aws:sso:::permissionSet/ssoins-1234567890abcdef/ps-1234567890abcdef"
///     account_id         = "123456789012"
///   }
/// }
///
/// resource "sym_target" "admins" {
///   type  = "aws_sso_group"
///   name  = "admins"
///   label = "Administrators"
///   settings = {
///     group_id = "906779f1a4-5b1c22f0-7d21-4d7c-b7a5-6d3a1a1b2c3d"
///   }
/// }
/// ```
pub fn strategy_type() -> StrategyType {
    StrategyType::new("aws_sso", |config: &StrategyConfig<'_>| {
        config.expect_settings(&["instance_arn"])?;
        let builder = AwsSso::configured(&config.integration()?)?;
        let builder = match config.strategy.settings().get("instance_arn") {
            Some(arn) => builder.instance_arn(arn),
            None => builder,
        };
        Ok(AwsSsoStrategy::new(builder.build()?))
    })
    .with_schema(SCHEMA)
}

/// An access strategy that assigns permission sets to users in accounts (targets of type `aws_sso_permission_set`), and adds users to groups
/// of the identity store (targets of type `aws_sso_group`, as [`MembershipStrategy`] does).
///
/// The output of an assignment is such as `{"permission_set_arn": "arn:…", "account_id": "123456789012", "user_id": "9067…"}`; that of its
/// removal also has `sessions_may_last_until`.
///
/// An assignment does not tell who has made it. A revocation [after a grant that has failed](crate::kit::follows_failed_grant) takes it, also
/// if somebody else made it after the request, or the assignments of before could not be read.
#[derive(Clone, Debug)]
pub struct AwsSsoStrategy {
    sso: AwsSso,
    groups: MembershipStrategy<AwsSso>,
}

impl AwsSsoStrategy {
    /// Creates a strategy that works through a client.
    pub fn new(sso: AwsSso) -> Self {
        Self { groups: MembershipStrategy::new(sso.clone()), sso }
    }
}

/// The kind of a target.
enum Kind {
    PermissionSet,
    Group,
}

fn kind_of(target: &AccessTarget) -> Result<Kind> {
    match target.kind() {
        TARGET => Ok(Kind::PermissionSet),
        <AwsSso as Membership>::TARGET => Ok(Kind::Group),
        other => {
            let message = format!("targets of type `{other}` are not granted by Identity Center");
            Err(Error::new(ErrorKind::Configuration, codes::CONFIGURATION, message)
                .with_hint("use a target of type `aws_sso_permission_set` or `aws_sso_group`"))
        }
    }
}

impl AccessStrategy for AwsSsoStrategy {
    async fn fetch_remote_identity(&self, user: &User) -> Result<Option<String>> {
        self.groups.fetch_remote_identity(user).await
    }

    async fn escalate(&self, request: &AccessRequest<'_>) -> Result<GrantResult> {
        match kind_of(request.target())? {
            Kind::PermissionSet => self.sso.grant_assignment(request).await,
            Kind::Group => self.groups.escalate(request).await,
        }
    }

    async fn deescalate(&self, request: &AccessRequest<'_>) -> Result<Option<StepOutput>> {
        match kind_of(request.target())? {
            Kind::PermissionSet => self.sso.revoke_assignment(request).await.map(Some),
            Kind::Group => self.groups.deescalate(request).await,
        }
    }

    /// Sessions that were issued before last until they end by themselves.
    fn revocation_scope(&self) -> RevocationScope {
        RevocationScope::NewSessions
    }

    fn resource(&self, target: &AccessTarget) -> String {
        match target.kind() {
            TARGET => resource(target),
            _ => self.groups.resource(target),
        }
    }

    /// AWS may go on with an assignment for long after it was requested.
    fn settle_time(&self) -> Duration {
        SETTLE_TIME
    }

    async fn list_current(&self, target: &AccessTarget) -> Result<Option<Vec<String>>> {
        match kind_of(target)? {
            Kind::PermissionSet => self.sso.list_assigned(target).await.map(Some),
            Kind::Group => self.groups.list_current(target).await,
        }
    }

    /// An assignment to the user is sufficient. One by way of a group ends with the membership, and is not what the target grants.
    async fn prior_access(&self, target: &AccessTarget, identity: &str) -> Result<PriorAccess> {
        match kind_of(target)? {
            Kind::PermissionSet => {
                let is_assigned = self.sso.list_assigned(target).await?.iter().any(|user| user == identity);
                Ok(if is_assigned { PriorAccess::Sufficient } else { PriorAccess::None })
            }
            Kind::Group => self.groups.prior_access(target, identity).await,
        }
    }

    async fn check(&self, target: &AccessTarget) -> Result<()> {
        match kind_of(target)? {
            Kind::PermissionSet => self.sso.check_assignment(target).await,
            Kind::Group => self.groups.check(target).await,
        }
    }

    /// That of the permission set. Which ones a group has is not known.
    async fn session_duration(&self, target: &AccessTarget) -> Result<Option<Duration>> {
        match (kind_of(target)?, target.settings().get(PERMISSION_SET)) {
            (Kind::PermissionSet, Some(set)) => {
                Ok(Duration::try_from(self.sso.get_permission_set(set).await?.session_duration()).ok())
            }
            _ => Ok(None),
        }
    }
}

impl Membership for AwsSso {
    const TARGET: &'static str = "aws_sso_group";
    /// Sessions of permission sets that the group has last until they end by themselves.
    const REVOCATION_SCOPE: RevocationScope = RevocationScope::NewSessions;
    const STILL_MEMBER_HINT: &'static str = "look for an identity provider that keeps the members of the group in step, and exclude the group or the user there";

    fn group_key(id: &str) -> Cow<'_, str> {
        Cow::Borrowed(id.rsplit('/').next().unwrap_or(id))
    }

    async fn find_account(&self, email: &str) -> Result<Option<String>> {
        Ok(self.find_user_by_email(email).await?.map(|user| user.user_id.clone()))
    }

    async fn account(&self, id: &str) -> Result<Account> {
        self.get_user(id).await.map(|user| user.account())
    }

    async fn group(&self, group: GroupRef<'_>) -> Result<GroupInfo> {
        let group = self.get_group(group.id).await?;
        Ok(GroupInfo { name: group.name().to_owned(), locked: None })
    }

    async fn is_member(&self, group: GroupRef<'_>, account: &str) -> Result<bool> {
        self.is_group_member(group.id, account).await
    }

    async fn add_member(&self, group: GroupRef<'_>, account: &str) -> Result<()> {
        self.add_group_member(group.id, account).await
    }

    async fn remove_member(&self, group: GroupRef<'_>, account: &str) -> Result<()> {
        self.remove_group_member(group.id, account).await
    }

    fn members(&self, group: GroupRef<'_>) -> Paginator<String> {
        self.list_group_members(group.id)
    }

    async fn check_credentials(&self) -> Result<()> {
        self.instance().await.map(drop)
    }
}
