//! The XML that the older services of AWS answer with, as a tree.
//!
//! A list of users is read even if the name of one of them contains a character that XML does not allow, and an element that occurs twice or
//! that this version does not know is no error. What cuts a response short is: a list must not look complete if it is not.

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, Event};
use serde_json::Value;

/// The maximum depth of a response. Those of AWS have less than ten levels.
const MAX_DEPTH: usize = 64;

/// An element with its text and its children.
#[derive(Debug, Default)]
pub(crate) struct Element {
    name: String,
    text: String,
    children: Vec<Element>,
}

impl Element {
    /// Parses a document and returns its root; `None` if it is not well-formed XML or truncated.
    pub(crate) fn parse(xml: &str) -> Option<Self> {
        let (mut document, is_complete) = Self::read(xml);
        match document.children.len() {
            1 if is_complete => document.children.pop(),
            _ => None,
        }
    }

    /// Reads a document as far as it is well-formed. Returns an element that contains the root, and whether the document is complete.
    pub(crate) fn read(xml: &str) -> (Self, bool) {
        let mut reader = Reader::from_str(xml);
        reader.config_mut().expand_empty_elements = true;
        reader.config_mut().allow_dangling_amp = true;
        let mut open = vec![Self::default()];
        let is_complete = loop {
            match reader.read_event() {
                Ok(Event::Start(start)) if open.len() < MAX_DEPTH => {
                    open.push(Self { name: start.local_name().as_ref().to_owned(), ..Self::default() });
                }
                Ok(Event::End(_)) => close(&mut open),
                Ok(Event::Text(text)) => add(&mut open, &text),
                Ok(Event::CData(text)) => add(&mut open, &text),
                Ok(Event::GeneralRef(reference)) => add(&mut open, &resolve(&reference)),
                Ok(Event::Eof) => break open.len() == 1,
                Ok(Event::Start(_)) | Err(_) => break false,
                Ok(_) => {}
            }
        };
        while open.len() > 1 {
            close(&mut open);
        }
        (open.pop().unwrap_or_default(), is_complete)
    }

    /// Returns the first child of this name.
    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// Returns the name.
    #[allow(dead_code, reason = "not all services need it")]
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Converts the element to JSON: a list of `member` elements to an array, an element with children to an object, one with a text to a
    /// text, and an empty one to `null`. Of several children with one name, the first counts.
    #[allow(dead_code, reason = "only some services answer with objects in XML")]
    pub(crate) fn to_json(&self) -> Value {
        match self.children.first() {
            Some(first) if first.name == "member" => self.children.iter().map(Self::to_json).collect(),
            Some(_) => self.children.iter().rev().map(|child| (child.name.clone(), child.to_json())).collect(),
            None => match self.text.trim() {
                "" => Value::Null,
                text => text.into(),
            },
        }
    }

    /// Returns the text of the first child of this name that has one.
    pub(crate) fn text_of(&self, name: &str) -> Option<&str> {
        let named = self.children.iter().filter(|child| child.name == name);
        named.map(|child| child.text.trim()).find(|text| !text.is_empty())
    }

    /// Returns the text of the first element of this name within this one that has a text.
    pub(crate) fn text_within(&self, name: &str) -> Option<&str> {
        self.text_of(name).or_else(|| self.children.iter().find_map(|child| child.text_within(name)))
    }
}

fn add(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}

fn close(open: &mut Vec<Element>) {
    if open.len() > 1
        && let Some(element) = open.pop()
        && let Some(parent) = open.last_mut()
    {
        parent.children.push(element);
    }
}

/// Returns the text of a reference such as `&amp;` or `&#233;`; U+FFFD if there is no such character.
fn resolve(reference: &BytesRef<'_>) -> String {
    match reference.resolve_char_ref() {
        Ok(Some(character)) => character.to_string(),
        Ok(None) => resolve_predefined_entity(reference).map_or_else(|| format!("&{};", &**reference), str::to_owned),
        Err(_) => char::REPLACEMENT_CHARACTER.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_texts_whatever_they_contain() {
        let root = Element::parse(
            "<?xml version=\"1.0\"?>\n<r xmlns=\"x\"><a>R&amp;D &#xD83D;&#233; &unknown; &lt;</a><a>2</a><b/><c><![CDATA[<&>]]></c></r>\n",
        )
        .unwrap();
        assert_eq!(root.text_of("a"), Some("R&D \u{fffd}é &unknown; <"));
        assert_eq!((root.text_of("b"), root.text_of("c")), (None, Some("<&>")));
    }

    #[test]
    fn converts_lists_and_objects_to_json() {
        let xml = "<r><Users><member><Name>a</Name><Name>b</Name></member><member/></Users><One><member>1</member></One><None/></r>";
        let expected = json!({ "Users": [{ "Name": "a" }, null], "One": ["1"], "None": null });
        assert_eq!(Element::parse(xml).unwrap().to_json(), expected);
    }

    #[test]
    fn rejects_what_is_cut_short_or_too_deep() {
        for xml in ["", "<r><a>1</a>", "<r><a>1</b></r>", "<r", "{}", "<a/><b/>", "</r>"] {
            assert!(Element::parse(xml).is_none(), "{xml}");
        }
        let deep = "<a>".repeat(100_000) + &"</a>".repeat(100_000);
        assert!(Element::parse(&deep).is_none());
        let (cut, is_complete) = Element::read("<E><Error><Code>Throttling</Code><Message>Rate ex");
        assert!(!is_complete);
        assert_eq!(cut.text_within("Code"), Some("Throttling"));
    }
}
