//! Help texts: examples that name the program, and the commands and flags that only some programs have.

#[cfg(all(feature = "server", feature = "sqlite"))]
use std::net::SocketAddr;

#[cfg(all(feature = "server", feature = "sqlite"))]
use clap::Arg;
#[cfg(feature = "server")]
use clap::Args as _;
use clap::CommandFactory;

#[cfg(feature = "server")]
use super::ManifestArgs;
use super::{Args, Capabilities, missing_commands};

const EXIT_CODES: &str =
    "Exit codes: 0 for success, 1 for errors, 2 for usage errors, 3 if the store fails while `serve` runs";

/// The exit codes of the commands that call the API.
#[cfg(all(feature = "api", feature = "remote", feature = "sqlite"))]
const CALL_EXIT_CODES: &str = "Exit codes: 0 for success or approved, 1 for errors, 2 for usage errors, 3 for denied or not permitted, 4 for still \
    waiting or expired, 5 for no server or nobody signed in, 130 for interrupted";

/// The commands that call the API, with examples.
#[cfg(all(feature = "api", feature = "remote", feature = "sqlite"))]
const CALLS: [(&str, &[&str]); 22] = [
    ("access", &["access --user ana@example.com", "access --db sym.db --json"]),
    ("api", &["api GET /runs -f limit=5", "api POST /bots -f name=ci"]),
    ("approve", &["approve RUN -m \"go ahead\" --for 30m"]),
    (
        "audit",
        &[
            "audit search --actor ana@example.com --since 30d",
            "audit export --format csv --since 2026-10-01",
            "audit verify --db sym.db",
        ],
    ),
    ("bots", &["bots add ci", "bots add ops --role admin --db sym.db --as ada@example.com"]),
    ("deny", &["deny RUN -m \"use the replica\""]),
    ("flows", &["flows", "flows prod"]),
    ("give-back", &["give-back", "give-back RUN"]),
    ("open", &["open", "open RUN", "open RUN --print"]),
    ("operations", &["operations", "operations --db sym.db --json"]),
    ("reconcile", &["reconcile --db sym.db", "reconcile --revoke-extra"]),
    (
        "request",
        &["request prod --to prod-db --for 1h --reason INC-42 --wait", "request prod --to prod-db --for 1h --dry-run"],
    ),
    ("revoke", &["revoke RUN", "revoke --user ana@example.com", "revoke RUN --db sym.db --as ada@example.com"]),
    ("run", &["run RUN", "run RUN --follow --json"]),
    (
        "runs",
        &[
            "runs --to-decide",
            "runs --stuck --db sym.db",
            "runs --open --watch",
            "runs --user ana@example.com --since 7d --all --json",
        ],
    ),
    ("sign-in", &["sign-in --server https://sym.example.com", "sign-in --profile prod --print"]),
    ("sign-out", &["sign-out", "sign-out --profile prod"]),
    ("tokens", &["tokens issue ci --for 30d", "tokens revoke TOKEN"]),
    (
        "trusts",
        &[
            "trusts list",
            "trusts add ci --provider github_actions --audience https://sym.example.com --claim repository_owner_id=1342004 \
             --claim repository_id=74791 --claim environment=production",
        ],
    ),
    (
        "users",
        &[
            "users lock ana@example.com --reason \"lost her laptop\"",
            "users role ben@example.com admin",
            "users import people.csv --dry-run",
        ],
    ),
    ("whoami", &["whoami"]),
    ("write-off", &["write-off RUN --reason \"the server was scrapped\""]),
];

const REQUEST: &str = r##"A request has the format of Sym's API. `source`, `decision` and `outcomes` are optional, and say how it goes:
  {
    "flow_srn": "acme:flow:prod:latest",
    "flow_inputs": { "target_srn": "...", "duration": 3600, "reason": "..." },
    "user_email": "ana@example.com",
    "source": "slack",
    "decision": { "approve": "ben@example.com", "message": "...", "after": "5m" },
    "outcomes": { "grant": "unknown", "revocation": "fails:2", "undeliverable": ["#requests"] }
  }
Without a decision, a simulated admin approves the request. The options override what the request says."##;

