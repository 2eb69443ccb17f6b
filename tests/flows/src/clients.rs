//! Small fakes of services, which record their calls in an [`Outbox`]. The flows with PagerDuty, Okta and AWS Lambda take the clients of
//! `sym-integrations` instead, and their tests set what the simulated services answer.

use std::collections::BTreeMap;

use sym_sdk::error::codes;
use sym_sdk::integration::Outbox;
use sym_sdk::integration::{IntegrationClient, IntegrationConfig};
use sym_sdk::prelude::*;

/// Implements [`IntegrationClient`] for a fake, which ignores its configuration.
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

/// A fake of Slack.
#[derive(Clone, Debug, Default)]
pub struct Slack {
    /// The recorded messages.
    pub outbox: Outbox,
}

fake!(Slack, "slack");

impl Slack {
    /// Sends a message to a user or a channel.
    pub async fn send_message(&self, to: &str, text: &str) {
        self.outbox.record("slack", to, text);
    }
}

/// A fake of CircleCI.
#[derive(Clone, Debug, Default)]
pub struct CircleCi {
    /// The recorded calls.
    pub outbox: Outbox,
    /// Whether the service is unavailable.
    pub is_down: bool,
}

fake!(CircleCi, "circleci");

impl CircleCi {
    /// Approves a job that is waiting for approval.
    pub async fn approve_job(&self, workflow: &str, job: &str) -> Result<()> {
        if self.is_down {
            let error = Error::new(ErrorKind::Unavailable, codes::HTTP_ERROR_RESPONSE, "the job could not be approved");
            return Err(error.with_service("circleci").with_status(503));
        }
        self.outbox.record("circleci", format!("{workflow}/{job}"), "approved");
        Ok(())
    }
}

/// A fake of Splunk On-Call, formerly VictorOps.
#[derive(Clone, Debug, Default)]
pub struct VictorOps {
    /// The usernames by e-mail address.
    pub users: BTreeMap<String, String>,
    /// The usernames of the users on call.
    pub on_call: Vec<String>,
    /// The recorded calls.
    pub outbox: Outbox,
}

fake!(VictorOps, "victorops");

impl VictorOps {
    /// Returns the username for an e-mail address.
    pub async fn username(&self, email: &str) -> Result<String> {
        self.outbox.record("victorops", "users", email);
        self.users.get(email).cloned().ok_or_else(|| {
            Error::new(ErrorKind::NotFound, codes::IDENTITY_NOT_FOUND, format!("{email} is not a VictorOps user"))
        })
    }

    /// Returns the usernames of the users on call for a team.
    pub async fn on_call(&self, team: &str) -> Result<Vec<String>> {
        self.outbox.record("victorops", "on-call", team);
        Ok(self.on_call.clone())
    }
}

/// A fake of GitHub.
#[derive(Clone, Debug, Default)]
pub struct GitHub {
    /// The pages of repositories.
    pub pages: Vec<Vec<String>>,
    /// Whether the service is unavailable.
    pub is_down: bool,
}

fake!(GitHub, "github");

impl GitHub {
    /// Returns one page of the organization's repositories, and the number of the next page if there is one.
    pub async fn repositories(&self, page: usize) -> Result<(Vec<String>, Option<usize>)> {
        if self.is_down {
            return Err(Error::new(ErrorKind::Unavailable, codes::HTTP_ERROR_RESPONSE, "GitHub is unavailable"));
        }
        let repositories = self.pages.get(page).cloned().unwrap_or_default();
        Ok((repositories, Some(page + 1).filter(|next| *next < self.pages.len())))
    }
}

/// A fake of KnowBe4.
#[derive(Clone, Debug, Default)]
pub struct KnowBe4 {
    /// The states of each user's enrollments, newest first.
    pub enrollments: BTreeMap<String, Vec<String>>,
}

fake!(KnowBe4, "knowbe4");

impl KnowBe4 {
    /// Returns the states of a user's enrollments in a training, newest first.
    pub async fn enrollments(&self, user: &User, _training: i64) -> Result<Vec<String>> {
        self.enrollments.get(user.username()).cloned().ok_or_else(|| {
            let message = format!("{} is not a KnowBe4 user", user.username());
            Error::new(ErrorKind::NotFound, codes::KNOWBE4_USER_NOT_FOUND, message)
        })
    }
}
