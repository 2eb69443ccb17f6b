//! Forms: building a flow's form from its targets, fields and prefetch reducers, and changing it with `on_change` handlers.

use futures_util::future::{join_all, try_join_all};

use super::bounded_call::call_bounded;
use super::effect_executor::EffectExecutor;
use super::field_error::FieldError;
use super::flows::FlowEntry;
use super::handler_call::{call, failed_in};
use super::request_validation::{DURATION, TARGET, unknown_field};
use crate::error::{Error, ErrorKind, codes};
use crate::forms::{FieldOption, FieldSpec, FieldType, FieldValue, PromptField, PromptForm, format_duration};
use crate::handler::{Context, HandlerError};
use crate::machine::EffectError;
use crate::model::{Event, Flow};

/// Builds the form as it opens. Prefetch reducers run concurrently.
pub(super) async fn build_form(
    executor: &EffectExecutor,
    entry: &FlowEntry,
    event: Event,
) -> Result<PromptForm, EffectError> {
    let context = Context::builder().services(entry.services()).event(event).build();
    let declared = entry.flow.fields().iter().map(|spec| prompt_field(executor, entry, &context, spec));
    Ok(assemble(&entry.flow, try_join_all(declared).await?))
}

/// Builds the form as it opens. A field whose prefetch reducer fails has no options, and the error is returned beside the form.
pub(super) async fn build_form_in_part(
    executor: &EffectExecutor,
    entry: &FlowEntry,
    event: Event,
) -> (PromptForm, Vec<FieldError>) {
    let context = Context::builder().services(entry.services()).event(event).build();
    let specs = entry.flow.fields();
    let built = join_all(specs.iter().map(|spec| prompt_field(executor, entry, &context, spec))).await;
    let mut errors = Vec::new();
    let declared = specs.iter().zip(built).map(|(spec, built)| {
        built.unwrap_or_else(|error| {
            errors.push(FieldError::in_handler(spec.name(), error));
            PromptField::with_options(spec, Vec::new())
        })
    });
    let declared = declared.collect();
    (assemble(&entry.flow, declared), errors)
}

/// Returns the options of one field as the form opens.
pub(super) async fn options_of(
    executor: &EffectExecutor,
    entry: &FlowEntry,
    event: Event,
    field: &str,
) -> Result<Vec<FieldOption>, Error> {
    let flow = &entry.flow;
    if let Some(spec) = flow.field(field) {
        let context = Context::builder().services(entry.services()).event(event).build();
        return Ok(prompt_field(executor, entry, &context, spec).await?.current_allowed_values);
    }
    let form = assemble(flow, Vec::new());
    form.field(field).map(|field| field.current_allowed_values.clone()).map_err(|_| unknown_field(flow, field))
}

/// Returns the form with the declared fields, and with fields for the target and the duration unless they are declared.
fn assemble(flow: &Flow, declared: Vec<PromptField>) -> PromptForm {
    let has = |name: &str| declared.iter().any(|field| field.name() == name);
    let mut fields = Vec::with_capacity(declared.len() + 2);
    if !has(TARGET) {
        fields.extend(target_field(flow));
    }
    let duration = if has(DURATION) { None } else { duration_field(flow) };
    fields.extend(declared);
    fields.extend(duration);
    flow.prompt_form().with_fields(fields)
}

async fn prompt_field(
    executor: &EffectExecutor,
    entry: &FlowEntry,
    context: &Context,
    spec: &FieldSpec,
) -> Result<PromptField, EffectError> {
    if spec.name() == TARGET {
        // A flow can declare the target field to set its position. The options are always the strategy's targets.
        return Ok(with_only_option(PromptField::with_options(spec, target_options(&entry.flow))));
    }
    if !spec.is_prefetched() {
        return Ok(PromptField::from_spec(spec));
    }
    prefetched_field(executor, entry, context, spec).await
}

/// Returns a field with the options of its prefetch reducer.
pub(super) async fn prefetched_field(
    executor: &EffectExecutor,
    entry: &FlowEntry,
    context: &Context,
    spec: &FieldSpec,
) -> Result<PromptField, EffectError> {
    let Some(handler) = entry.handlers.prefetch(spec.name()) else {
        let message = format!("field `{}` has no prefetch reducer", spec.name());
        return Err(EffectError::new(ErrorKind::Configuration, codes::CONFIGURATION, message));
    };
    let options = call(&*executor.clock, executor.limits.prefetch, handler, context).await?;
    let limit = executor.limits.prefetch_options;
    if options.len() > limit {
        let message = format!("field `{}` got {} options; at most {limit} can be offered", spec.name(), options.len());
        return Err(failed_in(handler.record(), &Error::new(ErrorKind::Handler, codes::HANDLER_FAILED, message)));
    }
    Ok(PromptField::with_options(spec, options))
}

