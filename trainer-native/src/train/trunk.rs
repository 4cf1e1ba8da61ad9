//! Where the frozen layers' outputs are kept from epoch to epoch: in memory up to a bound, past it in
//! a temporary file in the run folder, which is gone when the process is.

use std::{io, path::Path};

use slm_train::{
    Trainer,
    trunk::{Room, Spill},
};

use crate::clock;

/// Most bytes of the temporary file.
const FILE: u64 = 8 << 30;

/// Has `trainer` keep the outputs where that is of use, in up to `memory` bytes and a file in
/// `folder`. Gives what there is to tell. A file that cannot be made costs time only.
pub fn keep(trainer: &mut Trainer, folder: &Path, memory: u64) -> Option<String> {
    let bytes = trainer.trunk_bytes().filter(|_| memory > 0)?;
    let file = (bytes > memory).then(|| tempfile::tempfile_in(folder));
    let (spill, problem) = match file.transpose() {
        Ok(file) => (file.map(|file| Box::new(file) as Box<dyn Spill>), None),
        Err(error) => (None, Some(error)),
    };
    let said = told(bytes, memory, problem.as_ref());
    trainer.keep_trunk(Room {
        memory,
        spilled: FILE,
        spill,
    });
    Some(said)
}

fn told(bytes: u64, memory: u64, problem: Option<&io::Error>) -> String {
    let size = clock::memory;
    let beyond = bytes.saturating_sub(memory);
    let rest = match problem {
        _ if beyond == 0 => String::new(),
        Some(error) => format!(
            ", {} of it computed every time: a temporary file cannot be made in the run folder ({error})",
            size(beyond)
        ),
        None if beyond > FILE => format!(
            ", {} of it in a temporary file in the run folder, {} computed every time",
            size(FILE),
            size(beyond - FILE)
        ),
        None => format!(
            ", {} of it in a temporary file in the run folder",
            size(beyond)
        ),
    };
    format!(
        "the frozen layers' outputs are kept from epoch to epoch ({}{rest})",
        size(bytes)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_where_is_told() {
        let full = io::Error::from(io::ErrorKind::StorageFull);
        let check = |bytes, memory, problem, ending: &str| {
            let text = told(bytes, memory, problem);
            assert!(text.ends_with(ending), "{text}");
        };
        const GB: u64 = 1_000_000_000;
        check(GB, GB, None, "(1.00 GB)");
        check(GB, GB, Some(&full), "(1.00 GB)");
        check(
            3 * GB,
            GB,
            None,
            "(3.00 GB, 2.00 GB of it in a temporary file in the run folder)",
        );
        check(
            20 * GB,
            GB,
            None,
            "(20.00 GB, 8.59 GB of it in a temporary file in the run folder, 10.41 GB computed every time)",
        );
        let text = told(3 * GB, GB, Some(&full));
        assert!(
            text.contains("2.00 GB of it computed every time: "),
            "{text}"
        );
    }
}
