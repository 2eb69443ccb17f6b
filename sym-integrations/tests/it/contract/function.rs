//! A function behind `http` or `aws_lambda`, which grants and revokes access to one target.

use serde_json::{Value, json};

use super::{Held, Switch};

/// The state of a function that follows the protocol of strategies.
#[derive(Debug, Default)]
pub(super) struct Function {
    has_access: bool,
    is_user_gone: bool,
    pub(super) is_gone: bool,
    pub(super) rejects_credentials: bool,
    responses_lost: bool,
    /// The changes that are still to be made; `None` if they are made immediately.
    late: Option<Vec<bool>>,
    pub(super) calls: usize,
}

impl Function {
    /// Responds to a call. `None` if the response is lost.
    pub(super) fn call(&mut self, entry: &Value) -> Option<Value> {
        self.calls += 1;
        let grants = entry["event"]["type"] == "escalate";
        if grants && self.is_user_gone {
            return Some(json!({ "body": {}, "errors": ["no such user"] }));
        }
        match &mut self.late {
            Some(late) => {
                late.push(grants);
                return None;
            }
            None => self.has_access = grants,
        }
        (!self.responses_lost).then(|| json!({ "body": { "user": entry["identity"] }, "errors": [] }))
    }

    pub(super) fn held(&self) -> Held {
        if self.has_access { Held::Access } else { Held::Nothing }
    }

    pub(super) fn set(&mut self, switch: Switch, on: bool) -> bool {
        match switch {
            Switch::Standing => self.has_access = on,
            Switch::UserGone => (self.is_user_gone, self.has_access) = (on, false),
            Switch::TargetGone => self.is_gone = on,
            Switch::WrongCredentials => self.rejects_credentials = on,
            Switch::ResponsesLost => self.responses_lost = on,
            Switch::ChangesLate if on => self.late = Some(Vec::new()),
            Switch::ChangesLate => {
                for grants in self.late.take().unwrap_or_default() {
                    self.has_access = grants;
                }
            }
            _ => return false,
        }
        true
    }
}
