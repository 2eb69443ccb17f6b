//! Audit entries as events of the [Open Cybersecurity Schema Framework](https://schema.ocsf.io/1.5.0/).
//!
//! Access that begins or ends is [User Access Management](https://schema.ocsf.io/1.5.0/classes/user_access), because that is the class
//! which rules for privileges look at, and so are changed roles. Sign-ins, sign-outs and exchanged tokens are
//! [Authentication](https://schema.ocsf.io/1.5.0/classes/authentication). All else is
//! [Entity Management](https://schema.ocsf.io/1.5.0/classes/entity_management): the entity is the request, or the user or token on which an
//! administrator acts. `time` is when it happened, and `metadata.logged_time` when it was recorded, both in milliseconds since 1970.

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use sym_sdk::audit::{AuditAnchor, AuditLine};

use super::reduced::parse;

/// The version of the schema. None of the classes is deprecated in it.
const VERSION: &str = "1.5.0";

/// Identity & Access Management.
const CATEGORY: u64 = 3;

/// A class of events.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Authentication,
    UserAccess,
    Entity,
}

impl Class {
    const fn uid(self) -> u64 {
        match self {
            Self::Authentication => 3002,
            Self::UserAccess => 3005,
            Self::Entity => 3004,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Authentication => "Authentication",
            Self::UserAccess => "User Access Management",
            Self::Entity => "Entity Management",
        }
    }
}

/// An activity: what happened, in the terms of the schema.
struct Activity {
    class: Class,
    id: u64,
    /// The caption of the id, or the name of what is [other](OTHER).
    name: String,
}

/// An activity that the class has no number for. Its name says what it is.
const OTHER: u64 = 99;

impl Activity {
    fn of(kind: &str, details: &Value, step: &str) -> Self {
        let known = |class, id, name: &str| Self { class, id, name: name.to_owned() };
        match kind {
            "granted" | "grant_failed" | "regranted" | "regrant_failed" => {
                known(Class::UserAccess, 1, "Assign Privileges")
            }
            "revoked" | "revoked_provisionally" | "revoke_failed" | "written_off" => {
                known(Class::UserAccess, 2, "Revoke Privileges")
            }
            "standing_access" | "standing_access_kept" => known(Class::UserAccess, OTHER, kind),
            "received" if matches!(step, "prompt" | "request") => known(Class::Entity, 1, "Create"),
            "received" | "completed" | "failed" | "counted" | "approval_withdrawn" | "expiry_corrected" => {
                known(Class::Entity, 3, "Update")
            }
            "user_action" => match details["action"].as_str().unwrap_or_default() {
                "lock" => known(Class::Entity, 9, "Disable"),
                "unlock" | "restore" => known(Class::Entity, 8, "Enable"),
                "delete" => known(Class::Entity, 4, "Delete"),
                "admit" => known(Class::Entity, 1, "Create"),
                _ => known(Class::Entity, OTHER, kind),
            },
            "signed_in" | "sign_in_refused" => known(Class::Authentication, 1, "Logon"),
            "signed_out" => known(Class::Authentication, 2, "Logoff"),
            // A token of the job is a ticket for one of the bot.
            "token_exchanged" | "exchange_refused" => known(Class::Authentication, 4, "Service Ticket Request"),
            "token_issued" | "trust_added" => known(Class::Entity, 1, "Create"),
            "token_revoked" | "trust_removed" => known(Class::Entity, 4, "Delete"),
            "role_changed" if rank(&details["to"]) < rank(&details["from"]) => {
                known(Class::UserAccess, 2, "Revoke Privileges")
            }
            "role_changed" => known(Class::UserAccess, 1, "Assign Privileges"),
            _ => known(Class::Entity, OTHER, kind),
        }
    }
}

/// Returns the rank of a role: the higher, the more it may do.
fn rank(role: &Value) -> u8 {
    match role.as_str() {
        Some("admin") => 2,
        Some("member") => 1,
        _ => 0,
    }
}

/// Returns the severity: its id and caption.
fn severity(kind: &str, failed: bool) -> (u64, &'static str) {
    match kind {
        // Access that should have ended may still exist, or nobody knows of an error.
        "revoke_failed" | "written_off" | "alert_undelivered" => (4, "High"),
        _ if failed => (3, "Medium"),
        _ => (1, "Informational"),
    }
}

