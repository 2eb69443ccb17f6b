//! The memberships of a simulated service.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The members of all groups of a simulated service, by their ids. Clones share them, so that the answers of several routes can.
///
/// Groups need not be created: one without members is empty.
///
/// ```
/// use sym_integrations::kit::SimulatedMembers;
///
/// let members = SimulatedMembers::from_iter([("admins", "ana"), ("audit", "ana")]);
/// members.add("admins", "ben");
/// members.remove("audit", "ana");
/// assert_eq!(members.of_group("admins"), ["ana", "ben"]);
/// assert_eq!(members.groups_of("ana"), ["admins"]);
/// assert_eq!(members.groups(), ["admins"]);
/// ```
#[derive(Clone, Debug, Default)]
pub struct SimulatedMembers(Arc<Mutex<BTreeSet<(String, String)>>>);

impl SimulatedMembers {
    /// Adds an account to a group.
    pub fn add(&self, group: &str, account: &str) {
        self.lock().insert((group.to_owned(), account.to_owned()));
    }

    /// Removes an account from a group.
    pub fn remove(&self, group: &str, account: &str) {
        self.lock().remove(&(group.to_owned(), account.to_owned()));
    }

    /// Returns the accounts in a group.
    pub fn of_group(&self, group: &str) -> Vec<String> {
        self.lock().iter().filter(|(of, _)| of == group).map(|(_, account)| account.clone()).collect()
    }

    /// Returns the groups that an account is in.
    pub fn groups_of(&self, account: &str) -> Vec<String> {
        self.lock().iter().filter(|(_, of)| of == account).map(|(group, _)| group.clone()).collect()
    }

    /// Returns the groups that have members.
    pub fn groups(&self) -> Vec<String> {
        let groups: BTreeSet<_> = self.lock().iter().map(|(group, _)| group.clone()).collect();
        groups.into_iter().collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<(String, String)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<G: Into<String>, A: Into<String>> FromIterator<(G, A)> for SimulatedMembers {
    fn from_iter<I: IntoIterator<Item = (G, A)>>(pairs: I) -> Self {
        let pairs = pairs.into_iter().map(|(group, account)| (group.into(), account.into())).collect();
        Self(Arc::new(Mutex::new(pairs)))
    }
}
