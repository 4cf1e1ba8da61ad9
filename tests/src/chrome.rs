//! A headless Chromium behind chromedriver, and what a person does with it.

use std::{
    io::{BufRead, BufReader},
    panic::{AssertUnwindSafe, resume_unwind},
    process::{Child, Command, Stdio},
    sync::Mutex,
    time::{Duration, Instant},
};

use fantoccini::{
    Client, ClientBuilder, Locator,
    actions::{InputSource, KeyAction, KeyActions},
    error::CmdError,
    key::Key,
    wd::TimeoutConfiguration,
    wd::WebDriverCompatibleCommand,
};
use futures::FutureExt;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;

/// One browser at a time: two would starve each other on a small machine.
static ONE: Mutex<()> = Mutex::new(());

/// Runs `visit` in a fresh browser of this width; ends the browser whatever happens.
pub fn with_chrome(width: u32, visit: impl AsyncFnOnce(&Chrome)) {
    with_flags(width, &["--disable-gpu"], visit);
}

/// As [`with_chrome`], with WebGPU on Chromium's own software GPU.
pub fn with_webgpu(width: u32, visit: impl AsyncFnOnce(&Chrome)) {
    with_flags(
        width,
        &["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"],
        visit,
    );
}

fn with_flags(width: u32, flags: &[&str], visit: impl AsyncFnOnce(&Chrome)) {
    let _one = ONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let chrome = Chrome::open(width, flags).await;
        let outcome = AssertUnwindSafe(visit(&chrome)).catch_unwind().await;
        if outcome.is_err() {
            eprintln!("console: {:#?}", chrome.console().await);
        }
        chrome.close().await;
        if let Err(panic) = outcome {
            resume_unwind(panic);
        }
    });
}

/// A tab.
pub type Tab = fantoccini::wd::WindowHandle;

/// A browser with one profile of its own.
pub struct Chrome {
    driver: Child,
    client: Client,
    _profile: TempDir,
}

impl Chrome {
    async fn open(width: u32, flags: &[&str]) -> Self {
        let profile = tempfile::tempdir().expect("a folder for the profile");
        let (driver, port) = start_driver();
        let mut builder = ClientBuilder::new(HttpConnector::new());
        if let Value::Object(capabilities) = capabilities(width, flags, &profile) {
            builder.capabilities(capabilities);
        }
        let client = builder
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .expect("a browser session");
        Self {
            driver,
            client,
            _profile: profile,
        }
    }

    async fn close(mut self) {
        // The test has ended; a browser that does not answer ends with its driver.
        let _ = self.client.close().await;
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }

    pub async fn go(&self, url: &str) {
        self.client.goto(url).await.expect("a page");
    }

    pub async fn reload(&self) {
        self.client.refresh().await.expect("the page again");
    }

    /// Clicks as soon as there is something to click.
    pub async fn click(&self, css: &str) {
        let wait = self.client.wait().at_most(Duration::from_secs(30));
        let element = wait.for_element(Locator::Css(css)).await;
        let element = element.unwrap_or_else(|error| panic!("{css}: {error}"));
        let clicked = element.click().await;
        clicked.unwrap_or_else(|error| panic!("{css}: {error}"));
    }

    /// Writes a text in place of what stands there.
    pub async fn write(&self, css: &str, text: &str) {
        let element = self.client.find(Locator::Css(css)).await.expect(css);
        element.clear().await.expect(css);
        element.send_keys(text).await.expect(css);
    }

    /// Puts a text into a field at once, as pasting does.
    pub async fn paste(&self, css: &str, text: &str) {
        let (css, text) = (json!(css), json!(text));
        self.run(&format!(
            "const field = document.querySelector({css}); field.value = {text}; \
             field.dispatchEvent(new Event('input', {{bubbles: true}}))"
        ))
        .await;
    }

    /// Presses a key on an element.
    pub async fn press(&self, css: &str, key: Key) {
        let element = self.client.find(Locator::Css(css)).await.expect(css);
        element
            .send_keys(&char::from(key).to_string())
            .await
            .expect(css);
    }

