//! The fields of a flow's form.

use super::Check;
use super::flows::DURATION;
use super::index::called;
use crate::config::{Fault, Flow, PromptField};
use crate::forms::{FieldOption, FieldSpec, FieldType, FieldValue};

/// The field that picks the target. What it offers is the strategy's.
const TARGET: &str = "target_id";

impl Check<'_> {
    /// The fields that could be resolved; the others are faults.
    pub(super) fn fields(&mut self, flow: &Flow) -> Vec<FieldSpec> {
        let mut fields: Vec<FieldSpec> = Vec::new();
        for field in &flow.params.prompt_fields {
            let whose = format!("field `{}` of {}", field.name, called(flow));
            if flow
                .params
                .prompt_fields
                .iter()
                .take_while(|other| !std::ptr::eq(*other, field))
                .any(|other| other.name == field.name)
            {
                self.fault(&field.place, format!("{whose} is declared twice"));
                continue;
            }
            if let Some(resolved) = self.field(field, &whose) {
                self.special_field(flow, field, &resolved, &whose);
                fields.push(resolved);
            }
        }
        fields
    }

    fn field(&mut self, field: &PromptField, whose: &str) -> Option<FieldSpec> {
        let place = &field.place;
        let kind = self.keep(place, whose, field.field_type.parse::<FieldType>());
        let named = self.keep(place, whose, FieldSpec::new(&field.name, kind.unwrap_or(FieldType::String)));
        let (kind, mut resolved) = (kind?, named?);
        if let Some(label) = &field.label {
            resolved = resolved.with_label(label);
        }
        resolved = resolved
            .with_required(field.required)
            .with_visible(field.visible)
            .with_prefetch(field.prefetch)
            .with_on_change(field.on_change);
        if field.prefetch && kind.is_slack() {
            let hint = "Slack itself offers the users";
            self.fault_with(place, format!("{whose} of type `{kind}` cannot have `prefetch`"), hint);
        }
        match &field.allowed_values {
            Some(_) if field.name == TARGET => {
                let message = format!("allowed values of {whose} are ignored: the strategy's targets are offered");
                self.notes.push(Fault::new(place.clone(), message));
            }
            Some(values) => resolved = self.with_allowed_values(resolved, field, values, whose)?,
            None => {}
        }
        if let Some(default) = &field.default {
            if kind.is_slack() || kind.is_list() {
                self.fault(place, format!("{whose} of type `{kind}` cannot have a default"));
            } else {
                let about = format!("default of {whose}");
                let default = self.keep(place, &about, kind.parse_text(default))?;
                resolved = self.keep(place, &about, resolved.with_default(default))?;
            }
        }
        Some(resolved)
    }

    fn with_allowed_values(
        &mut self,
        resolved: FieldSpec,
        field: &PromptField,
        values: &[String],
        whose: &str,
    ) -> Option<FieldSpec> {
        let (kind, place) = (resolved.field_type(), &field.place);
        if kind.is_slack() {
            self.fault(place, format!("{whose} of type `{kind}` cannot have allowed values"));
            return Some(resolved);
        }
        let about = format!("allowed values of {whose}");
        let mut parsed: Vec<FieldValue> = Vec::new();
        for text in values {
            let Some(value) = self.keep(place, &about, kind.parse_text(text)) else { continue };
            if parsed.contains(&value) {
                self.fault(place, format!("{about}: `{text}` is there twice"));
                continue;
            }
            // A drop-down must be able to show it.
            if self.keep(place, &about, FieldOption::new(value.clone(), text)).is_some() {
                parsed.push(value);
            }
        }
        if parsed.len() < values.len() {
            return Some(resolved);
        }
        self.keep(place, whose, resolved.with_allowed_values(parsed))
    }

    /// The rules of the fields whose names mean something.
    fn special_field(&mut self, flow: &Flow, field: &PromptField, resolved: &FieldSpec, whose: &str) {
        let place = &field.place;
        match field.name.as_str() {
            DURATION if flow.params.strategy.is_none() => {
                let hint = "a flow without a strategy ends with the approval: there is nothing to take back";
                self.fault_with(place, format!("{whose} has no meaning without a strategy"), hint);
            }
            DURATION => {
                if resolved.field_type() != FieldType::Duration {
                    let message = format!("{whose} must be of type `duration`, got `{}`", resolved.field_type());
                    self.fault(place, message);
                }
                if !field.required {
                    self.fault(place, format!("{whose} must be required"));
                }
                if field.allowed_values.as_ref().is_none_or(Vec::is_empty) {
                    let hint = r#"offer durations, as in `allowed_values = ["30m", "1h"]`"#;
                    self.fault_with(place, format!("{whose} must have allowed values"), hint);
                }
            }
            TARGET if flow.params.strategy.is_none() => {
                self.fault(place, format!("{whose} has no meaning without a strategy"));
            }
            TARGET if resolved.field_type() != FieldType::String => {
                self.fault(place, format!("{whose} must be of type `string`, got `{}`", resolved.field_type()));
            }
            _ => {}
        }
    }
}
