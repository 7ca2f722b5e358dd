#!/usr/bin/env bash
# Miri on what is written in Rust alone: the portable class, words, conversions, dispatch. Undefined
# behaviour (out of bounds, uninitialised, aliasing, overflow in pointer arithmetic) ends the run.
# Arguments replace the list of unit tests (filters of `cargo test`).
#
# Miri cannot call C: tests that compare with AWS-LC or libsecp256k1, or that lock memory, are not in
# the list; AddressSanitizer runs those (scripts/native-asan.sh).
set -euo pipefail
cd "$(dirname "$0")/../native"

# Filters of unit tests without foreign functions.
tests=(cpu:: vec:: field:: rsa::words symmetric::small::tests)
[ "$#" -gt 0 ] && tests=("$@")

rustup component list --toolchain nightly --installed | grep -q '^miri' ||
  rustup component add --toolchain nightly miri
rustup component list --toolchain nightly --installed | grep -q '^rust-src' ||
  rustup component add --toolchain nightly rust-src

# Isolation off: tests read the clock for their seed. Few cases: Miri is a thousand times slower.
export MIRIFLAGS='-Zmiri-disable-isolation -Zmiri-symbolic-alignment-check'
export PROPTEST_CASES=${PROPTEST_CASES:-8} AGREEMENT_JOBS=${AGREEMENT_JOBS:-64}
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}/miri
cargo +nightly miri test --locked --no-default-features --lib -- "${tests[@]}"
answers=$(mktemp)
trap 'rm -f "$answers"' EXIT
cargo +nightly miri test --locked --no-default-features --test class_agreement -- \
  --write-answers "$answers"
cargo +nightly miri test --locked --no-default-features --test class_agreement -- \
  --read-answers "$answers" portable
