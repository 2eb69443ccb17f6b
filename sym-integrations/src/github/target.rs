//! Targets of the strategy: repositories, and the roles that are granted in them.

use sym_sdk::config::{SettingSchema, SettingsSchema, TargetSchema};
use sym_sdk::error::{Error, ErrorKind, Result, codes};
use sym_sdk::model::AccessTarget;

use super::RepositoryRole;
use super::client::GITHUB;
use crate::kit::{resource_named_by, target_flag};

/// The type of the targets.
const TARGET: &str = "github_repo";

/// The setting of a target that names the repository, without the organization.
pub(super) const REPO_NAME: &str = "repo_name";

/// The setting of a target with the role that is granted. The default is `push`.
const PERMISSION: &str = "permission";

/// The setting of a target that admits users who are not members of the organization.
const ALLOW_OUTSIDE: &str = "allow_outside";

pub(super) const SCHEMA: TargetSchema = TargetSchema::new(
    TARGET,
    SettingsSchema::closed(&[
        SettingSchema::required(REPO_NAME).bindable(),
        SettingSchema::optional(PERMISSION).bindable(),
        SettingSchema::optional(ALLOW_OUTSIDE),
    ]),
);

/// The settings of a target.
pub(super) struct RepoTarget<'a> {
    pub(super) repo_name: &'a str,
    pub(super) role: RepositoryRole,
    pub(super) allow_outside: bool,
}

impl<'a> RepoTarget<'a> {
    pub(super) fn of(target: &'a AccessTarget) -> Result<Self> {
        if target.kind() != TARGET {
            let message = format!("targets of type `{}` are not GitHub repositories", target.kind());
            return Err(invalid(message, "use a target of type `github_repo` with a setting `repo_name`"));
        }
        let repo_name = target.setting(REPO_NAME)?;
        let is_name_character = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if !repo_name.chars().all(is_name_character) {
            let message = format!("`{repo_name}` is not the name of a GitHub repository");
            return Err(invalid(message, "`repo_name` is the name without the organization, such as `api`"));
        }
        let allow_outside = target_flag(target, ALLOW_OUTSIDE)?;
        Ok(Self { repo_name, role: role_of(target), allow_outside })
    }
}

/// Returns the role that a target grants.
pub(super) fn role_of(target: &AccessTarget) -> RepositoryRole {
    target.settings().get(PERMISSION).map_or(RepositoryRole::Write, |name| RepositoryRole::parse(name))
}

fn invalid(message: String, hint: &'static str) -> Error {
    GITHUB.error(ErrorKind::Configuration, codes::CONFIGURATION, message).with_hint(hint)
}

/// Names the repository of a target alone, whose name has no case.
pub(super) fn resource_of(target: &AccessTarget) -> String {
    let name = target.settings().get(REPO_NAME).map(|name| name.to_ascii_lowercase());
    resource_named_by(target, &[(REPO_NAME, name.as_deref())])
}
