//! Interactive elements: buttons, menus, checkboxes and text inputs.

mod button;
mod choice;
mod input;
mod select;

use serde::Serialize;

pub use button::{Button, Style};
pub use choice::{Checkboxes, Overflow, RadioButtons};
pub use input::{DispatchOn, NumberInput, PlainTextInput};
pub use select::{ExternalSelect, MultiExternalSelect, MultiStaticSelect, MultiUsersSelect, StaticSelect, UsersSelect};

use super::id::ActionId;

/// Implements the methods that several elements share, each over the field of its name.
macro_rules! methods {
    ($($element:ident: $($method:ident $(($field:ident))?),+;)*) => {
        $(impl $element {
            $(methods!(@$method $($field)?);)+
        })*
    };
    (@action_id) => {
        /// Returns the action id, which identifies the element in payloads.
        pub fn action_id(&self) -> &ActionId {
            &self.action_id
        }
    };
    (@confirm) => {
        /// Sets a confirmation dialog.
        pub fn confirm(mut self, confirm: Confirm) -> Self {
            self.confirm = Some(confirm);
            self
        }
    };
    (@dispatch_on) => {
        /// Sets when typing dispatches an action, if the [`Input`](crate::slack::blocks::Input) dispatches actions at all.
        pub fn dispatch_on(mut self, when: DispatchOn) -> Self {
            self.dispatch_action_config = Some(DispatchConfig { trigger_actions_on: [when] });
            self
        }
    };
    (@max_selected_items $initial:ident) => {
        /// Sets the maximum number of selected items.
        ///
        /// # Errors
        /// If more are selected initially.
        pub fn max_selected_items(mut self, max: NonZeroU32) -> Result<Self> {
            check_initial_count(self.$initial.len(), Some(max))?;
            self.max_selected_items = Some(max);
            Ok(self)
        }
    };
    (@min_query_length) => {
        /// Sets how many characters must be typed before options are requested. With 0, the default, they are requested when the
        /// menu opens.
        pub fn min_query_length(mut self, length: u32) -> Self {
            self.min_query_length = length;
            self
        }
    };
    (@placeholder) => {
        /// Sets the text that is shown while the element is empty, truncated to 150 characters.
        pub fn placeholder(mut self, text: impl Into<PlainText>) -> Self {
            self.placeholder = text.into().truncate_non_blank(limits::PLACEHOLDER);
            self
        }
    };
}
use methods;

/// Declares an enum of the elements that a block can contain.
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
            /// Returns the action id, which identifies the element in payloads.
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
    /// An element of [`Actions`](super::Actions), or the accessory of a [`Section`](super::Section).
    Element {
        /// A button.
        Button,
        /// A group of checkboxes.
        Checkboxes,
        /// A menu whose options are loaded from the app.
        ExternalSelect,
        /// A multi-select menu whose options are loaded from the app.
        MultiExternalSelect,
        /// A multi-select menu.
        MultiStaticSelect,
        /// A multi-select menu of users.
        MultiUsersSelect,
        /// An overflow menu.
        Overflow,
        /// A group of radio buttons.
        RadioButtons,
        /// A menu.
        StaticSelect,
        /// A menu of users.
        UsersSelect,
    }
}

elements! {
    /// The element of an [`Input`](super::Input).
    InputElement {
        /// A group of checkboxes.
        Checkboxes,
        /// A menu whose options are loaded from the app.
        ExternalSelect,
        /// A multi-select menu whose options are loaded from the app.
        MultiExternalSelect,
        /// A multi-select menu.
        MultiStaticSelect,
        /// A multi-select menu of users.
        MultiUsersSelect,
        /// A number input.
        NumberInput,
        /// A text input.
        PlainTextInput,
        /// A group of radio buttons.
        RadioButtons,
        /// A menu.
        StaticSelect,
        /// A menu of users.
        UsersSelect,
    }
}
