use sym_sdk::prelude::*;

#[derive(Deserialize)]
struct Urgency {
    _urgency: String,
}

#[derive(Deserialize)]
struct Ticket {
    _ticket: i64,
}

#[hook]
fn on_request(_urgency: Fields<Urgency>, _ticket: Fields<Ticket>) {}

fn main() {}
