//! The server as a browser meets it: headers, types, ranges, and what it refuses.

use std::fs;
use std::io::Read;
use std::net::TcpStream;

use super::*;

/// An answer, header names in lower case.
struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(n, _)| n == name);
        found.map_or("", |(_, value)| value)
    }
}

fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let write = |path: &str, content: &[u8]| {
        let path = dir.path().join("site").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    };
    write("index.html", b"<!DOCTYPE html>");
    write("page.js", b"export {}");
    write("page_bg.wasm", b"\0asm");
    write("view.css", b"p {}");
    write("gallery.json", b"{}");
    write("base/model.gguf", b"0123456789");
    write("page-0123456789abcdef.js", b"export {}");
    fs::write(dir.path().join("secret.txt"), "outside").unwrap();
    dir
}

/// Sends requests (the part before the blank line) to a fresh server, one connection each.
fn ask(requests: &[&str]) -> Vec<Answer> {
    let folder = folder();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let listener = runtime.block_on(bind(0)).unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let dir = folder.path().join("site");
    let server = runtime.spawn(async move {
        run(listener, &dir, async {
            let _ = stopped.await;
        })
        .await
    });
    let answers = requests
        .iter()
        .map(|request| answer(address, request))
        .collect();
    stop.send(()).unwrap();
    runtime.block_on(server).unwrap().unwrap();
    answers
}

fn answer(address: SocketAddr, request: &str) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    let request = request.replace('\n', "\r\n");
    let sent = format!("{request}\r\nConnection: close\r\n\r\n");
    stream.write_all(sent.as_bytes()).unwrap();
    let mut received = Vec::new();
    stream.read_to_end(&mut received).unwrap();
    let end = received.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(received[..end].to_vec()).unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap();
    let header = |line: &str| {
        let (name, value) = line.split_once(": ")?;
        Some((name.to_lowercase(), value.to_string()))
    };
    Answer {
        status: status.parse().unwrap(),
        headers: lines.filter_map(header).collect(),
        body: received[end + 4..].to_vec(),
    }
}

fn get(path: &str) -> Answer {
    ask(&[&format!("GET {path} HTTP/1.1\nHost: localhost")]).remove(0)
}

#[test]
fn types_and_caching() {
    let check = |path: &str, content_type: &str, cache: &str| {
        let answer = get(path);
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.header("content-type"), content_type, "{path}");
        assert_eq!(answer.header("cache-control"), cache, "{path}");
    };
    check("/", "text/html; charset=utf-8", "no-cache");
    check("/index.html", "text/html; charset=utf-8", "no-cache");
    check("/page.js", "text/javascript; charset=utf-8", "no-cache");
    check("/page_bg.wasm", "application/wasm", "no-cache");
    check("/view.css", "text/css; charset=utf-8", "no-cache");
    check("/gallery.json", "application/json", "no-cache");
    check("/base/model.gguf", "application/octet-stream", "no-cache");
    check(
        "/page-0123456789abcdef.js",
        "text/javascript; charset=utf-8",
        IMMUTABLE,
    );
}

#[test]
fn every_answer_is_isolated() {
    let answers = ask(&[
        "GET / HTTP/1.1\nHost: 127.0.0.1:8080",
        "GET /absent HTTP/1.1\nHost: LOCALHOST:1",
        "GET / HTTP/1.1\nHost: evil.example",
        "POST / HTTP/1.1\nHost: localhost",
        "HEAD / HTTP/1.1\nHost: localhost",
    ]);
    let statuses: Vec<u16> = answers.iter().map(|a| a.status).collect();
    assert_eq!(statuses, [200, 404, 421, 405, 200]);
    for answer in &answers {
        for (name, value) in HEADERS {
            assert_eq!(answer.header(name), value, "{}", answer.status);
        }
    }
    let policy = answers[0].header("content-security-policy");
    assert!(
        policy.contains("script-src 'self' 'wasm-unsafe-eval';"),
        "{policy}"
    );
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
}

#[test]
fn ranges() {
    let check = |range: &str, status, body: &str, content_range: &str| {
        let request = format!("GET /base/model.gguf HTTP/1.1\nHost: localhost\nRange: {range}");
        let answer = ask(&[&request]).remove(0);
        assert_eq!(answer.status, status, "{range}");
        assert_eq!(String::from_utf8_lossy(&answer.body), body, "{range}");
        assert_eq!(answer.header("content-range"), content_range, "{range}");
    };
    check("bytes=2-5", 206, "2345", "bytes 2-5/10");
    check("bytes=7-", 206, "789", "bytes 7-9/10");
    check("bytes=-2", 206, "89", "bytes 8-9/10");
    check("bytes=10-", 416, "", "bytes */10");
    check("bytes=0-1,4-5", 200, "0123456789", "");
}

#[test]
fn an_unchanged_file_is_not_sent_again() {
    let first = get("/page.js");
    let since = first.header("last-modified");
    assert!(!since.is_empty());
    let request =
        "GET /page.js HTTP/1.1\nHost: localhost\nIf-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT";
    assert_eq!(ask(&[request])[0].status, 304);
}

#[test]
fn nothing_outside_the_folder_is_reached() {
    for path in [
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/base/../../secret.txt",
        "/%2e%2e%5csecret.txt",
        "//secret.txt",
    ] {
        let answer = get(path);
        assert_eq!(answer.status, 404, "{path}");
        assert!(
            !String::from_utf8_lossy(&answer.body).contains("outside"),
            "{path}"
        );
    }
}

#[test]
fn only_this_machine_is_a_host() {
    let check = |hosts: &[&str], expected| {
        let mut headers = HeaderMap::new();
        for host in hosts {
            headers.append(HOST, HeaderValue::from_str(host).unwrap());
        }
        assert_eq!(is_local(&headers), expected, "{hosts:?}");
    };
    check(&["localhost"], true);
    check(&["Localhost:8080"], true);
    check(&["127.0.0.1:80"], true);
    check(&[], false);
    check(&["localhost", "localhost"], false);
    check(&["localhost.evil.example"], false);
    check(&["127.0.0.1.evil.example:8080"], false);
    check(&["localhost:evil.example"], false);
    check(&[""], false);
}

#[test]
fn names_with_a_hash() {
    let check = |path, expected| assert_eq!(is_hashed(path), expected, "{path}");
    check("/page-0123456789abcdef.js", true);
    check("/page-0123456789abcdef_bg.wasm", false);
    check("/page-0123456789abcde.js", false);
    check("/page-0123456789abcdeg.js", false);
    check("/a-0123456789abcdef/page.js", false);
    check("/", false);
}

#[test]
fn a_taken_port_is_said_with_advice() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let first = runtime.block_on(bind(0)).unwrap();
    let port = first.local_addr().unwrap().port();
    let text = runtime.block_on(bind(port)).unwrap_err().to_string();
    assert!(
        text.contains(&format!("port {port} is taken by ")),
        "{text}"
    );
    assert!(text.contains("--port 0"), "{text}");
    if Path::new("/proc/net/tcp").exists() {
        let id = std::process::id();
        assert!(text.contains(&format!("(process {id})")), "{text}");
    }
}

#[test]
fn a_folder_that_was_not_shipped_is_refused() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let check = |dir: &Path, expected: &str| {
        let text = runtime.block_on(serve(dir, 0)).unwrap_err().to_string();
        assert!(
            text.contains(expected) && text.contains("slm ship"),
            "{text}"
        );
    };
    check(Path::new("no/such/folder"), "no such folder");
    let empty = tempfile::tempdir().unwrap();
    check(empty.path(), "no index.html");
}