fn target_field(flow: &Flow) -> Option<PromptField> {
    flow.strategy()?;
    let spec = FieldSpec::new(TARGET, FieldType::String).ok()?.with_label("Target");
    Some(with_only_option(PromptField::with_options(&spec, target_options(flow))))
}

/// Selects the only target there is. Of other fields, one option may be a consent, which nobody gives for the user.
fn with_only_option(mut field: PromptField) -> PromptField {
    if let ([only], None) = (field.current_allowed_values.as_slice(), &field.value) {
        field.value = Some(only.value().clone());
    }
    field
}

fn target_options(flow: &Flow) -> Vec<FieldOption> {
    let targets = flow.strategy().map(|strategy| strategy.targets()).unwrap_or_default();
    targets
        .iter()
        .filter_map(|target| FieldOption::new(target.id().to_string(), truncate_label(target.label())).ok())
        .collect()
}

fn duration_field(flow: &Flow) -> Option<PromptField> {
    flow.strategy().filter(|_| flow.params().schedule_deescalation)?;
    let spec = FieldSpec::new(DURATION, FieldType::Duration).ok()?.with_label("Duration");
    let offered = flow.params().durations.iter();
    let options = offered.filter_map(|time| FieldOption::new(FieldValue::Duration(*time), format_duration(*time)).ok());
    Some(PromptField::with_options(&spec, options.collect()))
}

/// Truncates a label to the length that an option can show.
fn truncate_label(label: &str) -> String {
    const MAX_CHARS: usize = 55;
    if label.chars().count() <= MAX_CHARS {
        return label.to_owned();
    }
    label.chars().take(MAX_CHARS - 1).chain(['…']).collect()
}

/// Returns the event that a form without a Run is built for.
pub(super) fn prompt_event(
    executor: &EffectExecutor,
    entry: &FlowEntry,
    user: &std::sync::Arc<crate::model::User>,
) -> Event {
    Event::builder(entry.flow.clone(), crate::model::Step::Prompt, user.clone()).at(executor.clock.now()).build()
}

/// Returns the event that the form of a Run is rebuilt for.
pub(super) fn prompt_event_of(
    executor: &EffectExecutor,
    entry: &FlowEntry,
    user: &std::sync::Arc<crate::model::User>,
    run: &crate::model::Run,
) -> Event {
    let event = Event::builder(entry.flow.clone(), crate::model::Step::Prompt, user.clone());
    event.run(run.clone()).channel(run.source_channel().clone()).at(executor.clock.now()).build()
}

/// Calls the field's `on_change` handler. Errors that its author wrote for users are returned as they are; all others are for
/// operators.
pub(super) async fn change_form(
    executor: &EffectExecutor,
    entry: &FlowEntry,
    user: &std::sync::Arc<crate::model::User>,
    changed: &str,
    form: PromptForm,
) -> Result<PromptForm, Error> {
    let Some(handler) = entry.handlers.on_change(changed) else { return Ok(form) };
    let record = handler.record();
    let context = Context::builder().services(entry.services()).user(user.clone()).flow(entry.flow.clone()).build();
    let mut changing = form;
    let work = async { handler.call(&context, &mut changing).await };
    let changed = call_bounded(&*executor.clock, executor.limits.on_change, || record.subject(), work).await;
    match changed {
        Ok(Ok(())) => Ok(changing),
        Ok(Err(error)) if is_for_users(&error) => Err(error.into_error().with_kind(ErrorKind::InvalidInput)),
        Ok(Err(error)) => Err(failed_in(record, &error.into_error()).into()),
        Err(error) => Err(failed_in(record, &error).into()),
    }
}

/// Returns whether an error was created with [`Error::handler`], so that its text is the author's own and not a service's.
fn is_for_users(error: &HandlerError) -> bool {
    error.as_error().is_some_and(|error| error.kind() == ErrorKind::Handler && *error.code() == codes::HANDLER_FAILED)
}
