//! Evaluates templates: text with `${…}` and `%{…}` in it.

use hcl_edit::Span;
use hcl_edit::template::{Directive, Element, ForDirective, IfDirective, Strip, Template};

use super::scope::{Name, Scope, misfit};
use super::value::{MAX_WEIGHT, Value, text_weight};

/// Text as it grows; white space is left out where a template asks for it.
#[derive(Default)]
struct Text {
    text: String,
    /// Whether the white space that comes next is left out.
    strip_next: bool,
}

impl Text {
    fn literal(&mut self, literal: &str) {
        let literal = if self.strip_next { strip_start(literal) } else { literal };
        self.strip_next = false;
        self.text.push_str(literal);
    }

    /// A `~` before: takes back white space up to and with the line break.
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
    /// The text of a template. One that is a single `${…}` is the value itself.
    pub(super) fn template(self, template: &Template) -> Value {
        if let Some(Element::Interpolation(only)) = template.as_single_element() {
            return self.eval(&only.expr);
        }
        let mut text = Text::default();
        match self.elements(template, &mut text) {
            Ok(()) if !self.spend(template, text_weight(&text.text)) => Value::faulty(),
            Ok(()) => Value::text(text.text),
            Err(unknown) => unknown,
        }
    }

    /// Appends the elements; the value that is not known, or was faulty, in case of one.
    fn elements(self, template: &Template, text: &mut Text) -> Result<(), Value> {
        // A fault in one part must not hide those in the others.
        let mut unknown = Ok(());
        for element in template {
            let done = match element {
                Element::Literal(literal) => {
                    text.literal(literal);
                    self.room(template, text)
                }
                Element::Interpolation(interpolation) => {
                    text.open(interpolation.strip);
                    let value = self.eval(&interpolation.expr);
                    let done = match value.to_text() {
                        Some(part) => {
                            text.text.push_str(&part);
                            self.room(template, text)
                        }
                        None => Err(misfit(self, &interpolation.expr, "`${…}` in a string", "a string", &value)),
                    };
                    text.close(interpolation.strip);
                    done
                }
                Element::Directive(directive) => match &**directive {
                    Directive::If(directive) => self.if_directive(directive, text),
                    Directive::For(directive) => self.for_directive(directive, text),
                },
            };
            if unknown.is_ok() {
                unknown = done;
            }
        }
        unknown
    }

    fn if_directive(self, directive: &IfDirective, text: &mut Text) -> Result<(), Value> {
        let condition = self.eval(&directive.if_expr.cond_expr);
        let Some(holds) = condition.to_bool() else {
            return Err(misfit(
                self,
                &directive.if_expr.cond_expr,
                "the condition of `%{ if }`",
                "a boolean",
                &condition,
            ));
        };
        text.open(directive.if_expr.strip);
        // White space at the edges of the branch that is left out says nothing about what is around.
        let mut done = Ok(());
        if holds {
            text.close(directive.if_expr.strip);
            done = self.elements(&directive.if_expr.template, text);
        }
        match &directive.else_expr {
            Some(otherwise) if holds => text.open(otherwise.strip),
            Some(otherwise) => {
                text.close(otherwise.strip);
                done = self.elements(&otherwise.template, text);
                text.open(directive.endif_expr.strip);
            }
            None if holds => text.open(directive.endif_expr.strip),
            None => {}
        }
        text.close(directive.endif_expr.strip);
        done
    }

    fn for_directive(self, directive: &ForDirective, text: &mut Text) -> Result<(), Value> {
        let intro = &directive.for_expr;
        let collection = self.eval(&intro.collection_expr);
        let Some(pairs) = self.pairs(&collection) else {
            let expected = "a list, set or map";
            return Err(misfit(self, &intro.collection_expr, "`%{ for }`", expected, &collection));
        };
        text.open(intro.strip);
        for (key, value) in pairs {
            let value = Name { name: intro.value_var.as_str(), value, outer: self.names };
            let key = intro.key_var.as_ref().map(|name| Name { name: name.as_str(), value: key, outer: Some(&value) });
            text.close(intro.strip);
            self.with(key.as_ref().unwrap_or(&value)).elements(&intro.template, text)?;
            text.open(directive.endfor_expr.strip);
        }
        text.close(directive.endfor_expr.strip);
        Ok(())
    }

    /// Whether the text is still within the limits.
    fn room(self, thing: &impl Span, text: &Text) -> Result<(), Value> {
        if !self.spend(thing, 1) {
            return Err(Value::faulty());
        }
        if text_weight(&text.text) > MAX_WEIGHT {
            return Err(self.bounded(thing, Value::text(&text.text)));
        }
        Ok(())
    }
}