/// Returns an entry as an event of the schema.
pub(super) fn event(line: &AuditLine) -> Value {
    describe(parse(line), &line.id().to_string(), line.seq())
}

/// Returns an anchor as an event of the schema.
pub(super) fn anchor(anchor: &AuditAnchor) -> Value {
    let (seq, at) = (anchor.head().seq, anchor.at().as_millisecond());
    json!({
        "activity_id": OTHER,
        "activity_name": "anchor",
        "category_uid": 0,
        "category_name": "Uncategorized",
        "class_uid": 0,
        "class_name": "Base Event",
        "type_uid": OTHER,
        "type_name": "Base Event: anchor",
        "severity_id": 1,
        "severity": "Informational",
        "time": at,
        "message": format!("the audit log ended with entry {seq}"),
        "metadata": {
            "version": VERSION,
            "product": { "name": "sym-sdk", "vendor_name": "sym-sdk", "version": env!("CARGO_PKG_VERSION") },
            "uid": anchor.id().to_string(),
            "sequence": seq,
            "event_code": "anchor",
            "log_name": "audit",
            "logged_time": at,
        },
        "unmapped": serde_json::from_str::<Value>(&anchor.to_line()).unwrap_or_default(),
    })
}

/// Returns the event of an entry in Sym's schema.
fn describe(mut whole: Value, id: &str, seq: u64) -> Value {
    let entry = whole["audit"]["entry"].clone();
    // The name of an event of an account is that of the event.
    let (kind, details) = kind(entry["kind"].get("account").unwrap_or(&entry["kind"]));
    let step = whole["event"]["type"].as_str().unwrap_or_default().to_owned();
    let activity = Activity::of(&kind, &details, &step);
    let errors = whole["state"]["errors"].as_array().cloned().unwrap_or_default();
    // An entry that cannot be parsed tells neither.
    let status = match (entry["kind"].is_null(), errors.is_empty() && kind != "written_off") {
        (true, _) => (0, "Unknown"),
        (false, true) => (1, "Success"),
        (false, false) => (2, "Failure"),
    };
    let (severity_id, severity) = severity(&kind, status.0 == 2);
    let logged = milliseconds(&entry["at"]);
    // What a person did happened when they did it; all else when it was recorded.
    let happened = if kind == "received" { milliseconds(&whole["event"]["timestamp"]) } else { logged };
    let mut event = json!({
        "activity_id": activity.id,
        "activity_name": activity.name,
        "category_uid": CATEGORY,
        "category_name": "Identity & Access Management",
        "class_uid": activity.class.uid(),
        "class_name": activity.class.name(),
        "type_uid": activity.class.uid() * 100 + activity.id,
        "type_name": format!("{}: {}", activity.class.name(), activity.name),
        "severity_id": severity_id,
        "severity": severity,
        "status_id": status.0,
        "status": status.1,
        "time": happened,
        "message": format!("{step}: {}", kind.replace('_', " ")),
        "metadata": {
            "version": VERSION,
            "product": { "name": "sym-sdk", "vendor_name": "sym-sdk", "version": env!("CARGO_PKG_VERSION") },
            "uid": id,
            "sequence": seq,
            "event_code": kind,
            "correlation_uid": whole["run"]["id"],
            "log_name": "audit",
            "logged_time": logged,
        },
        "actor": { "user": person(&whole["actor"]) },
    });
    if let Some(error) = errors.first() {
        event["status_code"] = error["code"].clone();
        event["status_detail"] = error["message"].clone();
    }
    match activity.class {
        Class::Authentication => describe_sign_in(&mut event, &whole, &details),
        Class::UserAccess if kind == "role_changed" => describe_role(&mut event, &details),
        Class::UserAccess => describe_access(&mut event, &whole, &details),
        Class::Entity => describe_entity(&mut event, &whole, &kind, &details),
    }
    if let Some(members) = whole.as_object_mut() {
        members.remove("id");
        members.remove("type");
    }
    event["unmapped"] = whole;
    without_nulls(&mut event);
    event
}

/// Adds who has signed in or out.
fn describe_sign_in(event: &mut Value, whole: &Value, details: &Value) {
    event["user"] = match details["user"].is_object() {
        true => user_of(&details["user"]),
        false => person(&whole["actor"]),
    };
    // The schema wants to know what has authenticated them.
    let service = details["issuer"].as_str().unwrap_or("sym-sdk");
    event["service"] = json!({ "name": service });
}

