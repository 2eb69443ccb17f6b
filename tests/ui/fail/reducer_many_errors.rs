use sym_sdk::prelude::*;

#[reducer(crate = sym_sdk)]
unsafe extern "C" fn get_permisions<'a, T>(_event: &'a mut Event, _form: impl Clone) -> impl Sized
where
    T: Clone,
{
}

fn main() {}
