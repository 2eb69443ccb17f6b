//! Tokens as they are stored: by their hash.

use std::fmt;

use jiff::Timestamp;

use crate::model::{TokenId, UserId};

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
}

impl Token {
    /// Creates a token that is not revoked.
    pub fn new(id: TokenId, bot: UserId, label: String, created_at: Timestamp, expires_at: Timestamp) -> Self {
        Self { id, bot, label, created_at, expires_at, revoked_at: None }
    }
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
