//! The context of a forwarded request.

use serde::{Deserialize, Serialize};

use super::Notification;

/// The position of a forwarded request in its list of notifications. It is an argument of `request_forward` hooks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestForwardContext {
    #[serde(rename = "all_request_destinations")]
    pub(crate) all: Vec<Notification>,
    #[serde(rename = "current_destination_index")]
    pub(crate) current: usize,
    #[serde(rename = "next_destination_index")]
    pub(crate) next: Option<usize>,
}

impl RequestForwardContext {
    /// Creates a context for the notification with the index `current`, from 0.
    pub fn new(all: Vec<Notification>, current: usize) -> Self {
        let next = current.checked_add(1).filter(|next| *next < all.len());
        Self { all, current, next }
    }

    /// Returns all notifications, in order.
    pub fn all_request_destinations(&self) -> &[Notification] {
        &self.all
    }

    /// Returns the index of the notification that was delivered, from 0.
    pub fn current_destination_index(&self) -> usize {
        self.current
    }

    /// Returns the index of the next notification; `None` if the current one is the last.
    pub fn next_destination_index(&self) -> Option<usize> {
        self.next
    }

    /// Returns the notification that was delivered.
    pub fn current_notification(&self) -> Option<&Notification> {
        self.all.get(self.current)
    }

    /// Returns the next notification.
    pub fn next_notification(&self) -> Option<&Notification> {
        self.all.get(self.next?)
    }

    /// Returns whether the current notification is the last one.
    pub fn is_last(&self) -> bool {
        self.next.is_none()
    }
}
