//! Compiles the Rust code in the repository's README, as doctests, against the crates as users see them.

#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
pub struct Readme;
