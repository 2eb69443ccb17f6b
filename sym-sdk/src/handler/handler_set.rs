//! The handlers of one flow, by kind.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::handler_fn::{HandlerFn, OnChangeFn, Thunk};
use super::{HandlerKind, HandlerRecord};
use crate::forms::FieldOption;
use crate::model::{Flow, Hook, Step};
use crate::routing::{Approvers, Notification, RequestPermission};
use crate::template::NextEvent;

/// The handlers of one flow: at most one of each kind, and one for each field. Built by
/// [`Registry::select`](super::Registry::select).
#[derive(Clone, Debug, Default)]
pub struct HandlerSet {
    get_permissions: Option<HandlerFn<RequestPermission>>,
    get_request_notifications: Option<HandlerFn<Vec<Notification>>>,
    get_approvers: Option<HandlerFn<Approvers>>,
    get_identity: Option<HandlerFn<Option<String>>>,
    get_identity_lookup: Option<HandlerFn<Option<String>>>,
    get_flows: Option<HandlerFn<Vec<Arc<Flow>>>>,
    on: BTreeMap<Step, HandlerFn<Option<NextEvent>>>,
    after: BTreeMap<Step, HandlerFn<()>>,
    prefetch: BTreeMap<&'static str, HandlerFn<Vec<FieldOption>>>,
    on_change: BTreeMap<&'static str, OnChangeFn>,
    /// All of the above.
    records: BTreeMap<(HandlerKind, Option<&'static str>), &'static HandlerRecord>,
}

impl HandlerSet {
    /// Adds a handler. If there is one of its kind (and field) already, the set stays as it is and the earlier one is
    /// returned.
    pub(super) fn insert(&mut self, record: &'static HandlerRecord) -> Result<(), &'static HandlerRecord> {
        if let Some(earlier) = self.records.get(&(record.kind(), record.field())) {
            return Err(earlier);
        }
        self.records.insert((record.kind(), record.field()), record);
        match record.thunk {
            Thunk::GetPermissions(call) => self.get_permissions = Some(HandlerFn::new(record, call)),
            Thunk::GetRequestNotifications(call) => {
                self.get_request_notifications = Some(HandlerFn::new(record, call));
            }
            Thunk::GetApprovers(call) => self.get_approvers = Some(HandlerFn::new(record, call)),
            Thunk::GetIdentity(call) => self.get_identity = Some(HandlerFn::new(record, call)),
            Thunk::GetIdentityLookup(call) => self.get_identity_lookup = Some(HandlerFn::new(record, call)),
            Thunk::GetFlows(call) => self.get_flows = Some(HandlerFn::new(record, call)),
            Thunk::On(step, call) => {
                self.on.insert(step, HandlerFn::new(record, call));
            }
            Thunk::After(step, call) => {
                self.after.insert(step, HandlerFn::new(record, call));
            }
            Thunk::Prefetch(field, call) => {
                self.prefetch.insert(field, HandlerFn::new(record, call));
            }
            Thunk::OnChange(field, call) => {
                self.on_change.insert(field, OnChangeFn::new(record, call));
            }
        }
        Ok(())
    }

    /// The `get_permissions` reducer.
    pub fn get_permissions(&self) -> Option<HandlerFn<RequestPermission>> {
        self.get_permissions
    }

    /// The `get_request_notifications` reducer.
    pub fn get_request_notifications(&self) -> Option<HandlerFn<Vec<Notification>>> {
        self.get_request_notifications
    }

    /// The `get_approvers` reducer.
    pub fn get_approvers(&self) -> Option<HandlerFn<Approvers>> {
        self.get_approvers
    }

    /// The `get_identity` reducer.
    pub fn get_identity(&self) -> Option<HandlerFn<Option<String>>> {
        self.get_identity
    }

    /// The `get_identity_lookup` reducer.
    pub fn get_identity_lookup(&self) -> Option<HandlerFn<Option<String>>> {
        self.get_identity_lookup
    }

    /// The `get_flows` reducer.
    pub fn get_flows(&self) -> Option<HandlerFn<Vec<Arc<Flow>>>> {
        self.get_flows
    }

    /// The `on_` hook of a step.
    pub fn on(&self, step: Step) -> Option<HandlerFn<Option<NextEvent>>> {
        self.on.get(&step).copied()
    }

    /// The `after_` hook of a step.
    pub fn after(&self, step: Step) -> Option<HandlerFn<()>> {
        self.after.get(&step).copied()
    }

    /// The hooks in the set.
    pub fn hooks(&self) -> impl Iterator<Item = Hook> + '_ {
        self.on.keys().copied().map(Hook::On).chain(self.after.keys().copied().map(Hook::After))
    }

    /// The handler that fetches the options of a field.
    pub fn prefetch(&self, field: &str) -> Option<HandlerFn<Vec<FieldOption>>> {
        self.prefetch.get(field).copied()
    }

    /// The handler that runs when a field changes. A handler named after its field, as in `on_change_repo_name`, also
    /// matches a field with dashes: `repo-name`.
    pub fn on_change(&self, field: &str) -> Option<OnChangeFn> {
        self.on_change.get(field).or_else(|| self.on_change.get(field.replace('-', "_").as_str())).copied()
    }

    /// Returns an iterator over the handlers, sorted by kind and field.
    pub fn iter(&self) -> impl Iterator<Item = &'static HandlerRecord> + '_ {
        self.records.values().copied()
    }
}
