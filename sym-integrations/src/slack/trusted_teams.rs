//! The other workspaces whose people may use the app, as the configuration names them.
//!
//! The profiles of people in another workspace are the word of another organization: it decides their names and their e-mail addresses.
//! So interactions from other workspaces are refused, and an address of theirs identifies nobody, unless the configuration vouches for the
//! workspace, and for a domain whose addresses it assigns.

use std::collections::BTreeMap;
use std::str::FromStr;

use sym_sdk::error::{Error, ErrorKind, Result, codes};

use super::client::SLACK;

/// Workspaces and Enterprise organizations that are trusted besides the app's own workspace. The default is none.
///
/// Its text form is that of the setting `trusted_teams` of an integration of type `slack`, with entries separated by spaces or commas:
///
/// - `T0PARTNER`: people of this workspace may use the app. They are known by their accounts, as guests.
/// - `T0SISTER=sister.example`: besides, an address in this domain is taken as the address of the person, as if it came from the app's
///   own workspace.
/// - `E0ORG`: interactions from all workspaces of this Enterprise organization are accepted, for an app that it has installed for all.
///
/// ```
/// use sym_integrations::slack::TrustedTeams;
///
/// let trusted: TrustedTeams = "T0PARTNER T0SISTER=sister.example".parse()?;
/// assert!(trusted.contains("T0PARTNER"));
/// assert!(trusted.vouches_for("T0SISTER", "ana@sister.example"));
/// assert!(!trusted.vouches_for("T0PARTNER", "ana@sister.example"));
/// # Ok::<(), sym_sdk::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedTeams {
    /// The domains that are vouched for, by workspace.
    teams: BTreeMap<String, Vec<String>>,
    enterprises: Vec<String>,
}

impl TrustedTeams {
    /// Returns whether a workspace is trusted.
    pub fn contains(&self, team: &str) -> bool {
        self.teams.contains_key(team)
    }

    /// Returns whether an Enterprise organization is trusted.
    pub fn contains_enterprise(&self, enterprise: &str) -> bool {
        self.enterprises.iter().any(|known| known == enterprise)
    }

    /// Returns whether an address is that of whoever the workspace says.
    pub fn vouches_for(&self, team: &str, email: &str) -> bool {
        let Some((_, domain)) = email.rsplit_once('@') else { return false };
        let domains = self.teams.get(team).map(Vec::as_slice).unwrap_or_default();
        domains.iter().any(|known| known.eq_ignore_ascii_case(domain.trim()))
    }
}

impl FromStr for TrustedTeams {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut trusted = Self::default();
        for entry in text.split([',', ' ', '\n', '\t']).filter(|entry| !entry.is_empty()) {
            match entry.split_once('=') {
                None if is_id('E', entry) => trusted.enterprises.push(entry.to_owned()),
                None if is_id('T', entry) => drop(trusted.teams.entry(entry.to_owned()).or_default()),
                Some((team, domain)) if is_id('T', team) && is_domain(domain) => {
                    trusted.teams.entry(team.to_owned()).or_default().push(domain.to_ascii_lowercase());
                }
                _ => return Err(invalid(entry)),
            }
        }
        Ok(trusted)
    }
}

fn is_id(first: char, text: &str) -> bool {
    text.len() > 1 && text.starts_with(first) && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
}

fn is_domain(text: &str) -> bool {
    text.split('.').count() > 1
        && text.split('.').all(|label| !label.is_empty())
        && !text.contains(['@', '=', '*', '/'])
}

fn invalid(entry: &str) -> Error {
    let message = format!("`{entry}` is not a trusted team");
    SLACK.error(ErrorKind::Configuration, codes::CONFIGURATION, message).with_hint(
        "name workspaces as in `T0PARTNER` or `T0PARTNER=partner.example`, and Enterprise organizations as in `E0ORG`",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vouches_only_for_declared_domains_of_declared_teams() {
        let trusted: TrustedTeams = "T1=a.example,T1=B.example T2\nE1".parse().unwrap();
        assert!(trusted.contains("T1") && trusted.contains("T2") && !trusted.contains("T3"));
        assert!(trusted.contains_enterprise("E1") && !trusted.contains_enterprise("E2"));
        for email in ["ana@a.example", "ana@A.example", "ana@b.example"] {
            assert!(trusted.vouches_for("T1", email), "{email}");
            assert!(!trusted.vouches_for("T2", email), "{email}");
        }
        for email in ["ana@sub.a.example", "ana@xa.example", "a.example", "ana@c.example"] {
            assert!(!trusted.vouches_for("T1", email), "{email}");
        }
    }

    #[test]
    fn rejects_malformed_entries() {
        for text in ["partner.example", "T1=", "T1=*", "T1=a@b.example", "t1", "T", "T1=nodot", "U1", "E1=a.example"] {
            let error = text.parse::<TrustedTeams>().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Configuration, "{text}");
        }
        assert_eq!(" , ".parse::<TrustedTeams>().unwrap(), TrustedTeams::default());
    }
}
