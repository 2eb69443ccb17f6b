//! The requests that are generated for a flow.
//!
//! Each target is requested twice: with a minimal form, which has nothing but what is required, and with a full one. Full forms go through
//! the declared options, so that each is chosen at least once. One more request is denied, and one is left undecided.

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::forms::{FieldOption, FieldType, FieldValue, PromptField, PromptForm, format_duration};
use crate::model::{AccessTarget, Flow};

/// The field that selects the target, by its id.
const TARGET: &str = "target_id";

/// The field that selects the duration.
const DURATION: &str = "duration";

/// The part of the form that is filled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum FormKind {
    Minimal,
    Full,
}

impl FormKind {
    /// Names the form, for people.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Minimal => "minimal form",
            Self::Full => "full form",
        }
    }
}

/// The decision on a generated request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Course {
    Approved,
    Denied,
    Unanswered,
}

/// A generated request.
#[derive(Clone, Debug)]
pub(super) struct GeneratedRequest {
    pub(super) form: FormKind,
    pub(super) course: Course,
    /// The name of the target, in a flow that gives access.
    pub(super) target: Option<String>,
    pub(super) inputs: Map<String, Value>,
    /// The declared options that are chosen: field and option.
    pub(super) options: Vec<(String, String)>,
}

/// Generates the requests of a flow. `form` is the form as it opens, with the options of prefetch reducers.
pub(super) fn requests(flow: &Flow, form: &PromptForm) -> Vec<GeneratedRequest> {
    let targets: Vec<Option<&AccessTarget>> = match flow.strategy() {
        Some(strategy) => strategy.targets().iter().map(Some).collect(),
        None => vec![None],
    };
    let fields: Vec<Field<'_>> = fields(flow, form);
    let options = fields.iter().map(|field| field.options.len()).max().unwrap_or_default();
    let turns = if targets.is_empty() { 0 } else { targets.len().max(options).max(1) };
    let full = (0..turns).filter_map(|turn| {
        let target = targets.get(turn % targets.len().max(1))?;
        Some(request(&fields, *target, FormKind::Full, Course::Approved, turn))
    });
    let minimal = targets.iter().map(|target| request(&fields, *target, FormKind::Minimal, Course::Approved, 0));
    let undecided = [Course::Denied, Course::Unanswered]
        .into_iter()
        .filter_map(|course| Some(request(&fields, *targets.first()?, FormKind::Full, course, 0)));
    minimal.chain(full).chain(undecided).collect()
}

/// A field that is filled in.
struct Field<'a> {
    name: &'a str,
    is_required: bool,
    /// The declared options, or the first one that is offered by a prefetch reducer.
    options: Vec<Choice>,
    /// Whether the options are declared.
    is_declared: bool,
    /// A value for a field without options.
    sample: Value,
}

struct Choice {
    value: Value,
    label: String,
}

fn fields<'a>(flow: &'a Flow, form: &'a PromptForm) -> Vec<Field<'a>> {
    let visible = form.fields().iter().filter(|field| field.visible);
    let mut fields: Vec<_> = visible
        .filter(|field| field.name() != TARGET && field.name() != DURATION)
        .map(|field| of_form(flow, field))
        .collect();
    if flow.strategy().is_some() {
        let durations = flow.params().durations.iter();
        let options =
            durations.map(|duration| Choice { value: json!(duration.as_secs()), label: format_duration(*duration) });
        let options: Vec<_> = options.collect();
        if !options.is_empty() {
            fields.push(Field { name: DURATION, is_required: true, options, is_declared: true, sample: Value::Null });
        }
    }
    fields
}

fn of_form<'a>(flow: &Flow, field: &'a PromptField) -> Field<'a> {
    let spec = flow.field(field.name());
    let is_prefetched = spec.is_some_and(|spec| spec.is_prefetched());
    let choice = |option: &FieldOption| Choice {
        value: in_field(field.field_type(), option.value()),
        label: option.label().to_owned(),
    };
    let mut options: Vec<_> = field.current_allowed_values.iter().map(choice).collect();
    if is_prefetched {
        options.truncate(1);
    }
    if field.field_type() == FieldType::Bool && options.is_empty() {
        options =
            [true, false].map(|yes| Choice { value: json!(yes), label: FieldValue::Bool(yes).to_string() }).into();
    }
    Field {
        name: field.name(),
        is_required: field.required && spec.is_none_or(|spec| spec.default().is_none()),
        options,
        is_declared: !is_prefetched,
        sample: sample(field.field_type()),
    }
}

/// An option as the value of a field: a list has one member.
fn in_field(field_type: FieldType, option: &FieldValue) -> Value {
    match field_type {
        FieldType::StrList | FieldType::IntList | FieldType::SlackUserList => json!([option.to_json()]),
        _ => option.to_json(),
    }
}

fn sample(field_type: FieldType) -> Value {
    match field_type {
        FieldType::String => json!("simulated"),
        FieldType::Int => json!(1),
        FieldType::Bool => json!(true),
        FieldType::Duration => json!(3600),
        FieldType::SlackUser => json!("U0SIMULATED1"),
        FieldType::SlackUserList => json!(["U0SIMULATED1"]),
        FieldType::StrList => json!(["simulated"]),
        FieldType::IntList => json!([1]),
    }
}

/// Creates the request of a turn, in which each field takes the option whose turn it is.
fn request(
    fields: &[Field<'_>],
    target: Option<&AccessTarget>,
    form: FormKind,
    course: Course,
    turn: usize,
) -> GeneratedRequest {
    let (mut inputs, mut options) = (Map::new(), Vec::new());
    if let Some(target) = target {
        inputs.insert(TARGET.to_owned(), target.id().to_string().into());
    }
    for field in fields.iter().filter(|field| form == FormKind::Full || field.is_required) {
        let value = match field.options.get(turn % field.options.len().max(1)) {
            Some(choice) => {
                if field.is_declared {
                    options.push((field.name.to_owned(), choice.label.clone()));
                }
                choice.value.clone()
            }
            None => field.sample.clone(),
        };
        inputs.insert(field.name.to_owned(), value);
    }
    GeneratedRequest { form, course, target: target.map(|target| target.name().to_string()), inputs, options }
}
