//! A build requests its own deployment. Changes that leave the infrastructure alone are approved immediately, others by a
//! person. The approval resumes the job.

use sym_sdk::prelude::*;

use crate::clients::CircleCi;

/// Members decide, but not on their own requests.
#[reducer]
pub fn get_permissions() -> RequestPermission {
    RequestPermission::decided_by(PermissionLevel::Member).seen_by(PermissionLevel::Admin).allow_self_approval(false)
}

/// Notifies the channel of the platform team.
#[reducer]
pub fn get_request_notifications(event: &Event) -> Result<Vec<Notification>> {
    Ok(vec![Notification::to(SlackChannelName::new(event.flow().var("request_channel")?)?)])
}

/// Approves a change that touches no Terraform file. The build sends the list of files in the context of the request.
#[hook]
pub fn on_request(event: &Event) -> Result<Option<NextEvent>> {
    let context = event.context(Step::Request);
    let files = context.and_then(|context| context.get("diff.txt")).and_then(|files| files.as_str());
    let Some(files) = files else {
        let error = Error::handler("the request has no `diff.txt` in its context");
        return Err(error.with_hint("have the build send the output of `git diff --name-only`"));
    };
    if files.lines().any(|file| file.trim().ends_with(".tf")) {
        return Ok(None);
    }
    Ok(Some(ApprovalTemplate::approve().reason("the infrastructure is unchanged")))
}

/// Resumes the waiting job.
#[hook]
pub async fn on_approve(event: &Event, circleci: &CircleCi) -> Result<()> {
    let fields = event.fields();
    circleci.approve_job(fields.text("workflow_id")?, fields.text("job_id")?).await
}
