//! The strategy `google_group`: access by membership in a Google group, in a role.

use std::time::Duration;

use serde_json::json;
use sym_sdk::config::{IntegrationSchema, SettingSchema, SettingsSchema, StrategySchema, TargetSchema};
use sym_sdk::error::{Error, ErrorKind, Result};
use sym_sdk::integration::IntegrationClient;
use sym_sdk::model::{AccessTarget, StepOutput, User};
use sym_sdk::strategy::{
    AccessRequest, AccessStrategy, GrantResult, PriorAccess, PriorState, RevocationScope, StrategyConfig, StrategyType,
};

use super::client::GOOGLE;
use super::settling::Settling;
use super::target::{ALLOW_EXTERNAL, GROUP, KIND, ROLE, TargetGroup};
use super::{Google, GoogleGroup, Member, MemberType, Role, codes};
use crate::http::lost_attempts::LostAttempts;
use crate::kit::{
    Resource, SETTLE_DELAYS, follows_failed_grant, is_picked_by_requester, resource_named_by, vendor_errors,
};

/// Timeout of each call after a confirmed removal. None of them can undo it, so none may hold it up.
const READ_BACK_TIMEOUT: Duration = Duration::from_secs(10);

/// Adds users to Google groups in a role, and takes the role away again.
///
/// A user who has the role before the request, or a higher one, keeps it: neither step is taken for them. One with a lower role is raised,
/// and gets that role back at the end. Addresses outside the organization, and those of groups, get no access unless the target allows
/// outsiders.
///
/// After a grant that has failed, a member whose role is lower than that of the target stays: somebody else has given it, and the grant may
/// have been refused because of it. The output of the revocation has it as `kept_role`. Who has made somebody a member in the very role of
/// the target, or a higher one, cannot be told apart, so that is taken; and of a group that has taken the address of another one since, the
/// strategy knows nothing after such a grant.
///
/// Google's answers about a change of the last minutes can be old. If a member whom the strategy added less than ten minutes ago is not
/// found when the access ends, the revocation fails with `Google:NOT_SETTLED` and is repeated, until two attempts at least a minute apart
/// agree.
///
/// A grant has an output such as `{"group_email": "admins@example.com", "group_id": "01abc", "group_name": "Admins", "user_email":
/// "ana@example.com", "member_id": "1234", "role": "MEMBER", "granted_at": "2026-05-04T12:00:00Z"}`. The revocation goes by these ids, so
/// that it finds a group or a user whose address has changed since.
#[derive(Debug)]
pub struct GoogleGroupStrategy {
    google: Google,
    settling: Settling,
}

/// The strategies of type `google_group`, which are part of [`all`](crate::all).
///
/// ```hcl
/// resource "sym_strategy" "google" {
///   type           = "google_group"
///   name           = "google-groups"
///   integration_id = sym_integration.google.id
///   targets        = [sym_target.admins.id]
/// }
///
/// resource "sym_target" "admins" {
///   type  = "google_group"
///   name  = "prod-admins"
///   label = "Production admins"
///   settings = {
///     group_email = "prod-admins@example.com"
///     role        = "MEMBER"
///   }
/// }
/// ```
pub fn strategy_type() -> StrategyType {
    const TARGETS: &[TargetSchema] = &[TargetSchema::new(
        KIND,
        SettingsSchema::closed(&[
            SettingSchema::required(GROUP).bindable(),
            SettingSchema::optional(ROLE).bindable(),
            SettingSchema::optional(ALLOW_EXTERNAL),
        ]),
    )];
    const SCHEMA: StrategySchema = StrategySchema::ANY
        .with_integration(IntegrationSchema::new(Google::TYPE, Google::SETTINGS))
        .with_settings(SettingsSchema::closed(&[]))
        .with_targets(TARGETS);
    StrategyType::new(KIND, |config: &StrategyConfig<'_>| {
        let integration = config.integration()?;
        config.expect_settings(&[])?;
        Ok(GoogleGroupStrategy::new(Google::from_config(&integration)?))
    })
    .with_schema(SCHEMA)
}

impl GoogleGroupStrategy {
    /// Creates a strategy that works through a client.
    pub fn new(google: Google) -> Self {
        Self { google, settling: Settling::default() }
    }

