//! The way to a server: its pages, its certificate, and the token of a CI job.

use serde_json::{Value, json};
use sym_sdk::clock::Clock as _;

use super::program::run;
use super::{Way, World};

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_of_a_server_have_addresses() {
    let world = World::new(Way::Server).await;
    let (open, server) = (world.open.to_string(), &world.server);
    // This is no terminal, so nothing is opened.
    assert_eq!(world.look(&["open"]).await.ok(), format!("{server}/console\n"));
    assert_eq!(world.look(&["open", &open]).await.ok(), format!("{server}/r/{open}\n"));
    assert_eq!(world.look(&["open", &open, "--print"]).await.ok(), format!("{server}/r/{open}\n"));
    let json = world.look(&["open", &open, "--json"]).await.json();
    assert_eq!(json, json!({ "url": format!("{server}/r/{open}") }));
    let unknown = world.look(&["open", "0199c1a2-7b1e-7cc3-98c4-dc0c0c07398f"]).await;
    assert_eq!((unknown.code, unknown.out.as_str()), (1, ""), "{}", unknown.err);
    let db = world.db();
    let of_file = run(&["open", "--db", db.to_str().unwrap()], &[]).await;
    assert_eq!((of_file.code, of_file.err.contains("`--server URL`")), (2, true), "{}", of_file.err);
}

/// QE09: the authority of a company is named, and then it is the only one.
#[cfg(feature = "tls")]
#[tokio::test(flavor = "multi_thread")]
async fn a_private_authority_is_trusted_if_it_is_named() {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose};
    use sym_sdk::server::{CancellationToken, Server, TlsCertificate, listen};

    let world = World::new(Way::Server).await;
    let dir = world.dir.path();
    let key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let (ca, other) = (dir.join("ca.pem"), dir.join("other.pem"));
    std::fs::write(&ca, authority.self_signed(&key).unwrap().pem()).unwrap();
    let stranger = CertificateParams::default().self_signed(&KeyPair::generate().unwrap()).unwrap();
    std::fs::write(&other, stranger.pem()).unwrap();
    let issuer = Issuer::new(authority, key);
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(["localhost".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    let (chain, private) = (dir.join("chain.pem"), dir.join("key.pem"));
    std::fs::write(&chain, certificate.pem()).unwrap();
    std::fs::write(&private, key.serialize_pem()).unwrap();
    let listener = listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    let server = Server::new(world.runtime.clone().unwrap()).tls(TlsCertificate::read(chain, private).await.unwrap());
    let stop = CancellationToken::new();
    let serving = tokio::spawn(server.serve(listener, stop.clone()));

    let whoami = async |args: &[&str], environment: &[(&str, &str)]| {
        let token = [("SYM_TOKEN", world.token.as_str())];
        run(&[&["whoami", "--server", url.as_str()][..], args].concat(), &[&token[..], environment].concat()).await
    };
    let (ca, other) = (ca.to_str().unwrap(), other.to_str().unwrap());
    let untrusted = whoami(&[], &[]).await;
    assert_eq!((untrusted.code, untrusted.err.contains("cannot connect")), (5, true), "{}", untrusted.err);
    assert_eq!(whoami(&["--ca-cert", other], &[]).await.code, 5);
    assert!(whoami(&["--ca-cert", ca], &[]).await.ok().starts_with("ops  admin\n"));
    assert!(whoami(&[], &[("SYM_CA_CERT", ca)]).await.ok().starts_with("ops  admin\n"));
    let missing = whoami(&["--ca-cert", "no-such.pem"], &[]).await;
    assert_eq!((missing.code, missing.err.contains("`no-such.pem`")), (2, true), "{}", missing.err);
    let no_certificate = whoami(&["--ca-cert", dir.join("key.pem").to_str().unwrap()], &[]).await;
    assert_eq!((no_certificate.code, no_certificate.err.contains("PEM")), (2, true), "{}", no_certificate.err);

    // The path in a profile is one below its directory.
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("sym");
    std::fs::create_dir_all(&config).unwrap();
    std::fs::copy(ca, config.join("company.pem")).unwrap();
    let profile = format!("[profiles.prod]\nserver = \"{url}\"\nca_cert = \"company.pem\"\n");
    std::fs::write(config.join("config.toml"), profile).unwrap();
    let environment = [("XDG_CONFIG_HOME", home.path().to_str().unwrap()), ("SYM_TOKEN", world.token.as_str())];
    assert!(run(&["whoami"], &environment).await.ok().starts_with("ops  admin\n"));
    stop.cancel();
    serving.await.unwrap().unwrap();
}

/// The token of a job is exchanged before the first call. It is good once, and it is in no output.
#[tokio::test(flavor = "multi_thread")]
async fn a_job_calls_as_the_bot_that_trusts_it() {
    let world = World::new(Way::Server).await;
    let trust = [
        "trusts",
        "add",
        "deployer",
        "--provider",
        "github_actions",
        "--audience",
        "https://sym.example.com",
        "--claim",
        "repository_owner_id=1342004",
        "--claim",
        "repository_id=74791",
        "--claim",
        "environment=production",
    ];
    assert_eq!(world.act(&trust).await.code, 0);
    let now = world.clock.now().as_second();
    let job = |id: &str, environment: &str| {
        let claims: Value = json!({
            "iss": "https://token.actions.githubusercontent.com", "aud": "https://sym.example.com", "jti": id,
            "iat": now, "nbf": now - 60, "exp": now + 300, "repository": "acme/website", "repository_id": "74791",
            "repository_owner_id": "1342004", "environment": environment, "event_name": "push",
            "ref": "refs/heads/main", "run_id": "42", "secret": "do-not-show",
        });
        format!("{claims}.signed")
    };
    let call = async |token: &str, bot: &str| {
        run(&["whoami"], &[("SYM_SERVER", world.server.as_str()), ("SYM_JWT", token), ("SYM_BOT", bot)]).await
    };
    let first = job("first", "production");
    assert!(call(&first, "").await.ok().starts_with("deployer  member\n"));
    let again = call(&first, "").await;
    assert_eq!((again.code, again.err.contains("Authentication:TOKEN_ALREADY_USED")), (5, true), "{}", again.err);
    let elsewhere = call(&job("second", "staging"), "").await;
    assert_eq!((elsewhere.code, elsewhere.err.contains("`environment`")), (5, true), "{}", elsewhere.err);
    assert!(call(&job("third", "production"), "deployer").await.ok().starts_with("deployer  member\n"));
    for done in [&again, &elsewhere] {
        assert!(!done.err.contains("do-not-show") && !done.out.contains("do-not-show"), "{}", done.err);
    }
}
