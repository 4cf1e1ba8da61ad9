//! The worker: owns the model, and draws nothing.

fn main() {
    std::panic::set_hook(Box::new(|info| {
        slm_app::worker::report_panic(info.to_string());
    }));
    slm_app::platform::spawn_local(slm_app::worker::run());
}
