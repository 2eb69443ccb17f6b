//! The modules of `sym-sdk` form layers: each depends only on modules below it.
//!
//! Without that, the modules are one large one: the pure machine could read the store, and a library of handlers would need an engine. The
//! compiler accepts cycles between modules, so this test reads the paths in the source. It takes every path that starts with `crate`, or
//! that leaves the module by `super`, wherever it appears: in `use` declarations, in code and in the input of macros.
#![allow(clippy::panic, clippy::unwrap_used, reason = "clippy's exception for tests leaves out their helpers")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};

/// The modules of `sym-sdk`, bottom up. A module may depend on those that precede it. Modules of one line are independent of each other.
const LAYERS: &[&[&str]] = &[
    &["bounded_map", "error", "suggest", "future", "sync", "time"],
    &["normalize"],
    &["clock", "forms"],
    &["model"],
    &["client", "routing", "template", "directory"],
    &["config"],
    &["integration"],
    &["handler", "machine"],
    &["audit", "strategy", "delivery"],
    &["engine"],
    &["runtime"],
    &["server", "simulation"],
    &["api", "mcp"],
    &["console"],
    &["testing", "cli"],
    &["app"],
    // The documentation that is more than that of one module.
    &["guide"],
    // What users import, and what macros expand to.
    &["__private"],
    &["macros"],
    &["prelude"],
];

type Graph = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

