//! Diagnostics of the mismatches that arguments of handlers have with their data.

use super::Handler;
use super::describe::{at, listed, short_type_name};
use crate::config::{Diagnostic, Severity, SourceLocation};
use crate::handler::DataRequirement;
use crate::handler::probe::{Input, Mismatch};
use crate::suggest;

/// The data that a handler reads: what messages call it, and where it is declared.
pub(super) struct Data<'a> {
    /// `field` or `var`.
    pub(super) noun: &'static str,
    /// The owner, such as ``flow `prod` ``.
    pub(super) owner: String,
    pub(super) location: &'a SourceLocation,
    pub(super) inputs: Vec<Input>,
    /// Returns the location of an item.
    pub(super) location_of: &'a dyn Fn(&str) -> &'a SourceLocation,
    /// Returns the declared type of an item, and the Rust type that reads it.
    pub(super) type_of: &'a dyn Fn(&str) -> Option<(&'static str, &'static str)>,
    /// Returns advice about a name that does not exist, instead of the nearest name.
    pub(super) advice: &'a dyn Fn(&str) -> Option<String>,
    /// Returns whether an item that is left out has a value all the same.
    pub(super) has_default: &'a dyn Fn(&str) -> bool,
    /// Returns whether another handler reads an item, which is then no misspelling.
    pub(super) is_read_elsewhere: &'a dyn Fn(&str) -> bool,
    /// Returns whether it is intended that an optional name does not exist here.
    pub(super) may_be_missing: &'a dyn Fn(&str) -> bool,
}

/// Returns the diagnostics of the mismatches.
pub(super) fn diagnostics(
    handler: &Handler<'_>,
    requirement: &DataRequirement,
    data: &Data<'_>,
    mismatches: Vec<Mismatch>,
) -> Vec<Diagnostic> {
    let found = Found {
        subject: handler.record.subject(),
        location: handler.record.location(),
        type_name: short_type_name(requirement.type_name()),
        is_map: ["alloc::", "std::", "serde_json::", "()"].iter().any(|own| requirement.type_name().starts_with(own)),
        data,
        reads: crate::handler::probe::names(requirement.trial()).unwrap_or_default(),
    };
    mismatches.into_iter().filter_map(|mismatch| found.diagnostic(mismatch)).collect()
}

struct Found<'a, 'd> {
    subject: String,
    location: SourceLocation,
    type_name: String,
    /// Whether the type is one of the standard library, such as a map, which is meant to read any name or none.
    is_map: bool,
    data: &'a Data<'d>,
    reads: &'a [&'static str],
}

impl Found<'_, '_> {
    fn error(&self, message: String) -> Diagnostic {
        Diagnostic::error(self.location.clone(), message)
    }

    fn diagnostic(&self, mismatch: Mismatch) -> Option<Diagnostic> {
        let Self { subject, type_name, data, .. } = self;
        let Data { noun, owner, .. } = data;
        // ``field `ticket` of flow `prod` at flow.tf:7:5``
        let item = |name: &str| format!("{noun} `{name}` of {owner}{}", at((data.location_of)(name)));
        Some(match mismatch {
            Mismatch::Missing { name, aliases, is_required } => return self.missing(name, &aliases, is_required),
            Mismatch::Type { name, expected } => {
                let item = item(name);
                let (message, hint) = match (data.type_of)(name) {
                    Some((declared, rust)) => (
                        format!(
                            "{subject} reads {item} into `{type_name}`, which expects {expected}, but it is declared as `{declared}`"
                        ),
                        format!("read it as `{rust}`, or change the type of the {noun}"),
                    ),
                    None => (
                        format!("{subject} reads {item} into `{type_name}`, which expects {expected}, but it is text"),
                        "read it as `String`".to_owned(),
                    ),
                };
                self.error(message).with_hint(hint)
            }
            Mismatch::Refused { name, samples, error, variants } => self.refused(name, &samples, &error, variants),
            Mismatch::Absent { name } => self.absent(name),
            Mismatch::Unexpected { name } => {
                let message = format!(
                    "{subject} reads {owner}{} into `{type_name}`, which denies unknown {noun}s, but there is {noun} `{name}`",
                    at(data.location)
                );
                self.error(message)
                    .with_hint(format!("add `{name}` to `{type_name}`, or remove `#[serde(deny_unknown_fields)]`"))
            }
            Mismatch::OpenText { name, variants } => {
                let message = format!(
                    "{subject} reads {} into `{type_name}`, which accepts {} only, but the form accepts any text",
                    item(name),
                    suggest::quoted(variants.iter().copied())
                );
                Diagnostic::warning(self.location.clone(), message)
                    .with_hint(format!("add `allowed_values` to the {noun}, or read it as `String`"))
            }
            Mismatch::NeverRead { name, variants } => {
                let variants: Vec<String> = variants.into_iter().map(str::to_owned).collect();
                let message = format!(
                    "{} in `{type_name}` of {subject} never occurs: {} has no such allowed value",
                    listed("variant", &variants),
                    item(name)
                );
                Diagnostic::note(self.location.clone(), message)
            }
            Mismatch::Opaque if self.is_map => return None,
            Mismatch::Opaque => {
                let message = format!(
                    "{subject} reads {noun}s into `{type_name}`, which does not tell their names, so a misspelled optional {noun} is not found"
                );
                Diagnostic::note(self.location.clone(), message)
                    .with_hint("a struct without `#[serde(flatten)]` that derives `Deserialize` tells them")
            }
            Mismatch::Unreadable { error } => {
                let place = at(data.location);
                self.error(format!("{subject} cannot read the {noun}s of {owner}{place} into `{type_name}`: {error}"))
            }
            Mismatch::Panicked => {
                let message =
                    format!("the {noun}s that {subject} reads are not checked: deserializing `{type_name}` panics");
                Diagnostic::warning(self.location.clone(), message)
                    .with_hint("return an error instead: a request would fail in the same way")
            }
        })
    }

