use sym_sdk::prelude::*;

use std::sync::Arc;

#[reducer]
fn get_permissions() -> Result<RequestPermission> {
    Ok(RequestPermission::admins_only())
}

#[reducer]
async fn get_request_notifications() -> Result<Vec<Notification>> {
    Ok(vec![Notification::to(SlackChannelName::new("#approvals")?)])
}

#[reducer]
fn get_approvers() -> Result<SlackChannelName> {
    SlackChannelName::new("#approvals")
}

#[reducer]
fn get_identity() -> Option<String> {
    None
}

#[reducer]
async fn get_identity_lookup() -> Result<Option<String>> {
    Ok(None)
}

#[reducer]
async fn get_flows() -> Vec<Arc<Flow>> {
    Vec::new()
}

#[prefetch(field = "repo_name")]
fn repos() -> Vec<FieldOption> {
    Vec::new()
}

#[prefetch(field = "team-name")]
async fn teams() -> Result<Vec<FieldOption>> {
    Ok(vec![FieldOption::new("core", "Core")?])
}

#[on_change(field = "repo_name")]
async fn repo_changed(form: &mut PromptForm) -> Result<()> {
    form.field_mut("team-name")?.visible = true;
    Ok(())
}

fn main() {}
