//! Functions that convert values to a type.

use super::super::types::Type;
use super::{Arguments, Function, FunctionError, Value};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("ephemeralasnull", 1, 1, |args| Ok(args.get(0).clone())),
    Function::new("tobool", 1, 1, |args| convert(args, &Type::Bool)),
    Function::new("tolist", 1, 1, |args| convert(args, &Type::list(Type::Any))),
    Function::new("tomap", 1, 1, |args| {
        if args.has(0) {
            args.map(0)?.convert(&Type::map(Type::Any)).map_err(|why| FunctionError::new(why).at(0))
        } else {
            convert(args, &Type::map(Type::Any))
        }
    }),
    Function::new("tonumber", 1, 1, |args| convert(args, &Type::Number)),
    Function::new("toset", 1, 1, |args| convert(args, &Type::set(Type::Any))),
    Function::new("tostring", 1, 1, |args| convert(args, &Type::String)),
];

fn convert(args: &Arguments<'_>, kind: &Type) -> Result<Value, FunctionError> {
    match args.get(0) {
        Value::Object(_) => args.type_mismatch(0, &kind.describe()),
        value => value.convert(kind).map_err(|why| FunctionError::new(why).at(0)),
    }
}
