//! The approval machine.

mod abilities;
mod access;
mod agents;
mod bounds;
mod decisions;
mod diagram;
mod endings;
mod extensions;
mod forwarding;
mod harness;
mod hook_overrides;
mod lifetime;
mod operator_actions;
mod permissions;
mod properties;
mod receipts;
mod resending;
mod settling;