#[test]
fn modules_depend_only_on_lower_layers() {
    let graph = read_graph(&source());
    print_graph(&graph);

    let layer = |module: &str| LAYERS.iter().position(|layer| layer.contains(&module));
    let mut faults = Vec::new();
    for (module, dependencies) in &graph {
        let Some(own) = layer(module) else {
            faults.push(format!("module `{module}` has no layer: add it to `LAYERS`"));
            continue;
        };
        for (dependency, files) in dependencies {
            if layer(dependency).is_none_or(|other| other >= own) {
                let files: Vec<&str> = files.iter().map(String::as_str).collect();
                faults.push(format!("`{module}` must not depend on `{dependency}`: {}", files.join(", ")));
            }
        }
    }
    for module in LAYERS.iter().copied().flatten() {
        if !graph.contains_key(*module) {
            faults.push(format!("module `{module}` does not exist: remove it from `LAYERS`"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Front ends show requests and forms; what the state of a Run means is for the machine to decide. So they see views of it alone.
#[test]
fn integrations_do_not_read_the_state_of_runs() {
    let mut faults = Vec::new();
    for file in rust_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sym-integrations/src")) {
        let mut words = Vec::new();
        identifiers(parse(&file), &mut words);
        let names = words.iter().filter(|word| ["RunState", "StoredRun"].contains(&word.as_str()));
        let calls =
            words.windows(2).filter(|pair| pair[0] == "runtime" && ["run", "runs", "engine"].contains(&&*pair[1]));
        faults.extend(names.map(|name| format!("{}: {name}", file.display())));
        faults.extend(calls.map(|call| format!("{}: {}", file.display(), call.join("."))));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn finds_paths_in_declarations_code_and_macros() {
    let source = r"
        //! `crate::docs` is text.
        use crate::engine::{Engine, Store};
        use crate::{audit::{self, Entry}, Error, model};
        use super::super::runtime::Runtime;
        use super::sibling;
        fn f() -> crate::clock::Time { vec![crate::forms::x()] }
        macro_rules! m { () => { $crate::machine::y() } }
    ";
    let roots = BTreeMap::from([("Error".to_owned(), "error".to_owned())]);
    let found = dependencies(source.parse().unwrap(), &["cli", "output"], &roots);
    let expected = ["audit", "clock", "engine", "error", "forms", "machine", "model", "runtime"];
    assert_eq!(found.into_iter().collect::<Vec<_>>(), expected);
}

fn identifiers(stream: TokenStream, found: &mut Vec<String>) {
    for token in stream {
        match token {
            TokenTree::Ident(word) => found.push(word.to_string()),
            TokenTree::Group(group) => identifiers(group.stream(), found),
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sym-sdk/src")
}

/// Prints the layers, bottom up, with the dependencies of each module.
#[expect(clippy::print_stdout, reason = "the graph is for whoever runs this with `--nocapture`")]
fn print_graph(graph: &Graph) {
    for layer in LAYERS {
        for module in *layer {
            let dependencies = graph.get(*module).map(|found| found.keys().cloned().collect::<Vec<_>>());
            println!("{module:<12} -> {}", dependencies.unwrap_or_default().join(", "));
        }
    }
}

fn read_graph(root: &Path) -> Graph {
    let mut reexports = reexports(&parse(&root.join("lib.rs")));
    let files = rust_files(root);
    for file in &files {
        let relative = file.strip_prefix(root).unwrap().with_extension("");
        let module = relative.iter().next().unwrap().to_str().unwrap();
        reexports.extend(macros(parse(file)).into_iter().map(|name| (name, module.to_owned())));
    }
    let mut graph = Graph::new();
    for file in files {
        let relative = file.strip_prefix(root).unwrap().with_extension("");
        let mut path: Vec<&str> = relative.iter().map(|part| part.to_str().unwrap()).collect();
        if path == ["lib"] {
            continue;
        }
        if path.last() == Some(&"mod") {
            path.pop();
        }
        let module = path[0].to_owned();
        let found = dependencies(parse(&file), &path, &reexports);
        let entry = graph.entry(module.clone()).or_default();
        for dependency in found.into_iter().filter(|dependency| *dependency != module) {
            entry.entry(dependency).or_default().insert(relative.display().to_string());
        }
    }
    graph
}

fn rust_files(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

fn parse(file: &Path) -> TokenStream {
    let source = std::fs::read_to_string(file).unwrap();
    source.parse().unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// Items that the crate root re-exports, with the module that each comes from: `crate::Error` is a path into `error`.
fn reexports(root: &TokenStream) -> BTreeMap<String, String> {
    let tokens: Vec<TokenTree> = root.clone().into_iter().collect();
    let mut found = BTreeMap::new();
    for (at, token) in tokens.iter().enumerate() {
        if is_ident(token, "use") && at > 0 && is_ident(&tokens[at - 1], "pub") {
            let end = tokens[at..].iter().position(|token| is_punct(token, ';')).unwrap_or(0);
            for leaf in paths(&tokens[at + 1..at + end]) {
                if let [module, .., item] = leaf.as_slice() {
                    found.insert(item.clone(), module.clone());
                }
            }
        }
    }
    found
}

/// Returns the macros that a file defines. Exported ones are items of the crate root.
fn macros(source: TokenStream) -> Vec<String> {
    let tokens: Vec<TokenTree> = source.into_iter().collect();
    tokens.windows(3).filter(|window| is_ident(&window[0], "macro_rules")).map(|window| window[2].to_string()).collect()
}

/// Returns the top-level modules that the source of a module refers to.
fn dependencies(source: TokenStream, module: &[&str], reexports: &BTreeMap<String, String>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let tokens: Vec<TokenTree> = source.into_iter().collect();
    let mut at = 0;
    while at < tokens.len() {
        if let TokenTree::Group(group) = &tokens[at] {
            found.extend(dependencies(group.stream(), module, reexports));
        }
        let supers = leading_supers(&tokens[at..]);
        // A file of module `a::b` leaves `a`, and so reaches the crate root, by two `super`.
        let rest = if is_ident(&tokens[at], "crate") && has_colons(&tokens, at + 1) {
            Some(at + 3)
        } else if supers > 0 && supers >= module.len() {
            Some(at + 3 * supers)
        } else {
            None
        };
        if let Some(rest) = rest {
            for path in paths(&tokens[rest..end_of_path(&tokens, rest)]) {
                if let Some(first) = path.first() {
                    found.insert(reexports.get(first).unwrap_or(first).clone());
                }
            }
        }
        at += 1;
    }
    found.remove("self");
    found
}

/// Counts the `super::` at the start of a path.
fn leading_supers(tokens: &[TokenTree]) -> usize {
    let mut count = 0;
    while tokens.get(3 * count).is_some_and(|token| is_ident(token, "super")) && has_colons(tokens, 3 * count + 1) {
        count += 1;
    }
    count
}

fn end_of_path(tokens: &[TokenTree], start: usize) -> usize {
    let mut end = start;
    while end < tokens.len() {
        match &tokens[end] {
            TokenTree::Ident(_) if has_colons(tokens, end + 1) => end += 3,
            TokenTree::Ident(_) | TokenTree::Group(_) => return end + 1,
            _ => return end,
        }
    }
    end
}

/// Expands a use tree, `a::{b, c::d}`, into its paths.
fn paths(tokens: &[TokenTree]) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    for branch in tokens.split(|token| is_punct(token, ',')) {
        let mut path = Vec::new();
        let mut group = None;
        for token in branch {
            match token {
                TokenTree::Ident(ident) if *ident == "as" => break,
                TokenTree::Ident(ident) => path.push(ident.to_string()),
                TokenTree::Group(inner) => group = Some(inner.stream()),
                _ => {}
            }
        }
        match group {
            Some(inner) => {
                for rest in self::paths(&inner.into_iter().collect::<Vec<_>>()) {
                    paths.push(path.iter().cloned().chain(rest).collect());
                }
            }
            None if !path.is_empty() => paths.push(path),
            None => {}
        }
    }
    paths
}

fn has_colons(tokens: &[TokenTree], at: usize) -> bool {
    [at, at + 1].iter().all(|at| tokens.get(*at).is_some_and(|token| is_punct(token, ':')))
}

fn is_ident(token: &TokenTree, name: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if *ident == name)
}

fn is_punct(token: &TokenTree, punct: char) -> bool {
    matches!(token, TokenTree::Punct(found) if found.as_char() == punct)
}
