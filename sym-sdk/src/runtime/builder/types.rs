//! The registered types of strategies and log destinations, and the errors for those that are missing.

use super::Builder;
use crate::audit::LogDestinationType;
use crate::config::{CheckedLogDestination, Diagnostic, SourceLocation};
use crate::model::{LogDestination, Strategy};
use crate::strategy::StrategyType;
use crate::suggest;

impl Builder {
    /// Returns the registered type of a strategy.
    pub(super) fn strategy_type_of(&self, strategy: &Strategy) -> Option<&StrategyType> {
        StrategyType::of(&self.strategies, strategy)
    }

    pub(super) fn destination_type_of(&self, destination: &LogDestination) -> Option<&LogDestinationType> {
        self.destination_types.iter().find(|known| known.kind() == destination.kind())
    }

    pub(super) fn no_destination_type(&self, checked: &CheckedLogDestination) -> Option<Diagnostic> {
        let CheckedLogDestination { destination, location, .. } = checked;
        if self.simulated || self.destination_type_of(destination).is_some() {
            return None;
        }
        let (kind, name) = (destination.kind(), destination.name());
        let message = format!("log destination `{name}` has type `{kind}`, which is not registered");
        let registered = registered(self.destination_types.iter().map(LogDestinationType::kind));
        let hint = self.unregistered_hint("log_destination_type", "log destination", kind, &registered);
        Some(Diagnostic::error(location.clone(), message).with_hint(hint))
    }

    pub(super) fn no_strategy_type(&self, strategy: &Strategy, location: &SourceLocation) -> Diagnostic {
        let (kind, name) = (strategy.kind(), strategy.name());
        let message = format!("strategy `{name}` has type `{kind}`, which is not registered");
        let registered = registered(self.strategies.iter());
        let hint = match kind {
            "custom" => {
                format!("{registered}; register it with `App::strategy(\"{name}\", …)`")
            }
            kind => self.unregistered_hint("strategy_type", "strategy", kind, &registered),
        };
        Diagnostic::error(location.clone(), message).with_hint(hint)
    }

    /// Advises how to register a type. `method` is that of `App` and `Builder`.
    fn unregistered_hint(&self, method: &str, noun: &str, kind: &str, registered: &str) -> String {
        if let Some(provided_by) = self.available_types.get(kind) {
            return format!("enable the {provided_by} in `Cargo.toml`");
        }
        let known = match noun {
            "strategy" => self.strategies.iter().map(|known| known.kind().to_owned()).collect(),
            _ => self.destination_types.iter().map(|kind| kind.kind().to_owned()).collect::<Vec<_>>(),
        };
        if let Some(near) = suggest::did_you_mean(kind, known.iter().chain(self.available_types.keys())) {
            return format!("{near} {registered}; register a {noun} type of your own with `{method}`");
        }
        let all = match self.available_types.is_empty() {
            true => {
                "the types of sym-integrations need `.with(sym_integrations::all())` and the feature of their service; "
            }
            false => "",
        };
        format!("{registered}; {all}register a {noun} type of your own with `{method}`")
    }
}

/// Lists the registered types for a hint.
fn registered(types: impl Iterator<Item = impl ToString>) -> String {
    let types: Vec<_> = types.map(|kind| kind.to_string()).collect();
    if types.is_empty() {
        "no types are registered".to_owned()
    } else {
        format!("registered types: {}", types.join(", "))
    }
}
