//! What this machine is, for the head of each table, and what its processes use.

use std::fs;

use anyhow::Result;
use serde::Serialize;

/// The machine that a benchmark ran on.
#[derive(Serialize)]
pub struct Machine {
    /// The processor's own name.
    pub processor: String,
    /// Threads that run at once.
    pub threads: usize,
    /// Vector instructions that matter here, as the system names them.
    pub instructions: Vec<String>,
    /// Operating system and architecture.
    pub system: String,
}

/// Vector instructions worth naming.
const INSTRUCTIONS: [&str; 8] = [
    "avx2",
    "fma",
    "avx_vnni",
    "avx512f",
    "avx512_vnni",
    "amx_int8",
    "asimddp",
    "i8mm",
];

impl Machine {
    /// This one. What the system does not tell is left out.
    pub fn this() -> Self {
        let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let field = |names: &[&str]| {
            processors.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                names.contains(&name.trim()).then(|| value.trim())
            })
        };
        let flags: Vec<&str> = field(&["flags", "Features"])
            .unwrap_or_default()
            .split_whitespace()
            .collect();
        let known = INSTRUCTIONS.into_iter().filter(|name| flags.contains(name));
        Self {
            processor: field(&["model name", "CPU part"])
                .unwrap_or("unknown")
                .into(),
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            instructions: known.map(Into::into).collect(),
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        }
    }
}

impl std::fmt::Display for Machine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            processor,
            threads,
            instructions,
            system,
        } = self;
        let instructions = instructions.join(" ");
        write!(
            f,
            "{processor}, {threads} threads, {instructions}, {system}"
        )
    }
}

/// The most memory that a process has had resident, in bytes; Linux only.
pub fn peak_memory(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(1024 * kilobytes)
}

/// Lets so many threads compute, in our kernels and in libraries that take rayon's.
///
/// # Errors
/// The system gives no more threads.
pub fn use_threads(count: usize) -> Result<()> {
    slm_kernels::threads::set_count(count)?;
    Ok(rayon::ThreadPoolBuilder::new()
        .num_threads(count)
        .build_global()?)
}
