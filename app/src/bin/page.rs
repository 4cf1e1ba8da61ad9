//! The page: draws, and leaves the model to the worker.

fn main() {
    console_error_panic_hook::set_once();
    slm_app::pages::mount();
}
