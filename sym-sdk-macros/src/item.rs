//! The function under the attribute, read no further than its signature.

use proc_macro2::{Ident, TokenStream};
use syn::ext::IdentExt as _;
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Signature, Visibility};

/// A function whose body stays raw tokens, so that a body that does not parse yet is no fault of the macro.
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
    /// Whether it ends in `;`, as a trait's method may.
    pub(crate) fn is_bodiless(&self) -> bool {
        self.body.to_string() == ";"
    }
}

/// What stands where a function should.
#[derive(Debug)]
pub(crate) struct OtherItem {
    /// `struct`, `impl` and so on.
    pub(crate) keyword: Ident,
}

impl Parse for OtherItem {
    /// Fails if the item may be a function after all.
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
