//! Typed ids.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::{Error, codes};
use crate::normalize::fold_email;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $noun:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Creates an id from a UUID.
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID.
            pub const fn as_uuid(&self) -> &Uuid {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self, Error> {
                Uuid::parse_str(text).map(Self).map_err(|error| {
                    Error::invalid(codes::INVALID_ID, format!("expected the UUID of {}, got `{text}`", $noun))
                        .with_source(error)
                })
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }
    };
}

id! {
    /// The id of a [`Run`](super::Run).
    RunId, "a Run"
}
id! {
    /// The id of an [`Event`](super::Event).
    EventId, "an event"
}
id! {
    /// The id of a [`User`](super::User).
    UserId, "a user"
}
id! {
    /// The id of an [`AccessTarget`](super::AccessTarget).
    TargetId, "a target"
}
id! {
    /// The id of a bot's [`Token`](crate::directory::Token).
    TokenId, "a token"
}
id! {
    /// The id of a bot's [`WorkloadTrust`](crate::directory::WorkloadTrust).
    TrustId, "a trust"
}
id! {
    /// The id of a person's [`Session`](crate::directory::Session).
    SessionId, "a session"
}

/// The UUID namespace of ids derived from names, so that a name has the same id everywhere.
const NAMESPACE: Uuid = Uuid::from_u128(0x6d1f_2f0c_7c38_4b0e_9a5a_51c5_0a1d_e07b);

impl UserId {
    /// Creates a random id. People get one on first contact, and bots when they are created: an address or a name can be given to
    /// somebody else later, and an id never is.
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }

    /// Derives an id from an e-mail address, ignoring case, for a person that a program declares.
    ///
    /// This is not the id that the directory gives a person on [first contact](Self::random), except in simulations and the test harness,
    /// which are to be repeatable. Look that up with [`Directory::user_by_email`](crate::directory::Directory::user_by_email).
    pub fn from_email(email: &str) -> Self {
        let name = format!("user:{}", fold_email(email));
        Self(Uuid::new_v5(&NAMESPACE, name.as_bytes()))
    }

    /// Derives an id from the name of a bot, ignoring case, for a bot that a program declares. Bots that the directory creates have
    /// a [random](Self::random) one.
    pub fn from_bot_name(name: &str) -> Self {
        Self(Uuid::new_v5(&NAMESPACE, format!("bot:{}", name.trim().to_ascii_lowercase()).as_bytes()))
    }
}

impl TargetId {
    /// Derives the id of a target from its type and name, ignoring case.
    pub fn from_name(kind: &str, name: &str) -> Self {
        let name = format!("target:{}:{}", kind.to_ascii_lowercase(), name.to_ascii_lowercase());
        Self(Uuid::new_v5(&NAMESPACE, name.as_bytes()))
    }
}
