//! Jira.

mod documents;
mod failures;
mod issues;
mod search;
