//! The [rate limits](https://docs.slack.dev/apis/web-api/rate-limits) of Slack's methods, per workspace.

use crate::http::{ClientBuilder, RateLimit};

const TIER_2: RateLimit = RateLimit::per_minute(20);
const TIER_3: RateLimit = RateLimit::per_minute(50);
const TIER_4: RateLimit = RateLimit::per_minute(100);

/// The limit of each method; every method counts separately. `auth.test` and `apps.connections.open` have none here: the first
/// has a limit that is never reached, and reopening a socket must not wait for a minute.
const METHODS: [(&str, RateLimit); 13] = [
    ("chat.postEphemeral", TIER_4),
    ("chat.update", TIER_3),
    ("conversations.list", TIER_2),
    ("conversations.members", TIER_4),
    ("conversations.open", TIER_3),
    ("usergroups.users.list", TIER_2),
    ("users.info", TIER_4),
    ("users.list", TIER_2),
    ("users.lookupByEmail", TIER_3),
    ("views.open", TIER_4),
    ("views.publish", TIER_4),
    ("views.push", TIER_4),
    ("views.update", TIER_4),
];

pub(super) fn with_rate_limits(client: ClientBuilder) -> ClientBuilder {
    let client = METHODS.into_iter().fold(client, |client, (method, limit)| client.rate_limit(method, limit));
    // Slack limits messages per channel.
    client.keyed_rate_limit("chat.postMessage", RateLimit::per_second(1))
}
