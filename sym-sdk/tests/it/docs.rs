//! The documentation of the crate, compared with its manifest.

use std::collections::BTreeSet;
use std::path::Path;

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

#[test]
fn the_feature_table_lists_all_features() {
    let manifest = read("Cargo.toml");
    let section = manifest.split("[features]\n").nth(1).unwrap().split("\n[").next().unwrap();
    let declared: BTreeSet<_> =
        section.lines().filter_map(|line| Some(line.split_once(" = [")?.0)).filter(|name| *name != "default").collect();
    let docs = read("src/docs/crate.md");
    let table = docs.split("| feature |").nth(1).unwrap();
    let documented: BTreeSet<_> =
        table.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    assert_eq!(documented, declared);

    let default = section.lines().find_map(|line| line.strip_prefix("default = ")).unwrap();
    for row in table.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let is_default = default.contains(&cells[1].replace('`', "\""));
        assert_eq!(is_default, cells[2] == "yes", "{row}");
    }
}
