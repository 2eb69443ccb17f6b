//! A Google Workspace organization with canned responses.

use serde_json::{Value, json};
use sym_integrations::google::{Google, GoogleBuilder};
use sym_integrations::http::{Auth, SecretString};
use sym_integrations::testing::{Replay, Reply};
pub(super) use crate::vendor_support::person;

pub(super) const DOMAIN: &str = "example.com";
pub(super) const GROUP: &str = "admins@example.com";
pub(super) const ANA: &str = "ana@example.com";

const BASE: &str = "/admin/directory/v1";

pub(super) fn builder(replay: &Replay) -> GoogleBuilder {
    let auth = Auth::bearer(SecretString::from("ya29.S3CRET"));
    Google::builder(DOMAIN).auth(auth).domains(["example.org", "alias.example"]).connection(replay.connection())
}

pub(super) fn google(replay: &Replay) -> Google {
    builder(replay).build().unwrap()
}

/// A path of the API.
pub(super) fn at(path: &str) -> String {
    format!("{BASE}/{path}")
}

pub(super) fn group() -> Reply {
    Reply::json(json!({
        "kind": "admin#directory#group", "id": "01g", "email": GROUP, "name": "Admins", "directMembersCount": "3", "description": null,
    }))
}

pub(super) fn member_json(id: &str, role: &str) -> Value {
    json!({ "id": id, "email": format!("{id}@example.com"), "role": role, "type": "USER", "status": "ACTIVE" })
}

pub(super) fn member(role: &str) -> Reply {
    Reply::json(member_json("ana", role))
}

/// A failure as Google reports it.
pub(super) fn fault(status: u16, reason: &str, message: &str) -> Reply {
    let error = json!({
        "code": status, "message": message, "errors": [{ "domain": "global", "reason": reason, "message": message }],
    });
    Reply::json(json!({ "error": error })).with_status(status)
}

pub(super) fn no_member() -> Reply {
    fault(404, "notFound", "Resource Not Found: memberKey")
}

pub(super) fn no_group() -> Reply {
    fault(404, "notFound", "Resource Not Found: groupKey")
}

pub(super) fn duplicate() -> Reply {
    fault(409, "duplicate", "Member already exists.")
}

