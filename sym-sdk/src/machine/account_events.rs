//! Events of accounts: who has signed in, which tokens there are, and who has which role. They belong to no Run and change none: the machine
//! only turns them into audit entries, as it does with [actions on users](super::user_actions).
//!
//! An entry never has a secret: a token is named by its id and its label.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::audit_entry::AuditKind;
use super::effect_error::EffectError;
use super::input::{Input, InputBody};
use super::outside_of_runs::OutsideEvent;
use super::transition::{InputReply, Transition};
use crate::model::{Channel, EventId, Step, TokenId, TrustId, User, UserId, UserRole};

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// A user whom an event is about, as the record names them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RecordedUser {
    /// The id.
    pub id: UserId,
    /// The name.
    pub username: String,
}

impl RecordedUser {
    /// Creates the name of a user for the record.
    pub fn new(user: &User) -> Self {
        Self { id: user.id(), username: user.username().to_owned() }
    }
}

/// A token of a bot, as the record names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RecordedToken {
    /// The id.
    pub id: TokenId,
    /// The label.
    pub label: String,
    /// The time from which it is invalid.
    pub expires_at: Timestamp,
}

impl RecordedToken {
    /// Creates the name of a token for the record.
    pub fn new(id: TokenId, label: impl Into<String>, expires_at: Timestamp) -> Self {
        Self { id, label: label.into(), expires_at }
    }
}

/// A trust of a bot in jobs of a CI service, as the record names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RecordedTrust {
    /// The id.
    pub id: TrustId,
    /// The issuer of the jobs' tokens.
    pub issuer: String,
    /// The audience that their tokens must have.
    pub audience: String,
    /// The claims that their tokens must have, with the values.
    pub claims: BTreeMap<String, String>,
}

impl RecordedTrust {
    /// Creates the description of a trust for the record.
    pub fn new(
        id: TrustId,
        issuer: impl Into<String>,
        audience: impl Into<String>,
        claims: BTreeMap<String, String>,
    ) -> Self {
        Self { id, issuer: issuer.into(), audience: audience.into(), claims }
    }
}

/// The trust without its bot: `jobs of https://gitlab.com with project_id=7`.
impl fmt::Display for RecordedTrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "jobs of {}", self.issuer)?;
        for (number, (name, value)) in self.claims.iter().enumerate() {
            write!(f, "{} {name}={value}", if number == 0 { " with" } else { "," })?;
        }
        Ok(())
    }
}

/// The place in which somebody has signed in, as the record names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SignInPlace {
    /// A browser.
    Browser,
    /// A command line.
    CommandLine {
        /// The address from which it has called, if it is known.
        address: Option<String>,
    },
}

impl fmt::Display for SignInPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Browser => f.write_str("a browser"),
            Self::CommandLine { address: Some(address) } => write!(f, "a command line at {address}"),
            Self::CommandLine { address: None } => f.write_str("a command line"),
        }
    }
}

/// An event of an account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AccountEvent {
    /// A person has signed in. They are the actor of the event.
    SignedIn {
        /// The place.
        place: SignInPlace,
        /// The issuer of the identity provider, if the person has signed in there.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        issuer: Option<String>,
    },
    /// A sign-in was refused. Many refusals are recorded in part only.
    SignInRefused {
        /// The place.
        place: SignInPlace,
        /// Whether the actor is in the directory. Otherwise nobody knows who it was.
        is_known_actor: bool,
        /// The reason.
        error: EffectError,
        /// The number of refusals that were too many to be recorded since the last one that was.
        #[serde(default, skip_serializing_if = "is_zero")]
        omitted: u64,
    },
    /// Sessions of a person were ended, by the person or by an administrator.
    SignedOut {
        /// The person.
        user: RecordedUser,
        /// The number of sessions.
        sessions: usize,
    },
    /// A token of a bot was issued.
    TokenIssued {
        /// The token.
        token: RecordedToken,
        /// The bot.
        bot: RecordedUser,
    },
    /// A token of a bot was revoked.
    TokenRevoked {
        /// The token.
        token: RecordedToken,
        /// The bot.
        bot: RecordedUser,
    },
    /// A token of a bot was issued for that of a CI job. The bot is the actor of the event.
    TokenExchanged {
        /// The token of the bot, whose label names the job.
        token: RecordedToken,
        /// The trust by which it was issued.
        trust: TrustId,
        /// The issuer of the job's token.
        issuer: String,
    },
    /// The exchange of a CI job's token was refused. Many refusals are recorded in part only.
    ExchangeRefused {
        /// The issuer that the token names. Unless it is one that a bot trusts, nobody has verified it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        issuer: Option<String>,
        /// The reason: which claim of the token differs, for example.
        error: EffectError,
        /// The number of refusals that were too many to be recorded since the last one that was.
        #[serde(default, skip_serializing_if = "is_zero")]
        omitted: u64,
    },
    /// A trust of a bot in jobs of a CI service was added.
    TrustAdded {
        /// The trust.
        trust: RecordedTrust,
        /// The bot.
        bot: RecordedUser,
    },
    /// A trust of a bot in jobs of a CI service was removed.
    TrustRemoved {
        /// The trust.
        trust: RecordedTrust,
        /// The bot.
        bot: RecordedUser,
    },
    /// The role of a user was changed.
    RoleChanged {
        /// The user.
        user: RecordedUser,
        /// The role before.
        from: UserRole,
        /// The new role.
        to: UserRole,
        /// The reason why the change was refused, if it was.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        refusal: Option<EffectError>,
    },
}

