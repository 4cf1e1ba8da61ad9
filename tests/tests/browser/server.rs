//! `slm serve` as a process of its own, and where the tests find programs.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use slm_tests::variable;

/// Runs `slm` with these arguments; panics with its words if it fails.
pub fn slm(arguments: &[&str]) {
    let output = Command::new(variable("SLM_BIN"))
        .args(arguments)
        .output()
        .expect("slm starts");
    assert!(
        output.status.success(),
        "slm {}: {}",
        arguments.join(" "),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// A folder over HTTP.
pub struct Server {
    /// Ends with `/`.
    pub url: String,
    process: Child,
}

impl Server {
    /// Serves on a free port.
    pub fn start(folder: &Path) -> Self {
        let mut process = Command::new(variable("SLM_BIN"))
            .arg("serve")
            .arg(folder)
            .args(["--port", "0"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("slm starts");
        let mut line = String::new();
        let output = process.stdout.take().expect("its output is piped");
        BufReader::new(output)
            .read_line(&mut line)
            .expect("slm serve says where");
        let url = line
            .split_whitespace()
            .find(|word| word.starts_with("http://"))
            .unwrap_or_else(|| panic!("no address in {line:?}"))
            .to_owned();
        Self { url, process }
    }

    /// Ends it: nothing answers from now on.
    pub fn stop(&mut self) {
        // Gone already is as good.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}
