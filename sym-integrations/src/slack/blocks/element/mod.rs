//! What people click, pick and type into.

mod button;
mod input;
mod pick;
mod select;
mod users;

use serde::Serialize;

pub use button::{Button, Style};
pub use input::{DispatchOn, NumberInput, PlainTextInput};
pub use pick::{Checkboxes, Overflow, RadioButtons};
pub use select::{ExternalSelect, MultiExternalSelect, MultiStaticSelect, StaticSelect};
pub use users::{MultiUsersSelect, UsersSelect};

use super::id::ActionId;

/// Elements of one kind of place: an enum that can be made of each.
macro_rules! elements {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $element:ident,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Serialize)]
        #[serde(tag = "type", rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$variant_doc])* $element($element),)*
        }

        impl $name {
            /// What it goes by in what Slack sends.
            pub fn action_id(&self) -> &ActionId {
                match self {
                    $(Self::$element(element) => element.action_id(),)*
                }
            }
        }

        $(impl From<$element> for $name {
            fn from(element: $element) -> Self {
                Self::$element(element)
            }
        })*
    };
}

elements! {
    /// What stands in [`Actions`](super::Actions) or beside a [`Section`](super::Section).
    Element {
        /// A button.
        Button,
        /// Boxes to tick.
        Checkboxes,
        /// A menu whose options the app is asked for.
        ExternalSelect,
        /// The same for several options.
        MultiExternalSelect,
        /// A menu for several options.
        MultiStaticSelect,
        /// A menu of people, for several.
        MultiUsersSelect,
        /// A menu behind three dots.
        Overflow,
        /// Buttons of which one is on.
        RadioButtons,
        /// A menu.
        StaticSelect,
        /// A menu of people.
        UsersSelect,
    }
}

elements! {
    /// What stands in an [`Input`](super::Input).
    InputElement {
        /// Boxes to tick.
        Checkboxes,
        /// A menu whose options the app is asked for.
        ExternalSelect,
        /// The same for several options.
        MultiExternalSelect,
        /// A menu for several options.
        MultiStaticSelect,
        /// A menu of people, for several.
        MultiUsersSelect,
        /// A whole number.
        NumberInput,
        /// Text.
        PlainTextInput,
        /// Buttons of which one is on.
        RadioButtons,
        /// A menu.
        StaticSelect,
        /// A menu of people.
        UsersSelect,
    }
}
