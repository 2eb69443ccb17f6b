//! The flags of `serve` by which people sign in.

use std::process::Command;

use sym_sdk::app::Exit;

use super::super::client::send;
use super::super::directory;
use super::{ARGS, DIR, Served, app, run};

/// The flags by which a proxy signs people in.
#[cfg(unix)]
#[tokio::test]
async fn a_proxy_that_flags_name_signs_people_in() {
    let dir = directory();
    let args = [
        "--public-url=http://127.0.0.1:1",
        "--trusted-proxy=127.0.0.1",
        "--proxy-header=X-Forwarded-Email",
        "--proxy-sign-out-path=/oauth2/sign_out",
    ];
    let mut command = Command::new(std::env::current_exe().unwrap());
    let served = Served::spawn(command.env(DIR, dir.path()).env(ARGS, args.join("\n")).env("RUST_LOG", "error"));
    let request = async |headers: &str| {
        let head = "GET /console/sign-in?return=/console/inbox HTTP/1.1\r\nhost: test\r\nconnection: close";
        send(served.address, &format!("{head}\r\n{headers}\r\n")).await
    };
    let signed_in = request("x-forwarded-email: ana@example.com\r\n").await;
    assert_eq!(signed_in.status, 303, "{signed_in:?}");
    assert!(signed_in.head.contains("location: /console/inbox") && signed_in.head.contains("set-cookie: sym_dev="));
    let nobody = request("").await;
    assert_eq!(nobody.status, 401, "{nobody:?}");
    let two = request("x-forwarded-email: ana@example.com\r\nx-forwarded-email: ada@example.com\r\n").await;
    assert_eq!(two.status, 400, "{two:?}");
    served.signal("-TERM");
    assert_eq!(served.end().2, Some(0));
}

#[tokio::test]
async fn flags_by_which_people_sign_in_that_make_no_sense_are_refused() {
    let dir = directory();
    let db = dir.path().join("sym.db");
    let serve = async |args: &[&str]| {
        let all = ["serve", "--listen", "127.0.0.1:0", "--db", db.to_str().unwrap()];
        let (exit, _, err) = run(app(dir.path()), &[&all[..], args].concat()).await;
        (exit, err)
    };
    let url = "--public-url=https://sym.example.com";
    let issuer = ["--oidc-issuer=https://id.example.com", "--oidc-client-id=sym", url];
    for (args, part) in [
        (vec!["--oidc-issuer=https://id.example.com"], "--oidc-client-id <ID>"),
        (vec!["--oidc-issuer=https://id.example.com", "--oidc-client-id=sym"], "--public-url <URL>"),
        (vec!["--proxy-header=X-Email", url], "--trusted-proxy <ADDRESS>"),
        (vec!["--proxy-issuer=https://id.example.com"], "--proxy-header <NAME>"),
        (vec!["--role-group=admin=ops"], "--oidc-issuer <URL>"),
        ([&issuer[..], &["--role-group=king=ops"]].concat(), "`king` is not a role"),
        ([&issuer[..], &["--role-group=admin"]].concat(), "such as `admin=sym-admins`"),
        ([&issuer[..], &["--proxy-header=X-Email", "--trusted-proxy=::1"]].concat(), "cannot be used with"),
        (vec!["--trusted-proxy=10.0.0.0/99"], "expected an IP address or a range of them, got `10.0.0.0/99`"),
    ] {
        let (exit, err) = serve(&args).await;
        assert_eq!(exit, Exit::Usage, "{args:?}: {err}");
        assert!(err.contains(part), "{args:?}: {err}");
    }
    for (args, part) in [
        (issuer.to_vec(), "enable the feature `oidc` of the crate `sym-integrations`"),
        ([&issuer[..], &["--oidc-client-secret-env=SYM_SDK_NO_SUCH_VARIABLE"]].concat(), "SYM_SDK_NO_SUCH_VARIABLE"),
        (vec![url, "--trusted-proxy=::1", "--proxy-header=Cookie"], "`Cookie` is not the name of a header"),
    ] {
        let (exit, err) = serve(&args).await;
        assert_eq!(exit, Exit::Failure, "{args:?}: {err}");
        assert!(err.contains(part), "{args:?}: {err}");
    }
}
