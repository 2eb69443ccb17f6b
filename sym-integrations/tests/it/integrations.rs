//! The descriptions of integrations say what the code does, and the README what they say.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use expect_test::expect;
use sym_integrations::kit::{IntegrationInfo, integrations};
use syn::{FnArg, ImplItem, Item, ReceiverKind, ReturnType, Type, Visibility};

use crate::contract::Participant;

/// The features that are no integrations: parts of several, or of one.
const OTHER_FEATURES: [&str; 7] = ["aws-config", "client", "oidc", "runtime", "slack-app", "slack-fake", "testing"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Returns the files of a module that is a folder.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// Returns the public methods of a type that take `&self`, without those that return a reference: these are properties.
fn functions(folder: &Path, client: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for file in sources(folder) {
        let parsed = syn::parse_file(&read(&file)).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let impls = parsed.items.into_iter().filter_map(|item| match item {
            Item::Impl(block) if block.trait_.is_none() => Some(block),
            _ => None,
        });
        for block in impls.filter(|block| matches!(&*block.self_ty, Type::Path(path) if path.path.is_ident(client))) {
            for item in block.items {
                let ImplItem::Fn(function) = item else { continue };
                let takes_reference = matches!(function.sig.inputs.first(), Some(FnArg::Receiver(receiver)) if matches!(receiver.kind, ReceiverKind::Reference(..)));
                let is_property = matches!(&function.sig.output, ReturnType::Type(_, returned) if matches!(**returned, Type::Reference(_)));
                if matches!(function.vis, Visibility::Public(_)) && takes_reference && !is_property {
                    found.insert(function.sig.ident.to_string());
                }
            }
        }
    }
    found
}

/// To mend it, list the functions in the module's `IntegrationInfo`.
#[test]
fn functions_are_those_of_the_client() {
    for info in integrations() {
        let Some(client) = info.client() else { continue };
        let listed: Vec<String> = info.functions().iter().map(|name| (*name).to_owned()).collect();
        let found: Vec<String> = functions(&root().join("src").join(info.kind()), client).into_iter().collect();
        assert!(!found.is_empty(), "{}: `{client}` has no functions", info.kind());
        assert_eq!(listed, found, "{}: the functions of `{client}`", info.kind());
    }
}

/// To mend it, submit an `IntegrationInfo` in the module of the feature.
#[test]
fn every_feature_is_described() {
    let manifest = read(&root().join("Cargo.toml"));
    let (_, full) = manifest.split_once("\nfull = [").unwrap();
    let (full, _) = full.split_once(']').unwrap();
    let features: BTreeSet<&str> =
        full.split('"').skip(1).step_by(2).filter(|name| !OTHER_FEATURES.contains(name)).collect();
    let described: BTreeSet<&str> = integrations().iter().map(|info| info.feature()).collect();
    let missing: Vec<_> = features.difference(&described).collect();
    assert!(missing.is_empty(), "without an `IntegrationInfo`: {missing:?}");
}

/// To mend it, add a world in `tests/it/contract/`.
#[test]
fn every_strategy_keeps_the_contract() {
    let worlds: BTreeSet<&str> = inventory::iter::<Participant>.into_iter().map(|world| world.name).collect();
    for info in integrations() {
        for strategy in info.strategies() {
            let kind = strategy.strategy_type().kind().to_owned();
            assert!(worlds.contains(&*kind), "strategy `{kind}` is not in the contract test");
        }
    }
}

/// The cells of a row of the README, without formatting.
fn table(readme: &str) -> BTreeMap<String, Vec<BTreeSet<String>>> {
    let rows = readme.lines().skip_while(|line| !line.starts_with("| feature | ")).skip(2);
    let rows = rows.take_while(|line| line.starts_with('|'));
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let named = |cell: &&str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        (cells[0].trim_matches('`').to_owned(), cells[2..].iter().map(named).collect())
    })
    .collect()
}

/// To mend it, write the row that the message shows.
#[test]
fn the_readme_lists_every_integration() {
    let listed = table(&read(&root().join("../README.md")));
    let mut expected = BTreeSet::new();
    for info in integrations().into_iter().filter(|info| info.client().is_some() || has_types(info)) {
        expected.insert(info.feature().to_owned());
        let strategies: BTreeSet<_> =
            info.strategies().iter().map(|strategy| strategy.strategy_type().kind().to_owned()).collect();
        let destinations: BTreeSet<_> =
            info.log_destinations().iter().map(|destination| destination.kind().to_owned()).collect();
        let quoted = |names: &BTreeSet<String>| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let row = format!("| `{}` | … | {} | {} |", info.feature(), quoted(&strategies), quoted(&destinations));
        assert_eq!(listed.get(info.feature()), Some(&vec![strategies, destinations]), "the README needs: {row}");
    }
    let features: BTreeSet<_> = listed.into_keys().collect();
    assert_eq!(features, expected);
}

fn has_types(info: &IntegrationInfo) -> bool {
    !info.strategies().is_empty() || !info.log_destinations().is_empty()
}

#[test]
fn a_description_reads_well() {
    let okta = integrations().into_iter().find(|info| info.kind() == "okta").unwrap();
    expect![[r#"
        Okta (feature `okta`)
          client `Okta`: account_id, add_group_member, find_user_by_email, get_group, get_user, get_user_info, is_group_member, is_user_in_group, list_group_members, list_groups, list_user_groups, remove_group_member, users_in_group
            needs an API token of an administrator who may read users and groups
          strategy `okta`: existing sessions last after a revocation; settle time 15 min
            settings: none
            target `okta_group`: `group_id`
            needs an administrator who may manage the members of the groups
          https://docs.rs/sym-integrations/latest/sym_integrations/okta/
    "#]].assert_eq(&okta.to_string());
}
