//! A facade crate around `sym-sdk`, as a company may have one.

pub use std;
pub use sym_sdk;
