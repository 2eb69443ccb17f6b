use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use sym_sdk::app::Exit;
use sym_sdk::testing::Harness;

use super::{app, subscriber};

type TestResult<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// A log in memory. Clones share it.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

async fn harness() -> TestResult<Harness> {
    Ok(Harness::builder().terraform_dir(env!("CARGO_MANIFEST_DIR")).build().await?)
}

/// Opens a form and makes a request.
async fn use_the_flow(harness: &mut Harness) -> TestResult {
    harness.prompt("production", "ana@example.com").await?;
    harness.request("production").target("operators").duration("1h").field("urgency", "urgent").await?;
    Ok(())
}

#[tokio::test]
async fn handlers_count_forms_and_requests() -> TestResult {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    // Of this thread, which is that of the test's runtime.
    let _installed = metrics::set_default_local_recorder(&recorder);
    use_the_flow(&mut harness().await?).await?;
    let counters = snapshotter.snapshot().into_vec().into_iter().filter_map(|(key, _, _, value)| match value {
        DebugValue::Counter(count) => Some((key.key().to_string(), count)),
        _ => None,
    });
    let own: Vec<_> = counters.filter(|(name, _)| name.contains("access_")).collect();
    assert_eq!(own.len(), 2, "{own:?}");
    assert!(own.iter().all(|(_, count)| *count == 1), "{own:?}");
    Ok(())
}

#[tokio::test]
async fn a_line_has_the_run_and_the_event() -> TestResult {
    let log = Log::default();
    let writer = log.clone();
    // For the process: with a subscriber of one thread, tracing can remember from another thread that nobody wants a line.
    tracing::subscriber::set_global_default(subscriber(move || writer.clone()))?;
    use_the_flow(&mut harness().await?).await?;
    let text = log.text();
    let line = text.lines().find(|line| line.contains("requested")).unwrap_or_default();
    for part in [r#""run":"#, r#""event":"request""#, r#""user":"ana@example.com""#] {
        assert!(line.contains(part), "{part}: {text}");
    }
    Ok(())
}

#[tokio::test]
async fn its_configuration_has_no_errors() {
    let (mut out, mut log) = (Vec::new(), Vec::new());
    let exit = app().run_from(["observability", "check"], &mut out, &mut log).await;
    assert_eq!(exit, Exit::Success, "{}", String::from_utf8_lossy(&out));
}
