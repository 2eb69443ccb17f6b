//! The settings of a target of type `google_group`.

use sym_sdk::error::{Error, ErrorKind, Result, codes};
use sym_sdk::model::AccessTarget;

use super::Role;
use crate::kit::target_flag;

/// The `type` of targets and strategies.
pub(super) const KIND: &str = "google_group";
/// The address of the group.
pub(super) const GROUP: &str = "group_email";
/// The role that members get.
pub(super) const ROLE: &str = "role";
/// Whether addresses outside the organization get access.
pub(super) const ALLOW_EXTERNAL: &str = "allow_external";

/// A group, and the role that a target grants in it.
pub(super) struct TargetGroup<'a> {
    pub(super) email: &'a str,
    pub(super) role: Role,
    pub(super) allow_external: bool,
}

impl<'a> TargetGroup<'a> {
    pub(super) fn of(target: &'a AccessTarget) -> Result<Self> {
        if target.kind() != KIND {
            return Err(invalid(format!("targets of type `{}` are not Google groups", target.kind()))
                .with_hint(format!("use a target of type `{KIND}` with a setting `{GROUP}`")));
        }
        let setting =
            |name: &str| target.settings().get(name).map(|value| value.trim()).filter(|value| !value.is_empty());
        let role = match setting(ROLE) {
            None => Role::Member,
            Some(text) => match Role::from(text.to_ascii_uppercase()) {
                Role::Other(_) => {
                    return Err(invalid(format!("`{text}` is not a role in a Google group"))
                        .with_hint("set `role` to MEMBER, MANAGER or OWNER"));
                }
                role => role,
            },
        };
        let allow_external = target_flag(target, ALLOW_EXTERNAL)?;
        Ok(Self { email: target.setting(GROUP)?.trim(), role, allow_external })
    }
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::Configuration, codes::CONFIGURATION, message).with_service(super::client::GOOGLE.name())
}
