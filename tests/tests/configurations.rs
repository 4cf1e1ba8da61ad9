//! The logits of 24 prompts on the real base with an adapter are the same bits with every instruction
//! set of this machine and any number of threads. The page's builds are compared with the same logits
//! by the browser tests. One test: both are the process's.

use std::path::Path;

use slm_kernels::{serve, threads};
use slm_tests::parity;

#[test]
fn no_configuration_shows_in_24_prompts() {
    let bundle = Path::new(env!("CARGO_MANIFEST_DIR")).join("../static/bundles/sentiment");
    threads::set_count(1).expect("one thread");
    let expected = parity::probes(&bundle);
    for (level, count) in serve::levels()
        .into_iter()
        .zip([4, 3, 2].into_iter().cycle())
    {
        serve::use_level(&level);
        threads::set_count(count).expect("threads");
        let same = parity::probes(&bundle) == expected;
        assert!(same, "{level} with {count} threads");
        println!("{level} with {count} threads: the same bits");
    }
}
