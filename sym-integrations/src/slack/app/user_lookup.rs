//! Who has done something: a Slack user as a user of the directory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use sym_sdk::error::{Error, ErrorKind, Result, codes};
use sym_sdk::model::User;

use crate::slack::Slack;
use crate::slack::user_cache::CachedUser as Person;

/// For so long, what Slack said of somebody is taken to be true.
const FRESH: Duration = Duration::from_secs(300);

/// The same where something comes of it: whoever has left decides nothing a minute later.
const FRESH_TO_ACT: Duration = Duration::from_secs(60);

/// So many people are remembered at most.
const MOST: usize = 10_000;

/// What Slack said of people.
#[derive(Default)]
pub(super) struct People(Mutex<HashMap<String, (Timestamp, Person)>>);

impl People {
    /// The user whose account this is. Members of the workspace are known by their e-mail address or by the account that the
    /// directory has; people from outside are guests.
    ///
    /// # Errors
    /// For those who are deactivated, bots, and those of whom nobody knows who they are.
    pub(super) async fn user(&self, slack: &Slack, id: &str, now: Timestamp) -> Result<Arc<User>> {
        self.known_for(FRESH, slack, id, now).await
    }

    /// The same, for somebody who makes or decides a request.
    pub(super) async fn acting(&self, slack: &Slack, id: &str, now: Timestamp) -> Result<Arc<User>> {
        self.known_for(FRESH_TO_ACT, slack, id, now).await
    }

    async fn known_for(&self, age: Duration, slack: &Slack, id: &str, now: Timestamp) -> Result<Arc<User>> {
        let person = match self.known(id, now, age) {
            Some(person) => person,
            None => {
                let info = match slack.api().user_info(id).await {
                    Err(error) if error.kind() == ErrorKind::NotFound => {
                        return Err(refused("Slack does not know you in this workspace").with_source(error));
                    }
                    info => info?,
                };
                let person = Person::new(&info, slack.workspace());
                self.keep(id, now, person.clone());
                person
            }
        };
        if person.is_deactivated {
            return Err(refused("your Slack account is deactivated"));
        }
        if person.is_bot {
            return Err(refused("this is for people, and you are a bot"));
        }
        let user = slack.linked_user(person).await?;
        user.ok_or_else(|| {
            refused("nobody knows whose Slack account yours is").with_hint(
                "ask an administrator to add it to your user, or to look whether the app may read e-mail addresses",
            )
        })
    }

    fn known(&self, id: &str, now: Timestamp, age: Duration) -> Option<Person> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (as_of, person) = known.get(id)?;
        (now.duration_since(*as_of).unsigned_abs() < age).then(|| person.clone())
    }

    fn keep(&self, id: &str, now: Timestamp, person: Person) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(id.to_owned(), (now, person));
    }
}

fn refused(message: &str) -> Error {
    Error::new(ErrorKind::Forbidden, codes::NOT_PERMITTED, message).with_service("slack")
}
