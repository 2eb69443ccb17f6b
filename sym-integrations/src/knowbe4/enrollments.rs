//! The query for training enrollments.

use std::cmp::Reverse;

use sym_sdk::BoxFuture;
use sym_sdk::error::Result;
use sym_sdk::model::User;

use super::{KnowBe4, TrainingEnrollment};
use crate::kit::Resource;

/// A query for the training enrollments of a user, which is awaited. See
/// [`KnowBe4::get_training_enrollments_for_user`].
#[derive(Clone, Debug)]
#[must_use = "a query does nothing until it is awaited"]
pub struct TrainingEnrollments<'a> {
    client: &'a KnowBe4,
    user: &'a User,
    campaign_id: Option<u64>,
    store_purchase_id: Option<u64>,
}

impl KnowBe4 {
    /// Returns the training enrollments of a user, the latest first.
    /// [`GET /training/enrollments`](https://developer.knowbe4.com/rest/reporting#tag/Training/paths/~1v1~1training~1enrollments/get)
    ///
    /// A user can be enrolled in one training several times, in the campaigns of several years: passed in one, and past due in another. So
    /// decide over all of them, and never by the first alone.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> sym_sdk::Result<()> {
    /// use serde_json::json;
    /// use sym_integrations::knowbe4::{KnowBe4, SimulatedKnowBe4};
    /// use sym_sdk::model::User;
    ///
    /// let passed = json!({ "enrollment_id": 1, "status": "Passed", "campaign_id": 7 });
    /// let knowbe4 = SimulatedKnowBe4::new().enrollment("ana@example.com", passed).build()?;
    /// let ana = User::from_email("ana@example.com")?;
    /// let enrollments = knowbe4.get_training_enrollments_for_user(&ana).campaign_id(7).await?;
    /// // An empty list says that the user is not enrolled.
    /// assert!(!enrollments.is_empty() && enrollments.iter().all(|enrollment| enrollment.is_complete()));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Identity:NOT_FOUND` if the user has no known account in KnowBe4.
    pub fn get_training_enrollments_for_user<'a>(&'a self, user: &'a User) -> TrainingEnrollments<'a> {
        TrainingEnrollments { client: self, user, campaign_id: None, store_purchase_id: None }
    }
}

impl TrainingEnrollments<'_> {
    /// Only enrollments of a campaign.
    pub fn campaign_id(mut self, id: u64) -> Self {
        self.campaign_id = Some(id);
        self
    }

    /// Only enrollments in a training that was purchased in the store.
    pub fn store_purchase_id(mut self, id: u64) -> Self {
        self.store_purchase_id = Some(id);
        self
    }

    async fn fetch(self) -> Result<Vec<Resource<TrainingEnrollment>>> {
        let user = self.client.get_user_info(self.user).await?;
        let mut filter = vec![("user_id", user.id.to_string())];
        filter.extend(self.campaign_id.map(|id| ("campaign_id", id.to_string())));
        filter.extend(self.store_purchase_id.map(|id| ("store_purchase_id", id.to_string())));
        // KnowBe4 leaves these members out unless they are asked for.
        for more in ["include_campaign_id", "include_store_purchase_id", "include_employee_number"] {
            filter.push((more, true.to_string()));
        }
        let mut enrollments = self.client.list::<TrainingEnrollment>("training/enrollments", filter).await?;
        enrollments.sort_by_key(|enrollment| Reverse((enrollment.enrolled_at(), enrollment.completed_at())));
        Ok(enrollments)
    }
}

impl<'a> IntoFuture for TrainingEnrollments<'a> {
    type Output = Result<Vec<Resource<TrainingEnrollment>>>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.fetch())
    }
}
