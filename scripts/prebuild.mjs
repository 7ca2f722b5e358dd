// Packs the native addon as one npm package per platform, with @napi-rs/cli:
//
//   npm run prebuild                            this machine's platform
//   npm run prebuild -- TRIPLE...               cross-compiled; the linker and C compiler of a target
//                                               come from cargo's and cc's variables
//   npm run prebuild -- --addon FILE            packs FILE, built before for this platform
//   npm run prebuild -- --out DIR               DIR inside the project instead of prebuilt/
//
// leaves DIR/<platform>/ and DIR/keystrel-native-<platform>-<version>.tgz. Installed beside keystrel,
// such a package comes before an addon built from source (src/engine/backends/native-addon.ts).
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));
const { napi } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { addon: { type: 'string' }, out: { type: 'string', default: 'prebuilt' } },
});
const out = join(root, values.out);
if (relative(root, out).startsWith('..')) throw new Error('--out must be inside the project');

function run(command, args, options = {}) {
  const done = spawnSync(command, args, { cwd: root, encoding: 'utf8', ...options });
  if (done.status !== 0) {
    process.stderr.write(`${done.stdout ?? ''}${done.stderr ?? ''}`);
    throw new Error(`${command} ${args[0]}: ${done.error?.message ?? `exit ${done.status}`}`);
  }
  return done.stdout;
}

/** The triple of the platform that runs this: rustc's, or where there is none, node's own. */
function hostTriple() {
  const rustc = spawnSync('rustc', ['-vV'], { encoding: 'utf8' });
  const host = /^host: (.+)$/m.exec(rustc.stdout ?? '')?.[1];
  if (host !== undefined) return host;
  const arch = { x64: 'x86_64', arm64: 'aarch64' }[process.arch];
  return `${arch}-unknown-linux-gnu`;
}

/** The folder that @napi-rs/cli made for a target: its README names the triple. */
function folderOf(triple) {
  const name = readdirSync(out).find((folder) => {
    const readme = join(out, folder, 'README.md');
    return existsSync(readme) && readFileSync(readme, 'utf8').includes(`**${triple}**`);
  });
  if (name === undefined) throw new Error(`${triple} is not among the targets in package.json`);
  return name;
}

function build(triple) {
  const target = process.env.CARGO_TARGET_DIR ?? join(root, 'native', 'target');
  run('npx', ['napi', 'build', '--platform', '--release', '--no-js', '--target', triple,
    '--manifest-path', 'native/Cargo.toml', '--target-dir', target, '--output-dir', values.out,
    '--', '--locked'], { stdio: ['ignore', 'inherit', 'inherit'] });
}

const triples = positionals.length > 0 ? positionals : [hostTriple()];
if (values.addon !== undefined && triples.length !== 1) throw new Error('--addon is of one platform');
rmSync(out, { recursive: true, force: true });
run('npx', ['napi', 'create-npm-dirs', '--npm-dir', values.out]);
const folders = triples.map(folderOf);
for (const [i, triple] of triples.entries()) {
  const file = `${napi.binaryName}.${folders[i]}.node`;
  if (values.addon === undefined) {
    build(triple);
    renameSync(join(out, file), join(out, folders[i], file));
  } else {
    copyFileSync(values.addon, join(out, folders[i], file));
  }
}
for (const entry of readdirSync(out)) {
  if (!folders.includes(entry)) rmSync(join(out, entry), { recursive: true });
}
for (const folder of folders) {
  const [packed] = JSON.parse(run('npm', ['pack', '--json', '--pack-destination', out], {
    cwd: join(out, folder),
  }));
  console.log(`${relative(root, join(out, packed.filename))}: ${packed.name} ${packed.version}, ${packed.size} bytes`);
}
