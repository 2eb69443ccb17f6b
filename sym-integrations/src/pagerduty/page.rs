//! PagerDuty's pages: an offset and a limit, whose sum is limited too.

use std::sync::OnceLock;

use jiff::Timestamp;
use serde::Deserialize;
use sym_sdk::error::{ErrorKind, Result};

use super::client::PAGERDUTY;
use super::codes;
use super::model::{EscalationPolicy, Incident, OnCall, Person, Schedule, Service};
use crate::http::{Next, Page, Response};
use crate::kit::Resource;

/// The largest page size.
pub(super) const MAX_PAGE: u64 = 100;

/// The largest sum of offset and limit: <https://developer.pagerduty.com/docs/pagination>.
const MAX_OFFSET: u64 = 10_000;

macro_rules! pages {
    ($($page:ident { $list:ident: $item:ty })*) => {$(
        #[derive(Deserialize)]
        pub(super) struct $page {
            $list: Vec<$item>,
            more: bool,
            offset: u64,
        }

        impl Page for $page {
            type Item = $item;

            fn next(&self, _: &Response) -> Result<Next> {
                if self.more { next_page(stringify!($list), self.offset, self.$list.len()) } else { Ok(Next::End) }
            }

            fn into_items(self) -> Vec<$item> {
                self.$list
            }
        }
    )*};
}

pages! {
    People { users: Person }
    Schedules { schedules: Resource<Schedule> }
    EscalationPolicies { escalation_policies: Resource<EscalationPolicy> }
    Services { services: Resource<Service> }
    Incidents { incidents: Resource<Incident> }
}

/// On-call entries, each with the time at which PagerDuty listed it.
#[derive(Deserialize)]
pub(super) struct OnCalls {
    oncalls: Vec<OnCall>,
    more: bool,
    offset: u64,
    #[serde(skip)]
    listed_at: OnceLock<Timestamp>,
}

impl Page for OnCalls {
    type Item = OnCall;

    fn next(&self, response: &Response) -> Result<Next> {
        if let Some(date) = response.date() {
            // A page is read once.
            let _ = self.listed_at.set(date);
        }
        if self.more { next_page("oncalls", self.offset, self.oncalls.len()) } else { Ok(Next::End) }
    }

    fn into_items(mut self) -> Vec<OnCall> {
        for entry in &mut self.oncalls {
            entry.listed_at = self.listed_at.get().copied();
        }
        self.oncalls
    }
}

/// The offset is advanced by the number of items, since a page may be shorter than its limit: the items between would be skipped.
fn next_page(list: &str, offset: u64, count: usize) -> Result<Next> {
    let next = offset.saturating_add(u64::try_from(count).unwrap_or(MAX_OFFSET));
    if next.saturating_add(MAX_PAGE) > MAX_OFFSET {
        let message = format!("there are more {list} than the 10,000 that PagerDuty lists");
        return Err(PAGERDUTY
            .error(ErrorKind::InvalidInput, codes::TOO_MANY_RESULTS, message)
            .with_hint("narrow the query down: to a shorter time, or by another filter"));
    }
    Ok(Next::param("offset", next))
}
