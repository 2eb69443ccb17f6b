//! Compiles the Rust code in the repository's README and in the guide to fields, as doctests, against the crates as users see them.

#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
pub struct Readme;

#[cfg(doctest)]
#[doc = include_str!("../../../sym-sdk/docs/fields.md")]
pub struct FieldsGuide;
