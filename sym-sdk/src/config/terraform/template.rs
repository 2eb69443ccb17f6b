//! Evaluates templates: text with `${…}` and `%{…}`.

use hcl_edit::Span;
use hcl_edit::template::{Directive, Element, ForDirective, IfDirective, Strip, Template};

use super::scope::{Binding, Scope, type_mismatch};
use super::value::{MAX_WEIGHT, Value, text_weight};

/// The output of a template. Whitespace is stripped where the template asks for it.
#[derive(Default)]
struct Output {
    text: String,
    /// Whether the next whitespace is stripped.
    strip_next: bool,
}

impl Output {
    fn literal(&mut self, literal: &str) {
        let literal = if self.strip_next { strip_start(literal) } else { literal };
        self.strip_next = false;
        self.text.push_str(literal);
    }

    /// Handles a leading `~`: removes whitespace back to and including the line break.
    fn open(&mut self, strip: Strip) {
        if strip.strip_start() {
            let kept = self.text.trim_end_matches([' ', '\t']).len();
            self.text.truncate(kept);
            if self.text.ends_with('\n') {
                self.text.pop();
            }
        }
        self.strip_next = false;
    }

    fn close(&mut self, strip: Strip) {
        self.strip_next = strip.strip_end();
    }
}

fn strip_start(literal: &str) -> &str {
    let rest = literal.trim_start_matches([' ', '\t', '\r']);
    rest.strip_prefix('\n').unwrap_or(rest)
}

impl Scope<'_> {
    /// Evaluates a template. One that consists of a single `${…}` has the value of the expression.
    pub(super) fn template(self, template: &Template) -> Value {
        if let Some(Element::Interpolation(only)) = template.as_single_element() {
            return self.eval(&only.expr);
        }
        let mut output = Output::default();
        match self.elements(template, &mut output) {
            Ok(()) if !self.consume_steps(template, text_weight(&output.text)) => Value::invalid(),
            Ok(()) => Value::text(output.text),
            Err(unknown) => unknown,
        }
    }

    /// Appends the elements. Fails with the unknown value, if there is one.
    fn elements(self, template: &Template, output: &mut Output) -> Result<(), Value> {
        // All elements are evaluated, so that an error in one does not hide errors in others.
        let mut unknown = Ok(());
        for element in template {
            let done = match element {
                Element::Literal(literal) => {
                    output.literal(literal);
                    self.check_size(template, output)
                }
                Element::Interpolation(interpolation) => {
                    output.open(interpolation.strip);
                    let value = self.eval(&interpolation.expr);
                    let done = match value.to_text() {
                        Some(part) => {
                            output.text.push_str(&part);
                            self.check_size(template, output)
                        }
                        None => Err(type_mismatch(self, &interpolation.expr, "`${…}` in a string", "a string", &value)),
                    };
                    output.close(interpolation.strip);
                    done
                }
                Element::Directive(directive) => match &**directive {
                    Directive::If(directive) => self.if_directive(directive, output),
                    Directive::For(directive) => self.for_directive(directive, output),
                },
            };
            if unknown.is_ok() {
                unknown = done;
            }
        }
        unknown
    }

    fn if_directive(self, directive: &IfDirective, output: &mut Output) -> Result<(), Value> {
        let condition = self.eval(&directive.if_expr.cond_expr);
        let Some(holds) = condition.to_bool() else {
            return Err(type_mismatch(
                self,
                &directive.if_expr.cond_expr,
                "the condition of `%{ if }`",
                "a boolean",
                &condition,
            ));
        };
        output.open(directive.if_expr.strip);
        // Whitespace at the edges of the other branch has no effect.
        let mut done = Ok(());
        if holds {
            output.close(directive.if_expr.strip);
            done = self.elements(&directive.if_expr.template, output);
        }
        match &directive.else_expr {
            Some(otherwise) if holds => output.open(otherwise.strip),
            Some(otherwise) => {
                output.close(otherwise.strip);
                done = self.elements(&otherwise.template, output);
                output.open(directive.endif_expr.strip);
            }
            None if holds => output.open(directive.endif_expr.strip),
            None => {}
        }
        output.close(directive.endif_expr.strip);
        done
    }

    fn for_directive(self, directive: &ForDirective, output: &mut Output) -> Result<(), Value> {
        let intro = &directive.for_expr;
        let collection = self.eval(&intro.collection_expr);
        let Some(pairs) = self.pairs(&collection) else {
            let expected = "a list, set or map";
            return Err(type_mismatch(self, &intro.collection_expr, "`%{ for }`", expected, &collection));
        };
        output.open(intro.strip);
        for (key, value) in pairs {
            let value = Binding { name: intro.value_var.as_str(), value, outer: self.bindings };
            let key =
                intro.key_var.as_ref().map(|name| Binding { name: name.as_str(), value: key, outer: Some(&value) });
            output.close(intro.strip);
            self.with(key.as_ref().unwrap_or(&value)).elements(&intro.template, output)?;
            output.open(directive.endfor_expr.strip);
        }
        output.close(directive.endfor_expr.strip);
        Ok(())
    }

    /// Checks that the text is within the limits.
    fn check_size(self, thing: &impl Span, output: &Output) -> Result<(), Value> {
        if !self.consume_steps(thing, 1) {
            return Err(Value::invalid());
        }
        if text_weight(&output.text) > MAX_WEIGHT {
            return Err(self.bounded(thing, Value::text(&output.text)));
        }
        Ok(())
    }
}
