//! The commands that work on a file and on a server alike, in processes of their own.

mod day;
mod place;
mod program;
mod requests;
mod world;

use world::{Way, World};
