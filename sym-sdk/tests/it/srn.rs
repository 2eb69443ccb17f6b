//! Sym Resource Names: parsing, formatting and comparison.

use expect_test::expect;
use proptest::prelude::*;
use sym_sdk::error::codes;
use sym_sdk::model::{Slug, Srn, SrnVersion};

#[test]
fn parses_the_test_vectors_of_sym() {
    for bad in [
        "foo",
        "foo:bar:baz",
        "a:b:c:1.0",
        "a:b:c:1.3000.0:x",
        "a:b:c:latestx",
        "a!b:c:d:latest:e",
        "sym:integration:x:1.0.0",
        "sym:integration::x:1.0.0",
        "",
        ":::",
        "a:b:c:latest:",
        "a:b:c:latest:x:y",
        "a:b:c:1.0.0.0",
        "a:b:c:1..0",
        "a:b:c:-1.0.0",
        "a:b: c:latest",
        "\u{212a}:b:c:latest",
    ] {
        let error = Srn::parse(bad).expect_err(bad);
        assert_eq!(*error.code(), codes::INVALID_SRN, "{bad}");
        assert!(error.message().contains(bad), "{error}");
    }
    for good in ["foo_foo:bar:baz:latest", "foo:bar:baz:1.300.0:something", "sym:integration:slack:x:latest"] {
        assert_eq!(Srn::parse(good).unwrap().to_string(), good);
    }
}

#[test]
fn returns_the_parts() {
    let srn = Srn::parse("Acme:Access_Target:okta_group:My-Target:1.2.3:ID").unwrap();
    assert_eq!(srn.organization(), "acme");
    assert_eq!(srn.model(), "access_target");
    assert_eq!(srn.kind(), Some("okta_group"));
    assert_eq!(srn.slug(), "my-target");
    assert_eq!(*srn.version(), SrnVersion::Numbered(1, 2, 3));
    assert_eq!(srn.identifier(), Some("id"));
}

