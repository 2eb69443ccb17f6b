//! The requests that are generated for a flow.
//!
//! Each target is requested twice: with a minimal form, which has nothing but what is required, and with a full one. Full forms go through
//! the declared options, so that each is chosen at least once. One more request is denied, and one is left undecided.
//!
//! These take the first option of a prefetched field. There may be thousands of options, and most of them usually lead to the same; what
//! handlers do with one cannot be told from its declaration. So the next ones are tried too, up to a bound, each in a request that differs
//! from an earlier one in this option alone.

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::forms::{FieldOption, FieldType, FieldValue, PromptField, PromptForm, format_duration};
use crate::model::{AccessTarget, Flow};

/// The field that selects the target, by its id.
const TARGET: &str = "target_id";

/// The field that selects the duration.
const DURATION: &str = "duration";

/// The maximum number of options of a prefetched field to try. Each takes some ten milliseconds in an unoptimized program.
const MAX_TRIED_OPTIONS: usize = 20;

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
    /// The options that are chosen: field and option. Without the fields of which there is one option only.
    pub(super) options: Vec<(String, String)>,
    /// The fields that are bound to the target.
    pub(super) bound_fields: Vec<String>,
}

/// The requests that are generated for a flow.
#[derive(Debug)]
pub(super) struct GeneratedRequests {
    pub(super) requests: Vec<GeneratedRequest>,
    pub(super) prefetched: Vec<PrefetchedOptions>,
}

/// The further options of a prefetched field.
#[derive(Debug)]
pub(super) struct PrefetchedOptions {
    pub(super) field: String,
    /// The number of options that the prefetch reducer returned.
    pub(super) offered: usize,
    /// The index of the request with the first option, from which the others differ in the option alone.
    pub(super) first: usize,
    /// A request for each of the options to try after the first.
    pub(super) next: Vec<GeneratedRequest>,
}

/// Generates the requests of a flow. `form` is the form as it opens, with the options of prefetch reducers.
pub(super) fn requests(flow: &Flow, form: &PromptForm) -> GeneratedRequests {
    let targets: Vec<Option<&AccessTarget>> = match flow.strategy() {
        Some(strategy) => strategy.targets().iter().map(Some).collect(),
        None => vec![None],
    };
    let fields: Vec<Field<'_>> = fields(flow, form);
    let declared = fields.iter().filter(|field| field.is_declared).map(|field| field.options.len());
    let options = declared.max().unwrap_or_default();
    let turns = if targets.is_empty() { 0 } else { targets.len().max(options).max(1) };
    let full = (0..turns).filter_map(|turn| {
        let target = targets.get(turn % targets.len().max(1))?;
        Some(request(&fields, *target, FormKind::Full, Course::Approved, turn, None))
    });
    let minimal = targets.iter().map(|target| request(&fields, *target, FormKind::Minimal, Course::Approved, 0, None));
    let undecided = [Course::Denied, Course::Unanswered]
        .into_iter()
        .filter_map(|course| Some(request(&fields, *targets.first()?, FormKind::Full, course, 0, None)));
    let requests = minimal.chain(full).chain(undecided).collect();
    let prefetched = fields.iter().filter(|field| !field.is_declared && field.options.len() > 1);
    let prefetched = prefetched.filter_map(|field| further_options(field, &fields, &targets)).collect();
    GeneratedRequests { requests, prefetched }
}

/// Generates the requests for the further options of a prefetched field, for the first target that the field is bound to, or else the
/// first one.
fn further_options(
    field: &Field<'_>,
    fields: &[Field<'_>],
    targets: &[Option<&AccessTarget>],
) -> Option<PrefetchedOptions> {
    let is_bound = |target: &Option<&AccessTarget>| {
        target.is_some_and(|target| target.field_bindings().iter().any(|bound| bound == field.name))
    };
    let turn = targets.iter().position(is_bound).unwrap_or_default();
    let target = *targets.get(turn)?;
    let tried = 1..field.options.len().min(MAX_TRIED_OPTIONS);
    let next = tried.map(|option| {
        let option = Some((field.name, option));
        request(fields, target, FormKind::Full, Course::Approved, turn, option)
    });
    Some(PrefetchedOptions {
        field: field.name.to_owned(),
        offered: field.options.len(),
        // Full forms come after a minimal one for each target.
        first: targets.len() + turn,
        next: next.collect(),
    })
}

/// A field that is filled in.
struct Field<'a> {
    name: &'a str,
    is_required: bool,
    options: Vec<Choice>,
    /// Whether the options are declared. If not, a prefetch reducer has returned them.
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

/// Creates the request of a turn, in which each field with declared options takes the one whose turn it is. A prefetched field takes its
/// first one, unless it is `prefetched`, which names another by its index.
fn request(
    fields: &[Field<'_>],
    target: Option<&AccessTarget>,
    form: FormKind,
    course: Course,
    turn: usize,
    prefetched: Option<(&str, usize)>,
) -> GeneratedRequest {
    let (mut inputs, mut options) = (Map::new(), Vec::new());
    if let Some(target) = target {
        inputs.insert(TARGET.to_owned(), target.id().to_string().into());
    }
    for field in fields.iter().filter(|field| form == FormKind::Full || field.is_required) {
        let index = match field.is_declared {
            true => turn % field.options.len().max(1),
            false => prefetched.filter(|(name, _)| *name == field.name).map_or(0, |(_, index)| index),
        };
        let value = match field.options.get(index) {
            Some(choice) => {
                if field.is_declared || field.options.len() > 1 {
                    options.push((field.name.to_owned(), choice.label.clone()));
                }
                choice.value.clone()
            }
            None => field.sample.clone(),
        };
        inputs.insert(field.name.to_owned(), value);
    }
    GeneratedRequest {
        form,
        course,
        target: target.map(|target| target.name().to_string()),
        inputs,
        options,
        bound_fields: target.map(|target| target.field_bindings().to_vec()).unwrap_or_default(),
    }
}