    async fn grant(&self, request: &AccessRequest<'_>) -> Result<GrantResult> {
        let target = TargetGroup::of(request.target())?;
        let email = request.identity();
        self.expect_allowed(&target, email)?;
        let group = self.google.get_group(target.email).await?;
        let (member, is_new) = match self.google.add_group_member(&group.id, email, &target.role).await {
            Ok(member) => (member, true),
            Err(error) if *error.code() == codes::ALREADY_MEMBER => {
                let raised = self.raise(&group, &target, request).await;
                // The response to an attempt that made them a member may have been lost.
                (LostAttempts::of(&error).then(raised)?, request.prior().is_none())
            }
            Err(error) => return Err(error),
        };
        if let Some(refusal) = refusal(&member, email, request.requester()) {
            // Only the answer shows what the address is.
            return Err(match is_new {
                true => self.undo(&group, &member, email, refusal).await,
                // The role may have been raised.
                false => refusal.with_unknown_outcome(),
            });
        }
        let output = json!({
            "group_email": group.email,
            "group_id": group.id,
            "group_name": group.name(),
            "user_email": email,
            "member_id": member.id,
            "role": target.role,
            "granted_at": self.google.0.clock().now(),
        });
        Ok(GrantResult::granted().with_output(StepOutput::new(output)?))
    }

    fn expect_allowed(&self, target: &TargetGroup<'_>, email: &str) -> Result<()> {
        if target.allow_external || self.google.is_internal(email) {
            return Ok(());
        }
        let message = format!("`{email}` belongs to none of the organization's domains");
        Err(GOOGLE.error(ErrorKind::Identity, codes::EXTERNAL_USER, message).with_hint(format!(
            "list all domains in the integration's `domains`; `{ALLOW_EXTERNAL} = \"true\"` lets a target admit outsiders, for whom Google \
             opens the group"
        )))
    }

    /// Gives a member the role of the target, unless they have it, or a higher one.
    async fn raise(
        &self,
        group: &GoogleGroup,
        target: &TargetGroup<'_>,
        request: &AccessRequest<'_>,
    ) -> Result<Resource<Member>> {
        let email = request.identity();
        let Some(member) = self.read_member(group, email).await? else {
            let message =
                format!("Google says that `{email}` is a member of group `{}`, and does not find them", group.email);
            return Err(not_settled(message).with_unknown_outcome());
        };
        match member.role.as_ref().and_then(Role::rank) {
            Some(rank) if Some(rank) >= target.role.rank() => Ok(member),
            Some(_) if request.prior().is_some() => self.google.set_member_role(&group.id, email, &target.role).await,
            // Nothing says what to put back at the end.
            _ => {
                let role = member.role.as_ref().map_or("an unknown role", Role::as_str);
                let message =
                    format!("somebody else made `{email}` {role} of group `{}` at the same time", group.email);
                let code = GOOGLE.code(crate::http::error_names::CONFLICT);
                Err(GOOGLE.error(ErrorKind::Conflict, code, message).with_hint("request the access again"))
            }
        }
    }

    /// Reads a member who must exist.
    async fn read_member(&self, group: &GoogleGroup, email: &str) -> Result<Option<Resource<Member>>> {
        let mut reads = self.google.0.repeat_reads(SETTLE_DELAYS);
        while reads.next().await {
            if let Some(member) = self.google.find_group_member(&group.id, email).await? {
                return Ok(Some(member));
            }
        }
        Ok(None)
    }

    /// Removes a member who must not be one, and returns the reason.
    async fn undo(&self, group: &GoogleGroup, member: &Member, email: &str, refusal: Error) -> Error {
        let member = member.id.as_deref().unwrap_or(email);
        match self.google.remove_group_member(&group.id, member).await {
            Ok(true) => refusal,
            // The runtime revokes the access, as often as it takes.
            Ok(false) | Err(_) => refusal.with_unknown_outcome(),
        }
    }

