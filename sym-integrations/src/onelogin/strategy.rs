//! The strategy `onelogin`: access by membership in a OneLogin role, or as its admin.

use std::borrow::Cow;

use sym_sdk::config::{IntegrationSchema, SettingSchema, SettingsSchema, StrategySchema, TargetSchema};
use sym_sdk::error::{Error, ErrorKind, Result, codes as sdk_codes};
use sym_sdk::integration::IntegrationClient;
use sym_sdk::model::{AccessTarget, StepOutput, User};
use sym_sdk::strategy::{
    AccessRequest, AccessStrategy, GrantResult, PriorAccess, RevocationScope, StrategyConfig, StrategyType,
};

use super::client::ONELOGIN;
use super::users::parse_user_id;
use super::{OneLogin, Privilege, codes};
use crate::http::Paginator;
use crate::kit::{
    Account, GroupInfo, GroupRef, Membership, MembershipStrategy, VendorClient, resource_named_by, strategy_flag,
    vendor_errors,
};

const ROLE_ID: &str = "role_id";
const PRIVILEGE_LEVEL: &str = "privilege_level";
const RUN_MAPPINGS: &str = "run_mappings";

const TARGETS: &[TargetSchema] =
    &[TargetSchema::new(OneLogin::TARGET, SettingsSchema::closed(OneLogin::TARGET_SETTINGS))];

const SCHEMA: StrategySchema = StrategySchema::ANY
    .with_integration(IntegrationSchema::new(OneLogin::TYPE, OneLogin::SETTINGS))
    .with_settings(SettingsSchema::closed(&[SettingSchema::optional(RUN_MAPPINGS)]))
    .with_targets(TARGETS);

/// Returns the strategy type `onelogin`, which [`all`](crate::all) includes.
///
/// ```hcl
/// resource "sym_strategy" "onelogin" {
///   type           = "onelogin"
///   name           = "onelogin-roles"
///   integration_id = sym_integration.onelogin.id
///   targets        = [sym_target.admins.id]
///   settings = {
///     run_mappings = true
///   }
/// }
///
/// resource "sym_target" "admins" {
///   type  = "onelogin_role"
///   name  = "prod-admins"
///   label = "Production admins"
///   settings = {
///     role_id         = "519341"
///     privilege_level = "member"
///   }
/// }
/// ```
pub fn strategy_type() -> StrategyType {
    StrategyType::new("onelogin", OneLoginStrategy::from_config).with_schema(SCHEMA)
}

/// Makes users members or admins of OneLogin roles, and takes that away again. See [`MembershipStrategy`] for what each step checks.
///
/// | setting of a target | meaning |
/// | --- | --- |
/// | `role_id` | the id of the role |
/// | `privilege_level` | `member`, which is the default, or `admin` |
///
/// | setting of the strategy | meaning |
/// | --- | --- |
/// | `run_mappings` | whether to run the account's mappings for the user after each change; `false` by default |
///
/// A role's members get its applications when OneLogin runs the account's mappings for them, and lose them in the same way. Without
/// `run_mappings`, that is left to OneLogin: the strategy then only says that the role was changed, and that it is unknown which access
/// has ended. With it, a grant or a revocation is complete when the mappings have run.
///
/// Being a member of a role and being its admin are two accesses that do not affect each other. Repeated grants and revocations change
/// nothing. OneLogin cannot be told when the access ends, and the settle time is the default of 15 minutes. The strategy sees neither
/// the applications of a role nor whether a mapping is about to change its members.
#[derive(Clone, Debug)]
pub struct OneLoginStrategy {
    client: OneLogin,
    members: MembershipStrategy<OneLogin>,
    run_mappings: bool,
}

impl OneLoginStrategy {
    /// Creates a strategy that works through a client, and does not run mappings.
    pub fn new(client: OneLogin) -> Self {
        Self { members: MembershipStrategy::new(client.clone()), client, run_mappings: false }
    }

