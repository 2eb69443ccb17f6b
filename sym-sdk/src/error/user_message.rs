//! The text of an error for the person whose action failed.

use super::{Error, ErrorKind, codes};

impl Error {
    /// Returns whether the error refuses what somebody did, so that trying again has the same outcome, as opposed to a temporary failure.
    pub fn is_refusal(&self) -> bool {
        match self.kind() {
            ErrorKind::Forbidden
            | ErrorKind::Conflict
            | ErrorKind::NotFound
            | ErrorKind::InvalidInput
            | ErrorKind::Identity
            | ErrorKind::Handler => true,
            // A limit of the runtime on what people do, and not one of a service.
            ErrorKind::RateLimited => *self.code() == codes::TOO_MANY_REQUESTS,
            _ => false,
        }
    }

    /// Returns the text of the error for the person whose action failed, as sentences.
    ///
    /// Only refusals are told in full. The messages of handlers, services and temporary failures may contain internals, so nothing but
    /// their code is told.
    ///
    /// ```
    /// use sym_sdk::error::{Error, ErrorKind, codes};
    ///
    /// let error = Error::new(ErrorKind::Forbidden, codes::NOT_PERMITTED, "guests cannot make requests");
    /// let error = error.with_hint("ask an administrator to make you a member");
    /// assert_eq!(error.user_message(), "Guests cannot make requests. Ask an administrator to make you a member.");
    ///
    /// let error = Error::handler("no route to 10.0.0.7");
    /// assert_eq!(error.user_message(), "Something went wrong (SymSDK:HANDLER_FAILED). Please try again.");
    /// ```
    pub fn user_message(&self) -> String {
        let is_of_service = self.service().is_some() && self.code().error_type() != "SymSDK";
        if !self.is_refusal() || self.kind() == ErrorKind::Handler || is_of_service {
            return format!("Something went wrong ({}). Please try again.", self.code());
        }
        let message = sentence(self.message());
        match self.hint() {
            Some(hint) => format!("{message} {}", sentence(hint)),
            None => message,
        }
    }
}

/// Capitalizes a text and ends it with a full stop.
fn sentence(text: &str) -> String {
    let mut sentence: String = text.chars().take(1).flat_map(char::to_uppercase).collect();
    sentence.extend(text.chars().skip(1));
    if !sentence.ends_with(['.', '!', '?']) {
        sentence.push('.');
    }
    sentence
}
