//! Handlers that several programs of an organization share. A program links this crate, and its flows name the modules.
//!
//! The modules are public for the documentation only: the macros register handlers, whatever their visibility.

pub mod reviewed;
pub mod team;