    /// Sets whether to run the account's mappings after each change.
    #[must_use]
    pub fn run_mappings(self, run_mappings: bool) -> Self {
        Self { run_mappings, ..self }
    }

    fn from_config(config: &StrategyConfig<'_>) -> Result<Self> {
        let integration = config.integration()?;
        config.expect_settings(&[RUN_MAPPINGS])?;
        let run_mappings = strategy_flag(config, RUN_MAPPINGS)?;
        Ok(Self::new(OneLogin::from_config(&integration)?).run_mappings(run_mappings))
    }

    /// Runs the mappings of the request's user, if the strategy does that, and returns whether they were run.
    async fn sync_mappings(&self, request: &AccessRequest<'_>, client: &OneLogin) -> Result<bool> {
        if self.run_mappings {
            client.run_mappings(parse_user_id(request.identity())?).await?;
        }
        Ok(self.run_mappings)
    }
}

impl AccessStrategy for OneLoginStrategy {
    async fn fetch_remote_identity(&self, user: &User) -> Result<Option<String>> {
        self.members.fetch_remote_identity(user).await
    }

    async fn escalate(&self, request: &AccessRequest<'_>) -> Result<GrantResult> {
        privilege(request.target())?;
        let output = self.members.grant(request).await?;
        let mapped = self.sync_mappings(request, &self.client).await.map_err(mappings_not_run)?;
        Ok(GrantResult::granted().with_output(complete(request, Some(output), mapped)?))
    }

    async fn deescalate(&self, request: &AccessRequest<'_>) -> Result<Option<StepOutput>> {
        let output = self.members.deescalate(request).await?;
        let client = OneLogin::from_service(self.client.service().for_revocation());
        let mapped = match self.sync_mappings(request, &client).await {
            // A user who was deleted has no applications left that mappings could take.
            Err(error) if *error.code() == codes::USER_NOT_FOUND => false,
            mapped => mapped.map_err(mappings_not_run)?,
        };
        complete(request, output, mapped).map(Some)
    }

    /// Sessions of applications last until they end by themselves. Without mappings, applications may stay as well.
    fn revocation_scope(&self) -> RevocationScope {
        match self.run_mappings {
            true => RevocationScope::NewSessions,
            false => RevocationScope::Unknown,
        }
    }

    /// The role and the privilege, so that targets with both in common share the access.
    fn resource(&self, target: &AccessTarget) -> String {
        let role = target.settings().get(ROLE_ID).map(|role| OneLogin::group_key(role));
        let privilege = privilege(target).ok().map(Privilege::as_str);
        resource_named_by(target, &[(ROLE_ID, role.as_deref()), (PRIVILEGE_LEVEL, privilege)])
    }

    async fn list_current(&self, target: &AccessTarget) -> Result<Option<Vec<String>>> {
        self.members.list_current(target).await
    }

    async fn prior_access(&self, target: &AccessTarget, identity: &str) -> Result<PriorAccess> {
        self.members.prior_access(target, identity).await
    }

    async fn check(&self, target: &AccessTarget) -> Result<()> {
        if target.settings().contains_key(PRIVILEGE_LEVEL) {
            privilege(target)?;
        }
        self.members.check(target).await
    }
}

impl Membership for OneLogin {
    const TARGET: &'static str = "onelogin_role";
    const GROUP_SETTING: &'static str = ROLE_ID;
    const TARGET_SETTINGS: &'static [SettingSchema] =
        &[SettingSchema::required(ROLE_ID).bindable(), SettingSchema::optional(PRIVILEGE_LEVEL).bindable()];
    const GROUP_NOT_FOUND: &'static str = vendor_errors::ROLE_NOT_FOUND;
    const REVOCATION_SCOPE: RevocationScope = RevocationScope::NewSessions;
    const STILL_MEMBER_HINT: &'static str =
        "look for a mapping in OneLogin that adds the role again, and exclude the user from it";

