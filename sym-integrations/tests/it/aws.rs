//! Requests signed for AWS, and roles.
