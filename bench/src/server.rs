//! A folder and a model over HTTP, for the pages of the benchmarks. Unlike `slm serve` it lets pages
//! start workers from blobs, as other engines do; it isolates them, so that threads share memory.

use std::net::Ipv4Addr;
use std::path::Path;

use anyhow::Result;
use axum::Router;
use axum::http::{HeaderName, HeaderValue};
use tokio::net::TcpListener;
use tower_http::services::{ServeDir, ServeFile};
use tower_http::set_header::SetResponseHeaderLayer;

/// Headers that isolate a page.
const HEADERS: [(&str, &str); 3] = [
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-embedder-policy", "require-corp"),
    ("cross-origin-resource-policy", "same-origin"),
];

/// Serves `folder`, and the model as `model.gguf` in it, until the program ends. The address ends
/// with `/`.
///
/// # Errors
/// No port is free.
pub async fn start(folder: &Path, model: &Path) -> Result<String> {
    let mut router = Router::new()
        .route_service("/model.gguf", ServeFile::new(model))
        .fallback_service(ServeDir::new(folder));
    for (name, value) in HEADERS {
        router = router.layer(SetResponseHeaderLayer::overriding(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        ));
    }
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let url = format!("http://{}/", listener.local_addr()?);
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(url)
}
