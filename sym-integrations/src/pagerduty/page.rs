//! PagerDuty's pages: an offset and a limit, which together have a limit of their own.

use serde::Deserialize;
use sym_sdk::error::{Error, ErrorKind, Result};

use super::error::{SERVICE, TOO_MANY_RESULTS};
use super::model::{EscalationPolicy, Incident, OnCall, Person, Schedule, Service};
use crate::http::{Next, Page, Response};

/// The most items that a page has.
pub(super) const PAGE: u64 = 100;

/// What offset and limit together may come to.
/// See <https://developer.pagerduty.com/docs/pagination>.
const REACH: u64 = 10_000;

macro_rules! pages {
    ($($page:ident { $list:ident: $item:ty })*) => {$(
        #[derive(Deserialize)]
        pub(super) struct $page {
            $list: Vec<$item>,
            more: bool,
            offset: u64,
            limit: u64,
        }

        impl Page for $page {
            type Item = $item;

            fn next(&self, _: &Response) -> Result<Next> {
                if self.more { next(stringify!($list), self.offset, self.limit) } else { Ok(Next::End) }
            }

            fn into_items(self) -> Vec<$item> {
                self.$list
            }
        }
    )*};
}

pages! {
    OnCalls { oncalls: OnCall }
    People { users: Person }
    Schedules { schedules: Schedule }
    EscalationPolicies { escalation_policies: EscalationPolicy }
    Services { services: Service }
    Incidents { incidents: Incident }
}

fn next(list: &str, offset: u64, limit: u64) -> Result<Next> {
    let next = offset.saturating_add(limit);
    if next.saturating_add(limit) > REACH {
        let message = format!("there are more {list} than the 10,000 that PagerDuty lists");
        let error = Error::new(ErrorKind::InvalidInput, TOO_MANY_RESULTS, message).with_service(SERVICE);
        return Err(error.with_hint("ask for less: for a shorter time, or with another filter"));
    }
    Ok(Next::param("offset", next))
}
