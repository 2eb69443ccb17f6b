//! The services whose jobs can be trusted, and what is particular to the tokens of each.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{ClaimDifference, claim_text, invalid};
use crate::error::Result;

/// A CI service whose jobs have tokens that it signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub enum WorkloadProvider {
    /// GitHub Actions. Written `github_actions`.
    #[serde(rename = "github_actions")]
    GithubActions,
    /// GitLab CI/CD. Written `gitlab`.
    #[serde(rename = "gitlab")]
    Gitlab,
    /// Buildkite. Written `buildkite`.
    #[serde(rename = "buildkite")]
    Buildkite,
}

/// The events of GitHub by which people without rights in a repository make its trusted code run, with what they send. They are refused
/// unless a trust names them.
const GITHUB_TRIGGERS_OF_STRANGERS: [&str; 10] = [
    "discussion",
    "discussion_comment",
    "fork",
    "gollum",
    "issue_comment",
    "issues",
    "pull_request_review",
    "pull_request_review_comment",
    "watch",
    "workflow_run",
];

/// The event that is refused whatever a trust says: the job has the rights of the repository, and a stranger's pull request made it run.
const PULL_REQUEST_TARGET: &str = "pull_request_target";

/// The sources of pipelines that run for merge requests, which can come from forks. They are refused unless a trust names them.
const GITLAB_MERGE_REQUESTS: [&str; 2] = ["external_pull_request_event", "merge_request_event"];

impl WorkloadProvider {
    /// All services.
    pub const ALL: [Self; 3] = [Self::GithubActions, Self::Gitlab, Self::Buildkite];

    /// Returns the name, as in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::GithubActions => "github_actions",
            Self::Gitlab => "gitlab",
            Self::Buildkite => "buildkite",
        }
    }

    /// Returns the name for people.
    pub const fn title(self) -> &'static str {
        match self {
            Self::GithubActions => "GitHub Actions",
            Self::Gitlab => "GitLab",
            Self::Buildkite => "Buildkite",
        }
    }

    /// Returns the issuer of the service itself. An organization that runs it has another one.
    pub const fn issuer(self) -> &'static str {
        match self {
            Self::GithubActions => "https://token.actions.githubusercontent.com",
            Self::Gitlab => "https://gitlab.com",
            Self::Buildkite => "https://agent.buildkite.com",
        }
    }

    /// Returns the claims with the ids of the owner and of the repository or project, which every trust pins.
    pub(crate) const fn pinned_claims(self) -> [&'static str; 2] {
        match self {
            Self::GithubActions => ["repository_owner_id", "repository_id"],
            Self::Gitlab => ["namespace_id", "project_id"],
            Self::Buildkite => ["organization_id", "pipeline_id"],
        }
    }

    /// Returns the claim with the id of the owner.
    pub(crate) const fn owner_claim(self) -> &'static str {
        self.pinned_claims()[0]
    }

    /// Returns the claim that tells a job, for the labels of tokens.
    pub(crate) const fn job_claims(self) -> [&'static str; 2] {
        match self {
            Self::GithubActions => ["repository", "run_id"],
            Self::Gitlab => ["project_path", "job_id"],
            Self::Buildkite => ["pipeline_slug", "job_id"],
        }
    }

    /// Checks that the claims of a trust say whose jobs they are, and for which environment or ref they run.
    pub(super) fn check_claims(self, claims: &BTreeMap<String, String>) -> Result<()> {
        let has = |name: &str| claims.contains_key(name);
        for pinned in self.pinned_claims() {
            if !has(pinned) {
                let message =
                    format!("a trust in {} needs the claim `{pinned}`: names can be given to others", self.title());
                return Err(invalid(message).with_hint(self.where_ids_are()));
            }
        }
        if self == Self::GithubActions && claims.get("event_name").is_some_and(|event| event == PULL_REQUEST_TARGET) {
            let message = format!("jobs of the event `{PULL_REQUEST_TARGET}` are not trusted");
            return Err(
                invalid(message).with_hint("strangers make them run with a pull request; use `push` or an environment")
            );
        }
        let (is_bounded, needed) = match self {
            Self::GithubActions => {
                (has("environment") || (has("ref") && has("event_name")), "`environment`, or `ref` with `event_name`")
            }
            Self::Gitlab => {
                (has("environment") || (has("ref") && has("ref_type")), "`environment`, or `ref` with `ref_type`")
            }
            Self::Buildkite => (has("build_branch") || has("build_tag"), "`build_branch` or `build_tag`"),
        };
        if is_bounded {
            return Ok(());
        }
        let message = format!("a trust in {} needs the claims {needed}", self.title());
        Err(invalid(message).with_hint("otherwise everybody who can push a branch has the rights of the bot"))
    }

    /// Returns how to find the ids of an owner and a repository or project.
    const fn where_ids_are(self) -> &'static str {
        match self {
            Self::GithubActions => {
                "`gh api repos/OWNER/NAME --jq '.owner.id, .id'` prints `repository_owner_id` and `repository_id`"
            }
            Self::Gitlab => "`glab api projects/GROUP%2FNAME` has them as `namespace.id` and `id`",
            Self::Buildkite => {
                "request tokens with `--claim organization_id,pipeline_id`; the GraphQL API has the ids as `uuid`"
            }
        }
    }

    /// Returns whether the value of a claim is the one that a trust demands. Some names are the same in any case.
    pub(super) fn is_equal(self, claim: &str, expected: &str, found: &str) -> bool {
        let ignores_case = match self {
            Self::GithubActions => ["repository", "repository_owner", "environment", "actor"].contains(&claim),
            Self::Gitlab => ["project_path", "namespace_path", "user_login"].contains(&claim),
            Self::Buildkite => false,
        };
        if ignores_case { expected.eq_ignore_ascii_case(found) } else { expected == found }
    }

    /// Returns the claim by which a stranger may have made the job run, unless the trust names its value.
    pub(super) fn untrusted_trigger(
        self,
        token: &Map<String, Value>,
        trusted: &BTreeMap<String, String>,
    ) -> Option<ClaimDifference> {
        let claim = match self {
            Self::GithubActions => "event_name",
            Self::Gitlab => "pipeline_source",
            Self::Buildkite => return None,
        };
        let found = claim_text(token.get(claim))?;
        let is_risky = match self {
            Self::GithubActions if found == PULL_REQUEST_TARGET => true,
            Self::GithubActions => {
                GITHUB_TRIGGERS_OF_STRANGERS.contains(&found.as_str()) && !trusted.contains_key(claim)
            }
            Self::Gitlab => GITLAB_MERGE_REQUESTS.contains(&found.as_str()) && !trusted.contains_key(claim),
            Self::Buildkite => false,
        };
        is_risky.then(|| ClaimDifference { claim: claim.to_owned(), found: Some(found), expected: None })
    }
}

impl fmt::Display for WorkloadProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
