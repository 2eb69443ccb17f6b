//! The samples that the argument of a handler is probed with.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::forms::{FieldSpec, FieldType, FieldValue, SlackUserSelection};
use crate::handler::probe::{Given, Input, Sample, interned};

/// Text that no option has.
const IMPOSSIBLE: &str = "\u{1}";

/// Returns the input of a field: all of its values if they are known, and otherwise values of its type.
pub(super) fn of_field(field: &FieldSpec) -> Input {
    let (values, all_are_known) = values(field);
    let samples = values.into_iter().map(|value| Sample { given: Given::field(value), occurs: all_are_known });
    // The options of a prefetch reducer may be exactly the variants.
    let impossible = (!field.is_prefetched() || all_are_known).then(|| impossible(field.field_type())).flatten();
    Input {
        name: interned(field.name()),
        samples: samples.collect(),
        impossible,
        may_be_absent: !field.is_required() || !field.is_visible(),
    }
}

fn values(field: &FieldSpec) -> (Vec<FieldValue>, bool) {
    let allowed = field.allowed_values();
    if !allowed.is_empty() {
        let as_value = |value: &FieldValue| match (field.field_type(), value) {
            (FieldType::StrList, FieldValue::Text(text)) => FieldValue::TextList(vec![text.clone()]),
            (FieldType::IntList, FieldValue::Int(number)) => FieldValue::IntList(vec![*number]),
            (_, value) => value.clone(),
        };
        return (allowed.iter().map(as_value).collect(), true);
    }
    let user = || SlackUserSelection::new("U012AB3CD", Some("ana@example.com".to_owned()));
    let unknown_user = || SlackUserSelection::new("U012AB3CE", None);
    let typical = match field.field_type() {
        FieldType::Bool => return (vec![true.into(), false.into()], true),
        // Someone whom the platform does not know can be selected, too.
        FieldType::SlackUser => return (vec![user().into(), unknown_user().into()], true),
        FieldType::SlackUserList => return (vec![vec![user()].into(), vec![unknown_user()].into()], true),
        FieldType::String => "text".into(),
        FieldType::Int => FieldValue::Int(1),
        FieldType::Duration => FieldValue::Duration(Duration::from_secs(3600)),
        FieldType::StrList => vec!["text"].into(),
        FieldType::IntList => vec![1].into(),
    };
    (vec![typical], false)
}

fn impossible(field_type: FieldType) -> Option<Given> {
    match field_type {
        FieldType::String => Some(Given::field(IMPOSSIBLE.into())),
        FieldType::StrList => Some(Given::field(vec![IMPOSSIBLE].into())),
        _ => None,
    }
}

/// Returns the inputs of vars, which are constants.
pub(super) fn of_vars(vars: &BTreeMap<String, String>) -> Vec<Input> {
    let input = |(name, value): (&String, &String)| Input {
        name: interned(name),
        samples: vec![Sample { given: Given::var(value), occurs: true }],
        impossible: None,
        may_be_absent: false,
    };
    vars.iter().map(input).collect()
}