#[test]
fn errors_name_the_problem() {
    let report = |text| Srn::parse(text).unwrap_err().report().to_string();
    expect![[r#"
        `foo:bar:baz` is not an SRN: it has 3 parts (SymSDK:INVALID_SRN)
          help: expected `org:model:slug:version[:identifier]`"#]]
    .assert_eq(&report("foo:bar:baz"));
    expect![[r#"
        `sym:integration:x:1.0.0` is not an SRN: it has 4 parts (SymSDK:INVALID_SRN)
          help: expected `org:model:type:slug:version[:identifier]`"#]]
    .assert_eq(&report("sym:integration:x:1.0.0"));
    expect!["`a:b:c:latest:` is not an SRN: it ends with a colon (SymSDK:INVALID_SRN)"]
        .assert_eq(&report("a:b:c:latest:"));
    expect!["`a:b:c:1.0` is not an SRN: `1.0` is not a version: expected `latest` or three numbers of at most three digits, such as `1.0.0` (SymSDK:INVALID_SRN)"].assert_eq(&report("a:b:c:1.0"));
    expect![[r#"
        `a!:b:c d:1.0` is not an SRN: it has 3 problems (SymSDK:INVALID_SRN)
          help: the organization `a!` is invalid: it contains '!'; the slug `c d` is invalid: it contains ' '; `1.0` is not a version: expected `latest` or three numbers of at most three digits, such as `1.0.0`"#]]
    .assert_eq(&report("a!:b:c d:1.0"));
}

#[test]
fn constructor_requires_a_type_for_typed_models() {
    expect!["`acme:user:x:latest` is not an SRN: the model `user` requires a type (SymSDK:INVALID_SRN)"]
        .assert_eq(&Srn::new("acme", "user", None, "x").unwrap_err().to_string());
    expect!["`acme:flow:fast:x:latest` is not an SRN: the model `flow` has no type (SymSDK:INVALID_SRN)"]
        .assert_eq(&Srn::new("acme", "flow", Some("fast"), "x").unwrap_err().to_string());
    assert_eq!(Srn::new("ACME", "Flow", None, "X").unwrap().to_string(), "acme:flow:x:latest");
}

#[test]
fn compares_with_text_ignoring_case() {
    let srn = Srn::parse("acme:flow:prod:1.0.0").unwrap();
    assert_eq!(srn, Srn::parse("ACME:Flow:PROD:1.0.0").unwrap());
    assert_eq!(srn, "Acme:FLOW:prod:1.0.0");
    assert!(srn != *"acme:flow:prod:latest");
    assert!(srn != "not an srn");
}

#[test]
fn setters_keep_the_other_parts() {
    let srn = Srn::parse("acme:integration:slack:main:1.0.0:abc").unwrap();
    let copy = srn.clone().with_slug("Other").unwrap().with_version(SrnVersion::Latest);
    assert_eq!(copy.to_string(), "acme:integration:slack:other:latest:abc");
    assert_eq!(srn.clone().with_identifier("DEF").unwrap().identifier(), Some("def"));
    assert!(srn.clone().with_slug("a b").is_err());
    assert!(srn.clone().with_organization("").is_err());
    assert!(srn.clone().with_model("flow", Some("slack")).is_err());
    assert!(srn.clone().with_model("secret", None).is_err());
    assert_eq!(srn.with_model("flow", None).unwrap().to_string(), "acme:flow:main:1.0.0:abc");
}

#[test]
fn lenient_parsing_accepts_a_missing_type() {
    for old in ["acme:user:1b4e28ba-2fa1-11d2-883f-0016d3cca427:latest", "acme:access_target:mine:latest:abc"] {
        assert!(Srn::parse(old).is_err());
        let srn = Srn::parse_lenient(old).unwrap();
        assert_eq!(srn.kind(), None);
        assert_eq!(srn.to_string(), old);
    }
    let new = "acme:user:normal:1b4e28ba-2fa1-11d2-883f-0016d3cca427:latest";
    assert_eq!(Srn::parse_lenient(new).unwrap(), Srn::parse(new).unwrap());
    // A slug that looks like a version does not make the SRN an old one.
    assert_eq!(Srn::parse_lenient("acme:secret:env:latest:1.0.0").unwrap().kind(), Some("env"));
    assert!(Srn::parse_lenient("acme:flow:prod").is_err());
    assert!(Srn::parse_lenient("acme:flow:fast:prod:latest").is_err());
}

#[test]
fn serializes_as_text() {
    let srn: Srn = serde_json::from_str(r#""ACME:flow:prod:latest""#).unwrap();
    assert_eq!(serde_json::to_string(&srn).unwrap(), r#""acme:flow:prod:latest""#);
    expect!["`nope` is not an SRN: it has 1 part (SymSDK:INVALID_SRN)"]
        .assert_eq(&serde_json::from_str::<Srn>(r#""nope""#).unwrap_err().to_string());
}

#[test]
fn slug_errors_name_the_invalid_character() {
    expect![[r#"
        `prod access` is not a slug: it contains ' ' (SymSDK:INVALID_SLUG)
          help: use letters, digits, dashes and underscores"#]]
    .assert_eq(&Slug::parse("prod access").unwrap_err().report().to_string());
    expect!["`` is not a slug: it is empty (SymSDK:INVALID_SLUG)"].assert_eq(&Slug::parse("").unwrap_err().to_string());
    assert!(Slug::parse("naïve").is_err());
    assert_eq!(Slug::parse("Prod_1-A").unwrap().as_str(), "prod_1-a");
    assert!(serde_json::from_str::<Slug>(r#""a:b""#).is_err());
}

fn part() -> impl Strategy<Value = String> {
    "[a-z0-9_-]{1,12}"
}

fn version() -> impl Strategy<Value = SrnVersion> {
    prop_oneof![
        Just(SrnVersion::Latest),
        (0u16..1000, 0u16..1000, 0u16..1000).prop_map(|(a, b, c)| SrnVersion::Numbered(a, b, c)),
    ]
}

proptest! {
    #[test]
    fn parses_what_it_formats(
        organization in part(),
        model in prop_oneof![Just("flow"), Just("run"), Just("user"), Just("integration")],
        kind in part(),
        slug in part(),
        version in version(),
        identifier in proptest::option::of(part()),
    ) {
        let kind = ["user", "integration"].contains(&model).then_some(kind.as_str());
        let mut srn = Srn::new(&organization, model, kind, &slug).unwrap().with_version(version);
        if let Some(identifier) = identifier {
            srn = srn.with_identifier(&identifier).unwrap();
        }
        let text = srn.to_string();
        prop_assert_eq!(&Srn::parse(&text).unwrap(), &srn);
        prop_assert_eq!(&Srn::parse(&text.to_uppercase()).unwrap(), &srn);
        prop_assert!(srn == *text.as_str());
    }

    #[test]
    fn formats_what_it_parses(text in "[a-zA-Z0-9:._! -]{0,40}") {
        for srn in [Srn::parse(&text), Srn::parse_lenient(&text)].into_iter().flatten() {
            prop_assert_eq!(&Srn::parse_lenient(&srn.to_string()).unwrap(), &srn);
        }
    }
}
