//! The people whom a decision depends on: the requester, who is to get the access, and those whose approvals count.
//!
//! A Run keeps users as they were when they acted. Weeks can pass until a request is decided, and people leave, or lose a role, in the
//! meantime. So an input that can decide a request brings these users as the directory has them now, and the rules look at them again:
//! a requester who may not make requests any more is granted nothing, and an approval counts only while its author may approve.
//!
//! The machine reads no directory. The runtime reads it once for all people of a Run, after it has read the Run: an approval that is
//! not among the users that were read was given after that, and its author was checked then.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::effect_error::EffectError;
use super::state::RunState;
use crate::error::{ErrorKind, codes};
use crate::model::{User, UserId, UserRole};

/// Users as the directory has them at the time of an input, by id.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct People(BTreeMap<UserId, Option<Arc<User>>>);

impl People {
    /// Creates the result of looking up the users `ids`, of whom the directory has `found`.
    pub fn new(ids: impl IntoIterator<Item = UserId>, found: impl IntoIterator<Item = Arc<User>>) -> Self {
        let mut people: BTreeMap<_, _> = ids.into_iter().map(|id| (id, None)).collect();
        people.extend(found.into_iter().map(|user| (user.id(), Some(user))));
        Self(people)
    }

    /// Returns whether nobody was looked up.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the current state of a user whom the Run has stored: `None` if the user no longer exists. Whoever was not looked up is
    /// returned as stored.
    pub(super) fn current<'a>(&'a self, stored: &'a User) -> Option<&'a User> {
        match self.0.get(&stored.id()) {
            Some(current) => current.as_deref(),
            None => Some(stored),
        }
    }
}

impl RunState {
    /// Returns the ids of the people whom a decision about the request depends on: the requester, and everybody who has approved.
    pub fn people(&self) -> impl Iterator<Item = UserId> {
        let of_extension = self.extension.iter().flat_map(|extension| &extension.approvals);
        let approvals = self.run.approvals().iter().chain(of_extension);
        self.run.requester().into_iter().chain(approvals.map(|user| &**user)).map(User::id)
    }
}

/// Checks that the requester, as the directory has them now, may be granted access.
pub(super) fn check_requester(current: Option<&User>) -> Result<(), EffectError> {
    let error = |code, reason| Err(EffectError::new(ErrorKind::Conflict, code, reason));
    match current.map(User::role) {
        Some(_) if current.is_some_and(User::is_locked) => error(codes::USER_LOCKED, "the requester is locked"),
        None => error(codes::UNKNOWN_USER, "the requester is no longer a user"),
        Some(UserRole::Guest) => {
            error(codes::NOT_PERMITTED, "the requester is no longer a member, and guests are not granted access")
        }
        Some(UserRole::Member | UserRole::Admin) => Ok(()),
    }
}
