//! Scripted failures: grants, revocations and deliveries that fail in a simulation because it was asked for.
//!
//! A request or the command line names the outcomes. They are set before the request is made, and what they did not affect is noted at its
//! end, since a misspelt channel would otherwise look like one that was reached.

use serde::Serialize;

use crate::delivery::Undeliverable;
use crate::runtime::Builder;
use crate::strategy::{Failures, GrantOutcome, ScriptedOutcomes};

/// The outcomes that are scripted for a request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(in crate::cli) struct Outcomes {
    /// The outcome of the grant, unless it succeeds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) grant: Option<GrantOutcome>,
    /// The attempts at revoking the access that fail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) revocation: Option<Failures>,
    /// The channels, users and error destinations to which nothing can be delivered.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) undeliverable: Vec<String>,
}

impl Outcomes {
    /// Returns these outcomes, and those of others where nothing is scripted here.
    pub(super) fn or(&self, others: Self) -> Self {
        Self {
            grant: self.grant.or(others.grant),
            revocation: self.revocation.or(others.revocation),
            undeliverable: match self.undeliverable.is_empty() {
                true => others.undeliverable,
                false => self.undeliverable.clone(),
            },
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Describes the outcomes, one text each.
    fn describe(&self) -> Vec<String> {
        let grant = self.grant.map(|outcome| match outcome {
            GrantOutcome::Fails(Failures::All) => "every attempt at the grant fails".to_owned(),
            GrantOutcome::Fails(Failures::First(count)) => first_attempts(count.get(), "grant"),
            GrantOutcome::Refused => "the service refuses the grant".to_owned(),
            GrantOutcome::Unknown => "the grant takes effect, and its reply is lost".to_owned(),
        });
        let revocation = self.revocation.map(|failures| match failures {
            Failures::All => "every attempt at the revocation fails".to_owned(),
            Failures::First(count) => first_attempts(count.get(), "revocation"),
        });
        let undeliverable = self.undeliverable.iter().map(|to| format!("nothing can be delivered to {to}"));
        grant.into_iter().chain(revocation).chain(undeliverable).collect()
    }
}

fn first_attempts(count: u32, at: &str) -> String {
    match count {
        1 => format!("the first attempt at the {at} fails"),
        count => format!("the first {count} attempts at the {at} fail"),
    }
}

/// Makes strategies and deliveries of a simulation fail as it is scripted. Clones share the script.
#[derive(Clone, Debug, Default)]
pub(in crate::cli) struct ScriptedFailures {
    strategies: ScriptedOutcomes,
    undeliverable: Undeliverable,
}

impl ScriptedFailures {
    /// Has the strategies and front ends of a runtime follow the script.
    pub(super) fn install(&self, builder: Builder) -> Builder {
        builder.scripted_outcomes(self.strategies.clone()).undeliverable(self.undeliverable.clone())
    }

    /// Sets the outcomes of what follows, and returns a note for each.
    pub(super) fn set(&self, outcomes: &Outcomes) -> Vec<String> {
        self.strategies.set(outcomes.grant, outcomes.revocation);
        self.undeliverable.set(&outcomes.undeliverable);
        outcomes.describe().into_iter().map(|text| format!("scripted: {text}")).collect()
    }

    /// Returns a note for each outcome that had no effect.
    pub(super) fn unused(&self, outcomes: &Outcomes) -> Vec<String> {
        let (granted, revoked) = self.strategies.were_used();
        let mut notes = Vec::new();
        if outcomes.grant.is_some() && !granted {
            notes.push("nothing was granted, so the scripted outcome of the grant had no effect".to_owned());
        }
        if outcomes.revocation.is_some() && !revoked {
            notes.push("nothing was revoked, so the scripted outcome of the revocation had no effect".to_owned());
        }
        let untried = outcomes.undeliverable.iter().filter(|to| !self.undeliverable.was_tried(to));
        notes.extend(untried.map(|to| format!("nothing was to be delivered to {to}")));
        notes
    }
}
