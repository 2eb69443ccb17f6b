//! Collects faults, so that one compile reports all of a handler's.

use proc_macro2::TokenStream;
use quote::ToTokens;

/// The faults found so far.
#[derive(Debug, Default)]
pub(crate) struct Faults(Option<syn::Error>);

impl Faults {
    /// Reports a fault at `place`.
    pub(crate) fn push(&mut self, place: impl ToTokens, message: impl std::fmt::Display) {
        self.add(syn::Error::new_spanned(place, message));
    }

    /// Reports a fault at `place`, and what to do about it.
    pub(crate) fn push_with_help(
        &mut self,
        place: impl ToTokens,
        message: impl std::fmt::Display,
        help: impl std::fmt::Display,
    ) {
        self.push(place, format_args!("{message}\nhelp: {help}"));
    }

    /// Takes over an error of the parser.
    pub(crate) fn add(&mut self, error: syn::Error) {
        match &mut self.0 {
            Some(first) => first.combine(error),
            none => *none = Some(error),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// One `compile_error!` for each fault.
    pub(crate) fn into_compile_errors(self) -> TokenStream {
        self.0.map(|error| error.to_compile_error()).unwrap_or_default()
    }
}
