//! Forms: the types of fields, their values and options, and the form that a requester fills in.

mod de;
mod duration;
mod field_map;
mod field_option;
mod field_spec;
mod field_type;
mod field_value;
mod prompt;

pub use duration::{duration_seconds, format_duration, parse_duration};
pub use field_map::FieldMap;
pub use field_option::FieldOption;
pub use field_spec::FieldSpec;
pub use field_type::FieldType;
pub use field_value::FieldValue;
pub use prompt::{PromptField, PromptForm, SlackUserSelection};
