use sym_sdk::prelude::*;

use std::num::ParseIntError;

#[hook]
fn on_prompt() {}

#[hook]
fn on_request() -> NextEvent {
    ApprovalTemplate::approve()
}

#[hook]
async fn on_approve() -> Option<NextEvent> {
    None
}

#[hook]
async fn on_deny() -> Result<()> {
    Ok(())
}

#[hook]
fn on_escalate() -> Result<NextEvent, String> {
    Err("no".to_owned())
}

#[hook]
fn on_deescalate() -> Result<Option<NextEvent>, ParseIntError> {
    "1".parse::<u8>().map(|_| None)
}

#[hook]
fn after_deny() -> Result<(), &'static str> {
    Ok(())
}

#[hook]
fn after_approve() -> Result<(), HandlerError> {
    Ok("1".parse::<u8>().map(drop)?)
}

fn main() {}
