//! A folder with a tiny base model, a recipe and its data, and the `slm` program run in it.

#![allow(dead_code, reason = "each test file uses a part")]

use std::{fs, path::PathBuf, process::Command};

use slm_model::testing::tiny_gguf_with_toy_vocab;
use tempfile::TempDir;

pub const RECIPE: &str = r#"id = "tiny"
title = "Tiny"
shape = "single-label"
summary = "Good or bad?"
instruction = "Say good or bad."
labels = ["good", "bad"]

[data]
train = "train.jsonl"
dev = "dev.jsonl"
test = "test.jsonl"

[lora]
rank = 4
alpha = 8.0

[sft]
epochs = 4.0
batch = 4
lr = 0.01
evals_per_epoch = 4.0
patience = 0

[scoring]
resamples = 200
"#;

const SLM: &str = env!("CARGO_BIN_EXE_slm");

pub struct Sandbox {
    folder: TempDir,
}

impl Sandbox {
    /// A base (`base.gguf`), a recipe (`tiny/`) with data, and nothing else.
    pub fn new() -> Self {
        let sandbox = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        sandbox.write("base.gguf", tiny_gguf_with_toy_vocab(1));
        sandbox.write("tiny/recipe.toml", RECIPE);
        sandbox.write("tiny/train.jsonl", rows("train", 48));
        sandbox.write("tiny/dev.jsonl", rows("dev", 12));
        sandbox.write("tiny/test.jsonl", rows("test", 20));
        sandbox
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        let path = self.path(name);
        fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    pub fn read_text(&self, name: &str) -> String {
        String::from_utf8(self.read(name)).unwrap()
    }

    pub fn json(&self, name: &str) -> serde_json::Value {
        serde_json::from_slice(&self.read(name)).unwrap()
    }

    pub fn exists(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    /// `slm` in the folder; words are split at spaces.
    pub fn command(&self, line: &str) -> Command {
        let mut command = self.program(SLM);
        command.args(line.split_whitespace());
        command
    }

    /// As [`Self::command`], unable to write past `bytes` (whole blocks of 512) of a file: the
    /// system refuses as it does on a full disk, and does not kill.
    pub fn limited_command(&self, line: &str, bytes: usize) -> Command {
        let mut command = self.program("sh");
        command
            .args(["-c", "trap '' XFSZ; ulimit -f \"$0\"; exec \"$@\""])
            .arg((bytes / 512).to_string())
            .arg(SLM)
            .args(line.split_whitespace());
        command
    }

    fn program(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.folder.path())
            .env("SLM_HOME", self.path("home"))
            .env_remove("SLM_RECIPES")
            .env_remove("CLICOLOR_FORCE")
            .env_remove("RUST_BACKTRACE");
        command
    }

    /// Runs `slm` to its end.
    pub fn run(&self, line: &str) -> Done {
        Done::of(&mut self.command(line))
    }

    /// Runs `slm` and expects it to work; gives standard output.
    pub fn done(&self, line: &str) -> String {
        let done = self.run(line);
        assert_eq!(done.code, 0, "{done}");
        done.output
    }

    /// Runs `slm` and expects an exit code, and the words in what it says on standard error.
    pub fn refused(&self, line: &str, code: i32, words: &[&str]) {
        self.run(line).refused(code, words);
    }
}

/// What a command left.
pub struct Done {
    line: String,
    pub code: i32,
    pub output: String,
    pub error: String,
}

impl Done {
    /// Runs a command to its end.
    pub fn of(command: &mut Command) -> Self {
        let output = command.output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            line: format!("{command:?}"),
            code: output.status.code().unwrap_or(-1),
            output: text(&output.stdout),
            error: text(&output.stderr),
        }
    }

    /// Expects an exit code, and the words in what was said on standard error.
    pub fn refused(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, code, "{self}");
        for word in words {
            assert!(self.error.contains(word), "{word:?} is not in: {self}");
        }
        assert!(!self.error.contains("panicked"), "{self}");
        assert!(!self.error.contains("backtrace"), "{self}");
    }
}

impl std::fmt::Display for Done {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{}\nexit code {}\n{}{}",
            self.line, self.code, self.output, self.error
        )
    }
}

/// Rows that a model can learn: `sun` is good, `mud` is bad.
pub fn rows(split: &str, count: usize) -> String {
    let row = |i: usize| {
        let (word, label) = if i.is_multiple_of(3) {
            ("sun", "good")
        } else {
            ("mud", "bad")
        };
        let slice = if i.is_multiple_of(5) {
            r#", "slice": "rare""#
        } else {
            ""
        };
        format!("{{\"prompt\": \"{word} {split} {i}\", \"completion\": \"{label}\"{slice}}}\n")
    };
    (0..count).map(row).collect()
}
