//! `slm serve`: a shipped folder over HTTP, for this machine alone.
//!
//! It listens on 127.0.0.1 and answers only requests that name this machine as their host, so that
//! a page elsewhere cannot reach it by pointing its own name here (DNS rebinding). The headers
//! isolate the page (SharedArrayBuffer and exact timers need that) and let it load nothing from
//! elsewhere.

use std::future::Future;
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use axum::Router;
use axum::extract::Request;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HOST};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use tower_http::services::ServeDir;

use crate::exit::bad_input;
use crate::port_owner;

/// Headers of every answer.
const HEADERS: [(&str, &str); 6] = [
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-embedder-policy", "require-corp"),
    ("cross-origin-resource-policy", "same-origin"),
    (
        "content-security-policy",
        "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; \
         connect-src 'self'; img-src 'self' data:; style-src 'self'; object-src 'none'; \
         base-uri 'none'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
];

/// For files whose names change with their content.
const IMMUTABLE: &str = "public, max-age=31536000, immutable";

/// Time that running downloads get to end after Ctrl-C.
const PATIENCE: Duration = Duration::from_secs(2);

/// Serves a folder until Ctrl-C and prints where. Port 0 takes any free one.
///
/// # Errors
/// A folder that is not a shipped one, or a port that is taken: the message says by whom, where
/// that can be known.
pub async fn serve(dir: &Path, port: u16) -> Result<()> {
    check_folder(dir)?;
    let listener = bind(port).await?;
    let port = listener.local_addr()?.port();
    println!(
        "Serving {} at http://127.0.0.1:{port}/ (Ctrl-C ends)",
        dir.display()
    );
    io::stdout().flush()?;
    run(listener, dir, async {
        // Without a handler there is nothing to wait for: Ctrl-C then ends the process anyway.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
    .await
}

/// Serves until `stop` ends, then gives running answers [`PATIENCE`].
async fn run(listener: TcpListener, dir: &Path, stop: impl Future<Output = ()>) -> Result<()> {
    let (ask, asked) = tokio::sync::oneshot::channel::<()>();
    let server = axum::serve(listener, router(dir)).with_graceful_shutdown(async {
        let _ = asked.await;
    });
    let server = server.into_future();
    tokio::pin!(server);
    tokio::select! {
        ended = &mut server => return ended.context("the server stopped"),
        () = stop => {}
    }
    let _ = ask.send(());
    // Whoever is still downloading after this is cut off.
    let _ = tokio::time::timeout(PATIENCE, server).await;
    Ok(())
}

fn check_folder(dir: &Path) -> Result<()> {
    if dir.join("index.html").is_file() {
        return Ok(());
    }
    let found = if dir.is_dir() {
        "the folder has no index.html"
    } else {
        "no such folder"
    };
    Err(bad_input(format!(
        "{}: {found}; expected a folder made by `slm ship --to {}`.",
        dir.display(),
        dir.display()
    )))
}

async fn bind(port: u16) -> Result<TcpListener> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let error = match TcpListener::bind(address).await {
        Ok(listener) => return Ok(listener),
        Err(error) => error,
    };
    let advice = "Choose another with --port, or any free one with --port 0.";
    Err(match error.kind() {
        io::ErrorKind::AddrInUse => {
            let owner = port_owner::find(port);
            let owner = owner.unwrap_or_else(|| "another process".into());
            bad_input(format!("port {port} is taken by {owner}. {advice}"))
        }
        io::ErrorKind::PermissionDenied => bad_input(format!(
            "port {port} needs rights that this process does not have. {advice}"
        )),
        _ => anyhow::Error::new(error).context(format!("cannot listen on {address}")),
    })
}

/// Files of the folder behind host check and headers.
fn router(dir: &Path) -> Router {
    // Several ranges in one request would make an answer larger than the file; nobody here asks so.
    let files = ServeDir::new(dir).ignore_multi_range_requests(true);
    Router::new()
        .fallback_service(files)
        .layer(middleware::from_fn(guard))
}

async fn guard(request: Request, next: Next) -> Response {
    let path = request.uri().path().to_string();
    let mut response = if is_local(request.headers()) {
        next.run(request).await
    } else {
        let words = "This server answers for 127.0.0.1 and localhost only.\n";
        (StatusCode::MISDIRECTED_REQUEST, words).into_response()
    };
    if response.status() == StatusCode::NOT_FOUND {
        response = (StatusCode::NOT_FOUND, "No such file.\n").into_response();
    }
    add_headers(&path, &mut response);
    response
}

/// Whether the request names this machine as its host; the port does not matter (it may be
/// forwarded).
fn is_local(headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return false;
    };
    let Ok(host) = host.to_str() else {
        return false;
    };
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    name == "127.0.0.1" || name.eq_ignore_ascii_case("localhost")
}

fn add_headers(path: &str, response: &mut Response) {
    let found = response.status().is_success() || response.status() == StatusCode::NOT_MODIFIED;
    let cache = if found && is_hashed(path) {
        IMMUTABLE
    } else {
        "no-cache"
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(cache));
    for (name, value) in HEADERS {
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    // Types that name no character set are read as the browser likes; ours are all UTF-8.
    let text = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    if let Some(text) = text.filter(|t| t.starts_with("text/") && !t.contains("charset"))
        && let Ok(value) = HeaderValue::from_str(&format!("{text}; charset=utf-8"))
    {
        headers.insert(CONTENT_TYPE, value);
    }
}

/// Whether a file's name holds a hash of its content: `page-0123456789abcdef.js`.
fn is_hashed(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    let Some((stem, _)) = name.split_once('.') else {
        return false;
    };
    let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    let hash = stem.rsplit_once('-').map_or("", |(_, hash)| hash);
    hash.len() >= 16 && hash.bytes().all(hex)
}

#[cfg(test)]
#[path = "serve_tests.rs"]
mod tests;
