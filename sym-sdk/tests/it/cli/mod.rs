//! The commands that work on a file and on a server alike, in processes of their own.

mod day;
mod lists;
mod place;
mod program;
mod requests;
mod server;
#[cfg(all(feature = "console", unix))]
mod sign_in;
mod world;

use world::{Way, World};
