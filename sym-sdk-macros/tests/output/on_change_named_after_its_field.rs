fn on_change_urgency(user: &User, form: &mut PromptForm) {}
#[doc(hidden)]
#[allow(dead_code, missing_debug_implementations, non_camel_case_types, unreachable_pub)]
struct on_change_urgency {}
const _: () = {
    #[allow(deprecated, unused_variables)]
    fn __sym_call<'cx>(
        cx: &'cx ::sym_sdk::__private::Context,
        form: &'cx mut ::sym_sdk::__private::PromptForm,
    ) -> ::sym_sdk::__private::BoxFuture<'cx, ::sym_sdk::__private::FormResult> {
        ::sym_sdk::__private::on_any_thread(async move {
            let argument0 = <&User as ::sym_sdk::__private::ReferenceArgument<
                '_,
            >>::from_context(cx)?;
            let argument1: &mut PromptForm = form;
            <() as ::sym_sdk::__private::ReturnsForm>::into_output(
                on_change_urgency(argument0, argument1),
            )
        })
    }
    #[automatically_derived]
    impl ::sym_sdk::__private::Handler for on_change_urgency {
        const RECORD: ::sym_sdk::__private::HandlerRecord = ::sym_sdk::__private::HandlerRecord {
            name: "on_change_urgency",
            module: ::sym_sdk::__private::module_path!(),
            file: ::sym_sdk::__private::file!(),
            line: ::sym_sdk::__private::line!(),
            column: ::sym_sdk::__private::column!(),
            doc: "",
            is_async: false,
            requires: &[
                <&User as ::sym_sdk::__private::ReferenceArgument<'_>>::REQUIRES,
                ::sym_sdk::__private::Requires::Form,
            ],
            literals: &[],
            thunk: ::sym_sdk::__private::Thunk::OnChange("urgency", __sym_call),
        };
    }
    const _: () = ::sym_sdk::__private::check_argument(
        &<on_change_urgency as ::sym_sdk::__private::Handler>::RECORD,
        <&User as ::sym_sdk::__private::ReferenceArgument<'_>>::REQUIRES,
    );
    ::sym_sdk::__private::inventory::submit! {
        < on_change_urgency as ::sym_sdk::__private::Handler > ::RECORD
    }
};
