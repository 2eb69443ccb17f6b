//! The selection of a schedule or an escalation policy by id or by name.

use std::fmt;

use sym_sdk::error::{ErrorCode, ErrorKind, Result};

use super::client::{PAGERDUTY, invalid_filter};
use super::page::{EscalationPolicies, Schedules};
use super::{PagerDuty, codes};
use crate::ToFieldOption;
use crate::http::Paginator;

/// The number of other names that an error shows.
const MAX_SUGGESTIONS: usize = 5;

/// An object by id or by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Selector {
    Id(String),
    Name(String),
}

/// As part of a question that is recorded.
impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(f, "with id `{id}`"),
            Self::Name(name) => write!(f, "`{name}`"),
        }
    }
}

impl Selector {
    /// Resolves the selector to the id of a schedule.
    pub(super) async fn schedule(&self, pagerduty: &PagerDuty) -> Result<String> {
        let list = |name: &str| pagerduty.list::<Schedules>("schedules", |call| call.query("query", name));
        match self.resolve("schedule", codes::SCHEDULE_NOT_FOUND, list).await {
            Err(error) if error.code() == &codes::SCHEDULE_NOT_FOUND => {
                let (Self::Id(name) | Self::Name(name)) = self;
                pagerduty.find_rotating_schedule(name).await?.ok_or(error)
            }
            found => found,
        }
    }

    /// Resolves the selector to the id of an escalation policy.
    pub(super) async fn escalation_policy(&self, pagerduty: &PagerDuty) -> Result<String> {
        let list =
            |name: &str| pagerduty.list::<EscalationPolicies>("escalation_policies", |call| call.query("query", name));
        self.resolve("escalation policy", codes::ESCALATION_POLICY_NOT_FOUND, list).await
    }

    /// PagerDuty's search matches parts of names, and an empty query matches everything, so names are compared here.
    async fn resolve<T: ToFieldOption + Send + 'static>(
        &self,
        noun: &str,
        not_found: ErrorCode,
        list: impl FnOnce(&str) -> Paginator<T>,
    ) -> Result<String> {
        let (Self::Id(text) | Self::Name(text)) = self;
        if text.trim().is_empty() {
            return Err(invalid_filter(format!("the name or id of the {noun} is empty")));
        }
        let name = match self {
            Self::Id(id) => return Ok(id.clone()),
            Self::Name(name) => name,
        };
        let (mut ids, mut others) = (Vec::new(), Vec::new());
        let mut found = list(name);
        while let Some(item) = found.next_item().await? {
            if item.option_label() == *name {
                let id = item.option_value();
                // An object added or deleted meanwhile can shift another to the next page, so that it is listed twice.
                if !ids.contains(&id) {
                    ids.push(id);
                }
            } else if others.len() < MAX_SUGGESTIONS {
                others.push(item.option_label());
            }
        }
        if ids.len() > 1 {
            let message = format!("there is more than one {noun} `{name}`: {}", quoted(&ids));
            return Err(PAGERDUTY
                .error(ErrorKind::InvalidInput, codes::AMBIGUOUS_NAME, message)
                .with_hint("use the id instead"));
        }
        ids.pop().ok_or_else(|| {
            let hint = match others.as_slice() {
                [] => {
                    "check the name in PagerDuty: it must match in full, including its case; or use the id".to_owned()
                }
                others => format!("the name must match in full; there are {}", quoted(others)),
            };
            PAGERDUTY.error(ErrorKind::NotFound, not_found, format!("there is no {noun} `{name}`")).with_hint(hint)
        })
    }
}

fn quoted(texts: &[String]) -> String {
    let quoted: Vec<String> = texts.iter().map(|text| format!("`{text}`")).collect();
    quoted.join(", ")
}
