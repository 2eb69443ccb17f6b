//! Calls about groups and their members.
//!
//! Boundary changes a group only if the caller knows its present version, and answers with status 500 whatever the reason is that a change
//! of members does not apply: another version, a user who is a member already, or one who is none. So such an answer is never retried as it
//! is. The group is read first and after each of them, and the change is sent again, with the new version, only if it is still needed and the
//! group was changed meanwhile.

use serde_json::json;
use sym_sdk::error::{Error, ErrorKind, Result};

use super::client::BOUNDARY;
use super::users::check_user_id;
use super::{Boundary, BoundaryGroup, ListGroups, codes};
use crate::http::lost_attempts::LostAttempts;
use crate::http::{Call, Next, Paginator};
use crate::kit::Resource;

/// The number of attempts of a change, each with a version that the group had a moment before.
const MAX_ATTEMPTS: usize = 5;

/// The length at which Boundary's database has cut lists of ids off.
const CUT_AT: usize = 10_000;

/// A change of the members of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Add,
    Remove,
}

/// Whether a user is a member, as far as the list of members tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    Present,
    Absent,
    /// The user is not in a list that may have been cut off.
    Unknown,
}

impl Boundary {
    /// Lists the groups of a scope.
    /// [`GET /v1/groups`](https://developer.hashicorp.com/boundary/api-docs/group-service)
    ///
    /// ```no_run
    /// # async fn show(boundary: sym_integrations::boundary::Boundary) -> sym_sdk::error::Result<()> {
    /// for group in boundary.list_groups().recursive(true).filter(r#""/item/name" matches "^prod""#).await? {
    ///     println!("{} has the id {}", group.name(), group.id);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn list_groups(&self) -> ListGroups {
        ListGroups::new(self.service.clone())
    }

    /// Looks up a group with its members.
    /// [`GET /v1/groups/{id}`](https://developer.hashicorp.com/boundary/api-docs/group-service)
    ///
    /// # Errors
    /// `Boundary:GROUP_NOT_FOUND` if there is no such group, and `Boundary:GROUP_NOT_NATIVE` if the id is that of something else, such as a
    /// managed group.
    pub async fn get_group(&self, group_id: &str) -> Result<Resource<BoundaryGroup>> {
        self.group_call(group_id)?.await?.json()
    }

    /// Returns whether a Boundary user is a member of a group.
    ///
    /// # Errors
    /// `Boundary:GROUP_NOT_FOUND` if there is no such group, and `Boundary:GROUP_TOO_LARGE` if its list of members does not tell.
    pub async fn is_group_member(&self, group_id: &str, user_id: &str) -> Result<bool> {
        let group = self.get_group(group_id).await?;
        match presence(&group, user_id) {
            Presence::Present => Ok(true),
            Presence::Absent => Ok(false),
            Presence::Unknown => Err(too_large(&group)),
        }
    }

    /// Lists the ids of a group's members.
    ///
    /// # Errors
    /// `Boundary:GROUP_TOO_LARGE` if the list may lack some.
    pub(super) fn member_ids(&self, group_id: &str) -> Paginator<String> {
        let call = match self.group_call(group_id) {
            Ok(call) => call,
            Err(error) => return Paginator::failed(error),
        };
        call.pages_by(|response| {
            let group: BoundaryGroup = response.json()?;
            match group.member_ids.len() >= CUT_AT {
                true => Err(too_large(&group)),
                false => Ok((group.member_ids, Next::End)),
            }
        })
    }

    /// Adds a Boundary user to a group. One who is a member already stays one.
    /// [`POST /v1/groups/{id}:add-members`](https://developer.hashicorp.com/boundary/api-docs/group-service)
    ///
    /// # Errors
    /// `Boundary:GROUP_NOT_FOUND` if there is no such group.
    pub async fn add_group_member(&self, group_id: &str, user_id: &str) -> Result<()> {
        check_user_id(user_id)?;
        self.change(Change::Add, group_id, user_id).await
    }

    /// Removes a Boundary user from a group. A user who is not a member, or does not exist, is no error.
    /// [`POST /v1/groups/{id}:remove-members`](https://developer.hashicorp.com/boundary/api-docs/group-service)
    ///
    /// # Errors
    /// `Boundary:GROUP_NOT_FOUND` if there is no such group, and `Boundary:GROUP_TOO_LARGE` if its list of members does not show that the user
    /// is none.
    pub async fn remove_group_member(&self, group_id: &str, user_id: &str) -> Result<()> {
        let boundary = Self { service: self.service.for_revocation() };
        boundary.change(Change::Remove, group_id, user_id).await
    }

    async fn change(&self, change: Change, group_id: &str, user_id: &str) -> Result<()> {
        let mut lost = LostAttempts::default();
        let result = self.attempt_change(change, group_id, user_id, &mut lost).await;
        lost.then(result)
    }

    async fn attempt_change(
        &self,
        change: Change,
        group_id: &str,
        user_id: &str,
        lost: &mut LostAttempts,
    ) -> Result<()> {
        let mut group = self.get_group(group_id).await?;
        let mut attempts = 0;
        loop {
            if presence(&group, user_id) == change.wanted() {
                return Ok(());
            }
            attempts += 1;
            let error = match self.send(change, &group, user_id).await {
                Ok(changed) if presence(&changed, user_id) == change.wanted() => return Ok(()),
                Ok(changed) if presence(&changed, user_id) == Presence::Unknown => return Ok(()),
                Ok(_) => return Err(not_applied(change, group_id, user_id)),
                Err(error) => error,
            };
            lost.note(error.is_outcome_unknown());
            if error.status() != Some(500) {
                return Err(error);
            }
            let present = self.get_group(group_id).await?;
            let was_changed = present.version != group.version;
            if !was_changed || attempts >= MAX_ATTEMPTS {
                return match presence(&present, user_id) {
                    listed if listed == change.wanted() => Ok(()),
                    Presence::Unknown => Err(too_large(&present).with_source(error)),
                    _ => Err(error),
                };
            }
            group = present;
        }
    }

    /// Sends a change. It may be repeated, because it applies to one version of the group only.
    async fn send(&self, change: Change, group: &BoundaryGroup, user_id: &str) -> Result<Resource<BoundaryGroup>> {
        let body = json!({ "version": group.version, "member_ids": [user_id] });
        let call = self.service.post(change.route(), &[&group.id]).json(&body).idempotent(true);
        group_not_found(call, &group.id).await?.json().map_err(Error::with_unknown_outcome)
    }

    fn group_call(&self, group_id: &str) -> Result<Call> {
        check_group_id(group_id)?;
        Ok(group_not_found(self.service.get("v1/groups/{group}", &[group_id]), group_id))
    }
}

