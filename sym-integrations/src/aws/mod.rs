//! Requests signed for AWS.
