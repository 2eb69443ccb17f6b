//! Destinations that are tried one after the other.

use serde::{Deserialize, Serialize};

use super::RequestDestination;
use crate::error::{Error, Result, codes};

/// Destinations that are tried one after the other. It is a result of the deprecated reducer `get_approvers`.
///
/// ```
/// use sym_sdk::prelude::*;
///
/// let on_call = SlackUser::new("U12345")?.timeout(Duration::from_secs(600));
/// let team = SlackUser::new("U67890")?;
/// let fallback = Fallback::new([on_call, team])?.continue_on_timeout(true);
/// assert_eq!(fallback.destinations().len(), 2);
/// assert!(Fallback::new([SlackUser::new("U12345")?]).is_err());
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "RawFallback")]
pub struct Fallback {
    destinations: Vec<RequestDestination>,
    continue_on_delivery_failure: bool,
    continue_on_timeout: bool,
}

#[derive(Deserialize)]
struct RawFallback {
    destinations: Vec<RequestDestination>,
    continue_on_delivery_failure: Option<bool>,
    continue_on_timeout: Option<bool>,
}

impl Fallback {
    /// Creates a fallback of at least two destinations. By default, the next one is tried after a failed delivery, and not after a
    /// timeout.
    ///
    /// # Errors
    /// If there are fewer than two destinations.
    pub fn new<D: Into<RequestDestination>>(destinations: impl IntoIterator<Item = D>) -> Result<Self> {
        let destinations: Vec<RequestDestination> = destinations.into_iter().map(Into::into).collect();
        if destinations.len() < 2 {
            let message = format!("a fallback must have at least 2 destinations, got {}", destinations.len());
            return Err(Error::invalid(codes::INVALID_DESTINATION, message));
        }
        Ok(Self { destinations, continue_on_delivery_failure: true, continue_on_timeout: false })
    }

    /// Sets whether the next destination is tried after a failed delivery.
    pub fn continue_on_delivery_failure(mut self, enabled: bool) -> Self {
        self.continue_on_delivery_failure = enabled;
        self
    }

    /// Sets whether the next destination is tried after a timeout.
    pub fn continue_on_timeout(mut self, enabled: bool) -> Self {
        self.continue_on_timeout = enabled;
        self
    }

    /// Returns the destinations, in order.
    pub fn destinations(&self) -> &[RequestDestination] {
        &self.destinations
    }

    /// Returns whether the next destination is tried after a failed delivery.
    pub fn continues_on_delivery_failure(&self) -> bool {
        self.continue_on_delivery_failure
    }

    /// Returns whether the next destination is tried after a timeout.
    pub fn continues_on_timeout(&self) -> bool {
        self.continue_on_timeout
    }
}

impl TryFrom<RawFallback> for Fallback {
    type Error = Error;

    fn try_from(raw: RawFallback) -> Result<Self> {
        Ok(Self::new(raw.destinations)?
            .continue_on_delivery_failure(raw.continue_on_delivery_failure.unwrap_or(true))
            .continue_on_timeout(raw.continue_on_timeout.unwrap_or(false)))
    }
}