impl Change {
    const fn route(self) -> &'static str {
        match self {
            Self::Add => "v1/groups/{group}:add-members",
            Self::Remove => "v1/groups/{group}:remove-members",
        }
    }

    const fn wanted(self) -> Presence {
        match self {
            Self::Add => Presence::Present,
            Self::Remove => Presence::Absent,
        }
    }
}

fn presence(group: &BoundaryGroup, user_id: &str) -> Presence {
    match group.member_ids.iter().any(|id| id == user_id) {
        true => Presence::Present,
        false if group.member_ids.len() >= CUT_AT => Presence::Unknown,
        false => Presence::Absent,
    }
}

/// Returns the reason why the members of something with this id cannot be changed, as the end of a sentence; `None` if it is a group.
pub(super) fn locked(group_id: &str) -> Option<&'static str> {
    match group_id {
        id if id.starts_with("g_") => None,
        id if id.starts_with("mg") => Some(
            "is a managed group: its members are those who match its filter when they sign in, and cannot be added",
        ),
        _ => Some("is not a group: ids of groups begin with `g_`"),
    }
}

fn check_group_id(group_id: &str) -> Result<()> {
    let Some(reason) = locked(group_id) else { return Ok(()) };
    let message = format!("`{group_id}` {reason}");
    Err(BOUNDARY
        .error(ErrorKind::Configuration, codes::GROUP_NOT_NATIVE, message)
        .with_hint("use the id of a group, which begins with `g_`"))
}

fn group_not_found(call: Call, group_id: &str) -> Call {
    call.not_found(codes::GROUP_NOT_FOUND, format!("there is no Boundary group `{group_id}`"))
}

fn too_large(group: &BoundaryGroup) -> Error {
    let message = format!(
        "Boundary lists {} members of group `{}`, which may not be all: the list does not show who is not a member",
        group.member_ids.len(),
        group.id
    );
    BOUNDARY.error(ErrorKind::Conflict, codes::GROUP_TOO_LARGE, message).with_hint("use a group with fewer members")
}

/// The error for a change that Boundary has confirmed without making it.
fn not_applied(change: Change, group_id: &str, user_id: &str) -> Error {
    let (code, verb) = match change {
        Change::Add => (BOUNDARY.code(crate::http::error_names::INVALID_RESPONSE), "added"),
        Change::Remove => (codes::STILL_MEMBER, "removed"),
    };
    let message = format!(
        "Boundary answered that user `{user_id}` was {verb}, with members of group `{group_id}` that do not show it"
    );
    BOUNDARY.error(ErrorKind::Conflict, code, message).with_unknown_outcome()
}
