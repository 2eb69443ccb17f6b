//! What all servers have in common: the workspace, its people, the options of the field, and what people type.

use serde::{Deserialize, Serialize};

pub(crate) const WORKSPACE: &str = "T012AB3CD";
pub(crate) const SIGNING_SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
pub(crate) const DOMAIN: &str = "example.com";

/// Half of them ask, the others decide.
const PEOPLE: usize = 40;

/// What people type. Each fits other options, by other means, and some fit none.
pub(crate) const TYPED: [&str; 10] = [
    "",
    "d",
    "db-1",
    "DB-399",
    "data 99",
    "lake",
    "eu-west orders",
    "prod",
    "there is no option like this one, and whoever types it gets nothing at all",
    "9",
];

/// What a server is started with, as JSON in a file.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Setup {
    pub(crate) signing_secret: String,
    /// Where Slack's Web API is stood in for.
    pub(crate) api: String,
    /// The labels of the options.
    pub(crate) options: Vec<String>,
    pub(crate) people: Vec<Person>,
    /// How many requests the server is to make for itself.
    pub(crate) requests: usize,
    /// The requests that wait for a decision, for servers that make none.
    pub(crate) pending: Vec<Pending>,
    /// Where the server keeps what is to outlast it. Without it, approvals are in memory alone.
    pub(crate) file: Option<String>,
    /// Whether an approval is shown in its message, and the requester told.
    pub(crate) tells: bool,
}

/// Somebody in the workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Person {
    pub(crate) account: String,
    pub(crate) email: String,
}

/// A request that waits for a decision.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Pending {
    pub(crate) run: String,
    pub(crate) requester: String,
    pub(crate) channel: String,
    pub(crate) ts: String,
}

/// Everybody.
pub(crate) fn people() -> Vec<Person> {
    let person = |number: usize| Person { account: format!("U0{number:04}"), email: format!("u0{number:04}@{DOMAIN}") };
    (0..PEOPLE).map(person).collect()
}

/// Those who ask.
pub(crate) fn requesters() -> Vec<Person> {
    people().into_iter().take(PEOPLE / 2).collect()
}

/// Those who decide.
pub(crate) fn approvers() -> Vec<Person> {
    people().into_iter().skip(PEOPLE / 2).collect()
}

/// A thousand labels of some length, in upper and lower case.
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
