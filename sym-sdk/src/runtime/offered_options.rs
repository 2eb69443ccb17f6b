//! Options bind: a request consists of values that were offered for their fields.
//!
//! The value of a drop-down comes back from a browser, from Slack or from a program, so it may be a value that no option had. If such a
//! value were accepted, a requester could ask for what the flow's code never offers, and the approvers would see an id that they
//! do not know. The options are therefore compared again when the request is made:
//!
//! - A front end that has shown the form passes the form as it was last shown, with the options that `on_change` handlers left in it.
//! - Otherwise the prefetch reducers of the fields that have a value are called once more, for the requester.
//!
//! A prefetched field can opt out with `prefetch_binds = false`, if its options are suggestions only. A field that fills a setting of
//! a target cannot: its value decides what is granted.

use futures_util::future::try_join_all;

use super::effect_executor::EffectExecutor;
use super::field_error::FieldError;
use super::flows::FlowEntry;
use super::forms::prefetched_field;
use crate::error::{Error, ErrorKind, Result, codes};
use crate::forms::{FieldMap, FieldOption, FieldSpec, FieldValue, OptionLabels, PromptField, PromptForm};
use crate::handler::Context;
use crate::model::{Event, Flow};
use crate::suggest;

/// The maximum number of options that an error lists.
const MAX_LISTED_OPTIONS: usize = 10;

/// Checks the values of a request against the options of a form, and returns the labels of the chosen options. `form` is the
/// form as it was last shown to the requester.
///
/// # Errors
/// The values that were not offered, by field.
pub(super) fn check_form_options(
    flow: &Flow,
    form: &PromptForm,
    fields: &FieldMap,
) -> Result<OptionLabels, Vec<FieldError>> {
    // A form without the field has offered nothing for it.
    let is_absent = |spec: &&FieldSpec| spec.is_prefetched() && form.field(spec.name()).is_err();
    let absent = flow.fields().iter().filter(is_absent).map(|spec| PromptField::with_options(spec, Vec::new()));
    let absent: Vec<_> = absent.collect();
    check(flow, form.fields().iter().chain(&absent), fields)
}

/// Checks the values of a request without the form that was shown. `event` is the one that a form would be built for. Prefetch reducers run concurrently.
///
/// # Errors
/// The values that would not have been offered, or the error of a reducer, by field.
pub(super) async fn check_prefetched_options(
    executor: &EffectExecutor,
    entry: &FlowEntry,
    event: Event,
    fields: &FieldMap,
) -> Result<OptionLabels, Vec<FieldError>> {
    let flow = &entry.flow;
    let given = |spec: &&FieldSpec| spec.is_prefetched() && fields.contains(spec.name());
    let specs: Vec<_> = flow.fields().iter().filter(given).collect();
    if specs.is_empty() {
        return Ok(OptionLabels::default());
    }
    let context = Context::builder().services(entry.services()).event(event).build();
    let offered = specs.into_iter().map(async |spec| {
        let field = prefetched_field(executor, entry, &context, spec).await;
        field.map_err(|error| vec![FieldError::in_handler(spec.name(), error)])
    });
    check(flow, try_join_all(offered).await?.iter(), fields)
}

fn check<'a>(
    flow: &Flow,
    offered: impl Iterator<Item = &'a PromptField>,
    fields: &FieldMap,
) -> Result<OptionLabels, Vec<FieldError>> {
    let (mut labels, mut errors) = (OptionLabels::default(), Vec::new());
    for field in offered {
        let (Some(spec), Some(value)) = (flow.field(field.name()), fields.get(field.name())) else { continue };
        let has_options = spec.is_prefetched() || !field.current_allowed_values.is_empty();
        // Handlers set the values of hidden fields. People cannot.
        let is_set_by_handler = !field.visible && field.value.as_ref() == Some(value);
        if !has_options || is_set_by_handler {
            continue;
        }
        let members = members(value);
        let options: Vec<_> = members.iter().map(|member| find(&field.current_allowed_values, member)).collect();
        match options.iter().position(Option::is_none) {
            Some(index) if spec.options_bind() || flow.fills_setting(spec.name()) => {
                let error = not_offered(field, members.get(index).unwrap_or(value));
                errors.push(FieldError::new(field.name(), error));
            }
            _ => labels.insert(field.name(), members.iter().zip(options).map(|(member, option)| label(member, option))),
        }
    }
    if errors.is_empty() { Ok(labels) } else { Err(errors) }
}

/// Returns the members of a list, or the value itself.
fn members(value: &FieldValue) -> Vec<FieldValue> {
    match value {
        FieldValue::TextList(texts) => texts.iter().cloned().map(FieldValue::Text).collect(),
        FieldValue::IntList(numbers) => numbers.iter().copied().map(FieldValue::Int).collect(),
        value => vec![value.clone()],
    }
}

fn find<'a>(options: &'a [FieldOption], value: &FieldValue) -> Option<&'a FieldOption> {
    options.iter().find(|option| option.value() == value)
}

fn label(value: &FieldValue, option: Option<&FieldOption>) -> (String, String) {
    let text = value.to_string();
    let label = option.map_or_else(|| text.clone(), |option| option.label().to_owned());
    (text, label)
}

fn not_offered(field: &PromptField, value: &FieldValue) -> Error {
    let name = field.name();
    let message = format!("field `{name}` does not offer `{value}`");
    let error = Error::new(ErrorKind::InvalidInput, codes::OPTION_NOT_ALLOWED, message);
    let options: Vec<_> = field.current_allowed_values.iter().map(|option| option.value().to_string()).collect();
    match options.len() {
        0 => error.with_hint(format!("field `{name}` has no options at the moment")),
        1..=MAX_LISTED_OPTIONS => {
            error.with_hint(format!("choose one of {}", suggest::quoted(options.iter().map(String::as_str))))
        }
        many => error.with_hint(format!("choose one of the {many} options that the form of the flow offers")),
    }
}
