//! PagerDuty, against a local server that filters, searches and pages as it does.

mod answers;
mod incidents;
mod lists;
mod on_call;
mod schedules;
mod vendor;
