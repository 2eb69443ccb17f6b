//! Just-in-time access workflows in Rust.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod config;
