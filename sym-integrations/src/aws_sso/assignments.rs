//! Assignments of permission sets to users in accounts: changes that AWS accepts first and carries out later.
//!
//! A change counts as made when AWS reports success, and as failed when it reports failure, with its reason. What is still in progress at the
//! deadline has an unknown outcome. While another change of the same assignment is in progress, AWS refuses further ones, and refuses any
//! if there are too many; both are tried again until the deadline.

use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use sym_sdk::error::{Error, ErrorKind, Result};

use super::client::{SSO, Service, list};
use super::in_flight::Change;
use super::permission_sets::set_not_found;
use super::{AwsSso, PrincipalType, codes};
use crate::aws::Arn;
use crate::http::Response;
use crate::http::lost_attempts::LostAttempts;
use crate::open_enum;

/// The time for a change, from the wait for its turn until AWS reports its outcome. It is within the default of
/// [`Limits::strategy`](sym_sdk::runtime::Limits::strategy), so that the error can say what is in progress.
const CHANGE_TIMEOUT: Duration = Duration::from_secs(55);

/// The delays between two looks at a change: the first, the longest, and the factor in between.
const MIN_POLL_DELAY: Duration = Duration::from_secs(1);
const MAX_POLL_DELAY: Duration = Duration::from_secs(5);
const POLL_FACTOR: f64 = 1.5;

/// The largest page of a list.
const PAGE: u32 = 100;

/// Characters of a failure's reason that messages quote.
const MAX_REASON_CHARS: usize = 500;

/// The assignment of a permission set to a user in an account.
#[derive(Clone, Debug)]
pub(super) struct Assignment {
    pub(super) permission_set: Arn,
    pub(super) account_id: String,
    pub(super) user_id: String,
}