    /// Presses a key where the focus is.
    pub async fn key(&self, key: impl Into<char>) {
        self.chord(&[key.into()]).await;
    }

    /// Presses Tab until the focus is on such an element, where it must be seen.
    pub async fn tab_to(&self, css: &str) {
        self.walk_to(css, &[Key::Tab.into()]).await;
    }

    /// As [`Self::tab_to`], backwards.
    pub async fn tab_back_to(&self, css: &str) {
        self.walk_to(css, &[Key::Shift.into(), Key::Tab.into()])
            .await;
    }

    async fn walk_to(&self, css: &str, step: &[char]) {
        // A link may show its focus on the card around it, an invisible control on what is beside it.
        let outlined = format!(
            "const focus = document.activeElement;\
             if (!focus.matches({css:?})) return 'elsewhere';\
             const places = [focus.nextElementSibling];\
             for (let e = focus; e; e = e.parentElement) places.push(e);\
             const isOutlined = e => e && getComputedStyle(e).outlineStyle !== 'none';\
             return places.some(isOutlined) ? 'seen' : 'not to be seen';"
        );
        for _ in 0..60 {
            self.chord(step).await;
            let focus = self.client.execute(&outlined, vec![]).await.expect(css);
            match focus.as_str() {
                Some("elsewhere") => {}
                focus => return assert_eq!(focus, Some("seen"), "the focus on {css}"),
            }
        }
        panic!("the keyboard does not reach {css}");
    }

    /// Presses keys one after the other, then lets go of them.
    async fn chord(&self, keys: &[char]) {
        let mut actions = KeyActions::new("keyboard".into());
        for &value in keys {
            actions = actions.then(KeyAction::Down { value });
        }
        for &value in keys.iter().rev() {
            actions = actions.then(KeyAction::Up { value });
        }
        self.client.perform_actions(actions).await.expect("keys");
    }

    /// Makes the person prefer a colour scheme, `light` or `dark`.
    pub async fn prefer(&self, scheme: &str) {
        let command = json!({
            "cmd": "Emulation.setEmulatedMedia",
            "params": {"features": [{"name": "prefers-color-scheme", "value": scheme}]},
        });
        self.post("goog/cdp/execute", command)
            .await
            .expect("another scheme");
    }

    /// Runs a script.
    pub async fn run(&self, script: &str) {
        self.client.execute(script, vec![]).await.expect(script);
    }

    /// Lets scripts take so long.
    pub async fn be_patient(&self, patience: Duration) {
        let timeouts = TimeoutConfiguration::new(Some(patience), None, None);
        let set = self.client.update_timeouts(timeouts).await;
        set.expect("longer timeouts");
    }

    /// What an expression, or the promise that it gives, comes to; its failure as an error.
    pub async fn value(&self, expression: &str) -> Result<Value, String> {
        let script = format!(
            "const done = arguments[arguments.length - 1]; Promise.resolve({expression}).then(value => done({{value}}), error => done({{error: String(error)}}))"
        );
        let answer = self.client.execute_async(&script, vec![]).await;
        let mut answer = answer.map_err(|error| error.to_string())?;
        match answer["error"].as_str() {
            Some(error) => Err(error.to_owned()),
            None => Ok(answer["value"].take()),
        }
    }

