//! Every WGSL file is valid by itself, on a machine without any GPU.

use naga::valid::{Capabilities, ValidationFlags, Validator};

/// What every WebGPU device can do, and naga asks for by name.
const CAPABILITIES: Capabilities = Capabilities::SHADER_FLOAT16_IN_FLOAT32;

#[test]
fn every_shader_is_valid() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/gpu");
    let mut checked = 0;
    for entry in std::fs::read_dir(folder).expect("the folder of the shaders") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|extension| extension != "wgsl") {
            continue;
        }
        let source = std::fs::read_to_string(&path).expect("a shader");
        let name = path.to_string_lossy();
        let module = naga::front::wgsl::parse_str(&source)
            .unwrap_or_else(|error| panic!("{}", error.emit_to_string_with_path(&source, &name)));
        Validator::new(ValidationFlags::all(), CAPABILITIES)
            .validate(&module)
            .unwrap_or_else(|error| panic!("{}", error.emit_to_string_with_path(&source, &name)));
        checked += 1;
    }
    assert!(checked > 0, "no shader in {folder}");
}
