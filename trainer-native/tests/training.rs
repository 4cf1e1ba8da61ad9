//! `slm train`: runs, exact resume after a kill, budgets, and what a dry run says.

mod common;

use std::{
    fs::File,
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use common::Sandbox;
use slm_task::rng::SplitMix64;

const TRAIN: &str = "train tiny --base base.gguf --out run";
const FILES: [&str; 2] = [
    "adapter/adapter_model.safetensors",
    "adapter/adapter_config.json",
];

#[test]
fn a_run_folder_holds_everything() {
    let sandbox = Sandbox::new();
    sandbox.done(&format!("{TRAIN} --json outcome.json --set lora.rank=2"));
    for file in [
        "config.json",
        "recipe.toml",
        "metrics.jsonl",
        "checkpoint.bin",
    ] {
        assert!(sandbox.exists(&format!("run/{file}")), "{file}");
    }
    for file in FILES {
        assert!(sandbox.exists(&format!("run/{file}")), "{file}");
    }
    assert!(sandbox.read_text("run/recipe.toml").contains("rank = 2"));
    assert_eq!(sandbox.json("run/adapter/adapter_config.json")["r"], 2);

    let lines: Vec<serde_json::Value> = sandbox
        .read_text("run/metrics.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let of = |kind: &str| lines.iter().filter(|line| line["kind"] == kind).count();
    assert_eq!(of("step"), 48);
    assert_eq!(of("dev"), 17, "one at step 0, then four an epoch");
    let loss = |line: &serde_json::Value| line["loss"].as_f64().unwrap();
    let (first, last) = (loss(&lines[1]), loss(&lines[lines.len() - 2]));
    assert!(last < 0.5 * first, "{first} {last}");

    let outcome = sandbox.json("outcome.json");
    assert_eq!(outcome["steps"], 48);
    assert!(outcome["best"]["dev"]["score"].as_f64() > outcome["base"]["score"].as_f64());
}

/// The promise of --resume: whatever happened on the way, the adapter is the same to the bit.
#[test]
fn killed_anywhere_a_run_ends_with_the_same_adapter() {
    let whole = Sandbox::new();
    let started = Instant::now();
    whole.done(TRAIN);
    let duration = started.elapsed();

    let killed = Sandbox::new();
    let mut rng = SplitMix64::new(duration.as_nanos() as u64);
    let mut kills = 0;
    loop {
        let mut child = killed
            .command(&format!("{TRAIN} --resume"))
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // At random between 5 % and 45 % of a whole run; later and later, so that it ends.
        let share = 0.05 + 0.4 * rng.unit() + 0.02 * f64::from(kills);
        let until = Instant::now() + duration.mul_f64(share);
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break Some(status);
            }
            if Instant::now() >= until {
                child.kill().unwrap();
                child.wait().unwrap();
                break None;
            }
            thread::sleep(Duration::from_millis(2));
        };
        match status {
            Some(status) => {
                assert!(status.success());
                break;
            }
            None => kills += 1,
        }
    }
    assert!(kills >= 2, "killed {kills} times only");
    for file in FILES {
        let file = format!("run/{file}");
        assert!(
            whole.read(&file) == killed.read(&file),
            "{file} after {kills} kills"
        );
    }
    let steps = |sandbox: &Sandbox| -> Vec<String> {
        sandbox
            .read_text("run/metrics.jsonl")
            .lines()
            .map(|line| {
                let mut metric: serde_json::Value = serde_json::from_str(line).unwrap();
                metric.as_object_mut().unwrap().remove("seconds");
                metric.to_string()
            })
            .collect()
    };
    assert_eq!(steps(&whole), steps(&killed));
}

#[test]
fn resuming_a_finished_run_does_nothing() {
    let sandbox = Sandbox::new();
    sandbox.done(TRAIN);
    let before = sandbox.read("run/checkpoint.bin");
    sandbox.done(&format!("{TRAIN} --resume"));
    assert!(before == sandbox.read("run/checkpoint.bin"));
}

