//! The metrics for Prometheus, over a real socket.

use sym_sdk::error::codes;
use sym_sdk::server::{CancellationToken, PrometheusMetrics, listen};

use super::client::{get, send};
use super::desk::Desk;
use super::{Running, unchanged};

/// One test, because a process has one recorder.
#[tokio::test]
async fn metrics_are_served_on_a_listener_of_their_own() {
    let metrics = PrometheusMetrics::install().unwrap();
    let second = PrometheusMetrics::install().unwrap_err();
    assert_eq!(second.code(), &codes::METRICS);
    assert_eq!(second.message(), "the program has installed a recorder of metrics already");

    let listener = listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
    let serving = tokio::spawn(metrics.serve(listener, stop.clone()));
    let server = Running::start(&Desk::named("desk"), unchanged).await;
    // A gauge of the workers, which they set when they start.
    let rendered = loop {
        let answer = get(address, "/metrics").await;
        assert_eq!(answer.status, 200);
        assert!(answer.head.contains("content-type: text/plain; version=0.0.4"), "{}", answer.head);
        if answer.body.contains("sym_due ") {
            break answer.body;
        }
        tokio::task::yield_now().await;
    };
    let described = |name: &str| rendered.contains(&format!("# HELP {name} "));
    let names = rendered.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
    let undescribed: Vec<_> = names.filter(|name| name.starts_with("sym_") && !described(name)).collect();
    assert_eq!(undescribed, [""; 0], "{rendered}");
    assert!(rendered.contains("sym_due 0"), "{rendered}");

    assert_eq!(get(server.address, "/metrics").await.status, 404);
    assert_eq!(get(address, "/health").await.status, 404);
    let posted =
        send(address, "POST /metrics HTTP/1.1\r\nhost: test\r\nconnection: close\r\ncontent-length: 0\r\n\r\n").await;
    assert_eq!(posted.status, 405);
    stop.cancel();
    serving.await.unwrap();
}
