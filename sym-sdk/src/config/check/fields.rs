//! The fields of a flow's form: their types, options and defaults, and the rules of `duration` and `target_id`.

use super::Check;
use super::flows::DURATION;
use super::index::describe;
use crate::config::{Diagnostic, Flow, PromptField};
use crate::forms::{FieldOption, FieldSpec, FieldType, FieldValue};

/// The field that selects the target. Its options are the targets of the strategy.
const TARGET: &str = "target_id";

impl Check<'_> {
    /// Resolves the fields of a flow, leaving out those with errors.
    pub(super) fn fields(&mut self, flow: &Flow) -> Vec<FieldSpec> {
        let mut fields: Vec<FieldSpec> = Vec::new();
        for field in &flow.params.prompt_fields {
            let subject = format!("field `{}` of {}", field.name, describe(flow));
            if flow
                .params
                .prompt_fields
                .iter()
                .take_while(|other| !std::ptr::eq(*other, field))
                .any(|other| other.name == field.name)
            {
                let hint = "rename or remove one of them";
                self.error_with_hint(&field.location, format!("{subject} is declared twice"), hint);
                continue;
            }
            if let Some(resolved) = self.field(field, &subject) {
                self.special_field(flow, field, &resolved, &subject);
                fields.push(resolved);
            }
        }
        fields
    }

    fn field(&mut self, field: &PromptField, subject: &str) -> Option<FieldSpec> {
        let location = &field.location;
        let kind = self.ok_or_report(location, subject, field.field_type.parse::<FieldType>());
        let named =
            self.ok_or_report(location, subject, FieldSpec::new(&field.name, kind.unwrap_or(FieldType::String)));
        let (kind, mut resolved) = (kind?, named?);
        if let Some(label) = &field.label {
            resolved = resolved.with_label(label);
        }
        resolved = resolved
            .with_required(field.required)
            .with_visible(field.visible)
            .with_prefetch(field.prefetch)
            .with_binding_options(field.prefetch_binds)
            .with_on_change(field.on_change);
        if field.prefetch && kind.is_slack() {
            let hint = "remove `prefetch`: Slack lists the users itself";
            self.error_with_hint(location, format!("{subject} of type `{kind}` cannot have `prefetch`"), hint);
        }
        if !field.prefetch_binds && !field.prefetch {
            let hint = "remove `prefetch_binds`: declared options always bind";
            self.error_with_hint(location, format!("{subject} has `prefetch_binds` without `prefetch`"), hint);
        }
        match &field.allowed_values {
            Some(_) if field.name == TARGET => {
                let message =
                    format!("allowed values of {subject} are ignored: its options are the targets of the strategy");
                self.warnings.push(Diagnostic::warning(location.clone(), message));
            }
            Some(values) if values.is_empty() && !field.prefetch && field.name != DURATION && !kind.is_slack() => {
                let hint = "add values, or remove `allowed_values` to accept any value";
                self.error_with_hint(location, format!("{subject} has an empty list of allowed values"), hint);
            }
            Some(values) => {
                if field.prefetch && !values.is_empty() && !kind.is_slack() {
                    let message = format!(
                        "{subject} has both `prefetch` and `allowed_values`: only options that are among both can be requested"
                    );
                    let hint =
                        "remove `allowed_values`, and let the prefetch reducer leave out what may not be requested";
                    self.warnings.push(Diagnostic::warning(location.clone(), message).with_hint(hint));
                }
                resolved = self.with_allowed_values(resolved, field, values, subject)?;
            }
            None => {}
        }
        if let Some(default) = &field.default {
            if kind.is_slack() || kind.is_list() {
                self.error(location, format!("{subject} of type `{kind}` cannot have a default"));
            } else {
                let subject = format!("default of {subject}");
                let default = self.ok_or_report(location, &subject, kind.parse_text(default))?;
                resolved = self.ok_or_report(location, &subject, resolved.with_default(default))?;
            }
        }
        Some(resolved)
    }

    fn with_allowed_values(
        &mut self,
        resolved: FieldSpec,
        field: &PromptField,
        values: &[String],
        subject: &str,
    ) -> Option<FieldSpec> {
        let (kind, location) = (resolved.field_type(), &field.location);
        if kind.is_slack() {
            self.error(location, format!("{subject} of type `{kind}` cannot have allowed values"));
            return Some(resolved);
        }
        let subject = format!("allowed values of {subject}");
        let mut parsed: Vec<FieldValue> = Vec::new();
        for text in values {
            let Some(value) = self.ok_or_report(location, &subject, kind.parse_text(text)) else { continue };
            if parsed.contains(&value) {
                self.error(location, format!("{subject}: `{text}` is listed twice"));
                continue;
            }
            // A value must fit into an option of a drop-down.
            if self.ok_or_report(location, &subject, FieldOption::new(value.clone(), text)).is_some() {
                parsed.push(value);
            }
        }
        if parsed.len() < values.len() {
            return Some(resolved);
        }
        self.ok_or_report(location, &subject, resolved.with_allowed_values(parsed))
    }

    /// Checks the rules of `duration` and `target_id`.
    fn special_field(&mut self, flow: &Flow, field: &PromptField, resolved: &FieldSpec, subject: &str) {
        let location = &field.location;
        match field.name.as_str() {
            DURATION if flow.params.strategy.is_none() => {
                let hint = "remove the field, or add a strategy: without one, no access is granted that could end";
                self.error_with_hint(location, format!("{subject} has no effect in a flow without a strategy"), hint);
            }
            DURATION => {
                if resolved.field_type() != FieldType::Duration {
                    let message = format!("{subject} must be of type `duration`, got `{}`", resolved.field_type());
                    self.error(location, message);
                }
                if !field.required {
                    self.error(location, format!("{subject} must be required"));
                }
                if field.allowed_values.as_ref().is_none_or(Vec::is_empty) {
                    let hint = r#"write durations, such as `allowed_values = ["30m", "1h"]`"#;
                    self.error_with_hint(location, format!("{subject} must have allowed values"), hint);
                }
            }
            TARGET if flow.params.strategy.is_none() => {
                let hint = "remove the field, or add a strategy: its targets are the options of the field";
                self.error_with_hint(location, format!("{subject} has no effect in a flow without a strategy"), hint);
            }
            TARGET if resolved.field_type() != FieldType::String => {
                self.error(location, format!("{subject} must be of type `string`, got `{}`", resolved.field_type()));
            }
            _ => {}
        }
    }
}
