//! Whether a value is sensitive: whether its expression refers to something that is.
//!
//! Values carry no marks, since nothing here is shown in a plan. So an expression that refers to a sensitive value, but whose
//! result does not contain it, counts as sensitive too.

use hcl_edit::Ident;
use hcl_edit::expr::{Expression, FuncCall, Traversal, TraversalOperator};
use hcl_edit::visit::{Visit, visit_func_call, visit_traversal};

use super::super::module::BlockDecl;
use super::super::scope::Scope;
use super::super::value::InstanceKey;

/// A search for references to sensitive values.
struct Search<'a> {
    scope: Scope<'a>,
    found: bool,
}

impl Scope<'_> {
    /// Returns `true` if the expression refers to a sensitive value.
    pub(in crate::config::terraform) fn is_sensitive(self, expr: &Expression) -> bool {
        // A reference that is nested too deeply is reported where it is evaluated.
        let Some(_level) = self.evaluator.enter() else { return false };
        if !self.consume_steps(expr, 1) {
            return false;
        }
        let mut search = Search { scope: self, found: false };
        search.visit_expr(expr);
        search.found
    }

    /// Returns `true` if a variable or local is sensitive.
    fn refers_to_sensitive(self, root: &str, name: &str) -> bool {
        let module = &self.instance.module;
        let is_marked = |declared: &BlockDecl| {
            let marked = declared.attribute("sensitive");
            marked.is_some_and(|attribute| self.eval(&attribute.value).to_bool() == Some(true))
        };
        match root {
            "var" => module.variables.get(name).is_some_and(|declared| is_marked(declared)),
            "local" => module.locals.get(name).is_some_and(|local| {
                self.evaluator.scope(self.instance, &local.source, &InstanceKey::Only).is_sensitive(&local.value)
            }),
            _ => false,
        }
    }
}

impl Visit for Search<'_> {
    fn visit_func_call(&mut self, call: &FuncCall) {
        match call.name.name.as_str() {
            "sensitive" => self.found = true,
            "nonsensitive" | "issensitive" => {}
            _ => visit_func_call(self, call),
        }
    }

    fn visit_traversal(&mut self, traversal: &Traversal) {
        let first = traversal.operators.first().map(|operator| operator.value());
        if let (Expression::Variable(root), Some(TraversalOperator::GetAttr(name))) = (&traversal.expr, first) {
            let (root, name): (&Ident, &Ident) = (root.value(), name.value());
            self.found |= self.scope.refers_to_sensitive(root.as_str(), name.as_str());
        }
        visit_traversal(self, traversal);
    }
}