/// Adds whose role has changed, and to which one.
fn describe_role(event: &mut Value, details: &Value) {
    event["user"] = user_of(&details["user"]);
    event["privileges"] = json!([details["to"]]);
    event["comment"] = format!("before: {}", details["from"].as_str().unwrap_or("unknown")).into();
}

/// Returns the `user` object of a user whom an entry names.
fn user_of(user: &Value) -> Value {
    let name = user["username"].as_str().unwrap_or("unknown");
    let mut named = json!({ "name": name, "uid": user["id"] });
    if name.contains('@') {
        named["email_addr"] = name.into();
    }
    named
}

/// Adds who gets or loses which access to what.
fn describe_access(event: &mut Value, whole: &Value, details: &Value) {
    let requester =
        ["request", "prompt"].iter().map(|step| &whole["run"]["actors"][step]).find(|actor| actor.is_object());
    let mut user = person(requester.unwrap_or(&whole["actor"]));
    user["account"] = json!({ "uid": details["identity"], "name": details["identity"] });
    event["user"] = user;
    let target = &whole["fields"]["target"];
    let name = details["target"].as_str().or_else(|| target["label"].as_str()).unwrap_or("unknown");
    event["privileges"] = json!([name]);
    event["resources"] = json!([{ "name": name, "uid": target["srn"], "type": target["type"] }]);
}

/// Adds the request, or the user on whom an administrator acted.
fn describe_entity(event: &mut Value, whole: &Value, kind: &str, details: &Value) {
    event["entity"] = if kind == "user_action" {
        json!({ "name": details["username"], "uid": details["user"], "type": "User" })
    } else if details["token"].is_object() {
        json!({ "name": details["token"]["label"], "uid": details["token"]["id"], "type": "Token" })
    } else if details["trust"].is_object() {
        json!({ "name": details["trust"]["issuer"], "uid": details["trust"]["id"], "type": "Trust" })
    } else {
        json!({ "name": whole["run"]["flow"], "uid": whole["run"]["id"], "type": "Access Request" })
    };
    if let Some(reason) = whole["fields"]["reason"].as_str() {
        event["comment"] = reason.into();
    }
}

/// Returns the `user` object of an actor.
fn person(actor: &Value) -> Value {
    let name = actor["username"].as_str().unwrap_or("unknown");
    let full_name = actor["name"].as_str().filter(|name| !name.is_empty());
    let mut user = json!({ "name": name, "uid": actor["user"], "full_name": full_name });
    if name.contains('@') {
        user["email_addr"] = name.into();
    }
    user
}

/// Splits a kind of entry into its name and its details.
fn kind(kind: &Value) -> (String, Value) {
    match kind {
        Value::String(name) => (name.clone(), Value::Null),
        Value::Object(members) => {
            members.iter().next().map_or_else(Default::default, |(name, details)| (name.clone(), details.clone()))
        }
        _ => ("unreadable".to_owned(), Value::Null),
    }
}

fn milliseconds(time: &Value) -> i64 {
    let time: Option<Timestamp> = time.as_str().and_then(|time| time.parse().ok());
    time.map_or(0, Timestamp::as_millisecond)
}

