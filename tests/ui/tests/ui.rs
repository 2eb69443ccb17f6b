//! Compiles the fixtures. `SYM_UI_ONLY=fail/hook_self.rs` runs one; `TRYBUILD=overwrite` rewrites the expected messages.

#[test]
fn ui() {
    let tests = trybuild::TestCases::new();
    if let Ok(fixture) = std::env::var("SYM_UI_ONLY") {
        if fixture.starts_with("pass/") {
            tests.pass(fixture);
        } else {
            tests.compile_fail(fixture);
        }
        return;
    }
    tests.pass("pass/*.rs");
    tests.compile_fail("fail/*.rs");
}
