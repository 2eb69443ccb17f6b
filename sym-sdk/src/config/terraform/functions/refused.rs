//! Functions of Terraform that are refused, each with the reason and what to do instead.

/// A function that is not supported.
pub(super) struct Refused {
    pub(super) name: &'static str,
    pub(super) why: &'static str,
    pub(super) hint: &'static str,
}

const fn refused(name: &'static str, why: &'static str, hint: &'static str) -> Refused {
    Refused { name, why, hint }
}

const PASS: &str = "write the value, or pass it as a variable";

const REFUSED: [Refused; 10] = [
    refused("base64gzip", "its result depends on the library that compresses", PASS),
    refused("bcrypt", "its result is another one each time", PASS),
    refused("list", "Terraform has removed it", "write `tolist([…])`"),
    refused("map", "Terraform has removed it", "write `tomap({…})`"),
    refused("plantimestamp", "its result is another one each time", PASS),
    refused("rsadecrypt", "a private key does not belong into the configuration", "read the secret with `sym_secret`"),
    refused("timestamp", "its result is another one each time", PASS),
    refused("type", "it is for `terraform console` only", "remove it"),
    refused("urldecode", "Terraform does not have it", PASS),
    refused("uuid", "its result is another one each time", "write `uuidv5(…)` for an id that stays the same"),
];

/// Returns the function, if it is refused.
pub(super) fn find(name: &str) -> Option<&'static Refused> {
    REFUSED.iter().find(|refused| refused.name == name)
}
