use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use sym_sdk::BoxFuture;
use sym_sdk::config::{IntegrationSchema, SettingSchema, SettingsSchema, StrategySchema, TargetSchema};
use sym_sdk::error::{Error, ErrorKind, Result, codes as sdk_codes};
use sym_sdk::integration::IntegrationClient;
use sym_sdk::model::{AccessTarget, StepOutput, User};
use sym_sdk::strategy::{
    AccessRequest, AccessStrategy, Escalation, RevocationReach, StrategyConfig, StrategyType, resource_by_settings,
};

use super::client::REVOKE;
use super::groups::{Id, is_in};
use super::service::error;
use super::users::deprovisioned;
use super::{GroupType, Okta, OktaGroup, UserStatus, codes};

/// The type of targets.
const OKTA_GROUP: &str = "okta_group";

/// The setting of a target that says which group.
const GROUP_ID: &str = "group_id";

/// Okta's lists follow a change within seconds: so long is waited for a member to be gone from them.
const SETTLING: [Duration; 4] =
    [Duration::ZERO, Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];

/// For each call after a revocation that Okta has confirmed.
const AFTERWARDS: Duration = Duration::from_secs(10);

/// The configuration of strategies of type `okta`.
const SCHEMA: StrategySchema = StrategySchema::ANY
    .with_integration(IntegrationSchema::new(Okta::TYPE, Okta::SETTINGS))
    .with_settings(SettingsSchema::closed(&[]))
    .with_targets(&[TargetSchema::new(
        OKTA_GROUP,
        SettingsSchema::closed(&[SettingSchema::required(GROUP_ID).bindable()]),
    )]);

/// The strategies of type `okta`, which [`all`](crate::all) brings along.
///
/// ```hcl
/// resource "sym_strategy" "okta" {
///   type           = "okta"
///   name           = "okta-groups"
///   integration_id = sym_integration.okta.id
///   targets        = [sym_target.admins.id]
/// }
///
/// resource "sym_target" "admins" {
///   type  = "okta_group"
///   name  = "prod-admins"
///   label = "Production admins"
///   settings = {
///     group_id = "00g1emaKYZTWRYYRRTSK"
///   }
/// }
/// ```
pub fn strategy_type() -> StrategyType {
    StrategyType::new(Okta::TYPE, |config| build(config).map(|strategy| Arc::new(strategy) as Arc<dyn AccessStrategy>))
        .with_schema(SCHEMA)
}

fn build(config: &StrategyConfig<'_>) -> Result<OktaStrategy> {
    let integration = config.integration()?;
    config.expect_settings(&[])?;
    Okta::from_config(&integration).map(OktaStrategy::new)
}

/// Puts users into Okta groups, and takes them out again.
///
/// Only groups of type `OKTA_GROUP` can be changed: the members of others are an app's, or Okta's own. A user who was in the group
/// before is not told apart: the end of the access takes them out.
///
/// Both steps have an output of this form: `{"group_id": "00g1", "group_name": "prod-admins", "user_id": "00u1"}`. That of the
/// revocation lacks the name if Okta did not tell it.
#[derive(Clone, Debug)]
pub struct OktaStrategy {
    okta: Okta,
}

impl OktaStrategy {
    /// A strategy that works through a client.
    pub fn new(okta: Okta) -> Self {
        Self { okta }
    }

    /// The target's group, if its members can be changed.
    async fn native_group(&self, group_id: &str) -> Result<OktaGroup> {
        let group = self.okta.get_group(group_id).await?;
        let owner = match group.kind() {
            GroupType::OktaGroup => return Ok(group),
            GroupType::AppGroup => "the app that it is imported from decides about its members",
            GroupType::BuiltIn => "Okta itself decides about its members",
            _ => "its members may not be Okta's to change",
        };
        let kind = group.raw()["type"].as_str().unwrap_or("no type");
        let message = format!("Okta group `{}` (`{group_id}`) is of type {kind}: {owner}", group.name());
        Err(error(ErrorKind::Configuration, codes::GROUP_NOT_NATIVE, message)
            .with_hint("have the target name a group of type OKTA_GROUP: `list_groups` lists them"))
    }

    /// Refuses ids that are none, under which a member would not be found again when the access ends.
    async fn check_user(&self, request: &AccessRequest<'_>) -> Result<()> {
        let identity = request.identity();
        let user = self.okta.get_user(identity).await?;
        if user.id() != identity {
            let message =
                format!("`{identity}` is not the id of an Okta user, but another name of user `{}`", user.id());
            return Err(error(ErrorKind::Identity, codes::NOT_A_USER_ID, message)
                .with_hint(format!("store `{}` instead, with `Directory::put_identity`", user.id())));
        }
        if user.status() == UserStatus::Deprovisioned {
            return Err(deprovisioned(request.requester().username(), identity));
        }
        Ok(())
    }

    async fn grant(&self, request: &AccessRequest<'_>) -> Result<Escalation> {
        let (group_id, user_id) = (group_id(request.target())?, request.identity());
        let group = self.native_group(group_id).await?;
        self.check_user(request).await?;
        self.okta.add_group_member(group_id, user_id).await?;
        Ok(Escalation::granted().with_output(output(group_id, Some(group.name()), user_id)?))
    }

