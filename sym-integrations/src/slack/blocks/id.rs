use std::borrow::Cow;
use std::fmt;

use serde::Serialize;
use sym_sdk::error::Result;

use super::{invalid, limits, measure};

macro_rules! data {
    ($($(#[$doc:meta])* $name:ident, $what:literal, $most:expr;)*) => {$(
        $(#[$doc])*
        ///
        /// Slack gives it back as it is, so what is too long is an error and never cut.
        #[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(Cow<'static, str>);

        impl $name {
            /// Checks that it is not empty and not too long.
            pub fn new(text: impl Into<String>) -> Result<Self> {
                let text = text.into();
                check($what, &text, $most)?;
                Ok(Self(Cow::Owned(text)))
            }

            /// For what is known when the program is built: a fault is one of the build where this stands in a `const`.
            ///
            /// # Panics
            ///
            /// If it is empty, too long or not ASCII.
            pub const fn from_static(text: &'static str) -> Self {
                assert!(!text.is_empty() && text.len() <= $most && text.is_ascii(), "too long, empty or not ASCII");
                Self(Cow::Borrowed(text))
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                self.0 == other
            }
        }
    )*};
}

data! {
    /// What names a block within its message or view: at most 255 characters.
    BlockId, "the block_id", limits::ID;
    /// What names an element within its block: at most 255 characters.
    ActionId, "the action_id", limits::ID;
    /// What names a kind of view: at most 255 characters.
    CallbackId, "the callback_id", limits::ID;
    /// What stands for an option: at most 75 characters. Longer values need short keys, and a place to look them up.
    OptionValue, "the value of an option", limits::OPTION_VALUE;
    /// What a button sends along: at most 2000 characters.
    ButtonValue, "the value of a button", limits::BUTTON_VALUE;
    /// What a view carries along unseen: at most 3000 characters.
    PrivateMetadata, "the private_metadata", limits::PRIVATE_METADATA;
}

fn check(what: &str, text: &str, most: usize) -> Result<()> {
    let length = measure::utf16_length(text);
    if text.is_empty() {
        return Err(invalid(format!("{what} must not be empty")));
    }
    if length > most {
        return Err(invalid(format!("{what} has {length} characters, Slack takes at most {most}")));
    }
    Ok(())
}
