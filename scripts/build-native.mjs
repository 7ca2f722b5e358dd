// Builds the native addon: cargo build, then the library is copied to native/keystrel.node.
// Skipped when nothing changed. Where there is no Rust, or the build fails, the reason is printed
// and written to native/keystrel.reason: the server then runs on the node backend and shows it.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const crate = join(root, 'native');
const addon = join(crate, 'keystrel.node');
const reason = join(crate, 'keystrel.reason');

/** Newest modification of the crate's sources, milliseconds. */
function newestSource() {
  const files = readdirSync(join(crate, 'src'), { recursive: true }).map((f) => join(crate, 'src', f));
  files.push(join(crate, 'Cargo.toml'), join(crate, 'Cargo.lock'), join(crate, 'build.rs'));
  return Math.max(...files.map((f) => statSync(f).mtimeMs));
}

/** Without the addon the product still works; only `--strict` makes its absence an error. */
function giveUp(text) {
  rmSync(addon, { force: true });
  writeFileSync(reason, `${text}\n`);
  console.warn(`native addon not built: ${text}; the node backend will be used`);
  process.exit(process.argv.includes('--strict') ? 1 : 0);
}

if (process.env.KEYSTREL_SKIP_NATIVE === '1') giveUp('KEYSTREL_SKIP_NATIVE=1');
if (existsSync(addon) && statSync(addon).mtimeMs >= newestSource()) process.exit(0);
if (spawnSync('cargo', ['--version'], { stdio: 'ignore' }).status !== 0) giveUp('cargo was not found');

console.log('building the native addon (the first time takes some minutes) ...');
const build = spawnSync('cargo', ['build', '--release', '--locked'], { cwd: crate, stdio: 'inherit' });
if (build.status !== 0) giveUp(`cargo build failed (exit ${build.status})`);
const library = { darwin: 'libkeystrel_native.dylib', win32: 'keystrel_native.dll' }[process.platform];
const target = process.env.CARGO_TARGET_DIR ?? join(crate, 'target');
// Renamed into place, so that a process that has the former one loaded keeps it whole.
copyFileSync(join(target, 'release', library ?? 'libkeystrel_native.so'), `${addon}.new`);
renameSync(`${addon}.new`, addon);
rmSync(reason, { force: true });
