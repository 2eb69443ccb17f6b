//! Fakes of the services that the flows call. What they would send stands in an [`Outbox`].

use std::collections::BTreeMap;

use serde_json::Value;
use sym_sdk::error::codes;
use sym_sdk::integration::Outbox;
use sym_sdk::integration::{IntegrationClient, IntegrationConfig};
use sym_sdk::prelude::*;

/// A fake is as empty from its configuration as it is by default.
macro_rules! fake {
    ($client:ty, $kind:literal) => {
        impl IntegrationClient for $client {
            const TYPE: &'static str = $kind;

            fn from_config(_: &IntegrationConfig<'_>) -> Result<Self> {
                Ok(Self::default())
            }
        }
    };
}

/// Slack.
#[derive(Clone, Debug, Default)]
pub struct Slack {
    /// Where messages go.
    pub outbox: Outbox,
}

fake!(Slack, "slack");

impl Slack {
    /// A message to a person or a channel.
    pub async fn send_message(&self, to: &str, text: &str) {
        self.outbox.record("slack", to, text);
    }
}

/// CircleCI.
#[derive(Clone, Debug, Default)]
pub struct CircleCi {
    /// Where calls go.
    pub outbox: Outbox,
    /// Whether the service is down.
    pub is_down: bool,
}

fake!(CircleCi, "circleci");

impl CircleCi {
    /// Lets a job run that waits for approval.
    pub async fn approve_job(&self, workflow: &str, job: &str) -> Result<()> {
        if self.is_down {
            let error = Error::new(ErrorKind::Unavailable, codes::HTTP_ERROR_RESPONSE, "the job could not be approved");
            return Err(error.with_service("circleci").with_status(503));
        }
        self.outbox.record("circleci", format!("{workflow}/{job}"), "approved");
        Ok(())
    }
}

/// Splunk On-Call, which was VictorOps.
#[derive(Clone, Debug, Default)]
pub struct VictorOps {
    /// E-mail address to username.
    pub users: BTreeMap<String, String>,
    /// Usernames of those on call.
    pub on_call: Vec<String>,
    /// Where calls go.
    pub outbox: Outbox,
}

fake!(VictorOps, "victorops");

impl VictorOps {
    /// The username of the person with this e-mail address.
    pub async fn username(&self, email: &str) -> Result<String> {
        self.outbox.record("victorops", "users", email);
        self.users.get(email).cloned().ok_or_else(|| {
            Error::new(ErrorKind::NotFound, codes::IDENTITY_NOT_FOUND, format!("{email} is not in VictorOps"))
        })
    }

    /// The usernames of those on call for a team.
    pub async fn on_call(&self, team: &str) -> Result<Vec<String>> {
        self.outbox.record("victorops", "on-call", team);
        Ok(self.on_call.clone())
    }
}

/// AWS Lambda, as handlers call it.
#[derive(Clone, Debug, Default)]
pub struct AwsLambda {
    /// What functions answer, by ARN.
    pub answers: BTreeMap<String, Value>,
    /// Where calls go.
    pub outbox: Outbox,
}

fake!(AwsLambda, "permission_context");

impl AwsLambda {
    /// Calls a function and waits for its answer.
    pub async fn invoke(&self, arn: &str, payload: &Value) -> Result<Value> {
        self.outbox.record("lambda", arn, payload.to_string());
        self.answers.get(arn).cloned().ok_or_else(|| {
            let message = format!("there is no function `{arn}`");
            Error::new(ErrorKind::NotFound, codes::AWS_LAMBDA_FATAL_FUNCTION_ERROR, message)
        })
    }

    /// Has a function called, and does not wait.
    pub async fn invoke_async(&self, arn: &str, payload: &Value) -> bool {
        self.outbox.record("lambda, later", arn, payload.to_string());
        true
    }
}

/// GitHub.
#[derive(Clone, Debug, Default)]
pub struct GitHub {
    /// Repositories, page by page.
    pub pages: Vec<Vec<String>>,
    /// Whether the service is down.
    pub is_down: bool,
}

fake!(GitHub, "github");

impl GitHub {
    /// One page of the organization's repositories, and the number of the next page if there is one.
    pub async fn repositories(&self, page: usize) -> Result<(Vec<String>, Option<usize>)> {
        if self.is_down {
            return Err(Error::new(ErrorKind::Unavailable, codes::HTTP_ERROR_RESPONSE, "GitHub does not answer"));
        }
        let repositories = self.pages.get(page).cloned().unwrap_or_default();
        Ok((repositories, Some(page + 1).filter(|next| *next < self.pages.len())))
    }
}

/// KnowBe4.
#[derive(Clone, Debug, Default)]
pub struct KnowBe4 {
    /// The state of each training of a person, the latest first.
    pub enrollments: BTreeMap<String, Vec<String>>,
}

fake!(KnowBe4, "knowbe4");

impl KnowBe4 {
    /// The state of each of a person's enrolments in a training, the latest first.
    pub async fn enrollments(&self, user: &User, _training: i64) -> Result<Vec<String>> {
        self.enrollments.get(user.username()).cloned().ok_or_else(|| {
            let message = format!("{} is not known to KnowBe4", user.username());
            Error::new(ErrorKind::NotFound, codes::KNOWBE4_USER_NOT_FOUND, message)
        })
    }
}

/// Okta.
#[derive(Clone, Debug, Default)]
pub struct Okta {
    /// The department of each person.
    pub departments: BTreeMap<String, String>,
    /// The members of each group, by e-mail address.
    pub groups: BTreeMap<String, Vec<String>>,
}

fake!(Okta, "okta");

impl Okta {
    /// The department that a person works in.
    pub async fn department(&self, user: &User) -> Result<String> {
        Ok(self.departments.get(user.username()).cloned().unwrap_or_default())
    }

    /// The e-mail addresses of a group's members.
    pub async fn users_in_group(&self, group: &str) -> Result<Vec<String>> {
        self.groups.get(group).cloned().ok_or_else(|| {
            Error::new(ErrorKind::NotFound, codes::OKTA_GROUP_NOT_FOUND, format!("there is no group `{group}`"))
        })
    }

    /// Whether a person is in a group.
    pub async fn is_user_in_group(&self, user: &User, group: &str) -> Result<bool> {
        Ok(self.users_in_group(group).await?.iter().any(|email| email == user.username()))
    }
}

/// PagerDuty.
#[derive(Clone, Debug, Default)]
pub struct PagerDuty {
    /// E-mail addresses of those on call; none if the service knows nobody.
    pub on_call: Option<Vec<String>>,
}

fake!(PagerDuty, "pagerduty");

impl PagerDuty {
    /// Whether a person is on call in a schedule.
    pub async fn is_on_call(&self, user: &User, _schedule: &str) -> Result<bool> {
        let Some(on_call) = &self.on_call else {
            let message = format!("{} is not known to PagerDuty", user.username());
            return Err(Error::new(ErrorKind::NotFound, codes::PAGERDUTY_USER_NOT_FOUND, message));
        };
        Ok(on_call.iter().any(|email| email == user.username()))
    }
}
