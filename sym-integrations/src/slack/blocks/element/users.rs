use std::num::NonZeroU32;

use serde::Serialize;
use sym_sdk::error::Result;
use sym_sdk::routing::SlackUser;

use crate::slack::blocks::id::ActionId;
use crate::slack::blocks::invalid::pickable;
use crate::slack::blocks::limits;
use crate::slack::blocks::text::{PlainText, Shown};

/// A menu of the people of the workspace, of whom one is picked.
///
/// Slack's [reference](https://docs.slack.dev/reference/block-kit/block-elements/select-menu-element#users_select).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UsersSelect {
    action_id: ActionId,
    #[serde(skip_serializing_if = "Option::is_none")]
    initial_user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    placeholder: Option<Shown>,
}

impl UsersSelect {
    /// A menu of which nobody is picked yet.
    pub fn new(action_id: ActionId) -> Self {
        Self { action_id, initial_user: None, placeholder: None }
    }

    /// Picks this person from the start.
    pub fn initial_user(mut self, user: &SlackUser) -> Self {
        self.initial_user = Some(user.user_id().to_owned());
        self
    }

    /// Shown while nobody is picked, in 150 characters.
    pub fn placeholder(mut self, text: impl Into<PlainText>) -> Self {
        self.placeholder = text.into().cut_unless_blank(limits::PLACEHOLDER);
        self
    }

    /// What it goes by in what Slack sends.
    pub fn action_id(&self) -> &ActionId {
        &self.action_id
    }
}

/// A menu of the people of the workspace, of whom several can be picked.
///
/// Slack's [reference](https://docs.slack.dev/reference/block-kit/block-elements/multi-select-menu-element#users_multi_select).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MultiUsersSelect {
    action_id: ActionId,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    initial_users: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_selected_items: Option<NonZeroU32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    placeholder: Option<Shown>,
}

impl MultiUsersSelect {
    /// A menu of which nobody is picked yet.
    pub fn new(action_id: ActionId) -> Self {
        let (initial_users, max_selected_items, placeholder) = Default::default();
        Self { action_id, initial_users, max_selected_items, placeholder }
    }

    /// Picks these people from the start, each once and at most 100.
    pub fn initial_users<'a>(mut self, users: impl IntoIterator<Item = &'a SlackUser>) -> Result<Self> {
        let mut seen = std::collections::HashSet::new();
        let ids = users.into_iter().map(SlackUser::user_id).filter(|id| seen.insert(*id));
        self.initial_users = ids.map(str::to_owned).collect();
        self.checked()
    }

    /// How many can be picked. An error if more are picked from the start.
    pub fn max_selected_items(mut self, most: NonZeroU32) -> Result<Self> {
        self.max_selected_items = Some(most);
        self.checked()
    }

    /// Shown while nobody is picked, in 150 characters.
    pub fn placeholder(mut self, text: impl Into<PlainText>) -> Self {
        self.placeholder = text.into().cut_unless_blank(limits::PLACEHOLDER);
        self
    }

    /// What it goes by in what Slack sends.
    pub fn action_id(&self) -> &ActionId {
        &self.action_id
    }

    fn checked(self) -> Result<Self> {
        pickable(self.initial_users.len(), self.max_selected_items)?;
        Ok(self)
    }
}
