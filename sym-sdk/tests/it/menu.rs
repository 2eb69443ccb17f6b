//! Type-ahead: which options match what was typed, and in which order.

use sym_sdk::forms::{FieldOption, FieldValue, Menu};

fn menu(labels: &[&str]) -> Menu {
    Menu::new(labels.iter().map(|label| FieldOption::try_from(*label).unwrap()).collect())
}

fn matching<'a>(menu: &'a Menu, typed: &str) -> Vec<&'a str> {
    menu.suggest(typed, 100).into_iter().map(FieldOption::label).collect()
}

#[test]
fn better_matches_come_first() {
    let options = ["my-prod-db", "reproduce", "Prod-eu", "prod", "staging"];
    let menu = menu(&options);
    assert_eq!(matching(&menu, "PROD"), ["prod", "Prod-eu", "my-prod-db", "reproduce"]);
    assert_eq!(matching(&menu, "db prod"), ["my-prod-db"]);
    assert_eq!(matching(&menu, " "), options);
    assert!(matching(&menu, "nothing").is_empty());
}

#[test]
fn returns_at_most_the_wanted_number() {
    let options: Vec<_> = (0..1000).map(|n| format!("db-{n}")).collect();
    let menu = menu(&options.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!((menu.len(), menu.suggest("", 7).len(), menu.suggest("99", 0).len()), (1000, 7, 0));
    assert_eq!(matching(&menu, "db-999"), ["db-999"]);
    assert_eq!(matching(&menu, "99")[..3], ["db-99", "db-990", "db-991"]);
}

#[test]
fn a_match_never_spans_two_labels() {
    let menu = menu(&["ab", "b a", "İzmir É", "日本 東京", "x ab"]);
    assert_eq!(matching(&menu, "ab"), ["ab", "x ab"]);
    assert!(matching(&menu, "abb").is_empty());
    assert_eq!(matching(&menu, "a b"), ["b a", "ab", "x ab"]);
    assert_eq!(matching(&menu, "é"), ["İzmir É"]);
    assert_eq!(matching(&menu, "東京"), ["日本 東京"]);
}

#[test]
fn a_value_is_returned_once_with_the_matching_label() {
    let named = |label: &str| FieldOption::new(FieldValue::from("db"), label).unwrap();
    let menu = Menu::new(vec![named("First"), named("Second"), named("First of all")]);
    assert_eq!(matching(&menu, "first"), ["First"]);
    assert_eq!(matching(&menu, "second"), ["Second"]);
    assert_eq!(matching(&menu, ""), ["First"]);
}

#[test]
fn a_front_end_prepares_its_own_rendering() {
    let options = ["blue", "green"].map(|label| FieldOption::try_from(label).unwrap());
    let html = Menu::rendered(&options, |option| Ok::<_, sym_sdk::Error>(format!("<li>{}</li>", option.label())));
    assert_eq!(html.unwrap().suggest("gr", 10), ["<li>green</li>"]);
    let failed =
        Menu::rendered(
            &options,
            |option| if option.label() == "green" { Err(option.label().to_owned()) } else { Ok(()) },
        );
    assert_eq!(failed.unwrap_err(), "green");
}
