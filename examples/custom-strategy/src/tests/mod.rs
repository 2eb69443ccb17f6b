mod server;

use sym_sdk::app::Exit;
use sym_sdk::prelude::*;
use sym_sdk::testing::Harness;

use super::app;
use super::roles::DatabaseRoles;
use server::Server;

type TestResult<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// The statements that the administrator of a database executes once.
const PREPARATION: &str = "
    CREATE ROLE ana LOGIN;
    CREATE ROLE ben LOGIN;
    CREATE ROLE orders_reader NOLOGIN;
    CREATE TABLE orders (id int);
    GRANT SELECT ON orders TO orders_reader;
    GRANT orders_reader TO ben;
";

async fn harness(server: &Server) -> TestResult<Harness> {
    Ok(Harness::builder()
        .terraform_dir(env!("CARGO_MANIFEST_DIR"))
        .custom_strategy("database-roles", DatabaseRoles::new(server.config("postgres")))
        // The clock is virtual, and the database real: calls to it take as long as they take.
        .idle_timeout(Duration::from_secs(60))
        .build()
        .await?)
}

/// Returns whether a login can read the table now.
async fn can_read(server: &Server, login: &str) -> TestResult<bool> {
    Ok(server.connect(login).await?.batch_execute("SELECT FROM orders").await.is_ok())
}

#[tokio::test]
async fn a_membership_lasts_as_long_as_the_access() -> TestResult {
    let Some(server) = Server::start()? else { return Ok(()) };
    server.connect("postgres").await?.batch_execute(PREPARATION).await?;
    let mut harness = harness(&server).await?;
    assert!(!can_read(&server, "ana").await?);

    let run = harness.request("database").target("orders-reader").duration("1h").field("reason", "a refund").await?;
    harness.approve_as(run, "cho@example.com").await?;
    assert!(can_read(&server, "ana").await?);

    harness.advance(Duration::from_secs(60 * 60)).await?;
    assert_eq!(harness.status(run).await?, RunStatus::Deescalated);
    assert!(!can_read(&server, "ana").await?);

    // Ben was a member before, and stays one.
    let request = harness.request("database").by("ben@example.com").target("orders-reader").duration("1h");
    let run = request.field("reason", "a refund").await?;
    harness.approve_as(run, "cho@example.com").await?;
    harness.advance(Duration::from_secs(60 * 60)).await?;
    assert_eq!(harness.status(run).await?, RunStatus::Deescalated);
    assert!(can_read(&server, "ben").await?);

    // Dee has no login, so there is nothing that could be granted.
    let request = harness.request("database").by("dee@example.com").target("orders-reader").duration("1h");
    let run = request.field("reason", "a refund").await?;
    harness.approve_as(run, "cho@example.com").await?;
    assert_eq!(harness.status(run).await?, RunStatus::Errored);
    Ok(())
}

#[tokio::test]
async fn its_configuration_has_no_errors() {
    let (mut out, mut log) = (Vec::new(), Vec::new());
    let exit = app().run_from(["custom-strategy", "check"], &mut out, &mut log).await;
    assert_eq!(exit, Exit::Success, "{}", String::from_utf8_lossy(&out));
}
