use sym_sdk::prelude::*;

#[hook]
async fn on_request(on_request: &Event, cx: &Context, form: &User, argument0: &Flow) {
    let _ = (on_request, cx, form, argument0);
}

fn main() {}