impl AccountEvent {
    /// The names of all kinds.
    pub const NAMES: [&'static str; 10] = [
        "signed_in",
        "sign_in_refused",
        "signed_out",
        "token_issued",
        "token_revoked",
        "token_exchanged",
        "exchange_refused",
        "trust_added",
        "trust_removed",
        "role_changed",
    ];

    /// Returns the name of the kind.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::SignedIn { .. } => "signed_in",
            Self::SignInRefused { .. } => "sign_in_refused",
            Self::SignedOut { .. } => "signed_out",
            Self::TokenIssued { .. } => "token_issued",
            Self::TokenRevoked { .. } => "token_revoked",
            Self::TokenExchanged { .. } => "token_exchanged",
            Self::ExchangeRefused { .. } => "exchange_refused",
            Self::TrustAdded { .. } => "trust_added",
            Self::TrustRemoved { .. } => "trust_removed",
            Self::RoleChanged { .. } => "role_changed",
        }
    }

    /// Returns the reason of a refusal.
    pub const fn refusal(&self) -> Option<&EffectError> {
        match self {
            Self::SignInRefused { error, .. } | Self::ExchangeRefused { error, .. } => Some(error),
            Self::RoleChanged { refusal, .. } => refusal.as_ref(),
            _ => None,
        }
    }

    /// Returns whether the event takes something away from somebody. It is recorded also when there is room for nothing else.
    pub fn takes_away(&self) -> bool {
        match self {
            Self::SignedOut { .. } | Self::TokenRevoked { .. } | Self::TrustRemoved { .. } => true,
            // The roles are in descending order.
            Self::RoleChanged { from, to, refusal, .. } => to > from && refusal.is_none(),
            _ => false,
        }
    }

    /// Returns the step under which the event is recorded. The log has no steps of its own for accounts.
    fn step(&self) -> Step {
        match self {
            Self::SignInRefused { .. } | Self::ExchangeRefused { .. } => Step::Deny,
            event if event.takes_away() => Step::Deescalate,
            _ => Step::Approve,
        }
    }

    /// Returns whether the actor of the event is the one whom the record is to name, in its line.
    fn names_actor(&self) -> bool {
        match self {
            Self::SignInRefused { is_known_actor, .. } => *is_known_actor,
            Self::ExchangeRefused { .. } => false,
            event => event.refusal().is_none(),
        }
    }

    /// Returns whether it is known who the event is by. Otherwise, the actor stands for what somebody has claimed.
    pub const fn is_by_actor(&self) -> bool {
        !matches!(self, Self::SignInRefused { is_known_actor: false, .. } | Self::ExchangeRefused { .. })
    }
}

