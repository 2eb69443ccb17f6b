//! The tokens by which bots are known.

use std::fmt;

use jiff::Timestamp;

use crate::model::{TokenId, UserId};

/// What is known of a bot's token, once it was issued. It does not hold the token itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Token {
    /// The id.
    pub id: TokenId,
    /// The bot.
    pub bot: UserId,
    /// What people call it.
    pub label: String,
    /// When it was issued.
    pub created_at: Timestamp,
    /// From when it is no longer valid.
    pub expires_at: Timestamp,
    /// When it was revoked; none if it was not.
    pub revoked_at: Option<Timestamp>,
}

impl Token {
    /// A token that was not revoked.
    pub fn new(id: TokenId, bot: UserId, label: String, created_at: Timestamp, expires_at: Timestamp) -> Self {
        Self { id, bot, label, created_at, expires_at, revoked_at: None }
    }
}

/// A token as it is stored: by its hash, from which nobody gets it back.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StoredToken {
    /// What is known of it.
    pub token: Token,
    /// Its hash.
    pub hash: TokenHash,
}

impl StoredToken {
    /// A token and its hash.
    pub fn new(token: Token, hash: TokenHash) -> Self {
        Self { token, hash }
    }
}

/// The SHA-256 of a token. A token has 256 random bits, so there is nothing to guess that a slower hash would protect.
///
/// It is compared only in constant time, so it has no `==`.
#[derive(Clone, Copy)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// The hash with these bytes.
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
