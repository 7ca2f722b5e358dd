#!/usr/bin/env bash
# The crate's tests on CPUs without one feature or another, and on ARM64, by qemu's user emulation:
# nothing may crash on a missing instruction, and the class has to be the one that the CPU has.
#
#   scripts/native-cpus.sh [x86] [arm64] [addon]        all without argument
#
# addon: the ARM64 addon is built and packed as `npm run prebuild` does; its ELF header and symbols are
# looked at, and it is loaded under qemu by a program that stands in for Node's interface.
#
# Needs Debian's qemu-user; for ARM64 gcc-aarch64-linux-gnu, libc6-dev-arm64-cross, and the rustup
# target aarch64-unknown-linux-gnu (installed here when run as root).
set -euo pipefail
cd "$(dirname "$0")/../native"
target_dir=${CARGO_TARGET_DIR:-$PWD/target}
[ "$#" -gt 0 ] || set -- x86 arm64 addon

missing=()
command -v qemu-x86_64 >/dev/null || missing+=(qemu-user)
if [[ " $* " == *" arm64 "* || " $* " == *" addon "* ]]; then
  command -v aarch64-linux-gnu-gcc >/dev/null || missing+=(gcc-aarch64-linux-gnu)
  [ -e /usr/aarch64-linux-gnu/include/stdlib.h ] || missing+=(libc6-dev-arm64-cross)
fi
if [ "${#missing[@]}" -gt 0 ]; then
  echo "installing ${missing[*]}"
  apt-get update -qq >/dev/null
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

# Paths of the built unit tests and of class_agreement; arguments are cargo's.
programs() {
  cargo test --locked --release --no-default-features --lib --test class_agreement --no-run \
    --message-format=json "$@" 2>"$target_dir/cpus-build.log" |
    sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' || { cat "$target_dir/cpus-build.log" >&2; exit 1; }
}

failed() {
  echo "test result: FAILED. 0 passed; 1 failed ($*)"
  return 1
}

# run EXPECTED_CLASS RUNNER... : unit tests, then the classes that this CPU has.
run() {
  local expected=$1 seen
  shift
  "$@" "$unit_tests" --quiet 2> >(grep -v "TCG doesn't support" >&2) || failed 'unit tests' || return 1
  seen=$("$@" "$agreement" 2>/dev/null) || { echo "$seen"; failed 'class agreement'; return 1; }
  grep -v -e '^$' -e '^test result: .* 0 passed; 0 failed' <<<"$seen"
  grep -q "class $expected:" <<<"$seen" || failed "class $expected was expected" || return 1
  echo "test result: ok. 1 passed; 0 failed (the class is $expected)"
}

# Names the two programs.
built() {
  local list
  list=$(programs "$@")
  agreement=$(grep class_agreement <<<"$list") && unit_tests=$(grep -v class_agreement <<<"$list") ||
    { cat "$target_dir/cpus-build.log" >&2; exit 1; }
}

# The ARM64 addon: packed, of the right machine, with the symbols of an addon, and loadable.
addon() {
  local out=prebuilt-arm64-test file work=$target_dir/cpus-addon symbol
  mkdir -p "$work"
  (cd .. && CARGO_TARGET_DIR=$target_dir node scripts/prebuild.mjs --out "$out" \
    aarch64-unknown-linux-gnu >"$work/prebuild.log" 2>&1) ||
    { cat "$work/prebuild.log" >&2; failed 'the addon for ARM64 was not packed'; return 1; }
  tail -n 1 "$work/prebuild.log"
  file=$(echo "$PWD/../$out"/linux-arm64-gnu/*.node)
  cp "$file" "$work/keystrel.node"
  rm -rf "../$out"
  file=$work/keystrel.node
  aarch64-linux-gnu-readelf -h "$file" | grep -q 'Machine: *AArch64' || failed 'machine' || return 1
  aarch64-linux-gnu-nm -D --defined-only "$file" | grep -q ' T napi_register_module_v1$' ||
    failed 'no entry point' || return 1
  {
    echo '#include <dlfcn.h>'
    echo '#include <stdio.h>'
    aarch64-linux-gnu-nm -D --undefined-only "$file" | sed -n 's/^ *[Uw] \(napi_[a-z0-9_]*\)$/\1/p' |
      while read -r symbol; do echo "int $symbol(void) { return 0; }"; done
    echo 'int main(int count, char **names) {'
    echo '  void *addon = count > 1 ? dlopen(names[1], RTLD_NOW) : 0;'
    echo '  if (!addon) { puts(dlerror()); return 1; }'
    echo '  return dlsym(addon, "napi_register_module_v1") ? 0 : 1;'
    echo '}'
  } >"$work/load.c"
  aarch64-linux-gnu-gcc -rdynamic -o "$work/load" "$work/load.c" -ldl
  qemu-aarch64 -L /usr/aarch64-linux-gnu "$work/load" "$file" || failed 'it does not load' || return 1
  echo "test result: ok. 1 passed; 0 failed (it loads; $(grep -c '^int napi_' "$work/load.c") functions of Node-API)"
}

status=0
if [[ " $* " == *" x86 "* ]]; then
  built
  # CPU model and the class that it has. Nehalem: no AES-NI, no AVX. Westmere: AES-NI, no AVX.
  # SandyBridge: AVX, no AVX2. Haswell: AVX2 + FMA, no SHA-NI, no AVX-512. EPYC: with SHA-NI.
  for row in qemu64:generic Nehalem:generic Westmere:generic SandyBridge:generic Haswell:avx2 EPYC:avx2; do
    echo "== ${row%:*}"
    run "${row#*:}" qemu-x86_64 -cpu "${row%:*}" || status=1
  done
  echo '== Haswell, KEYSTREL_CPU=ifma is not obeyed'
  run avx2 env KEYSTREL_CPU=ifma qemu-x86_64 -cpu Haswell || status=1
  echo '== Haswell, KEYSTREL_CPU=generic'
  run generic env KEYSTREL_CPU=generic qemu-x86_64 -cpu Haswell || status=1
fi
if [[ " $* " == *" arm64 "* || " $* " == *" addon "* ]]; then
  rustup target list --installed | grep -qx aarch64-unknown-linux-gnu ||
    rustup target add aarch64-unknown-linux-gnu
  export CC_aarch64_unknown_linux_gnu=aarch64-linux-gnu-gcc
  export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
fi
if [[ " $* " == *" arm64 "* ]]; then
  answers=$target_dir/cpus-answers
  built
  AGREEMENT_JOBS=${AGREEMENT_JOBS:-512} "$agreement" --write-answers "$answers"
  built --target aarch64-unknown-linux-gnu
  echo '== ARM64'
  run generic qemu-aarch64 -L /usr/aarch64-linux-gnu || status=1
  echo '== ARM64: the portable twin against that of this machine'
  qemu-aarch64 -L /usr/aarch64-linux-gnu "$agreement" --read-answers "$answers" portable || status=1
fi
if [[ " $* " == *" addon "* ]]; then
  echo '== the addon for ARM64'
  addon || status=1
fi
exit "$status"
