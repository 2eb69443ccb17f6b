//! The program that the comparison runs: malformed requests, and unreachable services.
#![allow(clippy::unwrap_used, reason = "clippy's exception for tests leaves out their helpers")]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

fn run(input: &str) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_conformance"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    program.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    program.wait_with_output().unwrap()
}

fn request(vendor: &str, base_url: &str, call: &str, settings: &Value) -> Output {
    let request =
        json!({ "vendor": vendor, "base_url": base_url, "settings": settings, "call": call, "arguments": {} });
    run(&request.to_string())
}

/// The vendors, each with a call that takes no arguments.
const VENDORS: [(&str, &str); 5] = [
    ("google", "list_groups"),
    ("okta", "list_groups"),
    ("onelogin", "list_roles"),
    ("pagerduty", "users_on_call"),
    ("slack", "list_users"),
];

/// The credentials of a vendor. With a `client_id`, Okta's would be those of a service app.
fn settings(vendor: &str) -> Value {
    match vendor {
        "onelogin" => json!({ "client_id": "6f6a", "client_secret": "secret" }),
        _ => json!({ "access_token": "ya29.token", "api_token": "00token" }),
    }
}

#[test]
fn what_is_no_request_is_refused() {
    let mut outputs: Vec<_> = ["", "[]", "{", r#"{ "vendor": "nobody" }"#].map(run).into();
    for (vendor, call) in VENDORS {
        outputs.push(request(vendor, "http://127.0.0.1:9", "dance", &settings(vendor)));
        outputs.push(request(vendor, "http://127.0.0.1:9", call, &json!({})));
    }
    for output in outputs {
        assert!(!output.status.success(), "{output:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{output:?}");
    }
}

#[test]
fn what_comes_of_a_call_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]).unwrap();
            stream.write_all(b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
        }
    });
    for (vendor, call) in VENDORS {
        let output = request(vendor, &base_url, call, &settings(vendor));
        assert!(output.status.success(), "{output:?}");
        let outcome: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(outcome["error"]["kind"], "Unauthorized", "{vendor}: {outcome}");
        assert_eq!(outcome["error"]["status"], 401, "{vendor}: {outcome}");
    }
}
