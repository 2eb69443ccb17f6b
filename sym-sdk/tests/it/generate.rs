//! The command `generate types`.

use std::path::{Path, PathBuf};

use expect_test::expect;
use sym_sdk::App;
use sym_sdk::app::Exit;
use sym_sdk::prelude::*;

/// The generated file. It compiles with the lints of the workspace, and `cargo fmt --check` reads it.
#[path = "../fixtures/generate/flow_types.rs"]
mod flow_types;

use flow_types::prod_access::{FlowVars, Form, RepoName, Urgency};

#[reducer]
fn get_permissions() -> RequestPermission {
    RequestPermission::admins_only()
}

mod shared {
    use super::*;

    #[hook]
    pub(super) fn on_request(_form: Result<Fields<Form>, ExtractError>, _vars: Result<Vars<FlowVars>, ExtractError>) {}
}

mod typed {
    use super::*;

    #[hook]
    pub(super) fn on_request(_form: Fields<Form>, _vars: Vars<FlowVars>) {}
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/generate").join(name)
}

/// Runs a command with the configuration in this directory, and returns its exit and what it wrote.
fn run(dir: &Path, args: &[&str]) -> (Exit, String) {
    let registry = sym_sdk::handlers![get_permissions, shared::on_request];
    let app = App::new().registry(registry).config_dir(dir).domain("example.com");
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let args = [&["my-flows"], args].concat();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let exit = runtime.block_on(app.run_from(args, &mut out, &mut err));
    (exit, String::from_utf8(out).unwrap() + &String::from_utf8(err).unwrap())
}

/// Copies the configuration, after changing it.
fn changed(from: &str, to: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(fixture("flow.tf")).unwrap();
    assert!(text.contains(from));
    std::fs::write(dir.path().join("flow.tf"), text.replace(from, to)).unwrap();
    dir
}

#[test]
fn the_generated_file_is_fresh() {
    let file = fixture("flow_types.rs");
    let args = ["generate", "types", "--check", "--out", file.to_str().unwrap()];
    let (exit, text) = run(&fixture(""), &args);
    assert_eq!((exit, text), (Exit::Success, format!("{}: types of 2 flows, unchanged\n", file.display())));
}

#[test]
fn a_stale_file_is_told_and_written() {
    let dir = changed("very urgent", "extremely urgent");
    let file = dir.path().join("types.rs");
    let out = file.to_str().unwrap();
    let (exit, text) = run(dir.path(), &["generate", "types", "--check", "--out", out]);
    assert_eq!(exit, Exit::Failure);
    assert_eq!(
        text.replace(out, "types.rs"),
        "error: `types.rs` does not have the types of the configuration\n  help: run `my-flows generate types --out types.rs`\n"
    );
    assert!(!file.exists());
    let (exit, text) = run(dir.path(), &["generate", "types", "--out", out]);
    assert_eq!((exit, text.replace(out, "types.rs")), (Exit::Success, "types.rs: types of 2 flows\n".to_owned()));
    let written = std::fs::read_to_string(&file).unwrap();
    assert!(written.contains("#[serde(rename = \"extremely urgent\")]\n        ExtremelyUrgent,\n"), "{written}");
    let (exit, text) = run(dir.path(), &["generate", "types", "--out", "-"]);
    let without_command =
        |text: &str| text.lines().filter(|line| !line.contains("@generated")).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!((exit, without_command(&text)), (Exit::Success, without_command(&written)));
}

#[test]
fn check_tells_that_linked_types_are_stale() {
    expect![[r#"
        2 flows, 2 handlers, 0 integrations: no errors
    "#]]
    .assert_eq(&run(&fixture(""), &["check"]).1);
    let dir = changed("very urgent", "extremely urgent");
    expect![[r#"
        warning: sym-sdk/tests/it/../fixtures/generate/flow_types.rs: the generated types of flow `prod-access` are stale
          help: run `generate types`
        2 flows, 2 handlers, 0 integrations: no errors, 1 warning
    "#]]
    .assert_eq(&run(dir.path(), &["check"]).1);
    // The configuration of another organization is none of these types' business.
    let other = tempfile::tempdir().unwrap();
    let text = "resource \"sym_flow\" \"other\" {\n  name = \"other\"\n  environment_id = sym_environment.main.id\n  params {}\n}\n\nresource \"sym_environment\" \"main\" {\n  name = \"main\"\n}\n\nprovider \"sym\" {\n  org = \"acme\"\n}\n";
    std::fs::write(other.path().join("flow.tf"), text).unwrap();
    expect![[r#"
        1 flow, 2 handlers, 0 integrations: no errors
    "#]]
    .assert_eq(&run(other.path(), &["check"]).1);
}

/// Handlers that take the types fit the flow that these were generated from.
#[test]
fn generated_types_fit_their_flow() {
    let mut config = sym_sdk::config::Config::from_terraform_dir(fixture("")).unwrap().config;
    config.flows.retain(|flow| flow.name == "prod-access");
    let registry = sym_sdk::handlers![get_permissions, typed::on_request];
    let builder = sym_sdk::runtime::Runtime::builder(config).registry(registry);
    builder.check().unwrap();
    assert_eq!(builder.warnings(), []);
}

#[test]
fn generated_types_read_the_exact_values() {
    let fields = FieldMap::from_iter([
        ("urgency", FieldValue::from("say \"hi\" \\o/")),
        ("Repo-Name", vec!["acme/payments"].into()),
        ("type", 3.into()),
        ("2fa", true.into()),
        ("on_behalf_of", vec![SlackUserSelection::new("U1", None)].into()),
        ("sizes", vec![1_i64, 2].into()),
        ("wait", Duration::from_secs(60).into()),
    ]);
    let form: Form = fields.deserialize().unwrap();
    let expected = Form {
        urgency: Urgency::SayHiO,
        repo_name: Some(vec![RepoName::AcmePayments]),
        string: None,
        r#type: 3,
        field_2fa: true,
        self_2: None,
        on_behalf_of: vec![SlackUserSelection::new("U1", None)],
        sizes: vec![1, 2],
        wait: Duration::from_secs(60),
    };
    assert_eq!(form, expected);
}
