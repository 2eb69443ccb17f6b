//! A program that consists of a configuration, and of the handlers of a library.

use std::process::ExitCode;

use sym_sdk::App;

// Without this, the linker drops the library, because nothing refers to it, and its handlers with it.
sym_sdk::link!(access_handlers);

fn app() -> App {
    let app = App::new().config_dir(env!("CARGO_MANIFEST_DIR")).with(sym_integrations::all());
    app.domain("example.com").domain("platform.example.com")
}

fn main() -> ExitCode {
    app().main()
}

#[cfg(test)]
mod tests;
