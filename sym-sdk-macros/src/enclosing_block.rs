//! Finds the impl or the trait that a function is in, which the input of a macro does not show.
//!
//! A handler there must not expand to items, because none of them is allowed in a block: the compiler would report a struct that its author
//! never wrote. So the source file is read, with a mark where the macro stands. If that fails, as in an editor or in the expansion of
//! another macro, the compiler's own error remains.

use proc_macro2::Span;
use syn::{Attribute, ImplItem, Item, TraitItem};

/// The attribute that marks the function. Nobody writes it.
const MARK: &str = "__sym_handler_is_here";

/// Returns the keyword of the block, `impl` or `trait`, around the function to which the macro is applied.
pub(crate) fn enclosing_block() -> Option<&'static str> {
    if !proc_macro::is_available() {
        return None;
    }
    let start = Span::call_site().unwrap().start();
    // Nearly all handlers are items of a file, and start its line.
    if start.column() <= 1 {
        return None;
    }
    let source = std::fs::read_to_string(start.local_file()?).ok()?;
    keyword(&source, start.line(), start.column())
}

/// Returns the keyword of the block around the attribute at this position, counted from 1.
fn keyword(source: &str, line: usize, column: usize) -> Option<&'static str> {
    let before: usize = source.split_inclusive('\n').take(line.checked_sub(1)?).map(str::len).sum();
    let (at, _) = source.get(before..)?.char_indices().nth(column.checked_sub(1)?)?;
    let (head, tail) = source.split_at_checked(before + at)?;
    if !tail.starts_with('#') {
        return None;
    }
    in_items(&syn::parse_file(&format!("{head}#[{MARK}]{tail}")).ok()?.items)
}

fn in_items(items: &[Item]) -> Option<&'static str> {
    items.iter().find_map(|item| match item {
        Item::Impl(block) => {
            let is_marked = |item: &ImplItem| matches!(item, ImplItem::Fn(function) if has_mark(&function.attrs));
            block.items.iter().any(is_marked).then_some("impl")
        }
        Item::Trait(block) => {
            let is_marked = |item: &TraitItem| matches!(item, TraitItem::Fn(function) if has_mark(&function.attrs));
            block.items.iter().any(is_marked).then_some("trait")
        }
        Item::Mod(module) => in_items(&module.content.as_ref()?.1),
        _ => None,
    })
}

fn has_mark(attrs: &[Attribute]) -> bool {
    attrs.iter().any(|attr| attr.path().is_ident(MARK))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "\
#![allow(dead_code)]
use sym_sdk::prelude::*;
impl Handlers {
    /// Übung.
    #[hook]
    fn on_request() {}
}
mod inner {
    trait Handlers {
        #[hook] fn on_approve() {}
    }
    #[hook]
    fn on_deny() {}
    fn outer() { #[hook] fn on_escalate() {} }
}
";

    #[test]
    fn finds_the_block_around_a_function() {
        assert_eq!(keyword(SOURCE, 5, 5), Some("impl"));
        assert_eq!(keyword(SOURCE, 10, 9), Some("trait"));
    }

    #[test]
    fn free_functions_are_in_no_block() {
        assert_eq!(keyword(SOURCE, 12, 5), None);
        assert_eq!(keyword(SOURCE, 14, 18), None);
    }

    #[test]
    fn a_position_that_is_not_in_the_file_is_in_no_block() {
        for (line, column) in [(0, 0), (1, 0), (5, 6), (5, 900), (900, 1)] {
            assert_eq!(keyword(SOURCE, line, column), None, "{line}:{column}");
        }
        assert_eq!(keyword("impl X { #[hook] fn a() {}", 1, 10), None);
    }
}
