#!/usr/bin/env bash
# The AVX-512 IFMA kernels on any x86-64 machine: in Bochs, which executes vpmadd52 on zmm registers.
#
#   scripts/native-emulated.sh [--native] [--keep]
#
# Builds native/tests/class_agreement as a static program (musl), lets it write the portable twin's
# answers here, boots Linux in Bochs with the program as process 1, reads the serial line, and ends
# with the program's `test result:` line. --native runs the same program against the same answers on
# this CPU too, where it has IFMA. --keep leaves the serial log beside the program and prints where.
# SEED and AGREEMENT_JOBS are handed on.
#
# Needs the rustup target x86_64-unknown-linux-musl and Debian's packages musl-tools, bochs,
# bochsbios, vgabios, bochs-term, cpio (installed here when run as root); a kernel and the programs
# that make a bootable CD are downloaded as packages and unpacked, not installed.
set -euo pipefail
cd "$(dirname "$0")/.."

native=false
keep=false
for argument in "$@"; do
  case "$argument" in
    --native) native=true ;;
    --keep) keep=true ;;
    *) echo "unknown argument: $argument" >&2; exit 2 ;;
  esac
done
# Bochs retires about 33 million instructions per second: this is far more than the suite needs.
limit_seconds=${EMULATED_SECONDS_MAX:-7200}

target_dir=${CARGO_TARGET_DIR:-$PWD/native/target}
work=$target_dir/emulated
mkdir -p "$work/packages"

install_packages() {
  local missing=()
  command -v musl-gcc >/dev/null || missing+=(musl-tools)
  command -v bochs >/dev/null || missing+=(bochs)
  command -v cpio >/dev/null || missing+=(cpio)
  [ -e /usr/share/bochs/BIOS-bochs-latest ] || missing+=(bochsbios)
  [ -e /usr/share/vgabios/vgabios.bin ] || missing+=(vgabios)
  [ -e /usr/lib/x86_64-linux-gnu/bochs/plugins/libbx_rfb_gui.so ] ||
    [ -e /usr/lib/bochs/plugins/libbx_rfb_gui.so ] || missing+=(bochs-term)
  if [ "${#missing[@]}" -gt 0 ]; then
    echo "installing ${missing[*]}"
    apt-get update -qq >/dev/null
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
      "${missing[@]}" >/dev/null
  fi
  rustup target list --installed | grep -qx x86_64-unknown-linux-musl ||
    rustup target add x86_64-unknown-linux-musl
}

# Kernel, boot loader and the maker of ISO images, unpacked into $work/root.
unpack_packages() {
  [ -e "$work/root/.complete" ] && return
  local kernel
  kernel=$(apt-cache depends linux-image-cloud-amd64 | awk '/Depends: linux-image-/ {print $2}')
  (cd "$work/packages" &&
    apt-get -o APT::Sandbox::User=root download -qq "$kernel" isolinux syslinux-common xorriso \
      libburn4 libisoburn1 libisofs6 libjte2 >/dev/null)
  for package in "$work"/packages/*.deb; do dpkg -x "$package" "$work/root"; done
  touch "$work/root/.complete"
}

build() {
  echo 'building the static program'
  local messages
  # Bochs 2.7 takes vpgatherdq with an index register above 15 for an unknown instruction; LLVM makes
  # such ones of loops over strided loads. No kernel asks for one.
  messages=$(cd native && RUSTFLAGS='-C target-feature=+prefer-no-gather' \
    CC_x86_64_unknown_linux_musl=musl-gcc cargo test --locked --release \
    --no-default-features --target x86_64-unknown-linux-musl --test class_agreement --no-run \
    --message-format=json 2>"$work/build.log") || { cat "$work/build.log" >&2; exit 1; }
  program=$(printf '%s\n' "$messages" |
    sed -n 's/.*"name":"class_agreement".*"executable":"\([^"]*\)".*/\1/p' | tail -n 1)
  [ -x "$program" ] || { echo 'no program was built' >&2; exit 1; }
}

