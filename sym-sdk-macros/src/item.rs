//! The annotated function, parsed up to its body.

use proc_macro2::{Ident, TokenStream};
use syn::ext::IdentExt as _;
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Signature, Visibility};

/// A function with an unparsed body. While somebody types, the body may not parse, and the macro must not fail because of it.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) sig: Signature,
    pub(crate) body: TokenStream,
}

impl Parse for Item {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        Ok(Self {
            attrs: input.call(Attribute::parse_outer)?,
            vis: input.parse()?,
            sig: input.parse()?,
            body: input.parse()?,
        })
    }
}

impl Item {
    /// Whether the function ends with `;`, like a required method of a trait.
    pub(crate) fn is_bodiless(&self) -> bool {
        self.body.to_string() == ";"
    }
}

/// An item that is not a function.
#[derive(Debug)]
pub(crate) struct OtherItem {
    /// The keyword of the item, such as `struct` or `impl`.
    pub(crate) keyword: Ident,
}

impl Parse for OtherItem {
    /// Fails if the item is a function.
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        input.call(Attribute::parse_outer)?;
        input.parse::<Visibility>()?;
        let first = input.call(Ident::parse_any)?;
        let mut keyword = first.clone();
        let rest: TokenStream = input.parse()?;
        for token in rest {
            let proc_macro2::TokenTree::Ident(word) = token else { break };
            if word == "fn" {
                return Err(syn::Error::new_spanned(word, "a function"));
            }
            if word == "trait" || word == "impl" {
                keyword = word;
            }
        }
        if keyword == "fn" { Err(syn::Error::new_spanned(keyword, "a function")) } else { Ok(Self { keyword }) }
    }
}
