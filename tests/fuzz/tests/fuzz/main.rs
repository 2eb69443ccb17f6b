//! Fuzzing of everything that parses what others have written: people, services, files and older versions.
//!
//! Each target has a property that must hold for every input; that nothing panics, overflows the stack or runs without end is part of
//! all of them. Inputs are mutations of the samples in `corpus` and, for Terraform, of the flows in `tests/flows`.
//!
//! - `cargo test -p fuzz` checks the samples and a few hundred mutations, always the same;
//! - `FUZZ_SECONDS=60 cargo test -p fuzz` searches each target for a minute, and prints how many inputs it tried. `FUZZ_SEED=7` searches
//!   elsewhere.
//!
//! An input that breaks a property is made small and added to the corpus, where it stays as a test.
//!
//! The search is not guided by coverage, which needs a nightly compiler. The samples have to reach the code; add one for each form of
//! input that a parser learns.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "clippy's exception for tests leaves out their helpers"
)]

mod audit_lines;
mod link_header;
mod mrkdwn;
mod mutation;
mod request_inputs;
mod run_state;
mod slack_request;
mod srn;
mod sts_response;
mod target;
mod terraform;
mod terraform_expressions;
