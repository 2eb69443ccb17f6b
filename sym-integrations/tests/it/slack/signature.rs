//! Verification of request signatures.

use std::time::Duration;

use jiff::Timestamp;
use sym_integrations::slack::signature::SigningSecret;
use sym_sdk::error::{ErrorKind, Result};

use super::code;

// The example from Slack's documentation.
const SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
const TIME: &str = "1531420618";
const SIGNATURE: &str = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";
const BODY: &str = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V\
    &channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=\
    &response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN\
    &trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_531_420_618 + seconds).unwrap()
}

fn verify(time: &str, signature: &str, body: &[u8], now: Timestamp) -> Result<()> {
    SigningSecret::new(SECRET.into()).unwrap().verify(Some(time), Some(signature), body, now)
}

#[test]
fn accepts_slacks_example_for_five_minutes() {
    for seconds in [-300, -1, 0, 1, 300] {
        verify(TIME, SIGNATURE, BODY.as_bytes(), at(seconds)).unwrap();
    }
    for now in [at(-301), at(301), at(300) + Duration::from_nanos(1), Timestamp::UNIX_EPOCH, Timestamp::MAX] {
        let error = verify(TIME, SIGNATURE, BODY.as_bytes(), now).unwrap_err();
        assert_eq!((code(&error).as_str(), error.kind()), ("Slack:STALE_REQUEST", ErrorKind::Unauthorized), "{now}");
    }
}

#[test]
fn rejects_modified_requests() {
    let changed = BODY.replace("roadrunner", "coyote");
    for body in [changed.as_bytes(), b"", &BODY.as_bytes()[1..], &[BODY.as_bytes(), b"\n"].concat()] {
        assert_eq!(code(&verify(TIME, SIGNATURE, body, at(0)).unwrap_err()), "Slack:WRONG_SIGNATURE");
    }
    assert_eq!(code(&verify("1531420619", SIGNATURE, BODY.as_bytes(), at(0)).unwrap_err()), "Slack:WRONG_SIGNATURE");
    assert_eq!(code(&verify("01531420618", SIGNATURE, BODY.as_bytes(), at(0)).unwrap_err()), "Slack:WRONG_SIGNATURE");
    let other = SigningSecret::new("8f742231b10e8888abcd99yyyzzz85a6".into()).unwrap();
    let error = other.verify(Some(TIME), Some(SIGNATURE), BODY.as_bytes(), at(0)).unwrap_err();
    assert_eq!((code(&error).as_str(), error.kind()), ("Slack:WRONG_SIGNATURE", ErrorKind::Unauthorized));
    for end in ['4', '2'] {
        let signature = format!("{}{end}", &SIGNATURE[..SIGNATURE.len() - 1]);
        assert_eq!(code(&verify(TIME, &signature, BODY.as_bytes(), at(0)).unwrap_err()), "Slack:WRONG_SIGNATURE");
    }
}

#[test]
fn rejects_malformed_signatures() {
    let digits = &SIGNATURE[3..];
    for signature in [
        String::new(),
        "v0=".to_owned(),
        digits.to_owned(),
        format!("v1={digits}"),
        format!("V0={digits}"),
        format!("v0={}", digits.to_uppercase()),
        format!("v0={}", &digits[..62]),
        format!("v0={}", &digits[..63]),
        format!("{SIGNATURE}0"),
        format!("{SIGNATURE}00"),
        format!(" {SIGNATURE}"),
        format!("{SIGNATURE},{SIGNATURE}"),
        format!("v0={}", digits.replacen('a', "g", 1)),
        format!("v0={}é", &digits[..62]),
    ] {
        let error = verify(TIME, &signature, BODY.as_bytes(), at(0)).unwrap_err();
        assert_eq!(
            (code(&error).as_str(), error.kind()),
            ("Slack:INVALID_SIGNATURE", ErrorKind::Unauthorized),
            "{signature}"
        );
    }
}

#[test]
fn rejects_malformed_timestamps() {
    for time in [
        "",
        " ",
        "-1531420618",
        "+1531420618",
        "1531420618.5",
        "1531420618 ",
        "now",
        "0x5b",
        "99999999999999999999",
        "9999999999999",
    ] {
        let error = verify(time, SIGNATURE, BODY.as_bytes(), at(0)).unwrap_err();
        assert_eq!(code(&error), "Slack:INVALID_TIMESTAMP", "{time}");
    }
}

#[test]
fn rejects_unsigned_requests() {
    let secret = SigningSecret::new(SECRET.into()).unwrap();
    for (time, signature) in [(None, None), (Some(TIME), None), (None, Some(SIGNATURE))] {
        let error = secret.verify(time, signature, BODY.as_bytes(), at(0)).unwrap_err();
        assert_eq!((code(&error).as_str(), error.kind()), ("Slack:NOT_SIGNED", ErrorKind::Unauthorized));
    }
}

#[test]
fn rejects_empty_secrets_and_redacts_the_secret() {
    for secret in ["", " ", "\n"] {
        assert_eq!(SigningSecret::new(secret.into()).unwrap_err().kind(), ErrorKind::Configuration);
    }
    assert!(!format!("{:?}", SigningSecret::new(SECRET.into()).unwrap()).contains("8f74"));
}
