//! A server of precomputed pages, in a process of its own.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;

use super::Case;

/// The argument that, with the number of a case, makes the benchmark its server.
pub(crate) const ARGUMENT: &str = "--serve";

/// A response.
pub(crate) struct Page {
    /// The path with its query, and for a POST the form after a space.
    pub(crate) request: String,
    /// The headers, each with its line end.
    pub(crate) headers: String,
    pub(crate) body: String,
}

/// Serves until standard input ends, which it does with the parent process.
pub(crate) fn serve(case: &dyn Case) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let answers: HashMap<String, Vec<u8>> = case.pages(&base).into_iter().map(answer).collect();
    println!("{base}");
    let answers = Arc::new(answers);
    thread::spawn(move || {
        for socket in listener.incoming() {
            let answers = Arc::clone(&answers);
            thread::spawn(move || speak(&socket.unwrap(), &answers));
        }
    });
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

fn answer(page: Page) -> (String, Vec<u8>) {
    let Page { request, headers, body } = page;
    let length = body.len();
    let head =
        format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n{headers}\r\n");
    (request, (head + &body).into_bytes())
}

/// Serves the requests of one connection in order.
fn speak(mut socket: &TcpStream, answers: &HashMap<String, Vec<u8>>) {
    socket.set_nodelay(true).unwrap();
    let mut lines = BufReader::new(socket);
    loop {
        let mut first = String::new();
        if lines.read_line(&mut first).unwrap_or_default() == 0 {
            return;
        }
        let mut length = 0;
        loop {
            let mut line = String::new();
            lines.read_line(&mut line).unwrap();
            if line == "\r\n" {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut form = vec![0; length];
        lines.read_exact(&mut form).unwrap();
        let form = String::from_utf8(form).unwrap();
        let request = format!("{} {form}", first.split(' ').nth(1).unwrap());
        let answer = answers.get(request.trim()).unwrap_or_else(|| panic!("unexpected request: {request}"));
        socket.write_all(answer).unwrap();
    }
}

/// A running server, which is stopped when this is dropped.
pub(crate) struct Process {
    child: Child,
    base: String,
}

impl Process {
    /// Starts the server of a case.
    pub(crate) fn start(case: usize) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([ARGUMENT, &case.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut base = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut base).unwrap();
        Self { child, base: base.trim().to_owned() }
    }

    /// Returns its URL.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