/// Returns the command for clap.
pub(in crate::cli) fn command(program: &str, capabilities: &Capabilities) -> clap::Command {
    let has_demo = capabilities.demo;
    let examples = |lines: &[&str]| {
        let lines: Vec<_> = lines.iter().map(|line| format!("  {program} {line}")).collect();
        format!("Examples:\n{}\n\n{EXIT_CODES}", lines.join("\n"))
    };
    let demo = if has_demo { "Without a command, the program simulates its demo requests.\n\n" } else { "" };
    let command = Args::command();
    #[cfg(feature = "sqlite")]
    let command =
        ["db", "speed"].into_iter().fold(command, |command, name| command.mut_arg(name, |arg| arg.hide(!has_demo)));
    let general: &[&str] = if has_demo && cfg!(feature = "sqlite") {
        &["check", "handlers", "simulate request.json", "--db demo.db", "runs --db demo.db"]
    } else {
        &["check", "handlers", "simulate request.json"]
    };
    #[cfg(all(feature = "server", feature = "sqlite"))]
    let command = command.mut_subcommand("serve", |serve| {
        let mut lines = vec!["serve".to_owned(), "serve --listen 127.0.0.1:8080 --db /var/lib/sym/sym.db".to_owned()];
        lines.extend(capabilities.fakes.iter().map(|kind| format!("serve --{}", fake_flag(kind))));
        let lines: Vec<_> = lines.iter().map(String::as_str).collect();
        serve.args(capabilities.fakes.iter().map(|kind| fake_arg(kind))).after_help(examples(&lines))
    });
    #[cfg(feature = "server")]
    let command = command.subcommands(capabilities.manifests.iter().map(|kind| {
        let lines = [format!("{kind} manifest"), format!("{kind} manifest --url https://sym.example.com")];
        front_end_command(kind, examples(&[&lines[0], &lines[1]]))
    }));
    #[cfg(all(feature = "api", feature = "remote", feature = "sqlite"))]
    let command = CALLS.into_iter().fold(command, |command, (name, lines)| {
        let lines: Vec<_> = lines.iter().map(|line| format!("  {program} {line}")).collect();
        let help = format!("Examples:\n{}\n\n{CALL_EXIT_CODES}", lines.join("\n"));
        command.mut_subcommand(name, |command| command.after_help(help))
    });
    missing_commands::add(command, capabilities)
        .bin_name(program)
        .after_help(format!("{demo}{}", examples(general)))
        .mut_subcommand("check", |check| {
            check.after_help(examples(&[
                "check",
                "check --live",
                "check --config infra/sym --var environment=prod",
                "check --json",
            ]))
        })
        .mut_subcommand("handlers", |handlers| handlers.after_help(examples(&["handlers", "handlers --json"])))
        .mut_subcommand("generate", |generate| {
            generate.mut_subcommand("types", |types| {
                types.after_help(examples(&[
                    "generate types",
                    "generate types --out src/types.rs",
                    "generate types --check",
                ]))
            })
        })
        .mut_subcommand("simulate", |simulate| {
            let examples = examples(&[
                "simulate request.json",
                "simulate request.json --config infra/sym --deny-as ben@example.com",
                "simulate - --source api --no-decision < request.json",
                "simulate --all",
                "simulate request.json --grant unknown --undeliverable \"#requests\"",
            ]);
            simulate.after_help(format!("{REQUEST}\n\n{examples}"))
        })
}

/// Returns the help, for a program that was run without a command and has no demo.
pub(in crate::cli) fn help(program: &str, capabilities: &Capabilities) -> String {
    command(program, capabilities).render_help().to_string()
}

/// Returns the name of the flag that starts a fake of a front end's service.
#[cfg(all(feature = "server", feature = "sqlite"))]
pub(super) fn fake_flag(kind: &str) -> String {
    format!("fake-{kind}")
}

#[cfg(all(feature = "server", feature = "sqlite"))]
fn fake_arg(kind: &str) -> Arg {
    let flag = fake_flag(kind);
    let help = format!(
        "Start a fake of {kind} on this address, and simulate all clients and strategies [default: 127.0.0.1:3001]"
    );
    Arg::new(flag.clone())
        .long(flag)
        .value_name("ADDRESS")
        .num_args(0..=1)
        .require_equals(true)
        .default_missing_value("127.0.0.1:3001")
        .value_parser(clap::value_parser!(SocketAddr))
        .help(help)
}

/// Returns the command for a type of front ends.
#[cfg(feature = "server")]
fn front_end_command(kind: &str, examples: String) -> clap::Command {
    let manifest = ManifestArgs::augment_args(clap::Command::new("manifest"))
        .about(format!("Print the manifest of the app to create at {kind}, as JSON"))
        .after_help(examples);
    clap::Command::new(kind.to_owned())
        .about(format!("Set up the front end `{kind}`"))
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(manifest)
}
