#!/usr/bin/env bash
# The whole native suite under AddressSanitizer (nightly): heap and stack overflows, use after free,
# leaks in Rust code, and in what C code does to memory that it gets from malloc.
# Arguments are handed to `cargo test` behind `--`.
set -euo pipefail
cd "$(dirname "$0")/../native"
export RUSTFLAGS='-Zsanitizer=address'
# Locked pages and the arena live to the end of the process on purpose; they are no leaks.
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_stack_use_after_return=1:detect_leaks=1}
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}/asan
cargo +nightly test --locked --release --no-default-features --target x86_64-unknown-linux-gnu \
  --lib --tests -- "$@"
