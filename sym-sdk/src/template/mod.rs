//! The approval template: the events that an `on_` hook can fire in place of the incoming one.

mod approval;
mod next_event;

pub use approval::ApprovalTemplate;
pub use next_event::{NextEvent, NextEventKind, TargetRef};
