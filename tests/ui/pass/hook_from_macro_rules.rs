use sym_sdk::prelude::*;

macro_rules! audited {
    ($($name:ident),*) => {
        $(#[hook]
        fn $name(event: &Event) {
            println!("{}", event.name());
        })*
    };
}

audited!(after_approve, after_deny);

fn main() {
    assert_eq!(sym_sdk::handlers![after_approve, after_deny].len(), 2);
}