    async fn revoke(&self, request: &AccessRequest<'_>) -> Result<StepOutput> {
        let target = TargetGroup::of(request.target())?;
        let granted = Granted::of(request);
        let google = Google(self.google.0.for_revocation());
        let group = granted.group_id.unwrap_or(target.email);
        let member = granted.member_id.unwrap_or(request.identity());
        if request.prior().is_none()
            && follows_failed_grant(request)
            && let Some(kept) = role_of_others(&google, group, member, &target.role).await.map_err(group_gone)?
        {
            let (group, user) = (target.email, request.identity());
            return StepOutput::new(json!({ "group_email": group, "user_email": user, "kept_role": kept }));
        }
        let changed = match request.prior() {
            Some(prior) => restore(&google, group, member, prior).await,
            None => google.remove_group_member(group, member).await,
        };
        let is_changed = changed.map_err(group_gone)?;
        if is_changed {
            self.settling.forget(request);
            if request.prior().is_none() {
                expect_removed(&google, group, member, request.identity()).await?;
            }
        } else if !self.settling.is_absent(request, granted.at.as_deref(), google.0.clock().now()) {
            let message = format!(
                "Google does not find `{}` in group `{}`, to which they were added less than ten minutes ago",
                request.identity(),
                target.email
            );
            return Err(not_settled(message));
        }
        let role = request.prior().and_then(prior_role);
        StepOutput::new(json!({ "group_email": target.email, "user_email": request.identity(), "role": role }))
    }
}

impl AccessStrategy for GoogleGroupStrategy {
    /// The e-mail address, which is an account's name in Google.
    async fn fetch_remote_identity(&self, user: &User) -> Result<Option<String>> {
        Ok(user.email().map(|email| email.trim().to_ascii_lowercase()))
    }

    async fn escalate(&self, request: &AccessRequest<'_>) -> Result<GrantResult> {
        self.grant(request).await
    }

    async fn deescalate(&self, request: &AccessRequest<'_>) -> Result<Option<StepOutput>> {
        self.revoke(request).await.map(Some)
    }

    /// Sessions of what the group gave access to last until they end by themselves.
    fn revocation_scope(&self) -> RevocationScope {
        RevocationScope::NewSessions
    }

    /// The group alone, so that targets of one group share the access.
    fn resource(&self, target: &AccessTarget) -> String {
        let email = target.settings().get(GROUP).map(|email| email.trim().to_ascii_lowercase());
        resource_named_by(target, &[(GROUP, email.as_deref())])
    }

    fn level(&self, target: &AccessTarget) -> Option<String> {
        TargetGroup::of(target).ok().map(|target| target.role.to_string())
    }

    async fn list_current(&self, target: &AccessTarget) -> Result<Option<Vec<String>>> {
        let target = TargetGroup::of(target)?;
        let google = Google(self.google.0.for_revocation());
        let mut members = google.list_group_members(target.email);
        let mut listed = Vec::new();
        while let Some(member) = members.next_item().await? {
            let is_account = !matches!(member.kind, Some(MemberType::Group | MemberType::Customer));
            if let Some(email) = &member.email
                && is_account
                && member.role.as_ref().and_then(Role::rank) >= target.role.rank()
            {
                listed.push(email.to_ascii_lowercase());
            }
        }
        Ok(Some(listed))
    }

    async fn prior_access(&self, target: &AccessTarget, identity: &str) -> Result<PriorAccess> {
        let target = TargetGroup::of(target)?;
        if self.expect_allowed(&target, identity).is_err() {
            // The grant is refused, without any call.
            return Ok(PriorAccess::Unknown);
        }
        let Some(member) = self.google.find_group_member(target.email, identity).await? else {
            return Ok(PriorAccess::None);
        };
        Ok(match &member.role {
            Some(role) if role.rank().is_some() && role.rank() >= target.role.rank() => PriorAccess::Sufficient,
            Some(role) if role.rank().is_some() => {
                PriorAccess::Lesser(PriorState::new(format!("{PRIOR_PREFIX}{role}"))?)
            }
            _ => PriorAccess::Unknown,
        })
    }

    /// A group that a requester picks in the form is not known yet: of such a target only the credentials are checked. That members may be
    /// changed shows with the first grant.
    async fn check(&self, target: &AccessTarget) -> Result<()> {
        if is_picked_by_requester(target, GROUP) {
            return self.google.list_groups(None).next_item().await.map(drop);
        }
        self.google.get_group(TargetGroup::of(target)?.email).await.map(drop)
    }
}

