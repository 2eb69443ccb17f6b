//! The fields of a flow's form.

use super::Check;
use super::flows::DURATION;
use super::index::describe;
use crate::config::{Diagnostic, Flow, PromptField};
use crate::forms::{FieldOption, FieldSpec, FieldType, FieldValue};

/// The field that picks the target. What it offers is the strategy's.
const TARGET: &str = "target_id";

impl Check<'_> {
    /// The fields that could be resolved; the others are faults.
    pub(super) fn fields(&mut self, flow: &Flow) -> Vec<FieldSpec> {
        let mut fields: Vec<FieldSpec> = Vec::new();
        for field in &flow.params.prompt_fields {
            let whose = format!("field `{}` of {}", field.name, describe(flow));
            if flow
                .params
                .prompt_fields
                .iter()
                .take_while(|other| !std::ptr::eq(*other, field))
                .any(|other| other.name == field.name)
            {
                self.error(&field.location, format!("{whose} is declared twice"));
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
        let location = &field.location;
        let kind = self.keep(location, whose, field.field_type.parse::<FieldType>());
        let named = self.keep(location, whose, FieldSpec::new(&field.name, kind.unwrap_or(FieldType::String)));
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
            self.error_with_hint(location, format!("{whose} of type `{kind}` cannot have `prefetch`"), hint);
        }
        match &field.allowed_values {
            Some(_) if field.name == TARGET => {
                let message = format!("allowed values of {whose} are ignored: the strategy's targets are offered");
                self.warnings.push(Diagnostic::warning(location.clone(), message));
            }
            Some(values) if values.is_empty() && !field.prefetch && field.name != DURATION && !kind.is_slack() => {
                let hint = "leave them out if every value is to be taken: with an empty list it would be";
                self.error_with_hint(location, format!("{whose} has an empty list of allowed values"), hint);
            }
            Some(values) => resolved = self.with_allowed_values(resolved, field, values, whose)?,
            None => {}
        }
        if let Some(default) = &field.default {
            if kind.is_slack() || kind.is_list() {
                self.error(location, format!("{whose} of type `{kind}` cannot have a default"));
            } else {
                let about = format!("default of {whose}");
                let default = self.keep(location, &about, kind.parse_text(default))?;
                resolved = self.keep(location, &about, resolved.with_default(default))?;
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
        let (kind, location) = (resolved.field_type(), &field.location);
        if kind.is_slack() {
            self.error(location, format!("{whose} of type `{kind}` cannot have allowed values"));
            return Some(resolved);
        }
        let about = format!("allowed values of {whose}");
        let mut parsed: Vec<FieldValue> = Vec::new();
        for text in values {
            let Some(value) = self.keep(location, &about, kind.parse_text(text)) else { continue };
            if parsed.contains(&value) {
                self.error(location, format!("{about}: `{text}` is there twice"));
                continue;
            }
            // A drop-down must be able to show it.
            if self.keep(location, &about, FieldOption::new(value.clone(), text)).is_some() {
                parsed.push(value);
            }
        }
        if parsed.len() < values.len() {
            return Some(resolved);
        }
        self.keep(location, whose, resolved.with_allowed_values(parsed))
    }

    /// The rules of the fields whose names mean something.
    fn special_field(&mut self, flow: &Flow, field: &PromptField, resolved: &FieldSpec, whose: &str) {
        let location = &field.location;
        match field.name.as_str() {
            DURATION if flow.params.strategy.is_none() => {
                let hint = "a flow without a strategy ends with the approval: there is nothing to take back";
                self.error_with_hint(location, format!("{whose} has no meaning without a strategy"), hint);
            }
            DURATION => {
                if resolved.field_type() != FieldType::Duration {
                    let message = format!("{whose} must be of type `duration`, got `{}`", resolved.field_type());
                    self.error(location, message);
                }
                if !field.required {
                    self.error(location, format!("{whose} must be required"));
                }
                if field.allowed_values.as_ref().is_none_or(Vec::is_empty) {
                    let hint = r#"offer durations, as in `allowed_values = ["30m", "1h"]`"#;
                    self.error_with_hint(location, format!("{whose} must have allowed values"), hint);
                }
            }
            TARGET if flow.params.strategy.is_none() => {
                self.error(location, format!("{whose} has no meaning without a strategy"));
            }
            TARGET if resolved.field_type() != FieldType::String => {
                self.error(location, format!("{whose} must be of type `string`, got `{}`", resolved.field_type()));
            }
            _ => {}
        }
    }
}
