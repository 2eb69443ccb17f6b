//! Evaluates templates: text with `${…}` and `%{…}`.
//!
//! `~` removes the whitespace beside it up to the next sequence; in a heredoc or a file only up to the end of the line, because every
//! line is a text of its own there. The margin of a `<<-` heredoc is computed after that, over all lines, also those inside of
//! directives. Both are as in HCL, whose documentation leaves them open.

use hcl_edit::Span;
use hcl_edit::expr::Expression;
use hcl_edit::template::{Directive, Element, ForDirective, HeredocTemplate, IfDirective, Strip, Template};
use unicode_segmentation::UnicodeSegmentation;

use super::scope::{Binding, Scope, type_mismatch};
use super::types::Type;
use super::value::{MAX_WEIGHT, Unknown, Value, text_weight};
use crate::config::Diagnostic;

/// The form in which a template is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Quoted,
    /// A file, or a heredoc without a margin.
    Lines,
    /// A `<<-` heredoc.
    Indented,
}

/// A part of a template, whose texts are in [`Layout`].
enum Part<'t> {
    /// Some texts: the lines of a literal.
    Texts(std::ops::Range<usize>),
    Interpolation(&'t Expression),
    If {
        directive: &'t IfDirective,
        then: Vec<Part<'t>>,
        otherwise: Vec<Part<'t>>,
    },
    For {
        directive: &'t ForDirective,
        body: Vec<Part<'t>>,
    },
}

/// The sequence of a template's tokens.
enum Token {
    /// A text, by its number.
    Text(usize),
    /// An interpolation, or one of the sequences of a directive.
    Sequence(Strip),
}

/// The texts of a template, trimmed.
struct Layout<'s> {
    form: Form,
    /// The text to which the spans of the template refer.
    source: &'s str,
    texts: Vec<String>,
    tokens: Vec<Token>,
}

impl<'s> Layout<'s> {
    fn parts<'t>(&mut self, template: &'t Template) -> Vec<Part<'t>> {
        template.iter().map(|element| self.part(element)).collect()
    }

    fn part<'t>(&mut self, element: &'t Element) -> Part<'t> {
        match element {
            Element::Literal(literal) => {
                let start = self.texts.len();
                match (self.form, literal.span().and_then(|span| self.source.get(span))) {
                    (Form::Quoted, _) => self.texts.push(literal.as_str().to_owned()),
                    // The parser removes another margin.
                    (Form::Indented, Some(raw)) => self.push_lines(&unescaped(raw)),
                    _ => self.push_lines(literal.as_str()),
                }
                self.tokens.extend((start..self.texts.len()).map(Token::Text));
                Part::Texts(start..self.texts.len())
            }
            Element::Interpolation(interpolation) => {
                self.tokens.push(Token::Sequence(interpolation.strip));
                Part::Interpolation(&interpolation.expr)
            }
            Element::Directive(directive) => match &**directive {
                Directive::If(directive) => {
                    self.tokens.push(Token::Sequence(directive.if_expr.strip));
                    let then = self.parts(&directive.if_expr.template);
                    let otherwise = match &directive.else_expr {
                        Some(otherwise) => {
                            self.tokens.push(Token::Sequence(otherwise.strip));
                            self.parts(&otherwise.template)
                        }
                        None => Vec::new(),
                    };
                    self.tokens.push(Token::Sequence(directive.endif_expr.strip));
                    Part::If { directive, then, otherwise }
                }
                Directive::For(directive) => {
                    self.tokens.push(Token::Sequence(directive.for_expr.strip));
                    let body = self.parts(&directive.for_expr.template);
                    self.tokens.push(Token::Sequence(directive.endfor_expr.strip));
                    Part::For { directive, body }
                }
            },
        }
    }

    fn push_lines(&mut self, text: &str) {
        self.texts.extend(text.split_inclusive('\n').map(str::to_owned));
    }

    /// Removes the whitespace beside each `~`.
    fn strip(&mut self) {
        for (at, token) in self.tokens.iter().enumerate() {
            let Token::Sequence(strip) = token else { continue };
            let text = |neighbor: Option<usize>| match neighbor.and_then(|neighbor| self.tokens.get(neighbor)) {
                Some(Token::Text(text)) => Some(*text),
                _ => None,
            };
            if strip.strip_start()
                && let Some(text) = text(at.checked_sub(1)).and_then(|text| self.texts.get_mut(text))
            {
                text.truncate(text.trim_end().len());
            }
            if strip.strip_end()
                && let Some(text) = text(Some(at + 1)).and_then(|text| self.texts.get_mut(text))
            {
                *text = text.trim_start().to_owned();
            }
        }
    }

    /// Removes the margin: the smallest indent of a line, of which lines without any other text are no part.
    fn remove_margin(&mut self) {
        let (mut margin, mut indented, mut starts_line) = (usize::MAX, Vec::new(), true);
        for token in &self.tokens {
            let text = match token {
                Token::Text(number) => self.texts.get(*number).map(|text| (*number, text.as_str())),
                Token::Sequence(_) => None,
            };
            if starts_line {
                match text {
                    Some((_, text)) if text.trim_start().is_empty() && text.ends_with('\n') => {}
                    Some((number, text)) => {
                        let indent = text.len() - text.trim_start().len();
                        margin = margin.min(text.get(..indent).unwrap_or_default().graphemes(true).count());
                        indented.push(number);
                    }
                    None => margin = 0,
                }
            }
            starts_line = text.is_some_and(|(_, text)| text.ends_with('\n'));
        }
        for number in indented {
            if let Some(text) = self.texts.get_mut(number) {
                let cut = text.graphemes(true).take(margin).map(str::len).sum::<usize>();
                text.drain(..cut);
            }
        }
    }
}

