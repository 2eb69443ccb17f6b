//! Evaluates expressions: literals, collections, operators, conditionals and `for`.

use std::collections::BTreeMap;

use hcl_edit::Formatted;
use hcl_edit::expr::{
    BinaryOp, BinaryOperator, Conditional, Expression, ForExpr, Object, ObjectKey, UnaryOp, UnaryOperator,
};

use super::number::Number;
use super::scope::{Binding, Scope, dominant_unknown, type_mismatch};
use super::template::Form;
use super::types::Type;
use super::value::{Unknown, Value};
use crate::config::Diagnostic;

impl Scope<'_> {
    /// Evaluates an expression. Errors are reported and leave an invalid value.
    pub(super) fn eval(self, expr: &Expression) -> Value {
        let Some(_level) = self.evaluator.enter() else {
            let diagnostic = Diagnostic::error(
                self.location(expr),
                "the expression is nested too deeply, including everything that it refers to",
            );
            return self.invalid(diagnostic);
        };
        if !self.consume_steps(expr, 1) {
            return Value::invalid();
        }
        let value = match expr {
            Expression::Null(_) => Value::null(),
            Expression::Bool(flag) => Value::Bool(*flag.value()),
            Expression::Number(number) => self.number(number),
            Expression::String(text) if !self.consume_steps(expr, text.len() / 32) => return Value::invalid(),
            Expression::String(text) => Value::text(text.as_str()),
            Expression::Array(items) => Value::tuple(items.iter().map(|item| self.eval(item)).collect()),
            Expression::Object(object) => self.object(object),
            Expression::StringTemplate(template) => self.template(template, Form::Quoted),
            Expression::HeredocTemplate(heredoc) => self.heredoc(heredoc),
            Expression::Parenthesis(inner) => self.eval(inner.inner()),
            Expression::Variable(name) => self.bare_name(name),
            Expression::Conditional(conditional) => self.conditional(conditional),
            Expression::FuncCall(call) => self.call(call),
            Expression::Traversal(traversal) => self.evaluator.known(self.traversal(traversal)),
            Expression::UnaryOp(operation) => self.unary(operation),
            Expression::BinaryOp(operation) => self.binary(operation),
            Expression::ForExpr(for_expr) => self.for_expr(for_expr),
        };
        self.bounded(expr, value)
    }

    /// Reads a number as it is written: the parser rounds long ones.
    fn number(self, number: &Formatted<hcl_edit::Number>) -> Value {
        let written = number.as_repr().map(|repr| repr.replace(char::is_whitespace, ""));
        let parsed = match written {
            Some(written) => Number::parse(&written),
            None => Number::parse(&number.value().to_string()),
        };
        parsed.map_or_else(
            || {
                self.invalid(Diagnostic::error(
                    self.location(number),
                    "the number is out of range: numbers are below 2^1024",
                ))
            },
            Value::Number,
        )
    }

    fn object(self, object: &Object) -> Value {
        let mut entries = BTreeMap::new();
        for (key, value) in object {
            let key = match key {
                ObjectKey::Ident(name) => name.as_str().to_owned(),
                // A keyword is a name here.
                ObjectKey::Expression(Expression::Null(_)) => "null".to_owned(),
                ObjectKey::Expression(expr) => match self.eval(expr) {
                    unknown @ Value::Unknown(_) => return unknown,
                    key => match key.to_text() {
                        Some(key) => key.to_string(),
                        None => return type_mismatch(self, expr, "a key of a map", "a string", &key),
                    },
                },
            };
            entries.insert(key, self.eval(value.expr()));
        }
        Value::object(entries)
    }

    /// Evaluates both results, because the value gets the type that they have in common. Only the chosen one may have errors.
    fn conditional(self, conditional: &Conditional) -> Value {
        let condition = self.eval(&conditional.cond_expr);
        let Some(holds) = condition.to_bool() else {
            return type_mismatch(self, &conditional.cond_expr, "the condition before `?`", "a boolean", &condition);
        };
        let (chosen, other) = if holds {
            (&conditional.true_expr, &conditional.false_expr)
        } else {
            (&conditional.false_expr, &conditional.true_expr)
        };
        let value = self.eval(chosen);
        let hard_errors = self.evaluator.hard_errors.get();
        let (other, ..) = self.eval_quietly(other);
        self.evaluator.hard_errors.set(hard_errors);
        if matches!(value, Value::Unknown(Unknown::Invalid)) || matches!(other, Value::Unknown(Unknown::Invalid)) {
            return value;
        }
        if !self.consume_steps(conditional, value.weight().saturating_add(other.weight())) {
            return Value::invalid();
        }
        let converted = Type::unify([&value.kind(), &other.kind()]).and_then(|kind| value.convert(&kind).ok());
        converted.unwrap_or_else(|| {
            let (first, second) = if holds { (&value, &other) } else { (&other, &value) };
            let message =
                format!("the results of `? :` have no type in common: {} and {}", first.describe(), second.describe());
            let hint = "give both the same type, or the same attributes";
            self.invalid(Diagnostic::error(self.location(conditional), message).with_hint(hint))
        })
    }

    fn unary(self, operation: &UnaryOp) -> Value {
        let value = self.eval(&operation.expr);
        if let Value::Unknown(unknown) = &value {
            let kind = match operation.operator.value() {
                UnaryOperator::Not => Type::Bool,
                UnaryOperator::Neg => Type::Number,
            };
            return Value::Unknown(unknown.of_kind(kind));
        }
        match operation.operator.value() {
            UnaryOperator::Not => match value.to_bool() {
                Some(flag) => Value::Bool(!flag),
                None => type_mismatch(self, &operation.expr, "operand of `!`", "a boolean", &value),
            },
            UnaryOperator::Neg => match value.to_number().and_then(|number| number.negate()) {
                Some(number) => Value::Number(number),
                None => type_mismatch(self, &operation.expr, "operand of `-`", "a number", &value),
            },
        }
    }

    /// Chains of operators associate to the left, so they are evaluated in a loop and need no deep recursion.
    fn binary(self, operation: &BinaryOp) -> Value {
        let mut chain = vec![operation];
        let mut first = &operation.lhs_expr;
        while let Expression::BinaryOp(inner) = first {
            chain.push(inner);
            first = &inner.lhs_expr;
        }
        let mut value = self.eval(first);
        while let Some(operation) = chain.pop() {
            value = self.operate(operation, value);
        }
        value
    }

    fn operate(self, operation: &BinaryOp, left: Value) -> Value {
        use BinaryOperator as Op;
        let operator = *operation.operator.value();
        // The right side is not evaluated if the left side decides.
        match (operator, left.to_bool()) {
            (Op::And, Some(false)) => return Value::Bool(false),
            (Op::Or, Some(true)) => return Value::Bool(true),
            _ => {}
        }
        let right = self.eval(&operation.rhs_expr);
        if let Some(Value::Unknown(unknown)) = dominant_unknown([&left, &right]) {
            let kind = match operator {
                Op::Plus | Op::Minus | Op::Mul | Op::Div | Op::Mod => Type::Number,
                _ => Type::Bool,
            };
            return Value::Unknown(unknown.of_kind(kind));
        }
        if !self.consume_steps(operation, left.weight()) {
            return Value::invalid();
        }
        let what = format!("operand of `{operator}`");
        let number = |operate: fn(&Number, &Number) -> Option<Value>| {
            let Some(a) = left.to_number() else {
                return type_mismatch(self, &operation.lhs_expr, &what, "a number", &left);
            };
            let Some(b) = right.to_number() else {
                return type_mismatch(self, &operation.rhs_expr, &what, "a number", &right);
            };
            operate(&a, &b).unwrap_or_else(|| {
                let message = if operator == Op::Div && b == Number::Whole(0) {
                    "a division by zero has no result".to_owned()
                } else {
                    format!("the result of `{operator}` is out of range: numbers are below 2^1024")
                };
                self.invalid(Diagnostic::error(self.location(operation), message))
            })
        };
        match operator {
            Op::Eq => Value::Bool(left.same(&right)),
            Op::NotEq => Value::Bool(!left.same(&right)),
            Op::And | Op::Or => match (left.to_bool(), right.to_bool()) {
                (Some(_), Some(right)) => Value::Bool(right),
                (None, _) => type_mismatch(self, &operation.lhs_expr, &what, "a boolean", &left),
                (_, None) => type_mismatch(self, &operation.rhs_expr, &what, "a boolean", &right),
            },
            Op::Less => number(|a, b| Some(Value::Bool(a.order(b).is_lt()))),
            Op::LessEq => number(|a, b| Some(Value::Bool(a.order(b).is_le()))),
            Op::Greater => number(|a, b| Some(Value::Bool(a.order(b).is_gt()))),
            Op::GreaterEq => number(|a, b| Some(Value::Bool(a.order(b).is_ge()))),
            Op::Plus => number(|a, b| a.add(b).map(Value::Number)),
            Op::Minus => number(|a, b| a.subtract(b).map(Value::Number)),
            Op::Mul => number(|a, b| a.multiply(b).map(Value::Number)),
            Op::Div => number(|a, b| a.divide(b).map(Value::Number)),
            Op::Mod => number(|a, b| a.remainder(b).map(Value::Number)),
        }
    }

    fn for_expr(self, for_expr: &ForExpr) -> Value {
        let intro = &for_expr.intro;
        let collection = self.eval(&intro.collection_expr);
        let pairs = match self.pairs(&collection) {
            Some(pairs) => pairs,
            None => return type_mismatch(self, &intro.collection_expr, "`for`", "a list, set or map", &collection),
        };
        let mut items = Vec::new();
        let mut entries = BTreeMap::new();
        let mut groups: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for (key, value) in pairs {
            let value = Binding { name: intro.value_var.as_str(), value, outer: self.bindings };
            let key =
                intro.key_var.as_ref().map(|name| Binding { name: name.as_str(), value: key, outer: Some(&value) });
            let scope = self.with(key.as_ref().unwrap_or(&value));
            if let Some(condition) = &for_expr.cond {
                let holds = scope.eval(&condition.expr);
                match holds.to_bool() {
                    Some(true) => {}
                    Some(false) => continue,
                    None => {
                        return type_mismatch(scope, &condition.expr, "the condition after `if`", "a boolean", &holds);
                    }
                }
            }
            let Some(key_expr) = &for_expr.key_expr else {
                items.push(scope.eval(&for_expr.value_expr));
                continue;
            };
            let key = scope.eval(key_expr);
            let Some(name) = key.to_text() else {
                return type_mismatch(scope, key_expr, "a key of a map", "a string", &key);
            };
            let value = scope.eval(&for_expr.value_expr);
            if for_expr.grouping {
                groups.entry(name.to_string()).or_default().push(value);
            } else if entries.insert(name.to_string(), value).is_some() {
                let diagnostic =
                    Diagnostic::error(scope.location(key_expr), format!("two elements have the same key {name:?}"));
                return scope.invalid(diagnostic.with_hint("append `...` to the value to group the elements in lists"));
            }
        }
        match (&for_expr.key_expr, for_expr.grouping) {
            (None, _) => Value::tuple(items),
            (Some(_), false) => Value::object(entries),
            (Some(_), true) => {
                Value::object(groups.into_iter().map(|(key, items)| (key, Value::tuple(items))).collect())
            }
        }
    }

    /// Returns the pairs that a `for` iterates over: index and element, or key and value.
    pub(super) fn pairs(self, collection: &Value) -> Option<Vec<(Value, Value)>> {
        match collection {
            Value::List(_) => {
                let items = collection.items()?.iter().enumerate();
                Some(items.map(|(index, item)| (Value::int(index), item.clone())).collect())
            }
            Value::Set(_) => Some(collection.items()?.iter().map(|item| (item.clone(), item.clone())).collect()),
            Value::Map(_) => {
                let entries = collection.entries()?.iter();
                Some(entries.map(|(key, value)| (Value::text(key), value.clone())).collect())
            }
            Value::Object(instance_ref) => match self.attribute_map(instance_ref) {
                Value::Object(_) => None,
                attributes => self.pairs(&attributes),
            },
            _ => None,
        }
    }
}
