//! Like a company's own crate around `sym-sdk`.

pub use std;
pub use sym_sdk;
