use sym_sdk::prelude::*;

fn main() {
    #[hook]
    fn on_request() {}

    assert_eq!(sym_sdk::handlers![on_request].len(), 1);
}
