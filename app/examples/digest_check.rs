//! A page for the browser tests: one number for what all `serve` kernels compute on fixed inputs.
//! It becomes the page's title.

fn main() {
    console_error_panic_hook::set_once();
    let digest = slm_kernels::serve::digest();
    if let Some(document) = web_sys::window().and_then(|window| window.document()) {
        document.set_title(&digest.to_string());
    }
}
