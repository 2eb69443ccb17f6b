use serde::{Deserialize, Serialize};

use super::Notification;

/// Where a forwarded request stands in its list of notifications. Hooks of `request_forward` take it as an argument.
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
    /// The request is at `current` of these notifications, counted from 0.
    pub fn new(all: Vec<Notification>, current: usize) -> Self {
        let next = current.checked_add(1).filter(|next| *next < all.len());
        Self { all, current, next }
    }

    /// All notifications, in order.
    pub fn all_request_destinations(&self) -> &[Notification] {
        &self.all
    }

    /// Which one was tried, counted from 0.
    pub fn current_destination_index(&self) -> usize {
        self.current
    }

    /// Which one comes next; none if the current one is the last.
    pub fn next_destination_index(&self) -> Option<usize> {
        self.next
    }

    /// The notification that was tried.
    pub fn current_notification(&self) -> Option<&Notification> {
        self.all.get(self.current)
    }

    /// The notification that comes next.
    pub fn next_notification(&self) -> Option<&Notification> {
        self.all.get(self.next?)
    }

    /// Whether the current one is the last.
    pub fn is_last(&self) -> bool {
        self.next.is_none()
    }
}
