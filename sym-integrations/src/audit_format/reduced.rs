//! Entries that are too large for a service, reduced to what they are about.

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use sym_sdk::audit::AuditLine;

use super::ocsf;

/// The maximum number of characters of a text in a reduced entry.
const MAX_TEXT: usize = 128;

/// Members that are removed, one after the other, until an entry fits.
const DISPENSABLE: [&str; 5] = ["state", "actor", "run", "event", "meta"];

/// Reduces an entry in Sym's schema. What a person has entered is left out.
pub(super) fn sym(line: &AuditLine, max: usize) -> String {
    let whole = parse(line);
    let record = line.record();
    let run = pick(&whole["run"], &["id", "srn", "flow"]);
    let event = pick(&whole["event"], &["id", "type", "srn", "timestamp", "channel"]);
    let actor = pick(&whole["actor"], &["user", "username"]);
    let mut reduced = json!({
        "id": line.id().to_string(),
        "type": "event",
        "meta": whole["meta"],
        "state": { "status": whole["state"]["status"] },
        "run": run,
        "event": event,
        "actor": actor,
        "truncated": true,
        "size": line.as_str().len(),
        "sha256": sha256(line),
        "audit": { "seq": record.seq, "prev": record.prev.to_string(), "hash": record.hash.to_string() },
    });
    shrink(&mut reduced, max)
}

/// Reduces an entry in OCSF: without `unmapped`, and with the hash of the entry in Sym's schema.
pub(super) fn ocsf(line: &AuditLine, max: usize) -> String {
    let mut event = ocsf::event(line);
    if let Some(members) = event.as_object_mut() {
        members.remove("unmapped");
        members.insert(
            "raw_data_hash".to_owned(),
            json!({ "algorithm_id": 3, "algorithm": "SHA-256", "value": sha256(line) }),
        );
        members.insert("raw_data_size".to_owned(), line.as_str().len().into());
    }
    event["metadata"]["is_truncated"] = true.into();
    let text = event.to_string();
    if text.len() <= max {
        return text;
    }
    shorten(&mut event);
    event.to_string()
}

fn shrink(value: &mut Value, max: usize) -> String {
    let mut text = value.to_string();
    if text.len() > max {
        shorten(value);
        text = value.to_string();
    }
    for name in DISPENSABLE {
        if text.len() <= max {
            break;
        }
        if let Some(members) = value.as_object_mut() {
            members.remove(name);
        }
        text = value.to_string();
    }
    text
}

/// Shortens every text in the value.
fn shorten(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Some((end, _)) = text.char_indices().nth(MAX_TEXT) {
                text.truncate(end);
                text.push('…');
            }
        }
        Value::Array(items) => {
            items.truncate(4);
            items.iter_mut().for_each(shorten);
        }
        Value::Object(members) => members.values_mut().for_each(shorten),
        _ => {}
    }
}

fn pick(from: &Value, names: &[&str]) -> Map<String, Value> {
    let found = names.iter().filter_map(|name| Some(((*name).to_owned(), from.get(name)?.clone())));
    found.collect()
}

pub(super) fn parse(line: &AuditLine) -> Value {
    serde_json::from_str(line.as_str()).unwrap_or_default()
}

fn sha256(line: &AuditLine) -> String {
    Sha256::digest(line.as_str().as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}
