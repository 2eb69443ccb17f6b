//! Forms: field types, values and options, the declared fields, and the form that a requester fills in.
//!
//! Values are typed from the moment they are submitted: [`FieldSpec::parse`] is the only way in from JSON, and it enforces the
//! type, the allowed values and the length of durations. Everything after it can rely on that.

mod de;
mod duration;
mod field_map;
mod field_option;
mod field_spec;
mod field_type;
mod field_value;
mod menu;
mod option_labels;
mod prompt;

pub(crate) use de::{DeError, NamedValues};
#[cfg(feature = "runtime")]
pub(crate) use de::{DeErrorKind, Field};
#[cfg(feature = "runtime")]
pub(crate) use duration::MAX_DURATION;
pub use duration::{duration_seconds, format_duration, parse_duration};
pub use field_map::FieldMap;
pub use field_option::FieldOption;
pub use field_spec::FieldSpec;
pub use field_type::FieldType;
pub use field_value::FieldValue;
pub use menu::Menu;
pub use option_labels::OptionLabels;
pub use prompt::{PromptField, PromptForm, SlackUserSelection};
