//! Connections that break, stall or never end.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use sym_sdk::clock::Clock;
use sym_sdk::error::ErrorKind;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::support::{Raw, client, clock, code, hurry, leap, read_request};

const MEGABYTE: usize = 1024 * 1024;

const SMALL: usize = 64 * 1024;

#[tokio::test]
async fn retries_any_method_if_no_connection_was_made() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    for method in ["GET", "POST"] {
        let clock = clock();
        let begun = clock.now();
        let client = client(&base, &clock);
        let call = if method == "GET" { client.get("x", &[]) } else { client.post("x", &[]) };
        let error = hurry(&clock, call).await.unwrap_err();
        assert_eq!(code(&error), "Toy:UNREACHABLE");
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(!format!("{error:?}").contains("/x"), "a URL may have more in it than is good to tell: {error:?}");
        let waited = clock.now().duration_since(begun).as_secs_f64();
        assert!((3.5..=7.0).contains(&waited), "{method} waited {waited} s");
    }
}

/// Hangs up in the middle of what it sends.
async fn breaks_off(sent: &'static [u8]) -> Raw {
    Raw::start(move |_, mut socket| async move {
        read_request(&mut socket).await?;
        socket.write_all(sent).await?;
        // Unread bytes or this: either way the connection is reset, not closed.
        socket.set_zero_linger()
    })
    .await
}

#[tokio::test]
async fn retries_lost_connections_only_for_idempotent_calls() {
    for sent in [
        &b""[..],
        b"HTTP/1.1 200 OK\r\ncontent-",
        b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n[1, 2",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\n[1, \r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\ncontent-encoding: gzip\r\n\r\nnope",
    ] {
        let server = breaks_off(sent).await;
        let clock = clock();
        let client = client(&server.base, &clock);

        let error = hurry(&clock, client.get("x", &[])).await.unwrap_err();
        assert_eq!(code(&error), "Toy:CONNECTION_LOST");
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert_eq!(server.connections(), 4, "{sent:?}");

        let error = hurry(&clock, client.post("x", &[])).await.unwrap_err();
        assert_eq!(code(&error), "Toy:CONNECTION_LOST");
        assert!(error.hint().unwrap().contains("may have carried out the request"));
        assert_eq!(server.connections(), 5, "{sent:?}");
    }
}

#[tokio::test]
async fn a_silent_service_times_out() {
    let asked = Arc::new(AtomicUsize::new(0));
    let server = Raw::start({
        let asked = Arc::clone(&asked);
        move |_, mut socket: TcpStream| {
            let asked = Arc::clone(&asked);
            async move {
                read_request(&mut socket).await?;
                asked.fetch_add(1, Ordering::SeqCst);
                std::future::pending().await
            }
        }
    })
    .await;
    let clock = clock();
    let client = client(&server.base, &clock);

    let begun = clock.now();
    let error = leap(&clock, |_| asked.load(Ordering::SeqCst) > 0, client.post("x", &[])).await.unwrap_err();
    assert_eq!(code(&error), "Toy:TIMED_OUT");
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(error.message(), "POST x: the service sent nothing for 15s");
    assert!(error.hint().unwrap().contains("may have carried out the request"));
    assert_eq!(clock.now().duration_since(begun).as_secs(), 15);
    assert_eq!(asked.load(Ordering::SeqCst), 1);

    let call = client.post("x", &[]).read_timeout(Duration::from_secs(900)).timeout(Duration::from_secs(1_000));
    let begun = clock.now();
    let error = leap(&clock, |_| asked.load(Ordering::SeqCst) > 1, call).await.unwrap_err();
    assert_eq!(error.message(), "POST x: the service sent nothing for 900s");
    assert_eq!(clock.now().duration_since(begun).as_secs(), 900);

    // The first try is given its 15 s when it was heard, the second what is left.
    let may = |wait: Duration| match asked.load(Ordering::SeqCst) {
        0..3 => false,
        3 => wait <= Duration::from_secs(1) || wait == Duration::from_secs(15),
        _ => true,
    };
    let begun = clock.now();
    let error = leap(&clock, may, client.get("x", &[])).await.unwrap_err();
    assert_eq!(error.message(), "GET x: timed out after 30s");
    assert_eq!(clock.now().duration_since(begun).as_secs(), 30);
    assert_eq!(
        asked.load(Ordering::SeqCst),
        4,
        "a call that may be repeated is tried again, for as long as it has time"
    );
}

#[tokio::test]
async fn a_slowly_dripping_service_times_out() {
    let clock = clock();
    let server = Raw::start({
        let clock = Arc::clone(&clock);
        move |_, mut socket: TcpStream| {
            let clock = Arc::clone(&clock);
            async move {
                read_request(&mut socket).await?;
                socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n").await?;
                loop {
                    clock.sleep(Duration::from_secs(5)).await;
                    socket.write_all(b" ").await?;
                    // Nobody looks at the clock before the byte has arrived.
                    for _ in 0..100 {
                        tokio::task::yield_now().await;
                    }
                }
            }
        }
    })
    .await;
    let begun = clock.now();
    let error = leap(&clock, |wait| wait <= Duration::from_secs(5), client(&server.base, &clock).get("x", &[]))
        .await
        .unwrap_err();
    assert_eq!(code(&error), "Toy:TIMED_OUT");
    assert_eq!(error.message(), "GET x: timed out after 30s");
    assert_eq!(clock.now().duration_since(begun).as_secs(), 30);
    assert_eq!(server.connections(), 1);
}

/// Sends `megabytes` of body, and counts those that it got rid of.
async fn floods(head: &'static str, megabytes: usize) -> (Raw, Arc<AtomicUsize>) {
    let sent = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&sent);
    let server = Raw::start(move |_, mut socket| {
        let count = Arc::clone(&count);
        async move {
            read_request(&mut socket).await?;
            socket.write_all(head.as_bytes()).await?;
            let piece = vec![b' '; MEGABYTE];
            for _ in 0..megabytes {
                if head.contains("chunked") {
                    socket.write_all(format!("{MEGABYTE:x}\r\n").as_bytes()).await?;
                    socket.write_all(&piece).await?;
                    socket.write_all(b"\r\n").await?;
                } else {
                    socket.write_all(&piece).await?;
                }
                count.fetch_add(1, Ordering::SeqCst);
            }
            socket.shutdown().await
        }
    })
    .await;
    (server, sent)
}

