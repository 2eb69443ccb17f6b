//! Names of commits and effects, derived from their contents.

use serde::Serialize;
use serde_json::Value;
use sym_sdk::engine::Commit;
use sym_sdk::machine::{EffectKind, EntitlementChange, TimerChange};

/// Returns the name of a kind of effect. A hook has the name of its function.
pub fn effect(kind: &EffectKind) -> String {
    match kind {
        EffectKind::Hook { hook, .. } => hook.to_string(),
        kind => variant(kind),
    }
}

/// Returns the name of a commit: its input, followed by everything that is written. `settled` names the effect whose outcome the
/// input is.
pub fn commit(commit: &Commit, settled: Option<&str>) -> String {
    let input = match (settled, commit.fired) {
        (Some(effect), _) => effect.to_owned(),
        (None, Some((timer, _))) => format!("timer {}", variant(&timer.kind)),
        (None, None) => {
            let event = commit.audit.first().map_or("nothing", |entry| entry.event.name.as_str());
            format!("input {event}")
        }
    };
    let mut parts: Vec<String> = Vec::new();
    parts.extend(commit.audit.iter().map(|entry| variant(&entry.kind)));
    parts.extend(commit.holds.iter().map(|change| {
        match change {
            EntitlementChange::Hold(_) => "hold",
            EntitlementChange::Release(_) => "release",
            _ => "change of a hold",
        }
        .to_owned()
    }));
    parts.extend(commit.timers.iter().map(|change| match change {
        TimerChange::Set { kind, .. } => format!("set {}", variant(kind)),
        TimerChange::Cancel { kind } => format!("cancel {}", variant(kind)),
        _ => "change of a timer".to_owned(),
    }));
    parts.extend(commit.effects.iter().map(|asked| format!("ask {}", effect(&asked.kind))));
    parts.dedup();
    if parts.is_empty() {
        parts.push("nothing more".to_owned());
    }
    format!("commit {input}: {}", parts.join(", "))
}

/// Returns the name of an enum variant in its serialized form.
pub fn variant(value: &impl Serialize) -> String {
    match serde_json::to_value(value).unwrap() {
        Value::String(name) => name,
        Value::Object(fields) => fields.keys().next().cloned().unwrap_or_default(),
        other => other.to_string(),
    }
}
