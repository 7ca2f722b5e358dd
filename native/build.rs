fn main() {
    // Without the feature there is no JavaScript boundary to set up the linker for.
    if std::env::var_os("CARGO_FEATURE_NAPI").is_some() {
        napi_build::setup();
    }
}
