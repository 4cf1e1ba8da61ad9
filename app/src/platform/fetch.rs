//! Files over HTTP: whole, as JSON text, or streamed from an offset.

use js_sys::Uint8Array;
use wasm_bindgen::{JsCast, JsValue, prelude::wasm_bindgen};
use web_sys::{
    ReadableStreamDefaultReader, Request, RequestCache, RequestInit, Response as JsResponse,
};

use super::{clock, property, spawn_local, thrown};
use crate::error::AppError;

/// Silence after which a connection counts as broken, in milliseconds.
const PATIENCE: f64 = 30_000.0;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = fetch)]
    fn fetch(request: &Request) -> js_sys::Promise;
}

/// A file whose bytes are arriving.
pub struct Download {
    name: String,
    reader: ReadableStreamDefaultReader,
    /// Offset of the first byte that will arrive: 0 when the server ignored the range.
    pub start: u64,
}

/// Starts to fetch `url` from byte `from` on, past the HTTP cache.
///
/// # Errors
/// Network, HTTP status, or a web page in the file's place.
pub async fn stream(url: &str, from: u64) -> Result<Download, AppError> {
    let range = (from > 0).then(|| format!("bytes={from}-"));
    let response = request(url, range.as_deref(), RequestCache::NoStore).await?;
    let start = match response.status() {
        206 => range_start(&response).unwrap_or(from),
        _ => 0,
    };
    let name = file_name(url);
    let body = response
        .body()
        .ok_or_else(|| AppError::Unreachable { name: name.clone() })?;
    let reader = ReadableStreamDefaultReader::new(&body).map_err(|error| AppError::Browser {
        reason: thrown(&error),
    })?;
    Ok(Download {
        name,
        reader,
        start,
    })
}

impl Download {
    /// The next bytes; `None` at the end.
    ///
    /// # Errors
    /// The connection broke or is silent.
    pub async fn chunk(&mut self) -> Result<Option<Vec<u8>>, AppError> {
        let read = clock::within(PATIENCE, async { self.reader.read().await }).await;
        let Some(Ok(item)) = read else {
            return Err(AppError::Unreachable {
                name: self.name.clone(),
            });
        };
        let item: JsValue = item;
        if property(&item, "done").is_truthy() {
            return Ok(None);
        }
        let bytes: Uint8Array = property(&item, "value").unchecked_into();
        Ok(Some(bytes.to_vec()))
    }
}

impl Drop for Download {
    fn drop(&mut self) {
        // Ends the request when the rest of it is not wanted. A broken stream refuses: it has ended.
        let reader = self.reader.clone();
        spawn_local(async move {
            let _ = reader.cancel().await;
        });
    }
}

/// A small file, whole; always asks the server whether a cached copy is still right.
///
/// # Errors
/// Network, HTTP status, or a web page in the file's place.
pub async fn bytes(url: &str) -> Result<Vec<u8>, AppError> {
    let response = request(url, None, RequestCache::NoCache).await?;
    let unreachable = |_| AppError::Unreachable {
        name: file_name(url),
    };
    let buffer: JsValue = response
        .array_buffer()
        .map_err(unreachable)?
        .await
        .map_err(unreachable)?;
    Ok(Uint8Array::new(&buffer).to_vec())
}

async fn request(
    url: &str,
    range: Option<&str>,
    cache: RequestCache,
) -> Result<JsResponse, AppError> {
    let refused = |error: JsValue| AppError::Browser {
        reason: thrown(&error),
    };
    let init = RequestInit::new();
    init.set_cache(cache);
    let request = Request::new_with_str_and_init(url, &init).map_err(refused)?;
    if let Some(range) = range {
        request.headers().set("Range", range).map_err(refused)?;
    }
    let response = clock::within(PATIENCE, async { fetch(&request).await }).await;
    let Some(Ok(response)) = response else {
        return Err(AppError::Unreachable {
            name: file_name(url),
        });
    };
    let response: JsResponse = response.unchecked_into();
    let header = |name| response.headers().get(name).ok().flatten();
    check_answer(
        &file_name(url),
        response.status(),
        &header("Content-Type").unwrap_or_default(),
    )?;
    Ok(response)
}

/// Refuses error statuses and web pages (a host's "not found" page often comes with status 200).
fn check_answer(name: &str, status: u16, content_type: &str) -> Result<(), AppError> {
    let name = name.to_owned();
    if !(200..300).contains(&status) {
        return Err(AppError::Status { name, status });
    }
    if content_type.starts_with("text/html") {
        return Err(AppError::Html { name });
    }
    Ok(())
}

/// First byte of a partial answer: `Content-Range: bytes 5-9/10` gives 5.
fn range_start(response: &JsResponse) -> Option<u64> {
    parse_range_start(&response.headers().get("Content-Range").ok()??)
}

fn parse_range_start(header: &str) -> Option<u64> {
    header
        .strip_prefix("bytes ")?
        .split('-')
        .next()?
        .parse()
        .ok()
}

/// Last part of a path, for messages.
fn file_name(url: &str) -> String {
    url.rsplit('/').next().unwrap_or(url).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_file_is_refused() {
        let check = |status, content_type, expected: Option<&str>| {
            let found = check_answer("a.json", status, content_type).err();
            assert_eq!(
                found.map(|error| error.to_string()).as_deref(),
                expected,
                "{status} {content_type}"
            );
        };
        check(200, "application/json", None);
        check(206, "application/octet-stream", None);
        check(
            404,
            "text/html",
            Some("a.json could not be fetched: the server answered 404."),
        );
        check(
            200,
            "text/html; charset=utf-8",
            Some("a.json is not there: the server sent a web page in its place."),
        );
    }

    #[test]
    fn the_first_byte_of_a_range_is_read() {
        assert_eq!(parse_range_start("bytes 5-9/10"), Some(5));
        assert_eq!(parse_range_start("bytes */10"), None);
        assert_eq!(parse_range_start("items 5-9/10"), None);
    }
}
