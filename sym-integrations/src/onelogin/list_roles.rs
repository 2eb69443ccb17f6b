//! The query for roles, and the cache of their list.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::lock::Mutex;
use jiff::Timestamp;
use sym_sdk::BoxFuture;
use sym_sdk::error::Result;

use super::paging::pages;
use super::{OneLogin, OneLoginRole};
use crate::kit::{Resource, ServiceClient};

/// The time for which a list of all roles is kept. Several forms and flows that ask for roles at once share one.
const ROLES_TTL: Duration = Duration::from_secs(30);

/// The list of all roles, which one caller reads while the others wait for it.
#[derive(Clone, Default)]
pub(super) struct RoleCache(Arc<Mutex<Option<(Timestamp, Roles)>>>);

type Roles = Arc<[Resource<OneLoginRole>]>;

impl RoleCache {
    async fn all(&self, service: &ServiceClient) -> Result<Roles> {
        let mut cached = self.0.lock().await;
        let now = service.clock().now();
        if let Some((read, roles)) = &*cached
            && Duration::try_from(now.duration_since(*read)).is_ok_and(|age| age < ROLES_TTL)
        {
            return Ok(Arc::clone(roles));
        }
        let roles: Roles = pages(service.get("api/2/roles", &[])).await?.into();
        *cached = Some((service.clock().now(), Arc::clone(&roles)));
        Ok(roles)
    }
}

impl fmt::Debug for RoleCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoleCache").finish_non_exhaustive()
    }
}

/// A query for roles, which is awaited. See [`OneLogin::list_roles`].
///
/// The list of all roles is kept for half a minute, and read by one caller at a time, since OneLogin fails under the load of many
/// lists. A role that was created a moment ago may be missing; [`OneLogin::get_role`] finds it by its id.
#[derive(Clone, Debug)]
#[must_use = "a query does nothing until it is awaited"]
pub struct ListRoles {
    service: ServiceClient,
    cache: RoleCache,
    name: String,
}

impl ListRoles {
    pub(super) fn new(onelogin: &OneLogin) -> Self {
        Self { service: onelogin.service.clone(), cache: onelogin.roles.clone(), name: String::new() }
    }

    /// Only roles whose name contains a text, regardless of case.
    pub fn name_filter(mut self, text: impl Into<String>) -> Self {
        self.name = text.into().to_lowercase();
        self
    }
}

impl IntoFuture for ListRoles {
    type Output = Result<Vec<Resource<OneLoginRole>>>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let roles = self.cache.all(&self.service).await?;
            let matching = roles.iter().filter(|role| role.name().to_lowercase().contains(&self.name));
            Ok(matching.cloned().collect())
        })
    }
}
