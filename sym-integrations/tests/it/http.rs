//! The core on which all clients stand, against servers that answer well and badly.

mod calls;
mod connections;
mod paging;
mod rate_limits;
mod replay;
mod responses;
mod retries;
mod sample_client;
mod secrets;
pub(super) mod support;
mod tls;
