/// Auto-approves urgent requests.
///
/// Only for on-call engineers.
#[cfg(unix)]
pub(crate) async fn on_request(
    event: &Event,
    form: Fields<Form>,
    pagerduty: &PagerDuty,
) -> Result<Option<NextEvent>> {
    Ok(None)
}
#[cfg(unix)]
#[doc(hidden)]
#[allow(dead_code, missing_debug_implementations, non_camel_case_types, unreachable_pub)]
pub(crate) struct on_request {}
const _: () = {
    #[allow(deprecated, unused_variables)]
    fn __sym_call<'cx>(
        cx: &'cx ::sym_sdk::__private::Context,
    ) -> ::sym_sdk::__private::BoxFuture<'cx, ::sym_sdk::__private::NextResult> {
        ::sym_sdk::__private::on_any_thread(async move {
            let argument0 = <&Event as ::sym_sdk::__private::ReferenceArgument<
                '_,
            >>::from_context(cx)?;
            let argument1 = <Fields<
                Form,
            > as ::sym_sdk::__private::FromContext<'_>>::from_context(cx)?;
            let argument2 = <&PagerDuty as ::sym_sdk::__private::ReferenceArgument<
                '_,
            >>::from_context(cx)?;
            <Result<
                Option<NextEvent>,
            > as ::sym_sdk::__private::ReturnsNext>::into_output(
                on_request(argument0, argument1, argument2).await,
            )
        })
    }
    #[automatically_derived]
    impl ::sym_sdk::__private::Handler for on_request {
        const RECORD: ::sym_sdk::__private::HandlerRecord = ::sym_sdk::__private::HandlerRecord {
            name: "on_request",
            module: ::sym_sdk::__private::module_path!(),
            file: ::sym_sdk::__private::file!(),
            line: ::sym_sdk::__private::line!(),
            column: ::sym_sdk::__private::column!(),
            doc: "Auto-approves urgent requests.\n\nOnly for on-call engineers.",
            is_async: true,
            requires: &[
                <&Event as ::sym_sdk::__private::ReferenceArgument<'_>>::REQUIRES,
                <Fields<Form> as ::sym_sdk::__private::FromContext<'_>>::REQUIRES,
                <&PagerDuty as ::sym_sdk::__private::ReferenceArgument<'_>>::REQUIRES,
            ],
            literals: &[],
            thunk: ::sym_sdk::__private::Thunk::On(
                ::sym_sdk::__private::Step::Request,
                __sym_call,
            ),
        };
    }
    const _: () = ::sym_sdk::__private::check_argument(
        &<on_request as ::sym_sdk::__private::Handler>::RECORD,
        <&Event as ::sym_sdk::__private::ReferenceArgument<'_>>::REQUIRES,
    );
    const _: () = ::sym_sdk::__private::check_argument(
        &<on_request as ::sym_sdk::__private::Handler>::RECORD,
        <Fields<Form> as ::sym_sdk::__private::FromContext<'_>>::REQUIRES,
    );
    const _: () = ::sym_sdk::__private::check_argument(
        &<on_request as ::sym_sdk::__private::Handler>::RECORD,
        <&PagerDuty as ::sym_sdk::__private::ReferenceArgument<'_>>::REQUIRES,
    );
    ::sym_sdk::__private::inventory::submit! {
        < on_request as ::sym_sdk::__private::Handler > ::RECORD
    }
};
