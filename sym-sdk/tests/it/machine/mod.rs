//! The approval machine.

mod properties;
mod rules;
mod world;