/// Replaces the escapes of a heredoc.
fn unescaped(raw: &str) -> String {
    raw.replace("$${", "${").replace("%%{", "%{")
}

impl Scope<'_> {
    /// Evaluates a heredoc.
    pub(super) fn heredoc(self, heredoc: &HeredocTemplate) -> Value {
        let before = heredoc.template.span().and_then(|span| self.source.text().get(..span.start));
        let intro = before.and_then(|before| before.trim_end().strip_suffix(heredoc.delimiter.as_str()));
        let is_indented = intro.map_or(heredoc.indent().is_some(), |intro| intro.ends_with("<<-"));
        self.template(&heredoc.template, if is_indented { Form::Indented } else { Form::Lines })
    }

    /// Evaluates a template. One that consists of a single `${…}` has the value of the expression.
    pub(super) fn template(self, template: &Template, form: Form) -> Value {
        if let Some(Element::Interpolation(only)) = template.as_single_element() {
            return self.eval(&only.expr);
        }
        // The text is laid out before any part is evaluated.
        if !self.consume_steps(template, template.span().map_or(0, |span| span.len()) / 32) {
            return Value::invalid();
        }
        let mut layout = Layout { form, source: self.source.text(), texts: Vec::new(), tokens: Vec::new() };
        let parts = layout.parts(template);
        layout.strip();
        if form == Form::Indented {
            layout.remove_margin();
        }
        let mut output = String::new();
        match self.parts(template, &parts, &layout.texts, &mut output) {
            Ok(()) if !self.consume_steps(template, text_weight(&output)) => Value::invalid(),
            Ok(()) => Value::text(output),
            Err(unknown) => Value::Unknown(unknown.of_kind(Type::String)),
        }
    }

    /// Appends the parts. Fails with the reason why one is unknown.
    fn parts(
        self,
        template: &Template,
        parts: &[Part<'_>],
        texts: &[String],
        output: &mut String,
    ) -> Result<(), Unknown> {
        // All parts are evaluated, so that an error in one does not hide errors in others.
        let mut unknown = Ok(());
        for part in parts {
            let done = match part {
                Part::Texts(range) => {
                    texts.get(range.clone()).unwrap_or_default().iter().for_each(|text| output.push_str(text));
                    self.check_size(template, output)
                }
                Part::Interpolation(expr) => self.interpolation(template, expr, output),
                Part::If { directive, then, otherwise } => match self.condition(&directive.if_expr.cond_expr) {
                    Ok(holds) => self.parts(template, if holds { then } else { otherwise }, texts, output),
                    Err(unknown) => Err(unknown),
                },
                Part::For { directive, body } => self.for_directive(template, directive, body, texts, output),
            };
            if unknown.is_ok() {
                unknown = done;
            }
        }
        unknown
    }

    fn interpolation(self, template: &Template, expr: &Expression, output: &mut String) -> Result<(), Unknown> {
        let value = self.eval(expr);
        match (value.to_text(), &value) {
            (Some(part), _) => {
                output.push_str(&part);
                self.check_size(template, output)
            }
            (None, Value::Null(_)) => {
                let diagnostic = Diagnostic::error(self.location(expr), "`${…}` in a string: the value is null");
                self.report(diagnostic.with_hint("write `coalesce(…, \"\")` for an empty string"));
                Err(Unknown::Invalid)
            }
            (None, _) => Err(self.mismatch(expr, "`${…}` in a string", "a string", &value)),
        }
    }

    fn condition(self, expr: &Expression) -> Result<bool, Unknown> {
        let condition = self.eval(expr);
        condition.to_bool().ok_or_else(|| self.mismatch(expr, "the condition of `%{ if }`", "a boolean", &condition))
    }

    fn for_directive(
        self,
        template: &Template,
        directive: &ForDirective,
        body: &[Part<'_>],
        texts: &[String],
        output: &mut String,
    ) -> Result<(), Unknown> {
        let intro = &directive.for_expr;
        let collection = self.eval(&intro.collection_expr);
        let Some(pairs) = self.pairs(&collection) else {
            return Err(self.mismatch(&intro.collection_expr, "`%{ for }`", "a list, set or map", &collection));
        };
        for (key, value) in pairs {
            let value = Binding { name: intro.value_var.as_str(), value, outer: self.bindings };
            let key =
                intro.key_var.as_ref().map(|name| Binding { name: name.as_str(), value: key, outer: Some(&value) });
            self.with(key.as_ref().unwrap_or(&value)).parts(template, body, texts, output)?;
        }
        Ok(())
    }

    fn mismatch(self, thing: &impl Span, subject: &str, expected: &str, got: &Value) -> Unknown {
        match type_mismatch(self, thing, subject, expected, got) {
            Value::Unknown(unknown) => unknown,
            _ => Unknown::Invalid,
        }
    }

    /// Checks that the text is within the limits.
    fn check_size(self, thing: &impl Span, output: &str) -> Result<(), Unknown> {
        if !self.consume_steps(thing, 1) {
            return Err(Unknown::Invalid);
        }
        if text_weight(output) > MAX_WEIGHT {
            self.bounded(thing, Value::text(output));
            return Err(Unknown::Invalid);
        }
        Ok(())
    }
}
