//! The core on which all clients stand, against servers that answer well and badly.

mod answers;
mod calls;
mod connections;
mod directory;
mod paging;
mod rates;
mod replay;
mod retries;
mod secrets;
mod support;
mod tls;
