//! The JSON form of a payload, serialized without being built first: each event of the audit log contains it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::ser::{Serialize, SerializeStruct, Serializer};
use serde_json::{Map, Value};

use super::{AccessTarget, DeescalateType, ExtensionInfo, TargetId};
use crate::forms::{FieldMap, FieldValue};

/// The data of an event, which serializes as [`Payload::to_json`](super::Payload::to_json).
pub(crate) struct PayloadJson<'a> {
    pub(crate) fields: &'a FieldMap,
    pub(crate) extra: &'a Map<String, Value>,
    pub(crate) target: Option<&'a AccessTarget>,
    pub(crate) duration: Option<Duration>,
    /// The reason, if it is not the field of that name.
    pub(crate) reason: Option<&'a str>,
    pub(crate) decision_message: Option<&'a str>,
    pub(crate) deescalate_type: Option<DeescalateType>,
    pub(crate) extension: Option<ExtensionInfo>,
}

/// The value of a member.
enum MemberValue<'a> {
    Field(&'a FieldValue),
    Json(&'a Value),
    Built(Value),
    Target(&'a AccessTarget),
    TargetId(TargetId),
    Seconds(u64),
    Text(&'a str),
    DeescalateType(DeescalateType),
}

impl Serialize for PayloadJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Later members replace earlier ones of the same name.
        let fields = self.fields.iter().map(|(name, value)| (name, MemberValue::Field(value)));
        let extra = self.extra.iter().map(|(name, value)| (name.as_str(), MemberValue::Json(value)));
        let mut members: BTreeMap<&str, MemberValue<'_>> = fields.chain(extra).collect();
        if let Some(target) = self.target {
            members.insert("target", MemberValue::Target(target));
            members.insert("target_id", MemberValue::TargetId(target.id()));
        }
        if let Some(duration) = self.duration {
            members.insert("duration", MemberValue::Seconds(duration.as_secs()));
        }
        let reason = self.reason.or_else(|| self.fields.get("reason").and_then(as_text));
        for (name, text) in [("reason", reason), ("decision_message", self.decision_message)] {
            if let Some(text) = text {
                members.insert(name, MemberValue::Text(text));
            }
        }
        if let Some(kind) = self.deescalate_type {
            members.insert("deescalate_type", MemberValue::DeescalateType(kind));
        }
        if let Some(extension) = self.extension {
            members.insert("extension", MemberValue::Built(extension.to_json()));
        }
        serializer.collect_map(members)
    }
}

fn as_text(value: &FieldValue) -> Option<&str> {
    match value {
        FieldValue::Text(text) => Some(text),
        _ => None,
    }
}

impl Serialize for MemberValue<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Field(FieldValue::Text(text)) => serializer.serialize_str(text),
            Self::Field(FieldValue::Int(number)) => serializer.serialize_i64(*number),
            Self::Field(FieldValue::Bool(yes)) => serializer.serialize_bool(*yes),
            Self::Field(value) => value.to_json().serialize(serializer),
            Self::Json(value) => value.serialize(serializer),
            Self::Built(value) => value.serialize(serializer),
            Self::Target(target) => {
                let mut members = serializer.serialize_struct("target", 5)?;
                members.serialize_field("name", target.name())?;
                members.serialize_field("srn", &target.srn())?;
                members.serialize_field("type", target.kind())?;
                members.serialize_field("label", target.label())?;
                members.serialize_field("settings", target.settings())?;
                members.end()
            }
            Self::TargetId(id) => serializer.collect_str(id),
            Self::Seconds(seconds) => serializer.serialize_u64(*seconds),
            Self::Text(text) => serializer.serialize_str(text),
            Self::DeescalateType(kind) => serializer.collect_str(kind),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::Timestamp;
    use serde_json::json;

    use super::*;
    use crate::model::{EventId, Payload, Slug};

    #[test]
    fn serializes_as_the_json_that_is_built() {
        let mut payload = Payload::new(Timestamp::UNIX_EPOCH);
        let same = |payload: &Payload| {
            let json = PayloadJson {
                fields: &payload.fields,
                extra: &payload.extra,
                target: payload.target.as_ref(),
                duration: payload.duration,
                reason: payload.reason.as_deref(),
                decision_message: payload.decision_message.as_deref(),
                deescalate_type: payload.deescalate_type,
                extension: payload.extension,
            };
            assert_eq!(serde_json::to_value(json).unwrap(), Value::Object(payload.to_json()));
        };
        same(&payload);
        let mut fields = FieldMap::new();
        fields.insert("reason", "incident 42");
        fields.insert("target", "a field that is called like a member");
        fields.insert("count", 3_i64);
        fields.insert("urgent", true);
        fields.insert("window", FieldValue::Duration(Duration::from_secs(90)));
        fields.insert("hosts", FieldValue::TextList(vec!["a".to_owned(), "b".to_owned()]));
        payload.fields = Arc::new(fields);
        payload.extra.insert("count".to_owned(), json!({ "of": [1, null] }));
        same(&payload);
        let target = AccessTarget::new("Acme Inc", "github_repo", Slug::parse("any-repo").unwrap());
        payload.target = Some(target.with_field_binding("repo"));
        payload.duration = Some(Duration::from_secs(3_600));
        payload.decision_message = Some("go ahead".to_owned());
        payload.deescalate_type = Some(DeescalateType::Revoked);
        payload.extension = Some(ExtensionInfo::new(EventId::from_uuid(uuid::Uuid::nil()), Timestamp::UNIX_EPOCH));
        same(&payload);
        payload.reason = Some("set by a hook".to_owned());
        same(&payload);
    }
}
