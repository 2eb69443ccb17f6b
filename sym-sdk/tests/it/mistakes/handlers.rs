//! The handlers of the flow, and some that are mistakes in it.

use sym_sdk::config::{SettingSchema, SettingsSchema};
use sym_sdk::integration::IntegrationConfig;
use sym_sdk::prelude::*;

pub(super) struct Limits;

pub(super) struct PagerDuty;

impl IntegrationClient for PagerDuty {
    const TYPE: &'static str = "pagerduty";
    const SETTINGS: SettingsSchema = SettingsSchema::closed(&[SettingSchema::required("api_token_secret")]);

    fn from_config(_: &IntegrationConfig<'_>) -> Result<Self> {
        Ok(Self)
    }
}

/// The handlers of a flow without mistakes.
pub(super) mod flow {
    use super::*;

    #[derive(Deserialize)]
    pub(in super::super) struct Form {
        urgency: Urgency,
        incident: Option<i64>,
    }

    #[derive(Deserialize)]
    pub(in super::super) enum Urgency {
        Low,
        High,
    }

    #[derive(Deserialize)]
    pub(in super::super) struct FlowVars {
        mode: Mode,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub(in super::super) enum Mode {
        Strict,
        Lax,
    }

    #[reducer]
    pub(in super::super) fn get_permissions(vars: Vars<FlowVars>) -> RequestPermission {
        RequestPermission::decided_by(match vars.mode {
            Mode::Strict => PermissionLevel::Admin,
            Mode::Lax => PermissionLevel::Member,
        })
    }

    #[reducer]
    pub(in super::super) fn get_request_notifications(event: &Event) -> Result<Vec<Notification>> {
        Ok(vec![Notification::to(SlackChannelName::new(event.flow().var("channel")?)?)])
    }

    #[prefetch(field = "repo")]
    pub(in super::super) fn repos() -> Result<Vec<FieldOption>> {
        Ok(vec![FieldOption::try_from("web")?])
    }

    #[hook]
    pub(in super::super) fn on_request(form: Fields<Form>, _pagerduty: &PagerDuty) -> Option<NextEvent> {
        let is_urgent = match form.urgency {
            Urgency::Low => false,
            Urgency::High => form.incident.is_some(),
        };
        is_urgent.then(ApprovalTemplate::approve)
    }

    #[hook]
    pub(in super::super) fn after_approve(_limits: State<Limits>) {}
}

/// Handlers that are mistakes beside those of the flow.
pub(super) mod more {
    use std::sync::Arc;

    use super::*;

    #[derive(Deserialize)]
    pub(in super::super) struct Form {
        reason: Reason,
    }

    #[derive(Deserialize)]
    pub(in super::super) enum Reason {
        Incident,
    }

    #[hook]
    pub(in super::super) fn on_request() {}

    #[reducer]
    pub(in super::super) fn get_approvers() -> Result<RequestDestination> {
        Ok(SlackChannelName::new("#access")?.into())
    }

    #[reducer]
    pub(in super::super) fn get_flows(flows: &Flows) -> Vec<Arc<sym_sdk::model::Flow>> {
        flows.to_vec()
    }

    #[hook]
    pub(in super::super) fn after_request(event: &Event) -> Result<()> {
        event.flow().var("chanel")?;
        Ok(())
    }

    #[hook]
    pub(in super::super) fn after_deny(form: Fields<Form>) {
        match form.reason {
            Reason::Incident => {}
        }
    }
}
