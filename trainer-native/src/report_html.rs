//! A report as one self-contained HTML file: the page's own components rendered here, one style
//! block that the content security policy allows by its hash, no script, no request.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use leptos::prelude::*;
use leptos::tachys::view::RenderHtml;
use sha2::{Digest, Sha256};
use slm_task::Report;
use slm_view::{CSS, ReportView};

/// `id` of the data block that holds the report as JSON.
pub const DATA_ID: &str = "slm-report";

/// The whole document. The report is also inside as JSON ([`DATA_ID`]), so that the file can be
/// read back; browsers do not run a data block, so the policy allows no script at all.
pub fn render(report: &Report) -> String {
    let style = BASE64.encode(Sha256::digest(CSS));
    let title = escaped(&format!("{}: report", report.body.title));
    let content = content(report);
    let data = data_block(report);
    format!(
        r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
<style>{CSS}</style>
</head>
<body class="slm-document">
<main class="slm-page">
<h1 class="slm-kicker">SLM Gallery: report</h1>
{content}
</main>
<script type="application/json" id="{DATA_ID}">{data}</script>
</body>
</html>
"#
    )
}

fn content(report: &Report) -> String {
    let report = Arc::new(report.clone());
    let hash = sha256_hex(&report.body.to_json());
    Owner::new().with(|| view! { <ReportView report body_sha256=hash/> }.to_html())
}

/// The report as JSON in which nothing can end the script element: `<` occurs in strings only, where
/// its escape says the same.
fn data_block(report: &Report) -> String {
    report.to_json().trim_end().replace('<', "\\u003c")
}

fn sha256_hex(text: &str) -> String {
    let digest = Sha256::digest(text);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
#[path = "report_html_tests.rs"]
mod tests;