#[tokio::test]
async fn does_not_read_beyond_the_size_limit() {
    for head in [
        "HTTP/1.1 200 OK\r\ncontent-length: 209715200\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
        "HTTP/1.0 200 OK\r\nx-request-id: r-1\r\n\r\n",
    ] {
        let (server, sent) = floods(head, 200).await;
        let error = client(&server.base, &clock()).get("x", &[]).max_bytes(MEGABYTE).await.unwrap_err();
        assert_eq!(code(&error), "Toy:TOO_LARGE");
        assert_eq!(error.message(), "GET x: the response exceeds the limit of 1048576 bytes");
        assert_eq!((error.kind(), error.status()), (ErrorKind::Decode, Some(200)));
        assert_eq!(server.connections(), 1, "it is not asked for again");
        assert!(sent.load(Ordering::SeqCst) < 30, "{} MB were sent", sent.load(Ordering::SeqCst));
    }
}

#[tokio::test]
async fn reads_only_the_beginning_of_a_long_failure() {
    let (server, sent) = floods("HTTP/1.1 403 No\r\ncontent-length: 209715200\r\n\r\n", 200).await;
    let error = client(&server.base, &clock()).get("x", &[]).await.unwrap_err();
    assert_eq!(code(&error), "Toy:FORBIDDEN");
    assert!(sent.load(Ordering::SeqCst) < 30);
}

#[tokio::test]
async fn the_size_limit_applies_after_decompression() {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..16 {
        gzip.write_all(&vec![b' '; MEGABYTE]).unwrap();
    }
    let bomb = gzip.finish().unwrap();
    assert!(bomb.len() < SMALL * 2);
    let mut answer =
        format!("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n", bomb.len()).into_bytes();
    answer.extend_from_slice(&bomb);
    let server = Raw::answer(answer).await;

    let clock = clock();
    let client = client(&server.base, &clock);
    let error = client.get("x", &[]).max_bytes(MEGABYTE).await.unwrap_err();
    assert_eq!(code(&error), "Toy:TOO_LARGE");
    assert_eq!(client.get("x", &[]).max_bytes(16 * MEGABYTE).await.unwrap().body().len(), 16 * MEGABYTE);
}

#[tokio::test]
async fn a_malformed_response_head_is_a_lost_connection() {
    let endless = [b"HTTP/1.1 200 OK\r\nx: ".as_slice(), &vec![b'a'; 4 * MEGABYTE]].concat();
    for answer in [b"SSH-2.0-OpenSSH_9.6\r\n".to_vec(), b"HTTP/1.1 999999 \r\n\r\n".to_vec(), endless] {
        let server = Raw::answer(answer).await;
        let clock = clock();
        let error = hurry(&clock, client(&server.base, &clock).get("x", &[])).await.unwrap_err();
        assert_eq!(code(&error), "Toy:CONNECTION_LOST");
        assert_eq!(server.connections(), 4);
    }
}
