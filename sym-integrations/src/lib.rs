//! Typed clients and access strategies for `sym-sdk`.
