//! Sym resource names, which people write into requests and configuration.

use sym_sdk::model::Srn;

use crate::target::{fuzz, with_text};

#[test]
fn srns_read_back_as_they_are_written() {
    fuzz("srn", |input| {
        with_text(input, |text| match text.parse::<Srn>() {
            Ok(srn) => assert_eq!(srn.to_string().parse::<Srn>().unwrap(), srn),
            Err(error) => assert!(!error.to_string().contains('\n'), "{error}"),
        });
    });
}
