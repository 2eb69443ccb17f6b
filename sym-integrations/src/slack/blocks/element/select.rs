//! Select menus: of given options, of options that are loaded from the app, and of users.

use std::collections::HashSet;
use std::num::NonZeroU32;

use serde::Serialize;
use sym_sdk::error::Result;
use sym_sdk::routing::SlackUser;

use super::methods;
use crate::slack::blocks::confirm::Confirm;
use crate::slack::blocks::id::ActionId;
use crate::slack::blocks::limits;
use crate::slack::blocks::option::{MenuOptions, OptionObject};
use crate::slack::blocks::text::{PlainText, TextObject};
use crate::slack::blocks::validate::check_initial_count;

/// A menu from which one option is selected.
///
/// Slack's [reference](https://docs.slack.dev/reference/block-kit/block-elements/select-menu-element).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StaticSelect {
    action_id: ActionId,
    #[serde(flatten)]
    options: MenuOptions,
    #[serde(skip_serializing_if = "Option::is_none")]
    initial_option: Option<OptionObject>,
    #[serde(skip_serializing_if = "Option::is_none")]
    placeholder: Option<TextObject>,
    #[serde(skip_serializing_if = "Option::is_none")]
    confirm: Option<Confirm>,
}

impl StaticSelect {
    /// Creates a menu of [`Options`](crate::slack::blocks::Options) or of groups of options. Nothing is selected initially.
    pub fn new(action_id: ActionId, options: impl Into<MenuOptions>) -> Self {
        Self { action_id, options: options.into(), initial_option: None, placeholder: None, confirm: None }
    }

    /// Selects the option with this value initially.
    ///
    /// # Errors
    /// If the value is not one of the options.
    pub fn initial_value(mut self, value: impl AsRef<str>) -> Result<Self> {
        self.initial_option = Some(self.options.select(value.as_ref())?);
        Ok(self)
    }
}

/// A menu from which several options can be selected.
///
/// Slack's [reference](https://docs.slack.dev/reference/block-kit/block-elements/multi-select-menu-element).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MultiStaticSelect {
    action_id: ActionId,
    #[serde(flatten)]
    options: MenuOptions,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    initial_options: Vec<OptionObject>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_selected_items: Option<NonZeroU32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    placeholder: Option<TextObject>,
}

impl MultiStaticSelect {
    /// Creates a menu of [`Options`](crate::slack::blocks::Options) or of groups of options. Nothing is selected initially.
    pub fn new(action_id: ActionId, options: impl Into<MenuOptions>) -> Self {
        let (initial_options, max_selected_items, placeholder) = Default::default();
        Self { action_id, options: options.into(), initial_options, max_selected_items, placeholder }
    }

    /// Selects the options with these values initially.
    ///
    /// # Errors
    /// If a value is not one of the options, or there are more than 100 or the maximum.
    pub fn initial_values<V: AsRef<str>>(mut self, values: impl IntoIterator<Item = V>) -> Result<Self> {
        let selected: Result<Vec<_>> = values.into_iter().map(|value| self.options.select(value.as_ref())).collect();
        self.initial_options = without_duplicates(selected?);
        check_initial_count(self.initial_options.len(), self.max_selected_items)?;
        Ok(self)
    }
}

/// A menu that requests its options from the app while the user types, from which one option is selected. The app responds
/// with [`Suggestions`](crate::slack::blocks::Suggestions).
///
/// Slack's [reference](https://docs.slack.dev/reference/block-kit/block-elements/select-menu-element#external_select).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExternalSelect {
    action_id: ActionId,
    #[serde(skip_serializing_if = "Option::is_none")]
    initial_option: Option<OptionObject>,
    min_query_length: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    placeholder: Option<TextObject>,
}

impl ExternalSelect {
    /// Creates a menu that requests options as soon as it opens. Nothing is selected initially.
    pub fn new(action_id: ActionId) -> Self {
        Self { action_id, initial_option: None, min_query_length: 0, placeholder: None }
    }

