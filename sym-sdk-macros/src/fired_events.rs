//! Finds the events that an `on_` hook creates with `ApprovalTemplate`, for the compile-time check that a request only moves forward.
//!
//! Only tokens are known, so an event counts if it is created in the body of the hook itself. Those of other functions, and whatever
//! depends on the state of the request, are checked when the hook returns.

use proc_macro2::{Ident, TokenStream, TokenTree};

/// An event that is created in the body.
#[derive(Debug)]
pub(crate) struct FiredEvent {
    /// The name of the constructor.
    pub(crate) name: Ident,
    /// The variant of `Step`.
    pub(crate) step: &'static str,
}

/// The constructors of events that are steps, and the variants of `Step`.
const CONSTRUCTORS: [(&str, &str); 6] = [
    ("prompt", "Prompt"),
    ("request", "Request"),
    ("approve", "Approve"),
    ("deny", "Deny"),
    ("escalate", "Escalate"),
    ("deescalate", "Deescalate"),
];

/// Returns the events that are created in these tokens.
pub(crate) fn find(tokens: &TokenStream) -> Vec<FiredEvent> {
    let mut found = Vec::new();
    scan(tokens.clone(), &mut found);
    found
}

fn scan(tokens: TokenStream, found: &mut Vec<FiredEvent>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    for (at, token) in tokens.iter().enumerate() {
        match (token, tokens.get(at..at + 4)) {
            (TokenTree::Group(group), _) => scan(group.stream(), found),
            (_, Some([TokenTree::Ident(template), colon, colons, TokenTree::Ident(name)]))
                if template == "ApprovalTemplate" && is_colon(colon) && is_colon(colons) =>
            {
                let step = CONSTRUCTORS.iter().find(|(constructor, _)| name == constructor);
                found.extend(step.map(|(_, step)| FiredEvent { name: name.clone(), step }));
            }
            _ => {}
        }
    }
}

fn is_colon(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == ':')
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::*;

    #[test]
    fn finds_events_wherever_they_are_created() {
        let found = find(&quote!({
            if urgent {
                return Some(sym_sdk::template::ApprovalTemplate::approve().reason("on call"));
            }
            let other = || ApprovalTemplate::deny();
            Ok(Some(ApprovalTemplate::ignore()))
        }));
        assert_eq!(found.iter().map(|event| event.step).collect::<Vec<_>>(), ["Approve", "Deny"]);
    }

    #[test]
    fn leaves_out_what_is_no_event() {
        let found = find(&quote!({
            Template::approve();
            ApprovalTemplate::parse();
            approve();
            let ApprovalTemplate = x;
        }));
        assert!(found.is_empty(), "{found:?}");
    }
}
