//! The instance of Identity Center that a client works on, and its identity store.
//!
//! The region decides which instances are found, and AWS says nothing if there is none: an ARN has no region, and a wrong one yields an empty
//! list. So the error names the region that was asked. Of several instances none is chosen by its position.

use std::sync::{Arc, OnceLock};

use serde::Deserialize;
use serde_json::json;
use sym_sdk::error::{ErrorKind, Result, codes as sdk_codes};

use super::client::{SSO, Service, list};
use super::in_flight::InFlight;
use super::{AwsSso, codes};
use crate::aws::{Arn, Region};

/// An instance, with the limit of the changes in flight, which all clients in the process share.
#[derive(Debug)]
pub(super) struct Instance {
    pub(super) arn: Arn,
    pub(super) identity_store_id: String,
    pub(super) in_flight: Arc<InFlight>,
}

/// Finds the instance when it is first needed.
#[derive(Debug, Default)]
pub(super) struct InstanceResolver {
    configured: Option<Arn>,
    region: Option<Region>,
    /// The account whose role calls AWS, if it is known.
    pub(super) role_account: Option<String>,
    found: OnceLock<Instance>,
}

impl InstanceResolver {
    pub(super) fn new(configured: Option<Arn>, region: Region, role_account: Option<String>) -> Self {
        Self { configured, region: Some(region), role_account, found: OnceLock::new() }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListedInstance {
    instance_arn: String,
    identity_store_id: String,
}

pub(super) fn is_instance_arn(text: &str) -> bool {
    Arn::parse(text).is_ok_and(|arn| arn.service() == "sso" && arn.resource().starts_with("instance/"))
}

impl AwsSso {
    /// Returns the ARN of the instance.
    /// [`ListInstances`](https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_ListInstances.html)
    ///
    /// # Errors
    /// `AWSSSO:INSTANCE_NOT_FOUND` if it is not in the region, or if there are several and none is configured.
    pub async fn instance_arn(&self) -> Result<Arn> {
        Ok(self.instance().await?.arn.clone())
    }

    pub(super) async fn instance(&self) -> Result<&Instance> {
        if let Some(instance) = self.instances.found.get() {
            return Ok(instance);
        }
        let call = self.operation(Service::SsoAdmin, "ListInstances", &json!({ "MaxResults": 100 }))?;
        let listed: Vec<ListedInstance> = list(call, "Instances").await?;
        let arn = self.choose(&listed)?;
        let found = listed.into_iter().find(|instance| instance.instance_arn == arn.as_str());
        let identity_store_id = found.map(|instance| instance.identity_store_id).unwrap_or_default();
        let in_flight = InFlight::of(arn.as_str());
        Ok(self.instances.found.get_or_init(|| Instance { arn, identity_store_id, in_flight }))
    }

    fn choose(&self, listed: &[ListedInstance]) -> Result<Arn> {
        let region = self.instances.region.as_ref().map_or("?", Region::as_str);
        let arns: Vec<_> = listed.iter().map(|instance| format!("`{}`", instance.instance_arn)).collect();
        let message = match (&self.instances.configured, listed) {
            (Some(arn), _) if listed.iter().any(|instance| instance.instance_arn == arn.as_str()) => {
                return Ok(arn.clone());
            }
            (None, [only]) => return Arn::parse(&only.instance_arn),
            (Some(arn), []) => {
                format!("region `{region}` has no instance of Identity Center, and `{arn}` is configured")
            }
            (Some(arn), _) => {
                format!("region `{region}` has no instance `{arn}` of Identity Center, but {}", arns.join(", "))
            }
            (None, []) => format!("region `{region}` has no instance of Identity Center"),
            (None, _) => {
                format!("region `{region}` has several instances of Identity Center: {}", arns.join(", "))
            }
        };
        let hint = match listed.len() {
            0 => "set `region` of the integration to the region of Identity Center",
            _ => "set `instance_arn` of the strategy or the integration to the instance",
        };
        Err(SSO.error(ErrorKind::Configuration, codes::INSTANCE_NOT_FOUND, message).with_hint(hint))
    }

    /// Returns an id of the identity store without the id of the store, which Terraform's resources have in front.
    pub(super) async fn store_object_id<'a>(&self, id: &'a str) -> Result<&'a str> {
        let Some((store, object)) = id.split_once('/') else { return Ok(id) };
        let own = &self.instance().await?.identity_store_id;
        if store == own {
            return Ok(object);
        }
        let message =
            format!("`{}` is an id of identity store `{store}`, and the instance has `{own}`", id.escape_debug());
        Err(SSO.error(ErrorKind::Configuration, sdk_codes::CONFIGURATION, message))
    }
}
