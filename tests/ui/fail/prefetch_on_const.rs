use sym_sdk::prelude::*;

#[prefetch(field = "repo_name")]
const REPOS: &[&str] = &["sym-sdk"];

fn main() {}
