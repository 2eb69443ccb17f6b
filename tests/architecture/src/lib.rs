//! The layers of sym-sdk: which module may depend on which. See `tests/layers.rs`.
