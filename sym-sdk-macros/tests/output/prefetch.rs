async fn repos(github: &GitHub) -> Result<Vec<FieldOption>> {}
#[doc(hidden)]
#[allow(dead_code, missing_debug_implementations, non_camel_case_types, unreachable_pub)]
struct repos {}
const _: () = {
    #[allow(deprecated, unused_variables)]
    fn __sym_call<'cx>(
        cx: &'cx ::sym_sdk::__private::Context,
    ) -> ::sym_sdk::__private::BoxFuture<'cx, ::sym_sdk::__private::OptionsResult> {
        ::sym_sdk::__private::on_any_thread(async move {
            let argument0 = <&GitHub as ::sym_sdk::__private::ReferenceArgument<
                '_,
            >>::from_context(cx)?;
            <Result<
                Vec<FieldOption>,
            > as ::sym_sdk::__private::ReturnsOptions>::into_output(
                repos(argument0).await,
            )
        })
    }
    #[automatically_derived]
    impl ::sym_sdk::__private::Handler for repos {
        const RECORD: ::sym_sdk::__private::HandlerRecord = ::sym_sdk::__private::HandlerRecord {
            name: "repos",
            module: ::sym_sdk::__private::module_path!(),
            file: ::sym_sdk::__private::file!(),
            line: ::sym_sdk::__private::line!(),
            column: ::sym_sdk::__private::column!(),
            doc: "",
            is_async: true,
            requires: &[
                <&GitHub as ::sym_sdk::__private::ReferenceArgument<'_>>::REQUIRES,
            ],
            literals: &[],
            thunk: ::sym_sdk::__private::Thunk::Prefetch("repo_name", __sym_call),
        };
    }
    const _: () = ::sym_sdk::__private::check_argument(
        &<repos as ::sym_sdk::__private::Handler>::RECORD,
        <&GitHub as ::sym_sdk::__private::ReferenceArgument<'_>>::REQUIRES,
    );
    ::sym_sdk::__private::inventory::submit! {
        < repos as ::sym_sdk::__private::Handler > ::RECORD
    }
};
