fn who_may_approve() -> RequestPermission {
    RequestPermission::admins_only()
}
#[doc(hidden)]
#[allow(dead_code, missing_debug_implementations, non_camel_case_types, unreachable_pub)]
struct who_may_approve {}
const _: () = {
    #[allow(deprecated, unused_variables)]
    fn __sym_call<'cx>(
        cx: &'cx ::facade::sym_sdk::__private::Context,
    ) -> ::facade::sym_sdk::__private::BoxFuture<
        'cx,
        ::facade::sym_sdk::__private::PermissionsResult,
    > {
        ::facade::sym_sdk::__private::on_any_thread(async move {
            <RequestPermission as ::facade::sym_sdk::__private::ReturnsPermissions>::into_output(
                who_may_approve(),
            )
        })
    }
    #[automatically_derived]
    impl ::facade::sym_sdk::__private::Handler for who_may_approve {
        const RECORD: ::facade::sym_sdk::__private::HandlerRecord = ::facade::sym_sdk::__private::HandlerRecord {
            name: "who_may_approve",
            module: ::facade::sym_sdk::__private::module_path!(),
            file: ::facade::sym_sdk::__private::file!(),
            line: ::facade::sym_sdk::__private::line!(),
            column: ::facade::sym_sdk::__private::column!(),
            doc: "",
            is_async: false,
            requires: &[],
            literals: &[],
            thunk: ::facade::sym_sdk::__private::Thunk::GetPermissions(__sym_call),
        };
    }
    ::facade::sym_sdk::__private::inventory::submit! {
        < who_may_approve as ::facade::sym_sdk::__private::Handler > ::RECORD
    }
};
