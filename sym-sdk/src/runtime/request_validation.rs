//! Validation of requests: parses the inputs that a front end sends into the fields, target and duration of a request.
//!
//! Everything about a request that does not depend on a Run is checked here, and all errors are reported at once.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Map, Value};

use super::field_error::FieldError;
use super::limits::Limits;
use crate::error::{Error, ErrorCode, ErrorKind, Result, codes};
use crate::forms::{FieldMap, FieldSpec, FieldType, FieldValue, format_duration};
use crate::machine::{RequestInput, offered_durations, offered_durations_hint};
use crate::model::{AccessTarget, Flow, RunId, Srn, Strategy};
use crate::normalize::{is_blank, normalize_text};
use crate::suggest;

/// The field that selects the target by id.
pub(super) const TARGET: &str = "target_id";
/// The field that selects the target by SRN, as the API names it.
const TARGET_SRN: &str = "target_srn";
/// The field that selects the target in what a simulation prints, unless the form has a field of this name.
const TARGET_NAME: &str = "target";
/// The field that selects the duration.
pub(super) const DURATION: &str = "duration";

/// Parses a request's inputs and checks them against the flow. All errors are merged into one.
pub(super) fn parse_request(
    flow: &Flow,
    limits: &Limits,
    inputs: &Map<String, Value>,
    context: Option<&Map<String, Value>>,
    parent: Option<RunId>,
) -> Result<RequestInput> {
    check_context(limits, context)?;
    let (target, duration, fields) =
        parse_inputs(flow, limits, inputs).map_err(|errors| merge_field_errors(flow, errors))?;
    Ok(RequestInput { target, duration, fields, context: context.cloned(), parent, ..RequestInput::default() })
}

/// Checks the size of a request's context.
pub(super) fn check_context(limits: &Limits, context: Option<&Map<String, Value>>) -> Result<()> {
    context.map_or(Ok(()), |context| check_size("the context", context, limits.context_bytes))
}

pub(super) type Inputs = (Option<AccessTarget>, Option<Duration>, FieldMap);

/// Parses the inputs alone, with errors by field.
pub(super) fn parse_inputs(
    flow: &Flow,
    limits: &Limits,
    inputs: &Map<String, Value>,
) -> Result<Inputs, Vec<FieldError>> {
    check_size("the fields", inputs, limits.fields_bytes).map_err(|error| vec![FieldError::of_request(error)])?;
    let mut errors = Vec::new();
    let fields = parse_fields(flow, inputs, &mut errors);
    let target = keep(TARGET, parse_target(flow, inputs, &fields), &mut errors).flatten();
    let duration = keep(DURATION, parse_duration(flow, inputs), &mut errors).flatten();
    if errors.is_empty() { Ok((target, duration, fields)) } else { Err(errors) }
}

fn keep<T>(field: &str, result: Result<T>, errors: &mut Vec<FieldError>) -> Option<T> {
    result.map_err(|error| errors.push(FieldError::new(field, error))).ok()
}

/// Merges field errors: one is returned as it is, several as an error that lists them, with the code of the first.
pub(super) fn merge_field_errors(flow: &Flow, errors: Vec<FieldError>) -> Error {
    let mut errors: Vec<_> = errors.into_iter().map(|FieldError { error, .. }| error).collect();
    if errors.len() == 1 {
        return errors.remove(0);
    }
    let messages: Vec<_> = errors.iter().map(Error::message).collect();
    let hints: BTreeSet<_> = errors.iter().filter_map(Error::hint).collect();
    let message =
        format!("the request for flow `{}` has {} errors: {}", flow.name(), errors.len(), messages.join("; "));
    let code = errors.first().map_or(codes::INVALID_FIELD_VALUE, |first| first.code().clone());
    let error = Error::new(ErrorKind::InvalidInput, code, message);
    if hints.is_empty() {
        return error;
    }
    let hints: Vec<_> = hints.into_iter().collect();
    error.with_hint(hints.join("; "))
}

fn invalid(code: ErrorCode, message: String) -> Error {
    Error::new(ErrorKind::InvalidInput, code, message)
}

fn check_size(what: &str, json: &Map<String, Value>, limit: usize) -> Result<()> {
    let size = serde_json::to_vec(json).map_or(usize::MAX, |json| json.len());
    if size <= limit {
        return Ok(());
    }
    Err(invalid(
        codes::TOO_LARGE,
        format!("{what} of the request take {size} bytes as JSON; at most {limit} are taken"),
    ))
}

fn parse_fields(flow: &Flow, inputs: &Map<String, Value>, errors: &mut Vec<FieldError>) -> FieldMap {
    let mut fields = FieldMap::new();
    for name in inputs.keys() {
        let special = flow.strategy().is_some() && [TARGET, TARGET_SRN, TARGET_NAME, DURATION].contains(&name.as_str());
        if !special && flow.field(name).is_none() {
            errors.push(FieldError::of_request(unknown_field(flow, name)));
        }
    }
    for spec in flow.fields().iter().filter(|spec| spec.name() != TARGET && spec.name() != DURATION) {
        match inputs.get(spec.name()).filter(|value| !is_empty(value)) {
            Some(value) => {
                if let Some(value) = keep(spec.name(), spec.parse(value), errors) {
                    fields.insert(spec.name(), value);
                }
            }
            // A cleared field does not get its default.
            None => match spec.default().filter(|_| !inputs.get(spec.name()).is_some_and(Value::is_null)) {
                Some(default) => {
                    fields.insert(spec.name(), default.clone());
                }
                None if spec.is_required() && spec.is_visible() => {
                    errors.push(FieldError::new(spec.name(), missing(flow, spec.name())));
                }
                None => {}
            },
        }
    }
    fields
}

