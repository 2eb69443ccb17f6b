//! The approval template: the events a hook may ask for instead.

mod approval;
mod next_event;

pub use approval::ApprovalTemplate;
pub use next_event::{NextEvent, NextEventKind, TargetRef};