/// Removes members that are null, except from what is unmapped: in the schema an attribute has a value, or is absent.
fn without_nulls(value: &mut Value) {
    match value {
        Value::Object(members) => {
            *members = std::mem::take(members).into_iter().filter(|(_, value)| !value.is_null()).collect::<Map<_, _>>();
            members
                .iter_mut()
                .filter(|(name, _)| name.as_str() != "unmapped")
                .for_each(|(_, value)| without_nulls(value));
        }
        Value::Array(items) => items.iter_mut().for_each(without_nulls),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The kinds of entries with details, as they are stored, and whether they are errors.
    const KINDS: [(&str, bool); 46] = [
        (r#""received""#, false),
        (r#"{"refused":{}}"#, true),
        (r#"{"submission_refused":{}}"#, true),
        (r#"{"handler_called":{}}"#, false),
        (r#"{"ignored":{"message":null}}"#, true),
        (r#""completed""#, false),
        (r#"{"failed":{}}"#, true),
        (r#"{"reported":{}}"#, true),
        (r#"{"routed":{}}"#, false),
        (r#"{"counted":{"approvals":1,"needed":2}}"#, false),
        (r#"{"approval_withdrawn":{"approver":"ben@example.com"}}"#, true),
        (r#""form_opened""#, false),
        (r#"{"delivered":{"entry":0,"destination":"prod"}}"#, false),
        (r#"{"opted_out":{}}"#, false),
        (r#"{"delivery_failed":{}}"#, true),
        (r#"{"messaged":{}}"#, false),
        (r#"{"identified":{"identity":"00u1"}}"#, false),
        (r#"{"standing_access":{"target":"Admins","identity":"00u1"}}"#, false),
        (r#"{"granted":{"target":"Admins","identity":"00u1"}}"#, false),
        (r#"{"grant_failed":{"target":"Admins"}}"#, true),
        (r#"{"revoked":{"target":"Admins","identity":"00u1"}}"#, false),
        (r#"{"revoked_provisionally":{"target":"Admins","identity":"00u1"}}"#, false),
        (r#"{"standing_access_kept":{"target":"Admins","identity":"00u1"}}"#, false),
        (r#"{"revoke_failed":{"target":"Admins"}}"#, true),
        (r#"{"revoke_retried":{"target":"Admins"}}"#, false),
        (r#"{"written_off":{"target":"Admins","identity":"00u1"}}"#, false),
        (r#"{"regrant_begun":{"target":"Admins","identity":"00u1"}}"#, false),
        (r#"{"regranted":{"target":"Admins","identity":"00u1"}}"#, false),
        (r#"{"regrant_failed":{"target":"Admins","identity":"00u1"}}"#, true),
        (r#""rearmed""#, false),
        (r#"{"expiry_corrected":{}}"#, false),
        (r#"{"user_action":{"action":"lock","user":"u1","username":"ana@example.com"}}"#, false),
        (r#"{"user_action":{"action":"unheard_of","user":"u1","username":"ana@example.com"}}"#, false),
        (r#"{"account":{"signed_in":{"place":"browser","issuer":"https://idp.example"}}}"#, false),
        (r#"{"account":{"sign_in_refused":{"place":"browser","is_known_actor":false}}}"#, true),
        (r#"{"account":{"signed_out":{"user":{"id":"u1","username":"ana@example.com"},"sessions":2}}}"#, false),
        (r#"{"account":{"token_issued":{"token":{"id":"t1","label":"x"},"bot":{"id":"b","username":"ci"}}}}"#, false),
        (r#"{"account":{"token_revoked":{"token":{"id":"t1","label":"x"},"bot":{"id":"b","username":"ci"}}}}"#, false),
        (r#"{"account":{"token_exchanged":{"token":{"id":"t1","label":"x"},"issuer":"https://ci.example"}}}"#, false),
        (r#"{"account":{"exchange_refused":{"issuer":"https://ci.example"}}}"#, true),
        (r#"{"account":{"trust_added":{"trust":{"id":"t1","issuer":"x"},"bot":{"id":"b","username":"ci"}}}}"#, false),
        (r#"{"account":{"trust_removed":{"trust":{"id":"t1","issuer":"x"},"bot":{"id":"b","username":"ci"}}}}"#, false),
        (
            r#"{"account":{"role_changed":{"user":{"id":"u1","username":"ana@example.com"},"from":"guest","to":"admin"}}}"#,
            false,
        ),
        (r#"{"alerted":{}}"#, true),
        (r#"{"alert_undelivered":{}}"#, true),
        (r#"{"of_a_later_version":{}}"#, false),
    ];

    fn entry(kind: &str, is_error: bool) -> Value {
        let actor = json!({ "user": "acme:user:normal:u1:latest", "name": "", "username": "ana@example.com" });
        let errors = if is_error { json!([{ "message": "no", "code": "Okta:DENIED" }]) } else { json!([]) };
        json!({
            "id": "00000000-0000-0000-0000-000000000001",
            "type": "event",
            "state": { "status": "processing", "errors": errors },
            "run": { "id": "r1", "flow": "acme:flow:prod:1.0.0", "actors": { "request": actor } },
            "event": { "type": "request", "timestamp": "2024-02-29T12:00:00Z" },
            "actor": actor,
            "fields": { "reason": "deploy", "target": { "label": "Admins", "srn": "acme:t", "type": "okta_group" } },
            "audit": { "entry": { "at": "2024-02-29T12:00:01.5Z", "kind": serde_json::from_str::<Value>(kind).unwrap() } },
        })
    }

    /// OC01–OC03: the numbers belong together, times are in milliseconds, and required attributes are there, for every kind of entry.
    /// The facts are those of version 1.5.0 of the schema.
    #[test]
    fn every_kind_of_entry_is_an_event_of_the_schema() {
        for (kind, is_error) in KINDS {
            let event = describe(entry(kind, is_error), "id", 7);
            let number = |name: &str| event[name].as_u64().unwrap_or_else(|| panic!("{name} of {kind}: {event}"));
            assert_eq!(number("category_uid"), number("class_uid") / 1_000, "{kind}");
            assert_eq!(number("type_uid"), number("class_uid") * 100 + number("activity_id"), "{kind}");
            let (activities, required): (&[u64], &[&str]) = match number("class_uid") {
                3002 => (&[1, 2, 3, 4, 5, 6, 99], &["user", "service"]),
                3004 => (&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 99], &["entity"]),
                3005 => (&[1, 2, 99], &["privileges", "user"]),
                other => panic!("class {other} of {kind}"),
            };
            assert!(activities.contains(&number("activity_id")), "{kind}");
            if number("activity_id") == OTHER {
                assert!(
                    kind.contains(event["activity_name"].as_str().unwrap()),
                    "other activities have names: {event}"
                );
            }
            for name in ["metadata", "time", "severity_id"].iter().chain(required) {
                assert!(!event[name].is_null(), "{name} of {kind}");
            }
            assert!((1..=6).contains(&number("severity_id")) && (1..=2).contains(&number("status_id")), "{kind}");
            assert_eq!(number("status_id") == 2, is_error || kind.contains("written_off"), "{kind}");
            assert_eq!(event["status_code"].as_str(), is_error.then_some("Okta:DENIED"), "{kind}");
            assert_eq!(event["metadata"]["version"], "1.5.0");
            assert_eq!(event["metadata"]["logged_time"], 1_709_208_001_500_i64);
            let happened = if kind.contains("received") { 1_709_208_000_000 } else { 1_709_208_001_500_i64 };
            assert_eq!(event["time"], happened, "{kind}");
            assert_eq!(event["unmapped"]["fields"]["reason"], "deploy");
        }
    }

    #[test]
    fn a_grant_says_who_got_what() {
        let event = describe(entry(r#"{"granted":{"target":"Admins (eu)","identity":"00u1"}}"#, false), "id", 7);
        assert_eq!((&event["class_uid"], &event["activity_id"]), (&json!(3005), &json!(1)));
        assert_eq!(event["user"]["email_addr"], "ana@example.com");
        assert_eq!(event["user"]["account"]["uid"], "00u1");
        assert_eq!(event["privileges"], json!(["Admins (eu)"]));
        assert_eq!(event["resources"][0], json!({ "name": "Admins (eu)", "uid": "acme:t", "type": "okta_group" }));
    }

    #[test]
    fn a_changed_role_says_whose_it_is_and_whether_it_gives_or_takes() {
        for (from, to, activity) in [("guest", "admin", 1), ("admin", "member", 2)] {
            let user = r#"{"id":"u1","username":"eve@example.com"}"#;
            let kind = format!(r#"{{"account":{{"role_changed":{{"user":{user},"from":"{from}","to":"{to}"}}}}}}"#);
            let event = describe(entry(&kind, false), "id", 7);
            assert_eq!((&event["class_uid"], &event["activity_id"]), (&json!(3005), &json!(activity)));
            assert_eq!((&event["user"]["name"], &event["privileges"]), (&json!("eve@example.com"), &json!([to])));
            assert_eq!(event["actor"]["user"]["name"], "ana@example.com");
        }
    }

    #[test]
    fn an_entry_that_cannot_be_parsed_is_sent_as_unknown() {
        let event = describe(json!({ "id": "x", "type": "event", "audit": { "seq": 7 } }), "x", 7);
        assert_eq!((&event["status_id"], &event["time"]), (&json!(0), &json!(0)));
        assert_eq!(event["type_uid"], 300_499);
        assert_eq!(event["unmapped"]["audit"]["seq"], 7);
    }
}
