//! The arguments of the macro: `#[prefetch(field = "repo_name", crate = ::facade::sym_sdk)]`.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::ext::IdentExt as _;
use syn::parse::{ParseStream, Parser as _};
use syn::{LitStr, Path, Token};

use crate::diagnostics::Diagnostics;
use crate::kinds::Macro;
use crate::render::render;

/// The arguments of the macro. Each is valid by itself, but not yet checked against the function.
#[derive(Debug, Default)]
pub(crate) struct AttributeArgs {
    /// The name of the kind, as in `#[hook(on_request)]`.
    pub(crate) kind: Option<Ident>,
    /// The name of the form field.
    pub(crate) field: Option<LitStr>,
    /// The path to `sym_sdk`.
    pub(crate) krate: Option<Path>,
    /// Whether `field` is present, valid or not.
    pub(crate) has_field: bool,
    /// Whether `crate` is present, valid or not.
    pub(crate) has_krate: bool,
}

impl AttributeArgs {
    /// Parses all arguments. Continues after an invalid one.
    pub(crate) fn parse(attribute: Macro, tokens: TokenStream, diagnostics: &mut Diagnostics) -> Self {
        let mut args = Self::default();
        for argument in split_at_commas(tokens) {
            if let Err(error) = (|input: ParseStream<'_>| args.parse_one(attribute, input)).parse2(argument) {
                diagnostics.add(error);
            }
        }
        args
    }

    fn parse_one(&mut self, attribute: Macro, input: ParseStream<'_>) -> syn::Result<()> {
        if !input.peek(Ident::peek_any) {
            let tokens: TokenStream = input.parse()?;
            let message = format!("`{}` is not an argument of `#[{attribute}]`", render(&tokens));
            let help = match (attribute.is_named(), syn::parse2::<LitStr>(tokens.clone())) {
                (false, Ok(text)) => format!("\nhelp: #[{attribute}(field = {})]", text.token()),
                _ => String::new(),
            };
            return Err(syn::Error::new_spanned(tokens, message + &help));
        }
        let key = input.call(Ident::parse_any)?;
        let takes_value = input.peek(Token![=]);
        match key.to_string().as_str() {
            "field" if !attribute.is_named() => {
                let value = value(&key, "\"repo_name\"", input)?;
                check_unset(&key, self.has_field)?;
                self.has_field = true;
                self.field = Some(field_name(value)?);
            }
            "crate" => {
                let value = value(&key, "::facade::sym_sdk", input)?;
                check_unset(&key, self.has_krate)?;
                self.has_krate = true;
                self.krate = Some(absolute_path(value)?);
            }
            _ if attribute.is_named() && !takes_value => {
                let rest: TokenStream = input.parse()?;
                if !rest.is_empty() {
                    return Err(syn::Error::new_spanned(rest, "expected `,`"));
                }
                if self.kind.is_some() {
                    let message = format!("the name of the {attribute} is set more than once");
                    return Err(syn::Error::new_spanned(key, message));
                }
                self.kind = Some(key);
            }
            unknown => {
                let expected =
                    if attribute.is_named() { format!("the name of a {attribute}") } else { "`field`".to_owned() };
                let message = format!("unknown argument `{unknown}`; expected {expected} or `crate`");
                input.parse::<TokenStream>()?;
                return Err(syn::Error::new_spanned(key, message));
            }
        }
        Ok(())
    }
}

/// The tokens after `key =`.
fn value(key: &Ident, example: &str, input: ParseStream<'_>) -> syn::Result<TokenStream> {
    let equals: Option<Token![=]> = input.parse()?;
    let value: TokenStream = input.parse()?;
    if equals.is_none() || value.is_empty() {
        let message = format!("`{key}` requires a value\nhelp: {key} = {example}");
        return Err(syn::Error::new_spanned(key, message));
    }
    Ok(value)
}

fn check_unset(key: &Ident, is_set: bool) -> syn::Result<()> {
    if is_set { Err(syn::Error::new_spanned(key, format!("`{key}` is set more than once"))) } else { Ok(()) }
}

fn field_name(value: TokenStream) -> syn::Result<LitStr> {
    let Ok(literal) = syn::parse2::<LitStr>(value.clone()) else {
        let message = format!("field name must be a string literal, not `{}`", render(&value));
        return Err(syn::Error::new_spanned(value, message));
    };
    let name = literal.value();
    if name.is_empty() {
        return Err(syn::Error::new_spanned(literal, "field name must not be empty"));
    }
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if let Some(bad) = name.chars().find(|c| !is_allowed(*c)) {
        let message = format!("field name must not contain {bad:?}\nhelp: use letters, digits, `_` and `-`");
        return Err(syn::Error::new_spanned(literal, message));
    }
    Ok(literal)
}

fn absolute_path(value: TokenStream) -> syn::Result<Path> {
    let Ok(path) = Path::parse_mod_style.parse2(value.clone()) else {
        let message = format!(
            "`crate` must be a path, not `{}`\nhelp: write it without quotes: crate = ::facade::sym_sdk",
            render(&value)
        );
        return Err(syn::Error::new_spanned(value, message));
    };
    let first = path.segments.first().map(|segment| segment.ident.to_string()).unwrap_or_default();
    let text = render(&path);
    let help = match first.as_str() {
        _ if path.leading_colon.is_some() => return Ok(path),
        "crate" => return Ok(path),
        "self" | "super" => "start it with `crate::`, so that it resolves the same in every module".to_owned(),
        _ => format!("write `::{text}` if it is a dependency, `crate::{text}` if it is a module of this crate"),
    };
    let message = format!("`crate` must be an absolute path, `{text}` is relative\nhelp: {help}");
    Err(syn::Error::new_spanned(path.into_token_stream(), message))
}

fn split_at_commas(tokens: TokenStream) -> Vec<TokenStream> {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    tokens
        .split(|token| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ','))
        .filter(|argument| !argument.is_empty())
        .map(|argument| argument.iter().cloned().collect())
        .collect()
}