open_enum! {
    /// The state of a change.
    pub(super) enum ChangeState {
        /// AWS is at work on it.
        InProgress = "IN_PROGRESS",
        /// It is made.
        Succeeded = "SUCCEEDED",
        /// It has failed.
        Failed = "FAILED",
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ChangeResponse {
    account_assignment_creation_status: Option<ChangeStatus>,
    account_assignment_deletion_status: Option<ChangeStatus>,
}

fn status_in(response: &Response) -> Result<ChangeStatus> {
    let found: ChangeResponse = response.json()?;
    let status = found.account_assignment_creation_status.or(found.account_assignment_deletion_status);
    status.ok_or_else(|| response.invalid("expected the status of an assignment"))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ChangeStatus {
    status: ChangeState,
    request_id: Option<String>,
    failure_reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListedAssignment {
    pub(super) principal_type: Option<PrincipalType>,
    pub(super) principal_id: Option<String>,
}

impl Change {
    fn operations(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Grant => (
                "CreateAccountAssignment",
                "DescribeAccountAssignmentCreationStatus",
                "AccountAssignmentCreationRequestId",
            ),
            Self::Revocation => (
                "DeleteAccountAssignment",
                "DescribeAccountAssignmentDeletionStatus",
                "AccountAssignmentDeletionRequestId",
            ),
        }
    }

    fn verb(self) -> &'static str {
        match self {
            Self::Grant => "create",
            Self::Revocation => "delete",
        }
    }
}

impl AwsSso {
    /// Lists the ids of the users who have a permission set in an account by themselves, and not by way of a group.
    /// [`ListAccountAssignments`](https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_ListAccountAssignments.html)
    pub(super) async fn assigned_users(&self, permission_set: &Arn, account_id: &str) -> Result<Vec<String>> {
        let arguments = json!({
            "InstanceArn": self.instance().await?.arn.as_str(),
            "AccountId": account_id,
            "PermissionSetArn": permission_set.as_str(),
            "MaxResults": PAGE,
        });
        let call = self.operation(Service::SsoAdmin, "ListAccountAssignments", &arguments)?;
        let listed: Vec<ListedAssignment> = match list(call, "AccountAssignments").await {
            Ok(listed) => listed,
            // The set may exist, and not be in the account yet.
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.get_permission_set(permission_set.as_str()).await?;
                Vec::new()
            }
            Err(error) => return Err(error),
        };
        let users = listed.into_iter().filter(|one| one.principal_type == Some(PrincipalType::User));
        Ok(users.filter_map(|one| one.principal_id).collect())
    }

    /// Creates an assignment, and returns when AWS has confirmed it. One that exists is confirmed at once.
    /// [`CreateAccountAssignment`](https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_CreateAccountAssignment.html)
    pub(super) async fn create_assignment(&self, assignment: &Assignment) -> Result<()> {
        self.change(Change::Grant, assignment).await
    }

    /// Deletes an assignment, and returns when AWS has confirmed it, or does not list it.
    /// [`DeleteAccountAssignment`](https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_DeleteAccountAssignment.html)
    pub(super) async fn delete_assignment(&self, assignment: &Assignment) -> Result<()> {
        match self.change(Change::Revocation, assignment).await {
            // AWS also fails to delete what is not there.
            Err(error) if error.kind() == ErrorKind::NotFound || *error.code() == codes::ASSIGNMENT_FAILED => {
                let left = self.assigned_users(&assignment.permission_set, &assignment.account_id).await?;
                if left.contains(&assignment.user_id) { Err(error) } else { Ok(()) }
            }
            deleted => deleted,
        }
    }

    async fn change(&self, change: Change, assignment: &Assignment) -> Result<()> {
        let instance = self.instance().await?;
        let deadline = self.service.clock().now().checked_add(CHANGE_TIMEOUT).unwrap_or(Timestamp::MAX);
        let waiting = instance.in_flight.begin(change);
        let _permit = before(self, deadline, waiting).await.ok_or_else(|| too_many(change, assignment))?;
        let (operation, poll, request_id) = change.operations();
        let arguments = json!({
            "InstanceArn": instance.arn.as_str(),
            "TargetType": "AWS_ACCOUNT",
            "TargetId": assignment.account_id,
            "PermissionSetArn": assignment.permission_set.as_str(),
            "PrincipalType": "USER",
            "PrincipalId": assignment.user_id,
        });
        let (mut status, lost) = self.request_change(operation, &arguments, assignment, deadline).await?;
        let mut delay = MIN_POLL_DELAY;
        loop {
            match (&status.status, &status.request_id) {
                (ChangeState::Succeeded, _) => return Ok(()),
                (ChangeState::Failed, _) => return Err(lost.followed_by(failed(change, assignment, &status))),
                (ChangeState::InProgress | ChangeState::Other(_), Some(id)) => {
                    if !self.wait(jittered(delay), deadline).await {
                        return Err(in_progress(change, assignment, id));
                    }
                    delay = delay.mul_f64(POLL_FACTOR).min(MAX_POLL_DELAY);
                    let arguments = json!({ "InstanceArn": instance.arn.as_str(), request_id: id });
                    match self.poll(poll, &arguments).await {
                        Ok(polled) => status = ChangeStatus { request_id: status.request_id, ..polled },
                        // The change goes on, whether it can be looked at or not.
                        Err(error) if error.is_retryable() => {}
                        Err(error) => return Err(error.with_unknown_outcome()),
                    }
                }
                (ChangeState::InProgress | ChangeState::Other(_), None) => {
                    return Err(in_progress(change, assignment, "unknown"));
                }
            }
        }
    }

    /// Requests a change, again and again while AWS refuses it because of others. If the response of an attempt was lost, the refusals
    /// that follow may be because of that attempt itself, and leave the outcome unknown.
    async fn request_change(
        &self,
        operation: &'static str,
        arguments: &Value,
        assignment: &Assignment,
        deadline: Timestamp,
    ) -> Result<(ChangeStatus, LostAttempts)> {
        let (mut delay, mut lost) = (MIN_POLL_DELAY, LostAttempts::default());
        loop {
            let call = self.operation(Service::SsoAdmin, operation, arguments)?;
            let error = match set_not_found(call, assignment.permission_set.as_str()).await {
                Ok(response) => {
                    lost.note(response.lost_attempts().any());
                    return Ok((status_in(&response)?, lost));
                }
                Err(error) => error,
            };
            lost.note(error.is_outcome_unknown());
            let is_refused = matches!(error.kind(), ErrorKind::Conflict | ErrorKind::RateLimited)
                && error.code().name() != "SERVICE_QUOTA_EXCEEDED";
            if !is_refused || !self.wait(jittered(delay), deadline).await {
                let error = match error.kind() {
                    ErrorKind::NotFound => self.what_is_missing(error, assignment).await,
                    _ => error,
                };
                return Err(lost.followed_by(error));
            }
            delay = delay.mul_f64(POLL_FACTOR).min(MAX_POLL_DELAY);
        }
    }

    async fn poll(&self, operation: &'static str, arguments: &Value) -> Result<ChangeStatus> {
        status_in(&self.operation(Service::SsoAdmin, operation, arguments)?.await?)
    }

    /// AWS has one code for a missing permission set, account and user.
    async fn what_is_missing(&self, error: Error, assignment: &Assignment) -> Error {
        if let Err(missing) = self.get_permission_set(assignment.permission_set.as_str()).await {
            return missing;
        }
        match self.get_user(&assignment.user_id).await {
            Err(missing) => missing,
            Ok(_) => error,
        }
    }

    /// Waits, unless that exceeds the deadline.
    async fn wait(&self, delay: Duration, deadline: Timestamp) -> bool {
        let clock = self.service.clock();
        if clock.now().checked_add(delay).is_ok_and(|then| then <= deadline) {
            clock.sleep(delay).await;
            return true;
        }
        false
    }
}

async fn before<T>(sso: &AwsSso, deadline: Timestamp, work: impl Future<Output = T> + Send) -> Option<T> {
    let clock = sso.service.clock();
    let left = Duration::try_from(deadline.duration_since(clock.now())).unwrap_or_default();
    crate::http::with_timeout(&**clock, left, work).await
}

/// Spreads calls that were refused together.
fn jittered(delay: Duration) -> Duration {
    delay + delay.mul_f64(0.25 * fastrand::f64())
}

fn describe(assignment: &Assignment) -> String {
    format!(
        "the assignment of permission set `{}` in account `{}` to user `{}`",
        assignment.permission_set, assignment.account_id, assignment.user_id
    )
}

fn failed(change: Change, assignment: &Assignment, status: &ChangeStatus) -> Error {
    let reason: String =
        status.failure_reason.as_deref().unwrap_or("no reason given").chars().take(MAX_REASON_CHARS).collect();
    let request = status.request_id.as_deref().unwrap_or("unknown");
    let message = format!(
        "AWS could not {} {}: {} (request {request})",
        change.verb(),
        describe(assignment),
        reason.trim().trim_end_matches('.')
    );
    let reason = reason.to_lowercase();
    let is_quota =
        ["quota", "limit exceeded", "limitexceeded", "cannot exceed"].iter().any(|word| reason.contains(word));
    match is_quota {
        // Further attempts would fail as well.
        true => SSO
            .error(ErrorKind::Conflict, codes::ASSIGNMENT_FAILED, message)
            .with_hint("remove unused roles from the account, or ask AWS to raise the quota"),
        false => SSO
            .error(ErrorKind::Unavailable, codes::ASSIGNMENT_FAILED, message)
            .with_hint("check in Identity Center whether the permission set can be provisioned in the account"),
    }
}

fn in_progress(change: Change, assignment: &Assignment, request: &str) -> Error {
    let message = format!(
        "AWS has not reported within {CHANGE_TIMEOUT:?} whether it could {} {} (request {request})",
        change.verb(),
        describe(assignment)
    );
    SSO.error(ErrorKind::Timeout, codes::ASSIGNMENT_IN_PROGRESS, message).with_unknown_outcome()
}

fn too_many(change: Change, assignment: &Assignment) -> Error {
    let message = format!(
        "too many other assignments are being changed to {} {} within {CHANGE_TIMEOUT:?}",
        change.verb(),
        describe(assignment)
    );
    SSO.error(ErrorKind::RateLimited, SSO.code(crate::http::error_names::RATE_LIMITED), message)
}
