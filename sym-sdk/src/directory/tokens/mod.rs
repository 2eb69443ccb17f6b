//! Tokens of bots: valid until they expire, are revoked, or their bot is deleted.
//!
//! A token is a random secret that is shown once. The store keeps only its hash, so neither a copy of the database nor a log
//! line can authenticate as a bot.

#[cfg(feature = "runtime")]
mod authentication;
#[cfg(feature = "runtime")]
mod issuing;

use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

#[cfg(feature = "runtime")]
pub use self::issuing::IssuedToken;
#[cfg(feature = "runtime")]
pub(super) use self::issuing::{hex, random};
use crate::model::{TokenId, UserId};

/// The prefix of every token, by which scanners for leaked secrets recognize one.
#[cfg(feature = "runtime")]
const TOKEN_PREFIX: &str = "symbot";

/// The description of a bot's token, without the token itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Token {
    /// The id.
    pub id: TokenId,
    /// The bot.
    pub bot: UserId,
    /// A label for people.
    pub label: String,
    /// The time at which it was issued.
    pub created_at: Timestamp,
    /// The time from which it is invalid.
    pub expires_at: Timestamp,
    /// The time at which it was revoked, if it was.
    pub revoked_at: Option<Timestamp>,
    /// The time of the last use, to the day in UTC: that of the first use on that day. `None` if it was never used, or not since uses are
    /// recorded.
    pub last_used_at: Option<Timestamp>,
}

impl Token {
    /// Creates a token that is not revoked, and was never used.
    pub fn new(id: TokenId, bot: UserId, label: String, created_at: Timestamp, expires_at: Timestamp) -> Self {
        Self { id, bot, label, created_at, expires_at, revoked_at: None, last_used_at: None }
    }

    /// Returns the day of the last use, in UTC.
    pub fn last_used_on(&self) -> Option<Date> {
        self.last_used_at.map(day_of)
    }

    /// Reports whether a use at this time is to be recorded: one on another day than the last one.
    #[cfg(feature = "runtime")]
    fn is_new_day(&self, now: Timestamp) -> bool {
        self.last_used_at.is_none_or(|last| last < now && day_of(last) != day_of(now))
    }

    /// Reports whether the token has expired: it is valid before `expires_at`, and not from then on.
    #[cfg(feature = "runtime")]
    fn is_expired(&self, now: Timestamp) -> bool {
        now >= self.expires_at
    }
}

fn day_of(time: Timestamp) -> Date {
    time.to_zoned(TimeZone::UTC).date()
}

/// A token as it is stored: its description and its hash.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StoredToken {
    /// The description.
    pub token: Token,
    /// The hash.
    pub hash: TokenHash,
}

impl StoredToken {
    /// Creates a stored token from its parts.
    pub fn new(token: Token, hash: TokenHash) -> Self {
        Self { token, hash }
    }
}

/// The SHA-256 hash of a token.
///
/// A token has 256 random bits, so it cannot be guessed, and a slow password hash would add nothing. Hashes are only compared
/// in constant time, so the type does not implement `PartialEq`.
#[derive(Clone, Copy)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// Creates a hash from its bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(..)")
    }
}
