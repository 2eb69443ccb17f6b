//! The pages of the guide, compared with each other and with the code that they name.
//!
//! Rustdoc checks what it shows, and runs the examples. This checks the rest: that each page is in the guide and in the book, that a link
//! leads to the same page in both, and that the tests, functions and files that pages name exist.
#![allow(clippy::panic, clippy::unwrap_used, reason = "clippy's exception for tests leaves out their helpers")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn page(file: &str) -> String {
    read(&format!("sym-sdk/docs/{file}"))
}

/// The pages in the order of `guide.rs`: module and file.
fn pages() -> Vec<(String, String)> {
    let source = read("sym-sdk/src/guide.rs");
    let declared = source.split("\npages! {").nth(1).unwrap();
    let lines = declared.lines().map(str::trim).filter(|line| line.ends_with(".md\""));
    lines
        .map(|line| line.split_once(' ').unwrap())
        .map(|(name, file)| (name.into(), file.trim_matches('"').into()))
        .collect()
}

/// The files below a directory, as text.
fn sources(dir: &str) -> String {
    let mut text = String::new();
    let mut open = vec![root().join(dir)];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
    text
}

/// The definitions `[label]: destination` of a text.
fn definitions(text: &str) -> BTreeMap<String, String> {
    let lines = text.lines().filter_map(|line| line.strip_prefix('[')?.split_once("]: "));
    lines.map(|(label, destination)| (label.to_owned(), destination.to_owned())).collect()
}

#[test]
fn every_page_is_in_the_guide_and_in_the_book() {
    let files: BTreeSet<_> = std::fs::read_dir(root().join("sym-sdk/docs"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".md") && name != "SUMMARY.md")
        .collect();
    let in_guide: Vec<_> = pages().into_iter().map(|(_, file)| file).collect();
    assert_eq!(in_guide.iter().cloned().collect::<BTreeSet<_>>(), files);

    let summary = page("SUMMARY.md");
    let in_book: Vec<_> = summary.split("](").skip(1).map(|rest| rest.split(')').next().unwrap().to_owned()).collect();
    assert_eq!(in_book, in_guide, "the order is the same");
}

#[test]
fn links_lead_to_the_same_page_everywhere() {
    let modules: BTreeMap<_, _> =
        pages().into_iter().map(|(name, file)| (file, format!("crate::guide::{name}"))).collect();
    let in_guide = definitions(&read("sym-sdk/src/docs/guide-links.md"));
    for file in modules.keys() {
        let text = page(file);
        let inline = text.split("](").skip(1).map(|rest| rest.split([')', '#']).next().unwrap());
        let inline: Vec<_> = inline.filter(|link| link.ends_with(".md") && !link.contains("://")).collect();
        assert_eq!(inline, [""; 0], "{file}: link to pages by their labels");
        let defined = definitions(&text);
        for (label, destination) in defined.iter().filter(|(_, destination)| destination.ends_with(".md")) {
            let module = modules.get(destination).unwrap_or_else(|| panic!("{file}: there is no page {destination}"));
            assert_eq!(in_guide.get(label), Some(module), "{file}: [{label}]");
        }
        for label in text.split("][").skip(1).map(|rest| rest.split(']').next().unwrap()) {
            assert!(defined.contains_key(label), "{file}: [{label}] is not defined");
        }
    }
}

/// Rustdoc has no place for the file of a drawing, so that its page has it as a data URL.
#[test]
fn the_drawing_is_the_same_everywhere() {
    let links = definitions(&read("sym-sdk/src/docs/guide-links.md"));
    let encoded = links["machine-diagram"].strip_prefix("data:image/svg+xml,").unwrap();
    let mut parts = encoded.split('%');
    let mut bytes = parts.next().unwrap().as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(&part[..2], 16).unwrap());
        bytes.extend(part[2..].bytes());
    }
    assert_eq!(String::from_utf8(bytes).unwrap(), page("machine.svg"), "encode docs/machine.svg anew");
}

/// Tests are named as `` `name` (`path`) ``, or several of them before one path.
#[test]
fn tests_that_pages_name_exist() {
    for file in ["guarantees.md", "security.md"] {
        let text = page(file);
        let mut found = 0;
        for part in text.split("(`").skip(1) {
            let path = part.split("`)").next().unwrap();
            if !path.ends_with(".rs") {
                continue;
            }
            let before = text.split(&format!("(`{part}")).next().unwrap();
            let line = before.rsplit(['\n', ';']).next().unwrap();
            let code = read(path);
            for name in line.split('`').skip(1).step_by(2).filter(|name| !name.ends_with(".rs")) {
                assert!(code.contains(&format!("fn {name}(")), "{file}: `{name}` is not in {path}");
                found += 1;
            }
        }
        assert!(found > 5, "{file} names no tests");
    }
}

#[test]
fn ported_functions_exist() {
    let text = page("porting.md");
    let table = text.split("\n## Integrations\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let rows = table.lines().filter(|line| line.starts_with("| `"));
    let mut found = 0;
    for row in rows {
        for name in row.split('`').skip(1).step_by(2) {
            let Some((module, function)) = name.split_once('.') else { continue };
            if !root().join("sym-integrations/src").join(module).exists() {
                continue;
            }
            let function = function.split('(').next().unwrap();
            let code = sources(&format!("sym-integrations/src/{module}"));
            assert!(code.contains(&format!("fn {function}(")) || code.contains(&format!("fn {function}<")), "{name}");
            found += 1;
        }
    }
    assert!(found > 30, "the table has only {found} functions");
}

#[test]
fn patterns_are_the_code_of_the_ported_flows() {
    let code = sources("tests/flows/src");
    let text = page("porting-patterns.md");
    let blocks: Vec<_> = text.split("```rs\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(blocks.len() > 8);
    for block in blocks {
        assert!(code.contains(block), "not in tests/flows/src:\n{block}");
    }
    for module in text.split('`').filter_map(|name| name.strip_suffix(".rs")).filter(|name| !name.contains('/')) {
        assert!(root().join(format!("tests/flows/src/{module}.rs")).exists(), "{module}");
    }
}

/// The example needs a generated file, so a copy with a stub of that file is compiled.
#[test]
fn the_example_of_generated_types_is_compiled() {
    let source = read("tests/readme/src/lib.rs");
    let docs = source.lines().filter_map(|line| line.strip_prefix("///"));
    let shown = docs.map(|line| line.strip_prefix(' ').unwrap_or(line)).filter(|line| !line.starts_with("# "));
    let compiled: String = shown.map(|line| format!("{line}\n")).collect();
    let text = page("fields.md");
    let blocks: Vec<_> = text.split("```rs\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert_eq!(blocks.len(), 1);
    assert!(compiled.contains(blocks[0]), "not in tests/readme/src/lib.rs:\n{}", blocks[0]);
}

#[test]
fn files_that_pages_name_exist() {
    for (_, file) in pages() {
        let text = page(&file);
        for name in text.split('`').skip(1).step_by(2) {
            let is_path =
                ["examples/", "sym-sdk/", "sym-integrations/", "tests/"].iter().any(|dir| name.starts_with(dir));
            if is_path && !name.contains([' ', '*', '…']) {
                // The page of a later directory may name it without its first part.
                let exists =
                    [root().join(name), root().join("sym-integrations").join(name)].iter().any(|path| path.exists());
                assert!(exists, "{file}: `{name}` does not exist");
            }
        }
    }
}
