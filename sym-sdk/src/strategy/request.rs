//! What a strategy is asked.

use serde_json::{Value, json};

use crate::machine::EffectKey;
use crate::model::{AccessTarget, Event, TargetId, User};

/// One call to a strategy: who is to get access to what, or to lose it.
#[derive(Clone, Copy, Debug)]
pub struct AccessRequest<'a> {
    event: &'a Event,
    target: &'a AccessTarget,
    identity: &'a str,
    key: EffectKey,
}

impl<'a> AccessRequest<'a> {
    /// A call, for tests of a strategy.
    pub fn new(event: &'a Event, target: &'a AccessTarget, identity: &'a str, key: EffectKey) -> Self {
        Self { event, target, identity, key }
    }

    /// The `escalate` or `deescalate` event.
    pub fn event(&self) -> &'a Event {
        self.event
    }

    /// The target, with the settings that the request has filled in.
    pub fn target(&self) -> &'a AccessTarget {
        self.target
    }

    /// The target's id.
    pub fn target_id(&self) -> TargetId {
        self.target.id()
    }

    /// The requester's id in the service: the same one at the revocation as at the grant.
    pub fn identity(&self) -> &'a str {
        self.identity
    }

    /// Who gets access: the person who made the request.
    pub fn requester(&self) -> &'a User {
        self.event.requester().unwrap_or_else(|| self.event.user())
    }

    /// The same whenever this call comes again, after a crash say. Another try, after an error or a time-out, is another call and
    /// has another key. Pass it on where the service takes one.
    pub fn idempotency_key(&self) -> EffectKey {
        self.key
    }

    /// The call as a function gets it, by Lambda or by HTTP: the event as [`Event::to_json`] has it, and two members more,
    /// `identity` and `idempotency_key`.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use sym_sdk::machine::EffectKey;
    /// use sym_sdk::prelude::*;
    /// use sym_sdk::strategy::AccessRequest;
    ///
    /// let flow = Arc::new(Flow::builder(Slug::parse("prod")?, "acme").build());
    /// let ann = User::person(UserId::from_email("ann@example.com"), "ann@example.com")?;
    /// let target = AccessTarget::new("acme", "aws_lambda_function", Slug::parse("admins")?);
    /// let event = Event::builder(flow, Step::Escalate, ann).target(target.clone()).build();
    /// let key: EffectKey = "0190f5a4-0000-7000-8000-000000000000:7".parse()?;
    ///
    /// let entry = AccessRequest::new(&event, &target, "ann@example.com", key).to_json();
    /// assert_eq!(entry["event"]["type"], "escalate");
    /// assert_eq!(entry["state"]["status"], "processing");
    /// assert_eq!(entry["fields"]["target"]["name"], "admins");
    /// assert_eq!(entry["identity"], "ann@example.com");
    /// assert_eq!(entry["idempotency_key"], "0190f5a4-0000-7000-8000-000000000000:7");
    /// # Ok::<(), Error>(())
    /// ```
    pub fn to_json(&self) -> Value {
        let mut entry = self.event.to_json();
        entry["identity"] = json!(self.identity);
        entry["idempotency_key"] = json!(self.key);
        entry
    }
}
