//! Attribute macros of `sym-sdk`.
