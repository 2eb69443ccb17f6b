//! Who is in a workspace, remembered for a while.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::lock::Mutex;
use jiff::Timestamp;
use sym_sdk::clock::Clock;
use sym_sdk::error::Result;

use super::UserInfo;

/// For so long, nobody asks Slack again.
const KEPT: Duration = Duration::from_secs(300);

/// Somebody, as far as look-ups need it. Of all people in a large workspace, little can be kept.
#[derive(Clone, Debug)]
pub(super) struct Person {
    pub(super) id: String,
    /// The names they go by, in lower case.
    names: Vec<String>,
    pub(super) email: Option<String>,
    pub(super) is_bot: bool,
    pub(super) is_deactivated: bool,
    pub(super) is_outsider: bool,
}

impl Person {
    pub(super) fn new(user: &UserInfo, workspace: &str) -> Self {
        let names = [user.display_name(), user.real_name(), user.name()];
        Self {
            id: user.id().to_owned(),
            names: names.into_iter().flatten().map(str::to_lowercase).collect(),
            email: user.verified_email().map(str::to_owned),
            is_bot: user.is_bot(),
            is_deactivated: user.is_deactivated(),
            is_outsider: user.is_outsider(workspace),
        }
    }

    /// Whether they are somebody who works in this workspace.
    fn belongs(&self) -> bool {
        !self.is_bot && !self.is_deactivated && !self.is_outsider
    }
}

/// All people, by id.
#[derive(Debug, Default)]
pub(super) struct People(HashMap<String, Person>);

impl People {
    pub(super) fn by_id(&self, id: &str) -> Option<&Person> {
        self.0.get(id)
    }

    /// The ids of those of the workspace who go by a name, in order.
    pub(super) fn named(&self, name: &str) -> Vec<&str> {
        let name = name.trim().to_lowercase();
        let named = self.0.values().filter(|person| person.belongs() && person.names.contains(&name));
        let mut ids: Vec<&str> = named.map(|person| person.id.as_str()).collect();
        ids.sort_unstable();
        ids
    }
}

impl FromIterator<Person> for People {
    fn from_iter<I: IntoIterator<Item = Person>>(people: I) -> Self {
        Self(people.into_iter().map(|person| (person.id.clone(), person)).collect())
    }
}

/// The people of a workspace, asked for when they are needed. Whoever needs them meanwhile waits for the same answer.
#[derive(Debug)]
pub(super) struct Roster {
    clock: Arc<dyn Clock>,
    kept: Mutex<Option<(Timestamp, Arc<People>)>>,
}

impl Roster {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, kept: Mutex::new(None) }
    }

    /// Those who were there at most a few minutes ago, or else those whom `list` finds.
    pub(super) async fn people(&self, list: impl Future<Output = Result<People>>) -> Result<Arc<People>> {
        let mut kept = self.kept.lock().await;
        if let Some(people) = self.fresh(&kept) {
            return Ok(people);
        }
        let asked = self.clock.now();
        let people = Arc::new(list.await?);
        *kept = Some((asked, Arc::clone(&people)));
        Ok(people)
    }

    /// Those who are known without asking, nor waiting for somebody else who asks.
    pub(super) fn known(&self) -> Option<Arc<People>> {
        self.fresh(&*self.kept.try_lock()?)
    }

    fn fresh(&self, kept: &Option<(Timestamp, Arc<People>)>) -> Option<Arc<People>> {
        let (asked, people) = kept.as_ref()?;
        // A clock that was set back says nothing of how old they are.
        let age = Duration::try_from(self.clock.now().duration_since(*asked)).ok()?;
        (age < KEPT).then(|| Arc::clone(people))
    }
}
