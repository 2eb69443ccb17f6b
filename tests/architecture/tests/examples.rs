//! The examples, compared with what they are to show: together they have every kind of handler and every argument, each has what a reader
//! needs, and the template can be made into a project.
#![allow(clippy::panic, clippy::unwrap_used, reason = "clippy's exception for tests leaves out their helpers")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The files below a directory, by their paths in it, without those that are built.
fn files(dir: &str) -> BTreeMap<String, String> {
    let (base, mut found) = (root().join(dir), BTreeMap::new());
    let mut open = vec![base.clone()];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if let Ok(text) = std::fs::read_to_string(&path) {
            found.insert(path.strip_prefix(&base).unwrap().to_str().unwrap().to_owned(), text);
        }
    }
    found
}

/// The directories of the examples, without the template.
fn examples() -> Vec<String> {
    let entries = std::fs::read_dir(root().join("examples")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut examples: Vec<_> = names.filter(|name| name != "template").collect();
    examples.sort();
    examples
}

/// The attribute of each handler of the examples, with its signature.
fn handlers() -> Vec<(String, String)> {
    let mut handlers = Vec::new();
    for (path, text) in files("examples") {
        if !path.ends_with(".rs") || path.starts_with("template/") {
            continue;
        }
        for attribute in ["#[reducer", "#[hook", "#[prefetch", "#[on_change"] {
            for part in text.split(&format!("\n{attribute}")).skip(1) {
                let (arguments, rest) = part.split_once("]\n").unwrap();
                // The next line that ends with a brace begins the body.
                let (signature, _) = rest.split_once("{\n").unwrap();
                handlers.push((format!("{attribute}{arguments}]"), signature.to_owned()));
            }
        }
    }
    handlers
}

/// The texts that follow a marker up to the next quotation mark: `=> "` for the names in a `match`.
fn names(source: &str, marker: &str) -> Vec<String> {
    let parts = source.split(marker).skip(1);
    parts.map(|part| part.split('"').next().unwrap().to_owned()).filter(|name| !name.is_empty()).collect()
}

#[test]
fn the_examples_have_every_kind_of_handler() {
    let kinds = read("sym-sdk/src/handler/kind.rs");
    let (kinds, _) = kinds.split_once("pub fn from_name").unwrap();
    let hooks = read("sym-sdk/src/model/hook.rs");
    let wanted: BTreeSet<_> = [names(kinds, "=> \""), names(&hooks, "=> \"")].concat().into_iter().collect();
    assert!(wanted.len() > 20, "{wanted:?}");
    let found: BTreeSet<_> = handlers()
        .iter()
        .map(|(attribute, signature)| match attribute.as_str() {
            named if named.starts_with("#[hook(") => {
                named.trim_start_matches("#[hook(").trim_end_matches(")]").to_owned()
            }
            other if other.starts_with("#[prefetch") => "prefetch".to_owned(),
            other if other.starts_with("#[on_change") => "on_change".to_owned(),
            _ => signature.split("fn ").nth(1).unwrap().split('(').next().unwrap().to_owned(),
        })
        .collect();
    let missing: Vec<_> = wanted.difference(&found).collect();
    assert!(missing.is_empty(), "no example has a handler of these kinds: {missing:?}");
}

#[test]
fn the_examples_take_every_argument() {
    let borrowed = read("sym-sdk/src/handler/extract/borrowed.rs");
    let (_, list) = borrowed.split_once("borrowed! {").unwrap();
    let (list, _) = list.split_once("\n}").unwrap();
    let references = list.lines().filter_map(|line| line.split_once(": ")).map(|(name, _)| format!("&{}", name.trim()));
    let mut wanted: Vec<String> = references.collect();
    assert!(wanted.len() > 9, "{wanted:?}");
    // Those with types of one's own, a client, the form, an argument that may be missing, and a type of one's own.
    let others = ["Fields<", "Vars<", "State<", "StepOutput<", "&PagerDuty", "&mut PromptForm", "Result<&", "Team<"];
    wanted.extend(others.map(str::to_owned));
    let handlers = handlers();
    let is_taken = |argument: &str| {
        let ends_there =
            |rest: &str| argument.ends_with(['<', '&']) || !rest.starts_with(|next: char| next.is_alphanumeric());
        handlers.iter().any(|(_, signature)| signature.split(&format!(": {argument}")).skip(1).any(ends_there))
    };
    let missing: Vec<_> = wanted.iter().filter(|argument| !is_taken(argument)).collect();
    assert!(missing.is_empty(), "no handler of an example takes {missing:?}");
}

#[test]
fn each_example_has_a_readme_and_is_in_the_guide() {
    let guide = read("sym-sdk/docs/examples.md");
    for example in examples() {
        let readme = read(format!("examples/{example}/README.md"));
        for file in readme.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()) {
            assert!(root().join("examples").join(&example).join(file).exists(), "{example}: there is no {file}");
        }
        let manifest = read(format!("examples/{example}/Cargo.toml"));
        assert!(manifest.contains(&format!("name = \"{example}\"")), "{example}: the package has another name");
        assert!(guide.contains(&format!("[`{example}`](")), "sym-sdk/docs/examples.md does not list {example}");
    }
    assert!(guide.contains("[`template`]("));
}

/// Replaces the placeholders of the template, as `cargo generate` does.
fn instantiate(text: &str) -> String {
    text.replace("{{project-name}}", "my-flows")
        .replace("{{organization}}", "acme")
        .replace("{{domain}}", "acme.example")
}

#[test]
fn the_template_becomes_a_project() {
    let mut template = files("examples/template");
    let settings = template.remove("cargo-generate.toml").unwrap();
    for placeholder in ["organization", "domain"] {
        assert!(settings.contains(&format!("[placeholders.{placeholder}]")), "{placeholder}");
    }
    let project: BTreeMap<_, _> = template.iter().map(|(path, text)| (path.as_str(), instantiate(text))).collect();
    let expected = [".gitignore", "Cargo.toml", "README.md", "flow.tf", "src/main.rs", "src/tests.rs"];
    assert_eq!(project.keys().copied().collect::<Vec<_>>(), expected);
    for (path, text) in &project {
        assert!(!text.contains("{{"), "{path} has a placeholder that nobody fills in");
    }
    let manifest = &project["Cargo.toml"];
    assert!(manifest.contains("name = \"my-flows\""));
    // The versions that it asks for are those of this workspace.
    let workspace = read("Cargo.toml");
    let (_, package) = workspace.split_once("[workspace.package]\nversion = \"").unwrap();
    let minor = package.split('"').next().unwrap().rsplit_once('.').unwrap().0;
    for name in ["sym-sdk", "sym-integrations"] {
        assert!(manifest.contains(&format!("{name} = {{ version = \"{minor}\"")), "{name} is not {minor}");
    }
    let rust_version = workspace.lines().find(|line| line.starts_with("rust-version = ")).unwrap();
    assert!(manifest.contains(rust_version), "the template has another {rust_version}");
}