# An initial RAM disk with the program as /init, its answers, and two devices.
make_image() {
  local tree=$work/initramfs
  rm -rf "$tree" "$work/iso"
  mkdir -p "$tree/dev" "$work/iso/isolinux"
  cp "$program" "$tree/init"
  strip "$tree/init"
  cp "$work/answers" "$tree/answers"
  mknod "$tree/dev/console" c 5 1
  mknod "$tree/dev/ttyS0" c 4 64
  (cd "$tree" && find . | cpio --quiet -o -H newc | gzip -1) >"$work/iso/isolinux/initrd.gz"
  cp "$work"/root/boot/vmlinuz-* "$work/iso/isolinux/vmlinuz"
  cp "$work/root/usr/lib/ISOLINUX/isolinux.bin" "$work/iso/isolinux/"
  cp "$work/root/usr/lib/syslinux/modules/bios/ldlinux.c32" "$work/iso/isolinux/"
  # Without clearcpuid of pku, xsaves and xsavec Linux switches AVX off on some of Bochs's models.
  cat >"$work/iso/isolinux/isolinux.cfg" <<'CONFIG'
default test
prompt 0
timeout 0
label test
  kernel vmlinuz
  append initrd=initrd.gz console=ttyS0,115200 nokaslr mitigations=off lpj=200000 tsc_early_khz=50000 clearcpuid=515,323,321 apparmor=0 random.trust_cpu=on nosmap nosmep nofsgsbase acpi=off noapic nosmp tsc=reliable panic=-1
CONFIG
  LD_LIBRARY_PATH=$work/root/usr/lib/x86_64-linux-gnu "$work/root/usr/bin/xorriso" -as mkisofs \
    -quiet -o "$work/test.iso" -b isolinux/isolinux.bin -c isolinux/boot.cat -no-emul-boot \
    -boot-load-size 4 -boot-info-table "$work/iso" 2>"$work/xorriso.log" ||
    { cat "$work/xorriso.log" >&2; exit 1; }
}

boot() {
  rm -f "$work/serial.log"
  # Debian's Bochs is the debugger's build: it waits for `c`.
  echo c >"$work/debugger.rc"
  cat >"$work/bochsrc" <<CONFIG
cpu: model=corei3_cnl, ips=50000000, ignore_bad_msrs=1
megs: 512
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/vgabios/vgabios.bin
display_library: rfb, options="timeout=0"
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata0-master: type=cdrom, path=$work/test.iso, status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev=$work/serial.log
clock: sync=none
log: $work/bochs.log
CONFIG
  (cd "$work" && exec bochs -q -f bochsrc -rc debugger.rc >bochs.out 2>&1 </dev/null) &
  emulator=$!
  trap 'kill "$emulator" 2>/dev/null || true' EXIT
  local started=$SECONDS
  while ! grep -q -e 'System halted' -e 'Kernel panic' "$work/serial.log" 2>/dev/null; do
    if ! kill -0 "$emulator" 2>/dev/null; then
      echo "the emulator ended by itself; its log is $work/bochs.log" >&2
      break
    fi
    if [ $((SECONDS - started)) -gt "$limit_seconds" ]; then
      echo "no end after $limit_seconds s; the serial log is $work/serial.log" >&2
      break
    fi
    sleep 1
  done
  kill "$emulator" 2>/dev/null || true
  wait "$emulator" 2>/dev/null || true
  trap - EXIT
  echo "emulated for $((SECONDS - started)) s"
}

install_packages
unpack_packages
build
"$program" --write-answers "$work/answers"
if $native; then "$program" --read-answers "$work/answers" ifma; fi
make_image
boot
tr -d '\r' <"$work/serial.log" | grep -a -v -E '^\[ *[0-9]+\.[0-9]+\]' | grep -a -v '^$' || true
if $keep; then
  cp "$work/serial.log" "$work/serial-$(date +%Y%m%d-%H%M%S).log"
  echo "serial logs: $work/serial-*.log"
fi
if ! tr -d '\r' <"$work/serial.log" | grep -a -q '^test result: ok\. [1-9]'; then
  echo 'the emulated run did not end well' >&2
  exit 1
fi