    async fn revoke(&self, request: &AccessRequest<'_>) -> Result<StepOutput> {
        let (group_id, user_id) = (group_id(request.target())?, request.identity());
        self.okta.remove_group_member(group_id, user_id).await.map_err(|error| match error.code() {
            // It may as well be that somebody has the wrong id in the configuration by now.
            code if *code == codes::GROUP_NOT_FOUND => error.with_hint(
                "if the group was deleted, all access by it ended with it, and the revocation can be written off",
            ),
            _ => error,
        })?;
        // What follows cannot undo the revocation, so it may fail.
        let call = self.okta.group_call(group_id).rate_group(REVOKE).timeout(AFTERWARDS);
        let group: Option<OktaGroup> = call.await.and_then(|response| response.json()).ok();
        let name = group.as_ref().map(OktaGroup::name);
        if self.stays_member(group_id, user_id).await {
            let called = name.unwrap_or(group_id);
            let message = format!(
                "Okta took user `{user_id}` out of group `{called}` (`{group_id}`), and still lists them in it"
            );
            return Err(error(ErrorKind::Conflict, codes::STILL_MEMBER, message)
                .with_hint("look for a group rule in Okta that puts the user back, and except the user from it"));
        }
        output(group_id, name, user_id)
    }

    /// Whether Okta goes on listing a user in a group whom it has taken out. That it could not be read is for the runtime to find
    /// and to record, when it reads the group's members.
    async fn stays_member(&self, group_id: &str, user_id: &str) -> bool {
        for wait in SETTLING {
            if !wait.is_zero() {
                self.okta.client.clock().sleep(wait).await;
            }
            let groups = self.okta.user_groups_call(user_id).rate_group(REVOKE).timeout(AFTERWARDS);
            match is_in(group_id, groups).await {
                Ok(true) => {}
                Ok(false) => return false,
                Err(error) => {
                    tracing::debug!(code = %error.code(), "the groups of a user could not be read after a revocation");
                    return false;
                }
            }
        }
        true
    }

    async fn members(&self, target: &AccessTarget) -> Result<Vec<String>> {
        let members = self.okta.members_call(group_id(target)?).rate_group(REVOKE).pages::<Vec<Id>>();
        members.map_items(|member| Ok(member.id)).await
    }
}

impl AccessStrategy for OktaStrategy {
    fn fetch_remote_identity<'a>(&'a self, user: &'a User) -> BoxFuture<'a, Result<Option<String>>> {
        Box::pin(async move {
            let Some(email) = user.email() else { return Ok(None) };
            Ok(self.okta.find_user_by_email(email).await?.map(|user| user.id().to_owned()))
        })
    }

    fn escalate<'a>(&'a self, request: &'a AccessRequest<'_>) -> BoxFuture<'a, Result<Escalation>> {
        Box::pin(self.grant(request))
    }

    fn deescalate<'a>(&'a self, request: &'a AccessRequest<'_>) -> BoxFuture<'a, Result<Option<StepOutput>>> {
        Box::pin(async move { self.revoke(request).await.map(Some) })
    }

    /// Sessions of apps that the group gave access to last until they end by themselves.
    fn reach(&self) -> RevocationReach {
        RevocationReach::NewSessions
    }

    /// The group, whatever else the target has.
    fn resource(&self, target: &AccessTarget) -> String {
        match target.settings().get(GROUP_ID) {
            Some(id) => {
                let group = AccessTarget::new("", target.kind(), target.name().clone());
                resource_by_settings(&group.with_setting(GROUP_ID, id))
            }
            None => resource_by_settings(target),
        }
    }

    fn list_current<'a>(&'a self, target: &'a AccessTarget) -> BoxFuture<'a, Result<Option<Vec<String>>>> {
        Box::pin(async move { self.members(target).await.map(Some) })
    }

    /// A group that is picked in the form is not known yet: of these, only that Okta accepts the token is checked.
    fn check<'a>(&'a self, target: &'a AccessTarget) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let is_picked = target.field_bindings().iter().any(|name| name == GROUP_ID);
            if is_picked && !target.settings().contains_key(GROUP_ID) {
                let mut groups = self.okta.list_groups().listing();
                return groups.next_item().await.map(drop);
            }
            self.native_group(group_id(target)?).await.map(drop)
        })
    }
}

fn group_id(target: &AccessTarget) -> Result<&str> {
    if target.kind() != OKTA_GROUP {
        let message = format!("the strategy `okta` knows no targets of type `{}`", target.kind());
        return Err(Error::new(ErrorKind::Configuration, sdk_codes::CONFIGURATION, message).with_hint(format!(
            "targets of this strategy are of type `{OKTA_GROUP}`, and their setting `{GROUP_ID}` says which"
        )));
    }
    target.setting(GROUP_ID)
}

fn output(group_id: &str, group_name: Option<&str>, user_id: &str) -> Result<StepOutput> {
    let mut output = json!({ "group_id": group_id, "user_id": user_id });
    if let Some(name) = group_name {
        output["group_name"] = name.into();
    }
    StepOutput::new(output)
}
