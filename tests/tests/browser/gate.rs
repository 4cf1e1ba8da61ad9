//! A line between browser and server that lets so many bytes of the model pass and then breaks or
//! stalls. Everything but the model passes freely.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex},
    thread,
};

use crate::server::Server;

/// What happens when no more may pass.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// Connections are cut.
    Break,
    /// Connections stay silent.
    Stall,
}

pub struct Gate {
    /// Ends with `/`.
    pub url: String,
    state: Arc<State>,
}

struct State {
    server: String,
    after: After,
    /// Bytes of the model that may still pass; none: all.
    budget: Mutex<Option<u64>>,
    changed: Condvar,
    /// First byte of each request for the model.
    starts: Mutex<Vec<u64>>,
    /// Whether the headers that isolate a page are taken out of the answers.
    is_static_host: bool,
}

impl Gate {
    /// Lets all pass as a host of static files would send it.
    pub fn static_host(server: &Server) -> Self {
        Self::new(server, None, After::Break, true)
    }

    /// Lets `bytes` of the model pass, the answers' headers included.
    pub fn before(server: &Server, bytes: u64, after: After) -> Self {
        Self::new(server, Some(bytes), after, false)
    }

    fn new(server: &Server, budget: Option<u64>, after: After, is_static_host: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let address = server
            .url
            .trim_start_matches("http://")
            .trim_end_matches('/');
        let state = Arc::new(State {
            server: address.to_owned(),
            after,
            budget: Mutex::new(budget),
            changed: Condvar::new(),
            starts: Mutex::default(),
            is_static_host,
        });
        let shared = state.clone();
        thread::spawn(move || {
            for browser in listener.incoming().flatten() {
                let state = shared.clone();
                // A connection that breaks is what these tests are about.
                thread::spawn(move || drop(state.pass(browser)));
            }
        });
        Self {
            url: format!("http://127.0.0.1:{port}/"),
            state,
        }
    }

    /// Lets so many bytes more pass.
    pub fn let_pass(&self, bytes: u64) {
        self.state.set_budget(Some(bytes));
    }

    /// Lets everything pass from now on.
    pub fn open(&self) {
        self.state.set_budget(None);
    }

    /// First byte of each request for the model so far.
    pub fn starts(&self) -> Vec<u64> {
        self.state.starts.lock().expect("not poisoned").clone()
    }
}

impl State {
    fn set_budget(&self, budget: Option<u64>) {
        *self.budget.lock().expect("not poisoned") = budget;
        self.changed.notify_all();
    }

    /// One request and its answer.
    fn pass(&self, mut browser: TcpStream) -> std::io::Result<()> {
        let head = read_head(&mut browser)?;
        let is_model = head.lines().next().unwrap_or_default().contains(".gguf");
        if is_model {
            let start = range_start(&head).unwrap_or(0);
            self.starts.lock().expect("not poisoned").push(start);
        }
        let mut server = TcpStream::connect(&self.server)?;
        // One request a connection keeps this simple.
        let head = head.replacen("\r\n", "\r\nConnection: close\r\n", 1);
        let head = head.replace("\r\nConnection: keep-alive", "");
        server.write_all(head.as_bytes())?;
        if self.is_static_host {
            let head = read_head(&mut server)?;
            let isolates = |line: &str| line.to_ascii_lowercase().starts_with("cross-origin-");
            for line in head.split_inclusive("\r\n").filter(|line| !isolates(line)) {
                browser.write_all(line.as_bytes())?;
            }
        }
        let mut buffer = [0; 16 << 10];
        loop {
            let read = server.read(&mut buffer)?;
            if read == 0 {
                return Ok(());
            }
            let mut rest = &buffer[..read];
            while !rest.is_empty() {
                let allowed = if is_model {
                    self.take(rest.len())
                } else {
                    rest.len()
                };
                if allowed == 0 {
                    return Ok(());
                }
                browser.write_all(&rest[..allowed])?;
                rest = &rest[allowed..];
            }
        }
    }

    /// Takes up to `wanted` bytes out of the budget; 0 when the connection shall be cut.
    fn take(&self, wanted: usize) -> usize {
        let mut budget = self.budget.lock().expect("not poisoned");
        loop {
            match &mut *budget {
                None => return wanted,
                Some(0) if self.after == After::Break => return 0,
                Some(0) => budget = self.changed.wait(budget).expect("not poisoned"),
                Some(left) => {
                    let taken = wanted.min(usize::try_from(*left).unwrap_or(wanted));
                    *left -= taken as u64;
                    return taken;
                }
            }
        }
    }
}

fn read_head(browser: &mut TcpStream) -> std::io::Result<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if browser.read(&mut byte)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        head.push(byte[0]);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

/// 5 of `Range: bytes=5-`.
fn range_start(head: &str) -> Option<u64> {
    let lower = head.to_ascii_lowercase();
    let value = lower.split("\r\nrange: bytes=").nth(1)?;
    value.split('-').next()?.parse().ok()
}
