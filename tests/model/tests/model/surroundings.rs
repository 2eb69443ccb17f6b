//! Changes around a request between its steps: the configuration, with a restart, and the people.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use sym_sdk::machine::{People, RunState};
use sym_sdk::model::*;

use crate::world::{Click, Person};

/// A change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Change {
    /// A person becomes this.
    Becomes(Person, Standing),
    /// The program is restarted with this configuration.
    RestartsWith(Configured),
}

/// The standing of a person in the directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Standing {
    Member,
    /// Guests neither decide nor are granted access.
    Guest,
    Deleted,
}

/// The users of all people as what they can be, apart from those who are deleted.
static USERS: LazyLock<BTreeMap<(Person, Standing), Arc<User>>> = LazyLock::new(|| {
    let roles = [(Standing::Member, UserRole::Member), (Standing::Guest, UserRole::Guest)];
    let everybody = Person::ALL.into_iter().flat_map(|person| roles.map(|(standing, role)| (person, standing, role)));
    let users = everybody.map(|(person, standing, role)| {
        let name = format!("{person:?}@example.com").to_lowercase();
        ((person, standing), Arc::new(User::from_email(&name).unwrap().with_role(role)))
    });
    users.collect()
});

/// The configuration of the flow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Configured {
    /// As it was when the request was made.
    #[default]
    Unchanged,
    /// The flow grants access in another account.
    OtherAccount,
    /// There is no such flow.
    Removed,
}

impl Configured {
    const ALL: [Self; 3] = [Self::Unchanged, Self::OtherAccount, Self::Removed];
}

/// The configuration and the people as they are now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Surroundings {
    pub(crate) configured: Configured,
    /// People who are not members.
    others: BTreeMap<Person, Standing>,
}

impl Surroundings {
    pub(crate) fn standing(&self, person: Person) -> Standing {
        self.others.get(&person).copied().unwrap_or(Standing::Member)
    }

    /// Returns whether a change would change anything.
    pub(crate) fn is_changed_by(&self, change: Change) -> bool {
        match change {
            Change::Becomes(person, standing) => self.standing(person) != standing,
            Change::RestartsWith(configured) => self.configured != configured,
        }
    }

    pub(crate) fn apply(&mut self, change: Change) {
        match change {
            Change::Becomes(person, Standing::Member) => {
                self.others.remove(&person);
            }
            Change::Becomes(person, standing) => {
                self.others.insert(person, standing);
            }
            Change::RestartsWith(configured) => self.configured = configured,
        }
    }

    /// Returns whether the machine is asked about a click: of somebody whom the directory does not know, or for a flow that is not configured,
    /// the runtime takes nothing that could lead to access.
    pub(crate) fn admits(&self, person: Person, click: Click) -> bool {
        let ends_access = click == Click::Revoke;
        self.standing(person) != Standing::Deleted && (ends_access || self.configured != Configured::Removed)
    }

    /// Returns the user of a person as the directory has them now.
    pub(crate) fn user(&self, person: Person) -> Option<Arc<User>> {
        USERS.get(&(person, self.standing(person))).cloned()
    }

    /// Returns whom the runtime would look up for an input that can decide the request.
    pub(crate) fn people(&self, run: Option<&RunState>, actor: UserId) -> People {
        let ids: Vec<_> = run.into_iter().flat_map(RunState::people).chain([actor]).collect();
        let found = Person::ALL.into_iter().filter_map(|person| self.user(person));
        let found: Vec<_> = found.filter(|user| ids.contains(&user.id())).collect();
        People::new(ids, found)
    }

    /// Returns whether somebody may be granted access now, or decide.
    pub(crate) fn is_member(&self, user: &User) -> bool {
        let members = Person::ALL.into_iter().filter(|person| self.standing(*person) == Standing::Member);
        members.filter_map(|person| self.user(person)).any(|member| member.id() == user.id())
    }
}

/// The flow in each configuration.
pub(crate) struct Flows(BTreeMap<Configured, Arc<Flow>>);

impl Flows {
    pub(crate) fn new() -> Self {
        let flow = |configured| Arc::new(flow(configured));
        Self(Configured::ALL.into_iter().map(|configured| (configured, flow(configured))).collect())
    }

    pub(crate) fn get(&self, configured: Configured) -> &Arc<Flow> {
        &self.0[&configured]
    }
}

fn flow(configured: Configured) -> Flow {
    let name: Slug = "prod".parse().unwrap();
    let account = if configured == Configured::OtherAccount { "production" } else { "staging" };
    let target = AccessTarget::new("acme", "okta_group", "admins".parse().unwrap());
    let integration = Integration::new(name.clone(), "okta", account);
    let strategy = Strategy::new(name.clone(), "okta").with_integration(integration).with_target(target);
    // Warnings multiply the states and change none of the promises.
    let mut params = FlowParams::default();
    params.expiry_warnings.clear();
    let flow = Flow::builder(name, "acme").params(params);
    // Of a flow that is not configured, the runtime knows the name only.
    if configured == Configured::Removed { flow.build() } else { flow.strategy(strategy).build() }
}
