use sym_sdk::prelude::*;

struct S<const N: usize>;

#[hook]
#[rustfmt::skip]
#[allow(clippy::too_many_arguments)]
fn on_request(
    _event: &Event,
    _s0: State<S<0>>, _s1: State<S<1>>, _s2: State<S<2>>, _s3: State<S<3>>, _s4: State<S<4>>, _s5: State<S<5>>,
    _s6: State<S<6>>, _s7: State<S<7>>, _s8: State<S<8>>, _s9: State<S<9>>, _s10: State<S<10>>, _s11: State<S<11>>,
    _s12: State<S<12>>,
) {}

fn main() {}
