//! The addresses of delivered messages, for those who look at a request elsewhere.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;

use super::Runtime;
use super::bounded_call::call_bounded;
use crate::machine::{MessageRef, RunState};

/// Time limit for the address of a message. Whoever waits for it can do without.
const LINK_TIMEOUT: Duration = Duration::from_secs(2);

impl Runtime {
    /// Returns the addresses at which people see the messages of a request, by the names of the front ends: the latest message of each, as
    /// far as it has an address.
    pub(crate) async fn message_links(&self, state: &RunState) -> BTreeMap<String, String> {
        // Those of an extension are the ones that are current while it is decided.
        let of_extension = state.extension.iter().flat_map(|extension| &extension.delivered);
        let delivered = state.delivered.iter().chain(of_extension).map(|delivered| &delivered.message);
        let latest: BTreeMap<&str, &MessageRef> =
            delivered.map(|message| (message.front_end.as_str(), message)).collect();
        let links = latest.into_iter().map(|(name, message)| async move {
            let front_end = self.executor.deliveries.iter().find(|delivery| delivery.name() == name)?;
            let link = async { front_end.link(message).await };
            let asked = call_bounded(&*self.executor.clock, LINK_TIMEOUT, || format!("front end `{name}`"), link);
            match asked.await {
                Ok(link) => link.map(|link| (name.to_owned(), link)),
                Err(error) => {
                    tracing::debug!(%error, "a front end gave no address of a message");
                    None
                }
            }
        });
        join_all(links).await.into_iter().flatten().collect()
    }
}
