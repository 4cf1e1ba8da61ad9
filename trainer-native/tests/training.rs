//! `slm train`: runs, exact resume after a kill, budgets, and what a dry run says.

mod common;

use std::{fs::File, process::Stdio, thread, time::Duration};

use common::{Done, Sandbox};
use slm_model::testing::Tiny;

const TRAIN: &str = "train tiny --base base.gguf --out run";
const FILES: [&str; 2] = [
    "adapter/adapter_model.safetensors",
    "adapter/adapter_config.json",
];

#[test]
fn a_run_folder_holds_everything() {
    let sandbox = Sandbox::new();
    let done = sandbox.run(&format!("{TRAIN} --json outcome.json --set lora.rank=2"));
    assert_eq!(done.code, 0, "{done}");
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

    let steps = || lines.iter().filter(|line| line["kind"] == "step");
    let sum = |key: &str| steps().map(|step| step[key].as_f64().unwrap()).sum::<f64>();
    for (figure, tokens) in [
        ("tokens_per_second", "tokens"),
        ("computed_tokens_per_second", "computed"),
    ] {
        let (found, expected) = (outcome[figure].as_f64(), sum(tokens) / sum("seconds"));
        assert!((found.unwrap() / expected - 1.0).abs() < 1e-9, "{outcome}");
        assert!(done.error.contains(&format!("{expected:.0}")), "{done}");
    }
    // A system that tells of its processes in /proc tells how much memory they held.
    let told = std::path::Path::new("/proc/self/status").exists();
    assert_eq!(outcome["peak_memory_bytes"].as_u64() > Some(1 << 20), told);
    assert_eq!(done.error.contains("GB at its peak"), told, "{done}");
}

/// The frozen layers' outputs in memory, in a file, on a disk that is full, or nowhere: one adapter.
#[test]
fn where_the_trunk_is_kept_changes_no_bit() {
    let sandbox = Sandbox::new();
    sandbox.write("tiny/train.jsonl", common::rows("train", 300));
    let line = |run: &str, memory: usize| {
        let set = "--set lora.first_layer=-1 --set sft.epochs=2 --set sft.evals_per_epoch=1";
        format!("train tiny --base base.gguf --out {run} {set} --trunk-memory {memory}")
    };
    let nowhere = sandbox.run(&line("nowhere", 0));
    assert!(!nowhere.error.contains("frozen"), "{nowhere}");
    let losses = |run: &str| -> Vec<f64> {
        let metrics = sandbox.read_text(&format!("{run}/metrics.jsonl"));
        let lines = metrics.lines().map(serde_json::from_str);
        let lines = lines.map(|line: Result<serde_json::Value, _>| line.unwrap());
        lines.filter_map(|line| line["loss"].as_f64()).collect()
    };
    let check = |run: &str, done: Done, words: &[&str]| {
        assert_eq!(done.code, 0, "{done}");
        for word in words {
            assert!(done.error.contains(word), "{word:?} is not in: {done}");
        }
        assert_eq!(losses(run), losses("nowhere"), "{run}");
        for file in FILES {
            let (found, expected) = (format!("{run}/{file}"), format!("nowhere/{file}"));
            assert!(sandbox.read(&found) == sandbox.read(&expected), "{found}");
        }
    };
    let kept = "the frozen layers' outputs are kept from epoch to epoch";
    check("memory", sandbox.run(&line("memory", 256)), &[kept, "GB)"]);
    let file = "in a temporary file in the run folder)";
    check("file", sandbox.run(&line("file", 1)), &[kept, file]);
    let full = &mut sandbox.limited_command(&line("full", 1), 512 << 10);
    let words = [
        kept,
        file,
        "warning: the frozen layers' outputs cannot be written past",
    ];
    check("full", Done::of(full), &words);
}

/// Long enough that a kill after some steps always comes before the last.
const LONG: &str = "train tiny --base base.gguf --out run --set sft.epochs=16";

