//! Identifiers and values that Slack sends back unchanged.

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;
use sym_sdk::error::Result;

use super::{invalid, limits, measure};

/// Declares the type of a string that Slack sends back.
macro_rules! opaque_strings {
    ($($(#[$doc:meta])* $name:ident, $label:literal, $max:expr;)*) => {$(
        $(#[$doc])*
        ///
        /// Slack sends it back unchanged, so a text that is too long is an error and never truncated.
        #[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(Cow<'static, str>);

        impl $name {
            /// Creates it from a text.
            ///
            /// # Errors
            /// If the text is empty or too long.
            pub fn new(text: impl Into<String>) -> Result<Self> {
                let text = text.into();
                check($label, &text, $max)?;
                Ok(Self(Cow::Owned(text)))
            }

            /// Creates it from a text known at compile time. In a `const`, an invalid text is a compile error.
            ///
            /// # Panics
            ///
            /// If the text is empty, too long or not ASCII.
            pub const fn from_static(text: &'static str) -> Self {
                assert!(!text.is_empty() && text.len() <= $max && text.is_ascii(), "too long, empty or not ASCII");
                Self(Cow::Borrowed(text))
            }

            /// Returns the text.
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

opaque_strings! {
    /// The id of a block within its message or view: at most 255 characters.
    BlockId, "the block_id", limits::ID;
    /// The id of an element within its block: at most 255 characters.
    ActionId, "the action_id", limits::ID;
    /// The id of a kind of view: at most 255 characters.
    CallbackId, "the callback_id", limits::ID;
    /// The value of an option: at most 75 characters. A longer value needs a short key to look it up by.
    OptionValue, "the value of an option", limits::OPTION_VALUE;
    /// The value that a button sends: at most 2000 characters.
    ButtonValue, "the value of a button", limits::BUTTON_VALUE;
    /// Data that a view carries, hidden from users: at most 3000 characters.
    PrivateMetadata, "the private_metadata", limits::PRIVATE_METADATA;
}

fn check(label: &str, text: &str, max: usize) -> Result<()> {
    let length = measure::utf16_length(text);
    if text.is_empty() {
        return Err(invalid(format!("{label} must not be empty")));
    }
    if length > max {
        return Err(invalid(format!("{label} has {length} characters, Slack accepts at most {max}")));
    }
    Ok(())
}
