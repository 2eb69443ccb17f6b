//! Errors in a form, by field, and their texts for the person who fills it in.
//!
//! The errors of the runtime name flow and field, for whoever calls an API. In a form they stand at the field, and say what to do.

use crate::error::{Error, ErrorCode, codes};
use crate::forms::{FieldSpec, FieldType};
use crate::machine::EffectError;
use crate::model::{Flow, HandlerRef};

/// An error in a form or in the inputs of a request.
#[derive(Debug)]
#[non_exhaustive]
pub struct FieldError {
    /// The field. `None` if the error is about the request as a whole.
    pub field: Option<String>,
    /// The error, for programs and operators.
    pub error: Error,
    /// The handler that failed, for an error of the flow's code rather than of what was entered.
    pub handler: Option<HandlerRef>,
}

impl FieldError {
    /// Creates an error at a field.
    pub fn new(field: impl Into<String>, error: Error) -> Self {
        Self { field: Some(field.into()), error, handler: None }
    }

    /// Creates an error of the request as a whole.
    pub fn of_request(error: Error) -> Self {
        Self { field: None, error, handler: None }
    }

    /// Creates the error of a handler of the field.
    pub(super) fn in_handler(field: impl Into<String>, error: EffectError) -> Self {
        let handler = error.handler.as_deref().cloned();
        Self { field: Some(field.into()), error: error.into(), handler }
    }

    /// Returns the code of the error.
    pub fn code(&self) -> &ErrorCode {
        self.error.code()
    }

    /// Returns the text for the person who fills in the form, to be shown at the field: it says what to do, and does not repeat the
    /// name of the field. Without a field, it is the [text](Error::user_message) of the error alone.
    ///
    /// ```
    /// # use sym_sdk::runtime::{FieldError, Runtime};
    /// # use std::sync::Arc;
    /// # use sym_sdk::model::User;
    /// # async fn check(runtime: &Runtime, user: &Arc<User>) -> sym_sdk::Result<()> {
    /// let form = runtime.preview_form("prod", user).await?;
    /// let flow = runtime.flow("prod")?;
    /// for error in runtime.check_form("prod", user, &form, &Default::default()).await? {
    ///     // Such as `reason: Enter a reason. (SymSDK:MISSING_FIELD)`.
    ///     let field = error.field.as_deref().unwrap_or("request");
    ///     tracing::info!("{field}: {} ({})", error.text(&flow), error.code());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn text(&self, flow: &Flow) -> String {
        let field = self.field.as_deref();
        let spec = field.and_then(|field| flow.field(field));
        let code = self.error.code();
        if *code == codes::MISSING_FIELD {
            match (field, spec) {
                (_, Some(spec)) => return missing(spec),
                (Some("target_id" | "target_srn"), None) => return "Select a target.".to_owned(),
                (Some("duration"), None) => return "Select a duration.".to_owned(),
                _ => {}
            }
        }
        if *code == codes::INVALID_FIELD_VALUE || *code == codes::INVALID_DURATION {
            match spec.map(FieldSpec::field_type) {
                Some(FieldType::Int) => return "Enter a whole number.".to_owned(),
                Some(FieldType::IntList) => return "Enter whole numbers, one on each line.".to_owned(),
                Some(FieldType::Duration) => return "Enter a duration, such as 30m or 1h 30m.".to_owned(),
                _ => {}
            }
        }
        if *code == codes::OPTION_NOT_ALLOWED && field.is_some() {
            return "This is not offered any more. Select another option.".to_owned();
        }
        self.error.user_message()
    }
}

fn missing(spec: &FieldSpec) -> String {
    let is_menu = !spec.allowed_values().is_empty() || spec.is_prefetched();
    match spec.field_type() {
        FieldType::SlackUser => "Select a person.".to_owned(),
        FieldType::SlackUserList => "Select at least one person.".to_owned(),
        FieldType::Bool => "Select an answer.".to_owned(),
        kind if is_menu && kind.is_list() => "Select at least one option.".to_owned(),
        _ if is_menu => "Select an option.".to_owned(),
        FieldType::Int => "Enter a whole number.".to_owned(),
        FieldType::Duration => "Enter a duration, such as 30m or 1h 30m.".to_owned(),
        _ => match noun(spec.label()) {
            Some(noun) => format!("Enter {noun}."),
            None => "Enter a value.".to_owned(),
        },
    }
}

/// Returns a label of one word with an article, such as `a reason`.
fn noun(label: &str) -> Option<String> {
    let label = label.trim();
    let mut chars = label.chars();
    let first = chars.next()?;
    let is_word = first.is_uppercase() && chars.all(|c| c.is_lowercase());
    if !is_word || label.ends_with('s') {
        return None;
    }
    let article = if matches!(first, 'A' | 'E' | 'I' | 'O') { "an" } else { "a" };
    Some(format!("{article} {}", label.to_lowercase()))
}