/// The promise of --resume: whatever happened on the way, the adapter is the same to the bit.
#[test]
fn killed_anywhere_a_run_ends_with_the_same_adapter() {
    let whole = Sandbox::new();
    whole.done(LONG);
    let killed = Sandbox::new();
    // Steps on which an evaluation and a checkpoint follow (multiples of 3), and others.
    for steps in [1, 12, 25, 50, 80] {
        kill_after(&killed, steps);
    }
    killed.done(&format!("{LONG} --resume"));
    same_run(&whole, &killed);
}

/// Goes on with the run until its metrics show so many steps, and kills it there.
fn kill_after(sandbox: &Sandbox, steps: usize) {
    let mut child = sandbox
        .command(&format!("{LONG} --resume"))
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while steps_taken(sandbox) < steps {
        let ended = child.try_wait().unwrap();
        assert!(ended.is_none(), "{ended:?} before step {steps} was seen");
        thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    let status = child.wait().unwrap();
    assert!(!status.success(), "killed after step {steps}, not too late");
}

fn steps_taken(sandbox: &Sandbox) -> usize {
    let metrics = std::fs::read(sandbox.path("run/metrics.jsonl")).unwrap_or_default();
    let lines = metrics.split_inclusive(|&byte| byte == b'\n');
    lines
        .filter(|line| line.starts_with(br#"{"kind":"step""#) && line.ends_with(b"\n"))
        .count()
}

/// The same adapter to the bit, and the same figures on the way.
fn same_run(one: &Sandbox, other: &Sandbox) {
    for file in FILES {
        let file = format!("run/{file}");
        assert!(one.read(&file) == other.read(&file), "{file}");
    }
    let figures = |sandbox: &Sandbox| -> Vec<String> {
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
    assert_eq!(figures(one), figures(other));
}

/// No space left, in the first checkpoint or in the middle of a line of the metrics.
#[cfg(unix)]
#[test]
fn a_run_that_could_not_write_goes_on_to_the_same_adapter() {
    let check = |changes: &str, bytes: usize, file: &str| {
        let line = format!("{TRAIN}{changes}");
        let whole = Sandbox::new();
        whole.done(&line);
        let full = Sandbox::new();
        let done = Done::of(&mut full.limited_command(&line, bytes));
        done.refused(1, &["cannot write", file, "Raise the limit"]);
        let left = std::fs::read_dir(full.path("run")).unwrap().flatten();
        for entry in left {
            let name = entry.file_name().to_string_lossy().into_owned();
            assert!(!name.ends_with(".partial"), "{name} is left");
        }
        full.done(&format!("{line} --resume"));
        same_run(&whole, &full);
    };
    check("", 20 << 10, "checkpoint.bin");
    let small = " --set lora.rank=1 --set lora.targets=v_proj";
    check(small, 8 << 10, "metrics.jsonl");
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
    let middling = long.replace(&"x".repeat(400), &"y".repeat(60));
    sandbox.write("tiny/train.jsonl", train + &long + &middling);
    let line = "train tiny --base base.gguf --out run --dry-run";
    let text = sandbox.done(line);
    for words in [
        "[good]|[<|im_end|>]|",
        "dropped as too long: 1",
        "train.jsonl:50",
        "duplicates across splits: 1",
        "the prefix of 27 included",
        " tokens/s in steps of ",
        "predicted: 52 steps in ",
        ", and 19 evaluations in ",
        " in all\n",
        "label",
    ] {
        assert!(text.contains(words), "{words:?} is not in:\n{text}");
    }
    let bars = text.lines().filter(|line| line.contains('█'));
    let counted = bars.map(|line| -> usize {
        let words: Vec<&str> = line.split_whitespace().collect();
        assert_eq!((words[1], words.len()), ("to", 5), "{line}");
        words[3].parse().unwrap()
    });
    assert_eq!(counted.collect::<Vec<_>>(), [49, 1], "{text}");
    let memory = text.lines().find_map(|line| line.strip_prefix("memory: "));
    let told = std::path::Path::new("/proc/self/status").exists();
    let ending = if told {
        " GB at its peak"
    } else {
        "does not tell"
    };
    assert!(memory.is_some_and(|it| it.ends_with(ending)), "{text}");

    let mut command = sandbox.command(line);
    let coloured = Done::of(command.env_remove("NO_COLOR").env("CLICOLOR_FORCE", "1"));
    for words in [
        "the loss counts those in green",
        "\x1b[1;32mgood\x1b[0m|\x1b[1;32m<|im_end|>\x1b[0m|",
        "\x1b[2m<|im_start|>\x1b[0m|",
    ] {
        assert!(coloured.output.contains(words), "{words:?}: {coloured}");
    }
    assert!(!sandbox.exists("run"));
}

#[test]
fn what_a_dry_run_shows_can_be_had_as_json() {
    let sandbox = Sandbox::new();
    let line = "train tiny --base base.gguf --out run --dry-run --json";
    let text = sandbox.done(&format!("{line} plan.json"));
    assert!(text.contains("predicted: 48 steps in "), "{text}");
    let printed = sandbox.done(&format!("{line} -"));
    let printed: serde_json::Value = serde_json::from_str(&printed).unwrap();
    for plan in [sandbox.json("plan.json"), printed] {
        assert_eq!(plan["prefix_tokens"], 27);
        assert_eq!(plan["rows"].as_array().unwrap().len(), 3);
        let tokens = plan["rows"][0].as_array().unwrap();
        let last = serde_json::json!({"text": "<|im_end|>", "supervised": true});
        assert_eq!(tokens.last(), Some(&last));
        assert_eq!(tokens[0]["supervised"], false);
        let rows = |bin: &serde_json::Value| bin["rows"].as_u64().unwrap();
        let lengths = plan["lengths"].as_array().unwrap();
        assert_eq!(lengths.iter().map(rows).sum::<u64>(), 48);
        assert_eq!(plan["balance"]["train"]["good"], 16);
        assert_eq!(plan["duplicates"], serde_json::json!([]));
        assert_eq!(plan["warnings"], serde_json::json!([]));
        assert_eq!(plan["cost"]["steps"], 48);
        assert_eq!(plan["cost"]["evaluations"], 17);
        assert_eq!(plan["cost"]["trunk_bytes"], serde_json::Value::Null);
        let figure = |key: &str| plan["cost"][key].as_f64().unwrap();
        assert!(figure("tokens_per_second") > 0.0, "{plan}");
        let parts = figure("training_seconds") + figure("evaluating_seconds");
        assert!(parts > 0.0 && figure("seconds") > parts, "{plan}");
    }
    let before = sandbox.read("tiny/train.jsonl");
    let over = "train tiny --base base.gguf --dry-run --json tiny/train.jsonl";
    sandbox.refused(over, 2, &["is an input of this command"]);
    assert_eq!(sandbox.read("tiny/train.jsonl"), before);
}

/// A run of few steps is evaluated more often than the recipe asks; what is predicted is done.
#[test]
fn a_dry_run_predicts_the_evaluations_of_a_short_run() {
    let sandbox = Sandbox::new();
    let line = format!("{TRAIN} --set sft.epochs=1 --set sft.evals_per_epoch=1");
    let text = sandbox.done(&format!("{line} --dry-run"));
    assert!(text.contains("and 5 evaluations in"), "{text}");
    sandbox.done(&line);
    let metrics = sandbox.read_text("run/metrics.jsonl");
    assert_eq!(metrics.matches(r#""kind":"dev""#).count(), 5);
}

/// Layers with a gap: the gates of step 0 hold, PEFT's files name them, and load back.
#[test]
fn any_layers_can_be_adapted() {
    let sandbox = Sandbox::new();
    let deeper = Tiny {
        layers: 4,
        ..Tiny::default()
    };
    sandbox.write("base.gguf", deeper.gguf(1));
    let line = format!("{TRAIN} --set sft.epochs=1");
    sandbox.refused(
        &format!("{line} --set lora.layers=0,4"),
        2,
        &["lora.layers", "[0, 4]", "layers 0 to 3"],
    );
    sandbox.done(&format!("{line} --set lora.layers=0,3"));
    let config = sandbox.json("run/adapter/adapter_config.json");
    assert_eq!(config["layers_to_transform"], serde_json::json!([0, 3]));
    sandbox.done("eval run");
}
