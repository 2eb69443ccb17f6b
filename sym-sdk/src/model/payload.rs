//! The data of an event.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{AccessTarget, ExtensionInfo};
use crate::forms::{FieldMap, duration_seconds};

/// The trigger of a `deescalate` event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum DeescalateType {
    /// Access expired.
    Scheduled,
    /// A person revoked access.
    Revoked,
}

impl fmt::Display for DeescalateType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Scheduled => "scheduled",
            Self::Revoked => "revoked",
        })
    }
}

/// The data of an event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Payload {
    pub(crate) timestamp: Timestamp,
    #[serde(default)]
    pub(crate) fields: Arc<FieldMap>,
    #[serde(default)]
    pub(crate) target: Option<AccessTarget>,
    #[serde(default, with = "duration_seconds::option")]
    pub(crate) duration: Option<Duration>,
    #[serde(default)]
    pub(crate) reason: Option<String>,
    #[serde(default)]
    pub(crate) decision_message: Option<String>,
    #[serde(default)]
    pub(crate) deescalate_type: Option<DeescalateType>,
    #[serde(default)]
    pub(crate) extra: Map<String, Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) extension: Option<ExtensionInfo>,
}

impl Payload {
    pub(crate) fn new(timestamp: Timestamp) -> Self {
        Self {
            timestamp,
            fields: Arc::default(),
            target: None,
            duration: None,
            reason: None,
            decision_message: None,
            deescalate_type: None,
            extra: Map::new(),
            extension: None,
        }
    }

    /// The time at which the event was created.
    pub fn timestamp(&self) -> Timestamp {
        self.timestamp
    }

    /// The fields of the request. Every later event of the Run has them too.
    pub fn fields(&self) -> &FieldMap {
        &self.fields
    }

    /// The target, with its bound settings filled in. `None` in an approval-only flow.
    pub fn target(&self) -> Option<&AccessTarget> {
        self.target.as_ref()
    }

    /// The requested duration of access.
    pub fn duration(&self) -> Option<Duration> {
        self.duration
    }

    /// The reason, as set by a hook. Defaults to the field `reason` of the request.
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref().or_else(|| self.fields.text("reason").ok())
    }

    /// The message of the approver.
    pub fn decision_message(&self) -> Option<&str> {
        self.decision_message.as_deref()
    }

    /// The trigger of a `deescalate` event.
    pub fn deescalate_type(&self) -> Option<DeescalateType> {
        self.deescalate_type
    }

    /// The values that a hook added with [`NextEvent::with`](crate::template::NextEvent::with).
    pub fn extra(&self) -> &Map<String, Value> {
        &self.extra
    }

    /// The extension that the event is about. `None` for events of the request itself.
    pub fn extension(&self) -> Option<ExtensionInfo> {
        self.extension
    }

    /// Returns the fields as they appear in audit entries: those of the form, with `target`, `target_id`, `duration` and so on.
    pub fn to_json(&self) -> Map<String, Value> {
        let mut json = self.fields.to_json();
        json.extend(self.extra.clone());
        if let Some(target) = &self.target {
            json.insert("target".into(), target.to_json());
            json.insert("target_id".into(), target.id().to_string().into());
        }
        if let Some(duration) = self.duration {
            json.insert("duration".into(), duration.as_secs().into());
        }
        for (name, text) in [("reason", self.reason()), ("decision_message", self.decision_message())] {
            if let Some(text) = text {
                json.insert(name.into(), text.into());
            }
        }
        if let Some(kind) = self.deescalate_type {
            json.insert("deescalate_type".into(), kind.to_string().into());
        }
        if let Some(extension) = self.extension {
            json.insert("extension".into(), extension.to_json());
        }
        json
    }
}
