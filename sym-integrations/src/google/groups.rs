//! Calls about groups.

use serde::Deserialize;
use sym_sdk::error::Result;

use super::errors::explain_missing;
use super::{Google, GoogleGroup};
use crate::http::{Next, Page, Paginator, Response};
use crate::kit::{Resource, null_as_default};

/// The largest page size: <https://developers.google.com/workspace/admin/directory/v1/limits>.
pub(super) const PAGE: u32 = 200;

#[derive(Deserialize)]
struct Groups {
    /// Absent if there are none.
    #[serde(default, deserialize_with = "null_as_default")]
    groups: Vec<Resource<GoogleGroup>>,
    #[serde(rename = "nextPageToken")]
    next: Option<String>,
}

impl Page for Groups {
    type Item = Resource<GoogleGroup>;

    fn next(&self, _: &Response) -> Result<Next> {
        Ok(Next::cursor("pageToken", self.next.as_deref()))
    }

    fn into_items(self) -> Vec<Self::Item> {
        self.groups
    }
}

impl Google {
    /// Lists the groups of the organization, or of one of its domains.
    /// [`GET /groups`](https://developers.google.com/workspace/admin/directory/reference/rest/v1/groups/list)
    ///
    /// ```
    /// # #[cfg(feature = "testing")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> sym_sdk::Result<()> {
    /// use sym_integrations::google::SimulatedGoogle;
    ///
    /// let google = SimulatedGoogle::new().member("admins@example.com", "ana@example.com").build()?;
    /// let groups = google.list_groups(None).await?;
    /// assert_eq!(groups[0].email, "admins@example.com");
    /// # Ok(())
    /// # }
    /// # #[cfg(not(feature = "testing"))]
    /// # fn main() {}
    /// ```
    pub fn list_groups(&self, domain: Option<&str>) -> Paginator<Resource<GoogleGroup>> {
        let call = self.0.get("groups", &[]).query("maxResults", PAGE);
        let call = match domain {
            Some(domain) => call.query("domain", domain),
            None => call.query("customer", self.customer()),
        };
        call.pages::<Groups>()
    }

    /// Looks up a group by its address, an alias of it, or its id.
    /// [`GET /groups/{group}`](https://developers.google.com/workspace/admin/directory/reference/rest/v1/groups/get)
    ///
    /// # Errors
    /// `Google:GROUP_NOT_FOUND` if there is no such group.
    pub async fn get_group(&self, group: &str) -> Result<Resource<GoogleGroup>> {
        explain_missing(self.0.get("groups/{group}", &[group]), group, None).await?.json()
    }
}
