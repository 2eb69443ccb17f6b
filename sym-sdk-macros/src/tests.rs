//! Snapshots of expansions, in `tests/output`. `UPDATE_EXPECT=1 cargo test` rewrites them.

use expect_test::{ExpectFile, expect, expect_file};
use proc_macro2::TokenStream;
use quote::quote;

use crate::expand::{Expansion, handler};
use crate::kinds::{KINDS, Macro};
use crate::render::render;

fn check(expansion: Expansion, expected: ExpectFile) {
    let file = syn::parse2(expansion.into_flat_tokens()).expect("the expansion parses");
    expected.assert_eq(&prettyplease::unparse(&file));
}

/// Returns the messages of all `compile_error!`s in an expansion.
fn messages(expansion: Expansion) -> Vec<String> {
    let file: syn::File = syn::parse2(expansion.into_tokens()).expect("the expansion parses");
    file.items
        .into_iter()
        .filter_map(|item| match item {
            syn::Item::Macro(item) if item.mac.path.segments.last()?.ident == "compile_error" => {
                Some(item.mac.parse_body::<syn::LitStr>().expect("a message").value())
            }
            _ => None,
        })
        .collect()
}

#[test]
fn async_hook_with_three_arguments() {
    let output = handler(
        Macro::Hook,
        quote!(),
        quote! {
            /// Auto-approves urgent requests.
            ///
            /// Only for on-call engineers.
            #[cfg(unix)]
            pub(crate) async fn on_request(event: &Event, form: Fields<Form>, pagerduty: &PagerDuty) -> Result<Option<NextEvent>> {
                Ok(None)
            }
        },
    );
    check(output, expect_file!["../tests/output/async_hook_with_three_arguments.rs"]);
}

#[test]
fn sync_reducer_under_another_name_and_path() {
    let output = handler(
        Macro::Reducer,
        quote!(get_permissions, crate = ::facade::sym_sdk),
        quote! {
            fn who_may_approve() -> RequestPermission {
                RequestPermission::admins_only()
            }
        },
    );
    check(output, expect_file!["../tests/output/sync_reducer_under_another_name_and_path.rs"]);
}

#[test]
fn prefetch() {
    let output = handler(
        Macro::Prefetch,
        quote!(field = "repo_name"),
        quote!(
            async fn repos(github: &GitHub) -> Result<Vec<FieldOption>> {}
        ),
    );
    check(output, expect_file!["../tests/output/prefetch.rs"]);
}

#[test]
fn on_change_named_after_its_field() {
    let output = handler(
        Macro::OnChange,
        quote!(),
        quote!(
            fn on_change_urgency(user: &User, form: &mut PromptForm) {}
        ),
    );
    check(output, expect_file!["../tests/output/on_change_named_after_its_field.rs"]);
}

#[test]
fn an_error_keeps_the_function_and_the_struct() {
    let output = handler(
        Macro::Hook,
        quote!(),
        quote!(
            fn on_reqest(event: &Event) {}
        ),
    );
    check(output, expect_file!["../tests/output/an_error_keeps_the_function_and_the_struct.rs"]);
}

#[test]
fn passes_on_an_incomplete_body() {
    let input = quote! {
        #[allow(unused)]
        async fn on_request(event: &Event) { let user = event. ; if event }
    };
    let output = handler(Macro::Hook, quote!(), input.clone()).into_tokens().to_string();
    assert!(output.starts_with(&input.to_string()), "{output}");
    assert!(output.contains("HandlerRecord"), "{output}");
    assert!(!output.contains("compile_error"), "{output}");
}

#[test]
fn reports_all_errors_at_once() {
    let output = handler(
        Macro::Hook,
        quote!(feild = "x", crate = facade),
        quote!(
            const unsafe extern "C" fn on_reqest<T>(event: &mut Event, form: impl Form, rest: ...) -> impl Sized
            where
                T: Form,
            {
            }
        ),
    );
    expect![[r#"
        unknown argument `feild`; expected the name of a hook or `crate`
        `crate` must be an absolute path, `facade` is relative
        help: write `::facade` if it is a dependency, `crate::facade` if it is a module of this crate
        hook `on_reqest` is not a known hook
        help: did you mean `on_request`? to keep this name, write `#[hook(on_request)]`
        hook `on_reqest` must not be `const`
        hook `on_reqest` must not be `unsafe`
        hook `on_reqest` must not be `extern`
        hook `on_reqest` must not be variadic
        hook `on_reqest` must not be generic
        hook `on_reqest` must not have a `where` clause
        hook `on_reqest` must not take `&mut Event`
        help: take `&Event` or an owned value
        hook `on_reqest` must not take `impl Form`
        help: take `&Event` or an owned value
        hook `on_reqest` must not return `impl Trait`
        help: write out the return type"#]]
    .assert_eq(&messages(output).join("\n"));
}

#[test]
fn each_name_is_accepted_by_one_macro() {
    for kind in &KINDS {
        let name = quote::format_ident!("{}", kind.name);
        let function = quote!(fn #name() {});
        for attribute in [Macro::Hook, Macro::Reducer] {
            let diagnostics = messages(handler(attribute, quote!(), function.clone()));
            assert_eq!(
                diagnostics.is_empty(),
                attribute == kind.attribute,
                "{} {attribute}: {diagnostics:?}",
                kind.name
            );
        }
    }
}

#[test]
fn formats_types_as_people_write_them() {
    for text in ["&mut Event", "Fields<Form<'_>>", "&[u8]", "Result<&Event, ExtractError>", "&(dyn Any + Send)"] {
        let tokens: TokenStream = text.parse().expect("tokens");
        assert_eq!(render(tokens), text);
    }
}
