//! The approval template: its steps, and the events a hook may ask for instead.

mod approval;
mod next_event;
mod output;
mod step;

pub use approval::ApprovalTemplate;
pub use next_event::{NextEvent, NextEventKind, TargetRef};
pub use output::StepOutput;
pub use step::Step;
