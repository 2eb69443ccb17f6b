//! The approval machine.

mod operate;
mod properties;
mod rules;
mod world;
