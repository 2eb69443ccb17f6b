//! The registration of Slack's parts with [`all`](crate::all).
//!
//! The front end and its fake are joined here, so that neither the front end nor anything else depends on the fake.

use crate::plugins::Registration;

inventory::submit! { Registration::Other(|builder| builder.integration_type::<super::Slack>()) }

#[cfg(feature = "slack-app")]
inventory::submit! { Registration::FrontEnd(front_end_type) }

/// Returns the type of the Slack front end, together with its fake if that feature is enabled.
#[cfg(feature = "slack-app")]
fn front_end_type() -> sym_sdk::runtime::FrontEndType {
    let front_end = super::app::front_end_type();
    #[cfg(feature = "slack-fake")]
    let front_end = front_end.with_fake(super::fake::start);
    front_end
}