/// The beginning of the description of a lesser role.
const PRIOR_PREFIX: &str = "role=";

fn prior_role(prior: &str) -> Option<Role> {
    let role = Role::from(prior.strip_prefix(PRIOR_PREFIX)?.to_owned());
    role.rank().is_some().then_some(role)
}

/// The ids and the time in the output of a grant.
struct Granted<'a> {
    group_id: Option<&'a str>,
    member_id: Option<&'a str>,
    at: Option<String>,
}

impl<'a> Granted<'a> {
    fn of(request: &AccessRequest<'a>) -> Self {
        let output = request.event().step_output(sym_sdk::model::Step::Escalate);
        let text = |name: &str| output.and_then(|output| output.0.get(name)?.as_str()).filter(|text| !text.is_empty());
        Self { group_id: text("group_id"), member_id: text("member_id"), at: text("granted_at").map(str::to_owned) }
    }
}

/// Returns the reason why a member must not be one.
fn refusal(member: &Member, email: &str, requester: &User) -> Option<Error> {
    match &member.kind {
        Some(MemberType::Group | MemberType::Customer) => {
            let message = format!("`{email}` is a group, all members of which would get the access");
            let error = GOOGLE.error(ErrorKind::Identity, codes::NOT_A_USER, message);
            Some(error.with_hint("store the address of the user's own account with `Directory::put_identity`"))
        }
        _ if member.is_deactivated() => Some(GOOGLE.deactivated_user(requester.username(), email)),
        _ => None,
    }
}

/// Adds to the error for a group that does not exist what can be done. The configuration may name the wrong group since the grant, so this does
/// not count as success.
fn group_gone(error: Error) -> Error {
    match error.code().name() {
        vendor_errors::GROUP_NOT_FOUND => error.with_hint(
            "if the group was deleted, all access through it ended with it: the revocation can be written off",
        ),
        _ => error,
    }
}

/// Returns the role of a member that a failed grant cannot have given: one that does not include what it grants.
async fn role_of_others(google: &Google, group: &str, member: &str, granted: &Role) -> Result<Option<Role>> {
    let role = google.find_group_member(group, member).await?.and_then(|found| found.role.clone());
    Ok(role.filter(|role| role.rank() < granted.rank()))
}

/// Gives a member back the role that they had before. Returns whether they are a member.
async fn restore(google: &Google, group: &str, member: &str, prior: &str) -> Result<bool> {
    let Some(role) = prior_role(prior) else {
        let message = format!("`{}` does not describe a role in a group", prior.escape_debug());
        return Err(GOOGLE.error(ErrorKind::Internal, GOOGLE.code("INVALID_PRIOR_STATE"), message));
    };
    // An old answer shows the role of before the grant, or that of the grant; only somebody else has made it less.
    if let Ok(Some(current)) = google.find_group_member(group, member).await
        && current.role.as_ref().and_then(Role::rank).is_some_and(|rank| Some(rank) < role.rank())
    {
        return Ok(true);
    }
    match google.set_member_role(group, member, &role).await {
        Ok(_) => Ok(true),
        Err(error) if *error.code() == codes::USER_NOT_FOUND => Ok(false),
        Err(error) => Err(error),
    }
}

/// Reads back that a member is removed. A read that fails counts as that: the runtime reads the group's members next.
async fn expect_removed(google: &Google, group: &str, member: &str, email: &str) -> Result<()> {
    let google = Google(google.0.with_timeout(READ_BACK_TIMEOUT));
    let mut reads = google.0.repeat_reads(SETTLE_DELAYS);
    while reads.next().await {
        if !matches!(google.find_group_member(group, member).await, Ok(Some(_))) {
            return Ok(());
        }
    }
    let message = format!("Google removed `{email}` from group `{group}`, and still lists them in it");
    Err(GOOGLE
        .error(ErrorKind::Conflict, codes::STILL_MEMBER, message)
        .with_hint("look for what adds the user again, such as a synchronization or a dynamic group"))
}

fn not_settled(message: String) -> Error {
    GOOGLE
        .error(ErrorKind::Unavailable, codes::NOT_SETTLED, message)
        .with_hint("Google's answers can be minutes old; the call is repeated until they agree")
}