    fn missing(&self, name: &str, aliases: &[&str], is_required: bool) -> Option<Diagnostic> {
        let Self { subject, type_name, data, .. } = self;
        let Data { noun, owner, .. } = data;
        let all = || std::iter::once(name).chain(aliases.iter().copied());
        // What the type reads cannot be a misspelling of something else in it.
        let is_unread = |name: &&str| !self.reads.contains(name) && !(data.is_read_elsewhere)(name);
        let unread = || data.inputs.iter().map(|input| input.name).filter(is_unread);
        let near = all().find_map(|name| suggest::nearest(name, unread()));
        if !is_required && near.is_none() && (data.may_be_missing)(name) {
            return None;
        }
        let also = match aliases {
            [] => String::new(),
            aliases => format!(" (or {})", suggest::quoted(aliases.iter().copied())),
        };
        let kind = if is_required { "" } else { "optional " };
        let effect = if is_required { "" } else { ": it is never set" };
        let message = format!(
            "{subject} reads the {kind}{noun} `{name}`{also} into `{type_name}`, which {owner}{} does not have{effect}",
            at(data.location)
        );
        let hint = (data.advice)(name).unwrap_or_else(|| match near {
            Some(near) => format!("did you mean `{near}`{}?", at((data.location_of)(near))),
            None if data.inputs.is_empty() => format!("{owner} has no {noun}s"),
            None => format!("the {noun}s are {}", suggest::quoted(data.inputs.iter().map(|input| input.name))),
        });
        // An optional var may be set by another configuration of the same flow, and an optional field by another flow.
        let is_certain = is_required || *noun == "field" && !(data.may_be_missing)(name);
        let error = self.error(message).with_hint(hint);
        Some(if is_certain { error } else { Diagnostic { severity: Severity::Warning, ..error } })
    }

    fn refused(&self, name: &str, samples: &[usize], error: &str, variants: &[&'static str]) -> Diagnostic {
        let Self { subject, type_name, data, .. } = self;
        let Data { noun, owner, .. } = data;
        let input = data.inputs.iter().find(|input| input.name == name);
        let texts = samples.iter().filter_map(|index| input?.samples.get(*index)?.text());
        let texts: Vec<String> = texts.collect();
        let place = at((data.location_of)(name));
        if *noun == "var" {
            let message = format!("{subject} cannot read var `{name}` of {owner}{place} into `{type_name}`: {error}");
            return self.error(message).with_hint("change the var, or read it as `String`");
        }
        if (data.type_of)(name).is_some_and(|(declared, _)| declared.starts_with("slack_user")) {
            let message = format!(
                "{subject} cannot read {noun} `{name}` of {owner}{place} into `{type_name}` if the user is not known: {error}"
            );
            return Diagnostic::warning(self.location.clone(), message)
                .with_hint("read it as `SlackUserSelection`, whose `username` is optional");
        }
        let message = format!(
            "{subject} cannot read {} of {noun} `{name}` of {owner}{place} into `{type_name}`: {error}",
            listed("allowed value", &texts)
        );
        let lower = |text: &str| text.to_lowercase().replace(['-', ' '], "_");
        let same = |text: &String| {
            variants.iter().any(|variant| lower(variant) == lower(text) || snake_case(variant) == lower(text))
        };
        let hint = if variants.is_empty() {
            format!("change the allowed values, or read the {noun} as another type")
        } else if texts.iter().all(same) {
            "the names differ in how they are written only: add `#[serde(rename = \"…\")]` to the variants, or `#[serde(rename_all = \"…\")]` to the enum".to_owned()
        } else {
            "add variants, or remove the values; `#[serde(other)]` marks a variant for all other values".to_owned()
        };
        self.error(message).with_hint(hint)
    }

    fn absent(&self, name: &str) -> Diagnostic {
        let Self { subject, type_name, data, .. } = self;
        let Data { noun, owner, .. } = data;
        let place = at((data.location_of)(name));
        let has_default = (data.has_default)(name);
        let how = if has_default { "a requester can clear it" } else { "it can be empty" };
        let message = format!(
            "{subject} reads {noun} `{name}` of {owner}{place} into `{type_name}`, which requires a value, but {how}"
        );
        let severity = if has_default { Severity::Warning } else { Severity::Error };
        let hint =
            format!("read it as an `Option`, or with `#[serde(default)]`, or make the {noun} required and visible");
        Diagnostic { severity, ..self.error(message).with_hint(hint) }
    }
}

/// Converts the name of a variant: `very_urgent` for `VeryUrgent`.
fn snake_case(variant: &str) -> String {
    let mut snake = String::new();
    for c in variant.chars() {
        if c.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.extend(c.to_lowercase());
    }
    snake
}
