#!/usr/bin/env bash
# The constant-time check under valgrind: secrets count as undefined, memcheck reports each branch and
# address that depends on one, and planted leaks have to be reported. Arguments choose checks by name.
#
# valgrind shows programs a CPU without AVX-512: the classes that run are portable and avx2.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v valgrind >/dev/null; then
  echo 'installing valgrind'
  apt-get update -qq >/dev/null
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends valgrind >/dev/null
fi
target_dir=${CARGO_TARGET_DIR:-$PWD/native/target}
(cd native && cargo build --locked --release --no-default-features --features valgrind \
  --example constant_time)
report=$target_dir/constant-time.log
status=0
valgrind --error-limit=no --num-callers=12 --log-file="$report" \
  "$target_dir/release/examples/constant_time" "$@" || status=$?
echo "valgrind's report: $report"
exit "$status"
