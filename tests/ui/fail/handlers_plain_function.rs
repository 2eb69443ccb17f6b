fn on_request() {}

fn main() {
    let _ = sym_sdk::handlers![on_request];
}