    /// Selects this option initially.
    pub fn initial_option(mut self, option: OptionObject) -> Self {
        self.initial_option = Some(option);
        self
    }
}

/// A menu that requests its options from the app while the user types, from which several options can be selected. The app
/// responds with [`Suggestions`](crate::slack::blocks::Suggestions).
///
/// Slack's [reference](https://docs.slack.dev/reference/block-kit/block-elements/multi-select-menu-element#external_multi_select).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MultiExternalSelect {
    action_id: ActionId,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    initial_options: Vec<OptionObject>,
    min_query_length: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_selected_items: Option<NonZeroU32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    placeholder: Option<TextObject>,
}

impl MultiExternalSelect {
    /// Creates a menu that requests options as soon as it opens. Nothing is selected initially.
    pub fn new(action_id: ActionId) -> Self {
        let (initial_options, max_selected_items, placeholder) = Default::default();
        Self { action_id, initial_options, min_query_length: 0, max_selected_items, placeholder }
    }

    /// Selects these options initially. Options whose value has occurred before are dropped.
    ///
    /// # Errors
    /// If there are more than 100 or the maximum.
    pub fn initial_options(mut self, options: impl IntoIterator<Item = OptionObject>) -> Result<Self> {
        self.initial_options = without_duplicates(options.into_iter().collect());
        check_initial_count(self.initial_options.len(), self.max_selected_items)?;
        Ok(self)
    }
}

/// A menu of the workspace's users, from which one user is selected.
///
/// Slack's [reference](https://docs.slack.dev/reference/block-kit/block-elements/select-menu-element#users_select).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UsersSelect {
    action_id: ActionId,
    #[serde(skip_serializing_if = "Option::is_none")]
    initial_user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    placeholder: Option<TextObject>,
}

impl UsersSelect {
    /// Creates a menu in which no user is selected initially.
    pub fn new(action_id: ActionId) -> Self {
        Self { action_id, initial_user: None, placeholder: None }
    }

    /// Selects this user initially.
    pub fn initial_user(mut self, user: &SlackUser) -> Self {
        self.initial_user = Some(user.user_id().to_owned());
        self
    }
}

/// A menu of the workspace's users, from which several users can be selected.
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
    placeholder: Option<TextObject>,
}

impl MultiUsersSelect {
    /// Creates a menu in which no users are selected initially.
    pub fn new(action_id: ActionId) -> Self {
        let (initial_users, max_selected_items, placeholder) = Default::default();
        Self { action_id, initial_users, max_selected_items, placeholder }
    }

    /// Selects these users initially. Duplicates are dropped.
    ///
    /// # Errors
    /// If there are more than 100 or the maximum.
    pub fn initial_users<'a>(mut self, users: impl IntoIterator<Item = &'a SlackUser>) -> Result<Self> {
        let mut seen = HashSet::new();
        let ids = users.into_iter().map(SlackUser::user_id).filter(|id| seen.insert(*id));
        self.initial_users = ids.map(str::to_owned).collect();
        check_initial_count(self.initial_users.len(), self.max_selected_items)?;
        Ok(self)
    }
}

methods! {
    StaticSelect: action_id, confirm, placeholder;
    MultiStaticSelect: action_id, max_selected_items(initial_options), placeholder;
    ExternalSelect: action_id, min_query_length, placeholder;
    MultiExternalSelect: action_id, max_selected_items(initial_options), min_query_length, placeholder;
    UsersSelect: action_id, placeholder;
    MultiUsersSelect: action_id, max_selected_items(initial_users), placeholder;
}

fn without_duplicates(options: Vec<OptionObject>) -> Vec<OptionObject> {
    let mut seen = HashSet::new();
    options.into_iter().filter(|option| seen.insert(option.value().clone())).collect()
}
