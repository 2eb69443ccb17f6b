//! Roles in repositories, in the two vocabularies that GitHub has for them.

use crate::open_enum;

open_enum! {
    /// The role of a collaborator in a repository. Roles that an organization defines itself are `Other`.
    ///
    /// GitHub's calls that change a role know [`Read`](Self::Read) as `pull` and [`Write`](Self::Write) as `push`; all others, such as
    /// those about invitations, say `read` and `write`.
    pub enum RepositoryRole {
        /// Reads and clones. Also called `pull`.
        Read = "read",
        /// Also manages issues and pull requests.
        Triage = "triage",
        /// Also pushes. Also called `push`.
        Write = "write",
        /// Also manages the repository, without sensitive or destructive actions.
        Maintain = "maintain",
        /// Everything.
        Admin = "admin",
    }
}

impl RepositoryRole {
    /// Returns the role with a name of either vocabulary, such as `push` or `write`. Any other name is that of a custom role.
    pub fn parse(name: &str) -> Self {
        let name = name.trim();
        match name.to_ascii_lowercase().as_str() {
            "pull" | "read" => Self::Read,
            "triage" => Self::Triage,
            "push" | "write" => Self::Write,
            "maintain" => Self::Maintain,
            "admin" => Self::Admin,
            _ => Self::Other(name.to_owned()),
        }
    }

    /// Returns the name in calls that change a role, such as `push`.
    pub fn permission(&self) -> &str {
        match self {
            Self::Read => "pull",
            Self::Write => "push",
            other => other.as_str(),
        }
    }

    /// Whether it is one that an organization defines itself.
    pub fn is_custom(&self) -> bool {
        self.rank().is_none()
    }

    /// Returns whether the role includes another one; `None` if one of them is custom, and its rights are not known.
    pub fn includes(&self, other: &Self) -> Option<bool> {
        match (self, other) {
            (Self::Admin, _) => Some(true),
            (Self::Other(own), Self::Other(other)) if own.eq_ignore_ascii_case(other) => Some(true),
            _ => Some(self.rank()? >= other.rank()?),
        }
    }

    /// Whether two names are those of one role. Names of custom roles have no case.
    #[cfg(feature = "runtime")]
    pub(super) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Other(own), Self::Other(other)) => own.eq_ignore_ascii_case(other),
            _ => self == other,
        }
    }

    fn rank(&self) -> Option<u8> {
        match self {
            Self::Read => Some(1),
            Self::Triage => Some(2),
            Self::Write => Some(3),
            Self::Maintain => Some(4),
            Self::Admin => Some(5),
            Self::Other(_) => None,
        }
    }
}
