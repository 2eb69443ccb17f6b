//! Strategies of no vendor.
