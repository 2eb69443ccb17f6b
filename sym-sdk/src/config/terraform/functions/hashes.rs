//! Digests of strings and of files, and UUIDs of names.

use md5::Md5;
use sha1::Sha1;
use sha2::digest::Digest;
use sha2::{Sha256, Sha512};
use uuid::Uuid;

use super::encoding::base64;
use super::files::read_bytes;
use super::{Arguments, Function, FunctionError, Value};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("base64sha256", 1, 1, |args| Ok(Value::text(base64(&Sha256::digest(text(args)?))))),
    Function::new("base64sha512", 1, 1, |args| Ok(Value::text(base64(&Sha512::digest(text(args)?))))),
    Function::new("filebase64sha256", 1, 1, |args| Ok(Value::text(base64(&Sha256::digest(read_bytes(args)?))))),
    Function::new("filebase64sha512", 1, 1, |args| Ok(Value::text(base64(&Sha512::digest(read_bytes(args)?))))),
    Function::new("filemd5", 1, 1, |args| Ok(Value::text(hex(&Md5::digest(read_bytes(args)?))))),
    Function::new("filesha1", 1, 1, |args| Ok(Value::text(hex(&Sha1::digest(read_bytes(args)?))))),
    Function::new("filesha256", 1, 1, |args| Ok(Value::text(hex(&Sha256::digest(read_bytes(args)?))))),
    Function::new("filesha512", 1, 1, |args| Ok(Value::text(hex(&Sha512::digest(read_bytes(args)?))))),
    Function::new("md5", 1, 1, |args| Ok(Value::text(hex(&Md5::digest(text(args)?))))),
    Function::new("sha1", 1, 1, |args| Ok(Value::text(hex(&Sha1::digest(text(args)?))))),
    Function::new("sha256", 1, 1, |args| Ok(Value::text(hex(&Sha256::digest(text(args)?))))),
    Function::new("sha512", 1, 1, |args| Ok(Value::text(hex(&Sha512::digest(text(args)?))))),
    Function::new("uuidv5", 2, 2, uuidv5),
];

fn text(args: &Arguments<'_>) -> Result<Vec<u8>, FunctionError> {
    Ok(args.text(0)?.as_bytes().to_vec())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn uuidv5(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    let namespace = match &*args.text(0)? {
        "dns" => Uuid::NAMESPACE_DNS,
        "url" => Uuid::NAMESPACE_URL,
        "oid" => Uuid::NAMESPACE_OID,
        "x500" => Uuid::NAMESPACE_X500,
        other => Uuid::parse_str(other)
            .map_err(|_| FunctionError::new("expected a UUID, or `dns`, `url`, `oid` or `x500`").at(0))?,
    };
    Ok(Value::text(Uuid::new_v5(&namespace, args.text(1)?.as_bytes()).to_string()))
}