    /// Waits until an expression (or the promise it gives) is a text that is not empty.
    pub async fn until(&self, what: &str, expression: &str, patience: Duration) -> String {
        let script = format!(
            "const done = arguments[arguments.length - 1]; Promise.resolve({expression}).then(v => done(v || ''), e => done(''))"
        );
        let start = Instant::now();
        while start.elapsed() < patience {
            let value = self.client.execute_async(&script, vec![]).await;
            match value.expect(expression).as_str() {
                Some(text) if !text.is_empty() => return text.to_owned(),
                _ => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
        let shown = self
            .client
            .execute("return document.body.innerText", vec![]);
        let shown = shown.await.unwrap_or_default();
        panic!("no {what} after {patience:?}; the page shows: {shown}");
    }

    /// The tab that is seen now.
    pub async fn tab(&self) -> Tab {
        self.client.window().await.expect("a tab")
    }

    /// Opens a tab and goes there.
    pub async fn new_tab(&self) -> Tab {
        let new = self.client.new_window(true).await.expect("a new tab");
        self.switch_to(new.handle.clone()).await;
        new.handle
    }

    /// Goes to a tab.
    pub async fn switch_to(&self, tab: Tab) {
        self.client.switch_to_window(tab).await.expect("the tab");
    }

    /// Closes a tab; some other one is seen then.
    pub async fn close_tab(&self, tab: Tab) {
        self.switch_to(tab).await;
        self.client.close_window().await.expect("a tab that closes");
        let left = self.client.windows().await.expect("tabs");
        self.switch_to(left.into_iter().next().expect("a tab that is left"))
            .await;
    }

    /// Lets this site store so many bytes and no more.
    pub async fn limit_storage(&self, url: &str, bytes: u64) {
        let command = json!({
            "cmd": "Storage.overrideQuotaForOrigin",
            "params": {"origin": url.trim_end_matches('/'), "quotaSize": bytes},
        });
        self.post("goog/cdp/execute", command)
            .await
            .expect("a limit");
    }

    /// Errors in the console since the last call.
    pub async fn console_errors(&self) -> Vec<String> {
        let entries = self.console().await;
        entries
            .iter()
            .filter(|entry| entry["level"] == "SEVERE")
            .map(|entry| entry["message"].as_str().unwrap_or_default().to_owned())
            .collect()
    }

    async fn console(&self) -> Vec<Value> {
        let entries = self.post("se/log", json!({"type": "browser"})).await;
        entries
            .ok()
            .and_then(|entries| entries.as_array().cloned())
            .unwrap_or_default()
    }

    /// A command that WebDriver itself does not know.
    async fn post(&self, path: &'static str, body: Value) -> Result<Value, CmdError> {
        self.client.issue_cmd(Post { path, body }).await
    }
}

#[derive(Debug)]
struct Post {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Post {
    fn endpoint(
        &self,
        base: &url::Url,
        session: Option<&str>,
    ) -> Result<url::Url, url::ParseError> {
        base.join(&format!(
            "session/{}/{}",
            session.unwrap_or_default(),
            self.path
        ))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(self.body.to_string()))
    }
}

/// Starts chromedriver on a free port, which it prints.
fn start_driver() -> (Child, u16) {
    let mut driver = Command::new(crate::variable("CHROMEDRIVER"))
        .arg("--port=0")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("chromedriver starts");
    let output = driver.stdout.take().expect("its output is piped");
    let port = BufReader::new(output)
        .lines()
        .map_while(Result::ok)
        .find_map(|line| {
            let port = line.split("started successfully on port ").nth(1)?;
            port.trim_end_matches('.').parse().ok()
        });
    (driver, port.expect("chromedriver says its port"))
}

fn capabilities(width: u32, flags: &[&str], profile: &TempDir) -> Value {
    let mut options = json!({
        "binary": crate::variable("CHROMIUM"),
        "args": [
            "--headless=new",
            "--no-sandbox",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            format!("--window-size={},900", width.max(500)),
            format!("--user-data-dir={}", profile.path().display()),
        ],
    });
    let arguments = options["args"].as_array_mut().expect("a list of arguments");
    arguments.extend(flags.iter().map(|&flag| Value::from(flag)));
    if width < 500 {
        options["mobileEmulation"] =
            json!({"deviceMetrics": {"width": width, "height": 740, "pixelRatio": 2.0}});
    }
    json!({
        "goog:chromeOptions": options,
        "goog:loggingPrefs": {"browser": "ALL"},
        "timeouts": {"script": 60_000, "pageLoad": 120_000},
    })
}
