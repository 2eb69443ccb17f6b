//! Schedules and escalation policies, by id or by name.

use sym_sdk::error::{Error, ErrorCode, ErrorKind, Result};

use super::client::{ApiClient, invalid_filter};
use super::error::{AMBIGUOUS_NAME, ESCALATION_POLICY_NOT_FOUND, SCHEDULE_NOT_FOUND, SERVICE};
use super::page::{EscalationPolicies, Schedules};
use crate::ToFieldOption;
use crate::http::Paginator;

/// How many other names an error shows.
const SHOWN: usize = 5;

/// How one of several things is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Selector {
    Id(String),
    Name(String),
}

impl Selector {
    /// The id of a schedule.
    pub(super) async fn schedule(&self, live: &ApiClient) -> Result<String> {
        let listing = |name: &str| live.list::<Schedules>("schedules", |call| call.query("query", name));
        self.resolve("schedule", SCHEDULE_NOT_FOUND, listing).await
    }

    /// The id of an escalation policy.
    pub(super) async fn escalation_policy(&self, live: &ApiClient) -> Result<String> {
        let listing =
            |name: &str| live.list::<EscalationPolicies>("escalation_policies", |call| call.query("query", name));
        self.resolve("escalation policy", ESCALATION_POLICY_NOT_FOUND, listing).await
    }

    /// PagerDuty's search finds parts of names, and with nothing to search for finds all: the whole name counts.
    async fn resolve<T: ToFieldOption + Send + 'static>(
        &self,
        what: &str,
        not_found: ErrorCode,
        listing: impl FnOnce(&str) -> Paginator<T>,
    ) -> Result<String> {
        let (Self::Id(text) | Self::Name(text)) = self;
        if text.trim().is_empty() {
            return Err(invalid_filter(format!("the name or id of the {what} is empty")));
        }
        let name = match self {
            Self::Id(id) => return Ok(id.clone()),
            Self::Name(name) => name,
        };
        let (mut ids, mut others) = (Vec::new(), Vec::new());
        let mut found = listing(name);
        while let Some(item) = found.next_item().await? {
            if item.option_label() == *name {
                let id = item.option_value();
                // What is added or removed meanwhile can shift an item to the next page, and have it listed twice.
                if !ids.contains(&id) {
                    ids.push(id);
                }
            } else if others.len() < SHOWN {
                others.push(item.option_label());
            }
        }
        if ids.len() > 1 {
            let message = format!("there is more than one {what} `{name}`: {}", quoted(&ids));
            return Err(error(ErrorKind::InvalidInput, AMBIGUOUS_NAME, message).with_hint("give the id instead"));
        }
        ids.pop().ok_or_else(|| {
            let hint = match others.as_slice() {
                [] => "check the name in PagerDuty: all of it counts, and its case; or give the id".to_owned(),
                others => format!("the whole name counts; there are {}", quoted(others)),
            };
            error(ErrorKind::NotFound, not_found, format!("there is no {what} `{name}`")).with_hint(hint)
        })
    }
}

fn error(kind: ErrorKind, code: ErrorCode, message: String) -> Error {
    Error::new(kind, code, message).with_service(SERVICE)
}

fn quoted(texts: &[String]) -> String {
    let quoted: Vec<String> = texts.iter().map(|text| format!("`{text}`")).collect();
    quoted.join(", ")
}
