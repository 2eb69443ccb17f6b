//! The fixture that all servers share: the workspace, its users, the options of the field, and the texts that users type.

use serde::{Deserialize, Serialize};

pub(crate) const WORKSPACE: &str = "T012AB3CD";
pub(crate) const SIGNING_SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
pub(crate) const DOMAIN: &str = "example.com";

/// The number of users: half of them requesters, half of them approvers.
const PERSON_COUNT: usize = 200;

/// The texts that users type. They match different options by different rules; one matches none.
pub(crate) const TYPED_TEXTS: [&str; 10] = [
    "",
    "d",
    "db-1",
    "DB-399",
    "data 99",
    "lake",
    "eu-west orders",
    "prod",
    "a long text that matches no option, so that the server responds with none",
    "9",
];

/// The setup of a server, which it reads from a JSON file.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Setup {
    pub(crate) signing_secret: String,
    /// The base URL of the fake Slack Web API.
    pub(crate) api: String,
    /// The labels of the options.
    pub(crate) options: Vec<String>,
    pub(crate) people: Vec<Person>,
    /// The number of requests that our server creates.
    pub(crate) requests: usize,
    /// The pending requests, for servers that do not create their own.
    pub(crate) pending: Vec<Pending>,
    /// The path of the file or database for approvals. Without it, they are only in memory.
    pub(crate) file: Option<String>,
    /// Whether the message is updated and the requester notified after an approval.
    pub(crate) notifies: bool,
}

/// A user in the workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Person {
    pub(crate) account: String,
    pub(crate) email: String,
}

/// A request that is pending approval.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Pending {
    pub(crate) run: String,
    pub(crate) requester: String,
    pub(crate) channel: String,
    pub(crate) ts: String,
}

/// Returns all users.
pub(crate) fn people() -> Vec<Person> {
    let person = |number: usize| Person { account: format!("U0{number:04}"), email: format!("u0{number:04}@{DOMAIN}") };
    (0..PERSON_COUNT).map(person).collect()
}

/// Returns the users who make requests.
pub(crate) fn requesters() -> Vec<Person> {
    people().into_iter().take(PERSON_COUNT / 2).collect()
}

/// Returns the users who approve requests.
pub(crate) fn approvers() -> Vec<Person> {
    people().into_iter().skip(PERSON_COUNT / 2).collect()
}

/// Returns a thousand labels of different lengths, in upper and lower case.
pub(crate) fn options() -> Vec<String> {
    let databases = (0..400).map(|number| format!("db-{number}"));
    let lakes = (0..300).map(|number| format!("Data Lake {number}"));
    let orders = (0..300).map(|number| {
        let region = ["eu-west-1", "us-east-1", "ap-south-1"][number % 3];
        let stage = if number % 2 == 0 { "prod" } else { "Staging" };
        format!("orders-{stage}-{region}-{number}")
    });
    databases.chain(lakes).chain(orders).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_differ_and_fit_in_slack() {
        let options: std::collections::BTreeSet<_> = options().into_iter().collect();
        assert_eq!(options.len(), 1000);
        assert!(options.iter().all(|label| label.len() <= 75));
        assert!(requesters().iter().all(|requester| !approvers().contains(requester)));
    }
}
