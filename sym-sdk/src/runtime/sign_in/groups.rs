//! The role of a person, by the groups that the identity provider says they are in.

use serde_json::{Map, Value};

use super::SignInRules;
use crate::model::UserRole;

/// The role that follows from groups.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum RoleByGroups {
    /// Roles do not come from groups.
    Unset,
    /// The highest of the roles whose groups the person is in.
    Role(UserRole),
    /// The person is in none of the groups.
    None,
    /// The token does not say which groups the person is in.
    Unknown { message: String, hint: &'static str },
}

pub(super) fn role_by_groups(claims: &Map<String, Value>, rules: &SignInRules) -> RoleByGroups {
    if rules.roles.is_empty() {
        return RoleByGroups::Unset;
    }
    let claim = &rules.groups_claim;
    let unknown = |message: String, hint| RoleByGroups::Unknown { message, hint };
    // Entra leaves out the groups of whoever is in many, and says where else they can be read.
    let is_elsewhere = claims.get("_claim_names").and_then(|names| names.get(claim)).is_some();
    let has_too_many = claims.get("hasgroups").is_some_and(|has| has == true || has == "true");
    if is_elsewhere || (has_too_many && !claims.contains_key(claim)) {
        let message = "the identity provider does not tell your groups, because they are too many".to_owned();
        return unknown(
            message,
            "administrators of the provider assign app roles, or send only the groups that are assigned to this application",
        );
    }
    let groups: Option<Vec<&str>> = match claims.get(claim) {
        Some(Value::Array(groups)) => groups.iter().map(Value::as_str).collect(),
        Some(Value::String(group)) => Some(vec![group.as_str()]),
        _ => None,
    };
    let Some(groups) = groups else {
        let message = format!(
            "the identity provider does not tell your groups: its token has no claim `{claim}` that lists them"
        );
        return unknown(message, "administrators of the provider add the claim to the ID tokens of this application");
    };
    // The roles are in descending order.
    let role = rules.roles.iter().find(|(_, of_role)| of_role.iter().any(|group| groups.contains(&group.as_str())));
    role.map_or(RoleByGroups::None, |(role, _)| RoleByGroups::Role(*role))
}
