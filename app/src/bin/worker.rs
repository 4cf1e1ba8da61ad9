//! The worker: owns the model, and draws nothing.

use slm_app::{
    platform::{spawn_local, threads},
    worker,
};

fn main() {
    std::panic::set_hook(Box::new(|info| {
        threads::give_up();
        worker::report_panic(info.to_string());
    }));
    spawn_local(worker::run());
}
