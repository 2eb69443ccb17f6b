fn on_reqest(event: &Event) {}
::core::compile_error! {
    "hook `on_reqest` is not a known hook\nhelp: did you mean `on_request`? to keep this name, write `#[hook(on_request)]`"
}
#[doc(hidden)]
#[allow(dead_code, missing_debug_implementations, non_camel_case_types, unreachable_pub)]
struct on_reqest {}
#[automatically_derived]
impl ::sym_sdk::__private::Handler for on_reqest {
    const RECORD: ::sym_sdk::__private::HandlerRecord = ::sym_sdk::__private::INVALID;
}