#[test]
fn a_run_goes_on_only_with_what_it_began_with() {
    let sandbox = Sandbox::new();
    sandbox.done(TRAIN);
    sandbox.refused(TRAIN, 2, &["not empty", "--resume"]);
    let resume = format!("{TRAIN} --resume");
    sandbox.refused(
        &format!("{resume} --set sft.lr=0.02"),
        2,
        &["the recipe", "another --out"],
    );
    sandbox.write("tiny/train.jsonl", common::rows("other", 48));
    sandbox.refused(&resume, 2, &["the training rows"]);
    sandbox.write("tiny/train.jsonl", common::rows("train", 48));
    let mut checkpoint = sandbox.read("run/checkpoint.bin");
    let middle = checkpoint.len() / 2;
    checkpoint[middle] ^= 1;
    sandbox.write("run/checkpoint.bin", checkpoint);
    sandbox.refused(&resume, 2, &["checkpoint.bin", "damaged"]);
}

#[test]
fn a_recipe_changed_after_training_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.done(TRAIN);
    let recipe = sandbox.read_text("run/recipe.toml");
    sandbox.write("run/recipe.toml", format!("{recipe}# changed\n"));
    sandbox.refused(
        "eval run",
        2,
        &["recipe.toml", "sha256", "Put the file back"],
    );
    sandbox.write("run/recipe.toml", recipe);
    sandbox.done("eval run");
}

#[test]
fn two_processes_cannot_train_one_run() {
    let sandbox = Sandbox::new();
    sandbox.done(TRAIN);
    let lock = File::create(sandbox.path("run/.lock")).unwrap();
    lock.lock().unwrap();
    let resume = format!("{TRAIN} --resume");
    sandbox.refused(&resume, 2, &["another process"]);
    drop(lock);
    sandbox.done(&resume);
}

#[test]
fn minutes_bound_the_training() {
    let sandbox = Sandbox::new();
    let minutes = 0.03;
    sandbox.done(&format!(
        "{TRAIN} --set sft.epochs=100000 --minutes {minutes} --json outcome.json"
    ));
    let outcome = sandbox.json("outcome.json");
    let seconds = outcome["seconds"].as_f64().unwrap();
    // Generous: other tests run at the same time.
    assert!(seconds < 3.0 * minutes * 60.0, "{outcome}");
    assert!(outcome["steps"].as_u64().unwrap() > 4, "{outcome}");
    let metrics = sandbox.read_text("run/metrics.jsonl");
    let rates: Vec<f64> = metrics
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .filter_map(|metric| metric["rate"].as_f64())
        .collect();
    let last = rates.last().unwrap();
    assert!(*last < 0.0035, "the schedule ends in time: {last}");
}

#[test]
fn early_stop_waits_as_long_as_the_recipe_says() {
    let sandbox = Sandbox::new();
    // A rate so small that the model stays as it is: no evaluation is better than the first.
    sandbox.done(&format!(
        "{TRAIN} --set sft.lr=1e-30 --set sft.patience=3 --json outcome.json"
    ));
    let outcome = sandbox.json("outcome.json");
    assert_eq!(outcome["steps"], 12, "{outcome}");
    assert!(
        outcome["ended"]
            .as_str()
            .unwrap()
            .contains("no better evaluation in 3")
    );
}

#[test]
fn a_dry_run_trains_nothing() {
    let sandbox = Sandbox::new();
    let train = common::rows("train", 48) + &common::rows("dev", 1);
    let long = format!(
        "{{\"prompt\": \"{}\", \"completion\": \"good\"}}\n",
        "x".repeat(400)
    );
    sandbox.write("tiny/train.jsonl", train + &long);
    let text = sandbox.done("train tiny --base base.gguf --out run --dry-run");
    for words in [
        "[good]|[<|im_end|>]|",
        "dropped as too long: 1",
        "train.jsonl:50",
        "duplicates across splits: 1",
        "predicted: 52 steps",
        "label",
    ] {
        assert!(text.contains(words), "{words:?} is not in:\n{text}");
    }
    assert!(!sandbox.exists("run"));
}
