//! The help of `serve`, and of types of front ends.

use expect_test::expect;
use sym_sdk::App;
use sym_sdk::app::Exit;

use super::super::desk::Desk;
use super::{desk_type, run};

#[tokio::test]
async fn the_help_tells_of_types_of_front_ends() {
    let desk = || App::new().front_end_type(desk_type(Desk::named("desk")));
    let (_, out, _) = run(desk(), &["--help"]).await;
    assert!(out.contains("Set up the front end `desk`"), "{out}");
    let (_, out, _) = run(desk(), &["desk", "manifest", "--help"]).await;
    assert!(out.contains("program desk manifest --url https://sym.example.com"), "{out}");
    let (_, out, _) = run(desk(), &["serve", "--help"]).await;
    assert!(out.contains("--fake-desk[=<ADDRESS>]") && out.contains("program serve --fake-desk"), "{out}");
    let (exit, _, err) = run(App::new(), &["serve", "--fake-desk"]).await;
    assert_eq!(exit, Exit::Usage);
    assert!(err.contains("unexpected argument '--fake-desk'"), "{err}");
}

#[tokio::test]
async fn the_help_is_complete() {
    let (exit, out, err) = run(App::new(), &["serve", "--help"]).await;
    assert_eq!((exit, err.as_str()), (Exit::Success, ""));
    let out: String = out.lines().map(|line| format!("{}\n", line.trim_end())).collect();
    expect![[r#"
        Run the flows and serve their front ends

        Each front end is mounted below its name. `GET /health` and `GET /ready` are liveness and readiness
        probes. SIGINT or SIGTERM stops the program gracefully: work in flight has some seconds to finish,
        and the rest is resumed at the next start. A second signal stops it immediately. If the store fails
        for good, the program ends with exit code 3: have a supervisor restart it.

        Usage: program serve [OPTIONS]

        Options:
              --config <DIR>
                  Read the configuration from the Terraform files in this directory

              --listen <ADDRESS>
                  Address to listen on; port 0 picks a free port

                  [default: 127.0.0.1:3000]

              --db <FILE>
                  File of the store, created if missing [default: sym.db, or sym-fake.db with a fake]

              --var <NAME=VALUE>
                  Set a Terraform variable; can be repeated

              --public-url <URL>
                  Address under which people and agents reach the program, such as `https://sym.example.com`

              --var-file <FILE>
                  Set the Terraform variables in this file; can be repeated. What comes later counts, also
                  if it is `--var`

              --strict
                  Do not start if anything is wrong, instead of starting with what works: then no access is
                  revoked either

              --workspace <NAME>
                  Name of the Terraform workspace [default: TF_WORKSPACE, or what `terraform workspace
                  select` chose]

              --known-values <FILE>
                  Read values that only `terraform apply` knows from this JSON file, such as
                  {"module.okta.group_id": "00g1"}

              --no-console
                  Do not serve the web console, and link to none of its pages

              --domain <DOMAIN>
                  Add an e-mail domain of the organization; can be repeated

              --oidc-issuer <URL>
                  Issuer at which people sign in by OpenID Connect, such as `https://acme.okta.com`, exactly
                  as its openid-configuration names it

              --json
                  Print JSON

              --oidc-client-id <ID>
                  Client id that the issuer has given this program

              --oidc-client-secret-file <FILE>
                  File with the client secret

              --oidc-client-secret-env <NAME>
                  Environment variable with the client secret

              --oidc-scope <SCOPE>
                  Scope to ask for beside `openid`, `email` and `profile`, such as `groups`; can be repeated

              --proxy-header <NAME>
                  Header in which a proxy in front of this program names the person whom it has signed in:
                  by e-mail address, or with `--proxy-issuer` in an assertion that it signs

              --proxy-issuer <ISSUER>
                  Issuer of the proxy's assertions, exactly as they name it

              --proxy-audience <AUDIENCE>
                  Audience that the proxy's assertions have for this program

              --proxy-keys-url <URL>
                  Address of the keys of the proxy's assertions [default: the issuer's openid-configuration
                  says it]

              --proxy-sign-out-path <PATH>
                  Path at which the proxy signs people out, such as `/oauth2/sign_out`

              --trusted-proxy <ADDRESS>
                  Address, or range such as `10.0.0.0/8`, of the proxies in front of this program, whose
                  `X-Forwarded-For` is believed, and the header of `--proxy-header`; can be repeated

              --role-group <ROLE=GROUP>
                  Role of the members of a group, such as `admin=sym-admins`; can be repeated. Whoever is in
                  none of the groups cannot sign in

              --groups-claim <CLAIM>
                  Claim that lists the groups of a person

                  [default: groups]

              --trust-unverified-emails
                  Take e-mail addresses as verified if the issuer does not say whether they are: only if
                  people cannot set their own there

              --tls-cert <FILE>
                  File with the certificate and those that lead to its authority, in PEM format: serves
                  HTTPS. Read again when it changes

              --tls-key <FILE>
                  File with the private key of the certificate, unencrypted, in PEM format

              --metrics-listen <ADDRESS>
                  Serve the metrics for Prometheus at `/metrics` on this address, which only the collector
                  should reach

              --anchor-file <FILE>
                  Append anchors of the audit log to this file: at start, periodically and at shutdown. Keep
                  it where nobody who can write to the store can change it

              --anchor-destinations
                  Send the anchors to the log destinations that take them, too

              --anchor-interval <DURATION>
                  Interval of the anchors

                  [default: 1h]

              --anchor-key-file <FILE>
                  File with the key that authenticates the anchors

              --anchor-key-env <NAME>
                  Environment variable with the key that authenticates the anchors

              --output-key-file <FILE>
                  File with the key that encrypts secrets in outputs of steps, which are not stored without
                  one; can be repeated, after a key was replaced: the first one encrypts

              --output-key-env <NAME>
                  Environment variable with the key that encrypts secrets in outputs of steps

              --log-format <FORMAT>
                  Format of the log on standard error; the environment variable RUST_LOG filters it

                  Possible values:
                  - text: A line of text for each event
                  - json: A JSON object for each event

                  [default: text]

          -h, --help
                  Print help (see a summary with '-h')

        Examples:
          program serve
          program serve --listen 127.0.0.1:8080 --db /var/lib/sym/sym.db

        Exit codes: 0 for success, 1 for errors, 2 for usage errors, 3 if the store fails while `serve` runs
    "#]]
    .assert_eq(&out);
}