/// A text of the event, without saying by whom: `issued the token “build server” of ci`.
impl fmt::Display for AccountEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let more = |f: &mut fmt::Formatter<'_>, omitted: u64| match omitted {
            0 => Ok(()),
            omitted => write!(f, ", and {omitted} more before it"),
        };
        match self {
            Self::SignedIn { place, issuer: Some(issuer) } => write!(f, "signed in on {place}, at {issuer}"),
            Self::SignedIn { place, issuer: None } => write!(f, "signed in on {place}"),
            Self::SignInRefused { place, error, omitted, .. } => {
                write!(f, "could not sign in on {place}: {} ({})", error.message, error.code)?;
                more(f, *omitted)
            }
            Self::SignedOut { user, sessions: 1 } => write!(f, "ended a session of {}", user.username),
            Self::SignedOut { user, sessions } => write!(f, "ended {sessions} sessions of {}", user.username),
            Self::TokenIssued { token, bot } => {
                write!(f, "issued the token “{}” of {}, until {:.0}", token.label, bot.username, token.expires_at)
            }
            Self::TokenRevoked { token, bot } => write!(f, "revoked the token “{}” of {}", token.label, bot.username),
            Self::TokenExchanged { token, issuer, .. } => {
                write!(f, "got a token for the job “{}” of {issuer}, until {:.0}", token.label, token.expires_at)
            }
            Self::ExchangeRefused { error, omitted, .. } => {
                write!(f, "got no token: {} ({})", error.message, error.code)?;
                more(f, *omitted)
            }
            Self::TrustAdded { trust, bot } => write!(f, "let {trust} get tokens of {}", bot.username),
            Self::TrustRemoved { trust, bot } => write!(f, "stopped {trust} from getting tokens of {}", bot.username),
            Self::RoleChanged { user, from, to, refusal } => {
                let (from, to) = (from.as_str(), to.as_str());
                match refusal {
                    None => write!(f, "changed the role of {} from {from} to {to}", user.username),
                    Some(error) => {
                        write!(f, "could not change the role of {} from {from} to {to}: ", user.username)?;
                        write!(f, "{} ({})", error.message, error.code)
                    }
                }
            }
        }
    }
}

/// An event of an account, to be recorded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AccountEventInput {
    /// The id of the event.
    pub event: EventId,
    /// The actor: the person who signs in, or the administrator who has changed something. For what nobody has authenticated, it is what
    /// the caller claims.
    pub actor: Arc<User>,
    /// The channel through which it came.
    pub channel: Channel,
    /// The reason that was given, if any was.
    pub reason: Option<String>,
    /// The event.
    pub account_event: AccountEvent,
}

impl AccountEventInput {
    /// Creates an event without a reason.
    pub fn new(event: EventId, actor: Arc<User>, channel: Channel, account_event: AccountEvent) -> Self {
        Self { event, actor, channel, reason: None, account_event }
    }
}

/// Returns the transition that records an event of an account. `None` if the input is another one.
pub(super) fn record_account_event(input: &Input) -> Option<Transition> {
    let InputBody::AccountEvent(recorded) = &input.body else { return None };
    let AccountEventInput { event, actor, channel, reason, account_event } = &**recorded;
    let (step, names_actor) = (account_event.step(), account_event.names_actor());
    let kind = AuditKind::Account(Box::new(account_event.clone()));
    let recorded = OutsideEvent { id: *event, step, actor, channel, reason: reason.clone(), names_actor, kind };
    Some(recorded.record(input, InputReply::Accepted { event: Some(*event) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Searches name kinds as they are in the record.
    #[test]
    fn names_are_those_in_json() {
        let (token, trust) = (TokenId::from_uuid(uuid::Uuid::nil()), TrustId::from_uuid(uuid::Uuid::nil()));
        let token = RecordedToken::new(token, "x", Timestamp::UNIX_EPOCH);
        let user = RecordedUser::new(&User::system());
        let error =
            EffectError::new(crate::error::ErrorKind::Forbidden, crate::error::codes::NOT_PERMITTED, "not permitted");
        let (place, issuer) = (SignInPlace::Browser, String::new());
        let claims = BTreeMap::from([("project_id".to_owned(), "7".to_owned())]);
        let of_bot = RecordedTrust::new(trust, "https://gitlab.com", "sym", claims);
        let (from, to) = (UserRole::Admin, UserRole::Guest);
        let all = [
            AccountEvent::SignedIn { place: place.clone(), issuer: None },
            AccountEvent::SignInRefused { place, is_known_actor: false, error: error.clone(), omitted: 1 },
            AccountEvent::SignedOut { user: user.clone(), sessions: 1 },
            AccountEvent::TokenIssued { token: token.clone(), bot: user.clone() },
            AccountEvent::TokenRevoked { token: token.clone(), bot: user.clone() },
            AccountEvent::TokenExchanged { token, trust, issuer },
            AccountEvent::ExchangeRefused { issuer: None, error, omitted: 0 },
            AccountEvent::TrustAdded { trust: of_bot.clone(), bot: user.clone() },
            AccountEvent::TrustRemoved { trust: of_bot, bot: user.clone() },
            AccountEvent::RoleChanged { user, from, to, refusal: None },
        ];
        assert_eq!(all.each_ref().map(AccountEvent::name), AccountEvent::NAMES);
        for event in all {
            let json = serde_json::to_value(&event).unwrap();
            assert_eq!(json.as_object().unwrap().keys().collect::<Vec<_>>(), [event.name()]);
            assert_eq!(serde_json::from_value::<AccountEvent>(json).unwrap(), event);
        }
    }
}