    /// The number.
    fn group_key(id: &str) -> Cow<'_, str> {
        match parse_role_id(id) {
            Ok(number) => Cow::Owned(number.to_string()),
            Err(_) => Cow::Borrowed(id),
        }
    }

    async fn find_account(&self, email: &str) -> Result<Option<String>> {
        Ok(self.find_user_by_email(email).await?.map(|user| user.id.to_string()))
    }

    async fn account(&self, id: &str) -> Result<Account> {
        self.get_user(parse_user_id(id)?).await.map(|user| user.account())
    }

    async fn group(&self, group: GroupRef<'_>) -> Result<GroupInfo> {
        self.get_role(role_id(group)?).await.map(|role| GroupInfo { name: role.name(), locked: None })
    }

    async fn is_member(&self, group: GroupRef<'_>, account: &str) -> Result<bool> {
        self.has_privilege(role_id(group)?, parse_user_id(account)?, privilege(group.target)?).await
    }

    async fn add_member(&self, group: GroupRef<'_>, account: &str) -> Result<()> {
        self.add_to_role(role_id(group)?, parse_user_id(account)?, privilege(group.target)?).await
    }

    async fn remove_member(&self, group: GroupRef<'_>, account: &str) -> Result<()> {
        self.remove_from_role(role_id(group)?, parse_user_id(account)?, privilege(group.target)?).await
    }

    fn members(&self, group: GroupRef<'_>) -> Paginator<String> {
        match role_id(group).and_then(|role| Ok((role, privilege(group.target)?))) {
            Ok((role, privilege)) => self.list_role_users(role, privilege).map_items(|user| Ok(user.id.to_string())),
            Err(error) => Paginator::failed(error),
        }
    }

    async fn check_credentials(&self) -> Result<()> {
        self.service.get("api/2/roles", &[]).query("limit", 1).await.map(drop)
    }
}

/// Adds to an output what was changed.
fn complete(request: &AccessRequest<'_>, output: Option<StepOutput>, mapped: bool) -> Result<StepOutput> {
    let mut output = output.map(|output| output.0).unwrap_or_default();
    output[PRIVILEGE_LEVEL] = privilege(request.target())?.as_str().into();
    output["mappings_run"] = mapped.into();
    StepOutput::new(output)
}

fn mappings_not_run(error: Error) -> Error {
    let message = format!("the role was changed, but the mappings were not run: {}", error.message());
    Error::new(error.kind(), codes::MAPPINGS_NOT_RUN, message)
        .with_service(ONELOGIN.name())
        .with_hint("applications of the role may be given or taken later; the step is repeated")
        .with_source(error)
        .with_unknown_outcome()
}

fn role_id(group: GroupRef<'_>) -> Result<u64> {
    parse_role_id(group.id).map_err(|_| {
        let text = group.id.trim();
        let name = group.target.name();
        configuration_error(format!("setting `{ROLE_ID}` of target `{name}` must be a number, got `{text}`"))
            .with_hint("the id of a role is the number in the URL of its page in OneLogin's admin portal")
    })
}

fn parse_role_id(text: &str) -> Result<u64, std::num::ParseIntError> {
    text.trim().parse()
}

fn privilege(target: &AccessTarget) -> Result<Privilege> {
    let Some(text) = target.settings().get(PRIVILEGE_LEVEL) else { return Ok(Privilege::default()) };
    let known = [Privilege::Member, Privilege::Admin].into_iter().find(|privilege| privilege.as_str() == text.trim());
    known.ok_or_else(|| {
        let name = target.name();
        configuration_error(format!(
            "setting `{PRIVILEGE_LEVEL}` of target `{name}` must be `member` or `admin`, got `{text}`"
        ))
    })
}

fn configuration_error(message: String) -> Error {
    ONELOGIN.error(ErrorKind::Configuration, sdk_codes::CONFIGURATION, message)
}