/// Returns whether a field counts as absent, as an empty one in a form does: nothing in it is visible.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => is_blank(text),
        Value::Array(items) => items.iter().all(|item| item.as_str().is_some_and(is_blank)),
        _ => false,
    }
}

pub(super) fn unknown_field(flow: &Flow, name: &str) -> Error {
    let message = format!("flow `{}` has no field `{name}`", flow.name());
    let mut known: Vec<_> = flow.fields().iter().map(FieldSpec::name).collect();
    if flow.strategy().is_some() {
        known.extend([TARGET_SRN, DURATION].into_iter().filter(|name| flow.field(name).is_none()));
    }
    invalid(codes::UNKNOWN_FIELD, message).with_hint(suggest::hint(name, "fields", known))
}

fn missing(flow: &Flow, name: &str) -> Error {
    invalid(
        codes::MISSING_FIELD,
        format!("flow `{}` needs field `{name}`, and the request leaves it empty", flow.name()),
    )
}

fn parse_target(flow: &Flow, inputs: &Map<String, Value>, fields: &FieldMap) -> Result<Option<AccessTarget>> {
    let Some(strategy) = flow.strategy() else { return Ok(None) };
    let mut named: Option<(&str, &AccessTarget)> = None;
    for input in [TARGET_SRN, TARGET, TARGET_NAME] {
        if input == TARGET_NAME && flow.field(input).is_some() {
            continue;
        }
        match (named, named_target(flow, strategy, inputs, input)?) {
            (Some((first, one)), Some(other)) if one.id() != other.id() => {
                let (one, other) = (one.name(), other.name());
                let message = format!("the request names two targets, `{one}` in `{first}` and `{other}` in `{input}`");
                return Err(invalid(codes::UNKNOWN_TARGET, message));
            }
            (None, Some(target)) => named = Some((input, target)),
            _ => {}
        }
    }
    let target = match (named.map(|(_, target)| target), strategy.targets()) {
        (Some(named), _) | (None, [named]) => named,
        (None, _) => return Err(missing(flow, TARGET_SRN).with_hint(target_names(strategy))),
    };
    target.bind(fields).map(Some)
}

/// Returns the target that an input names.
fn named_target<'a>(
    flow: &Flow,
    strategy: &'a Strategy,
    inputs: &Map<String, Value>,
    input: &str,
) -> Result<Option<&'a AccessTarget>> {
    match inputs.get(input).filter(|value| !is_empty(value)) {
        None => Ok(None),
        Some(Value::String(text)) => {
            find_target(strategy, &normalize_text(text)).map(Some).ok_or_else(|| unknown_target(flow, strategy, text))
        }
        Some(_) => Err(invalid(codes::UNKNOWN_TARGET, format!("`{input}` must be text"))),
    }
}

/// Finds a target by SRN, id or name.
fn find_target<'a>(strategy: &'a Strategy, text: &str) -> Option<&'a AccessTarget> {
    if let Ok(id) = text.parse() {
        return strategy.target_by_id(id);
    }
    match text.parse::<Srn>() {
        Ok(srn) => strategy.target_by_srn(&srn),
        Err(_) => strategy.target_by_name(text),
    }
}

fn unknown_target(flow: &Flow, strategy: &Strategy, text: &str) -> Error {
    let message = format!("`{text}` is not a target of flow `{}`", flow.name());
    invalid(codes::UNKNOWN_TARGET, message).with_hint(target_names(strategy))
}

fn target_names(strategy: &Strategy) -> String {
    // A name that several targets share is ambiguous, so their SRNs are listed.
    let names = strategy.targets().iter().map(|target| match strategy.target_by_name(target.name()) {
        Some(_) => target.name().to_string(),
        None => target.srn().to_string(),
    });
    let names: Vec<_> = names.collect();
    let names = suggest::quoted(names.iter().map(String::as_str));
    match strategy.targets().first() {
        Some(target) if !names.contains(":access_target:") => {
            format!("the targets are {names}; write a name, or an SRN such as `{}`", target.srn())
        }
        _ => format!("the targets are {names}"),
    }
}

fn parse_duration(flow: &Flow, inputs: &Map<String, Value>) -> Result<Option<Duration>> {
    let declared = flow.field(DURATION);
    let given = inputs.get(DURATION).filter(|value| !is_empty(value));
    if flow.strategy().is_none() {
        return Ok(None);
    }
    if !flow.params().schedule_deescalation && declared.is_none() {
        return match given {
            None => Ok(None),
            Some(_) => {
                let name = flow.name();
                let message = format!("flow `{name}` takes no duration: its access lasts until it is revoked");
                Err(invalid(codes::INVALID_DURATION, message))
            }
        };
    }
    let offered = offered_durations(flow);
    let hint = || offered_durations_hint(&offered);
    let duration = match given {
        None => match (declared.and_then(FieldSpec::default).and_then(as_duration), offered.as_slice()) {
            (Some(default), _) => default,
            (None, [only]) => *only,
            (None, _) => return Err(missing(flow, DURATION).with_hint(hint())),
        },
        Some(value) => {
            let spec = FieldSpec::new(DURATION, FieldType::Duration)?;
            let value = spec.parse(value).map_err(|error| error.with_hint(hint()))?;
            as_duration(&value).ok_or_else(|| missing(flow, DURATION))?
        }
    };
    if offered.is_empty() || offered.contains(&duration) {
        return Ok(Some(duration));
    }
    let message = format!("flow `{}` does not offer a duration of {}", flow.name(), format_duration(duration));
    Err(invalid(codes::INVALID_DURATION, message).with_hint(hint()))
}

fn as_duration(value: &FieldValue) -> Option<Duration> {
    match value {
        FieldValue::Duration(duration) => Some(*duration),
        _ => None,
    }
}
