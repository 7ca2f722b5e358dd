// House rules that no linter knows: file sizes, documents in step with what they describe, every
// runtime dependency with its reason, every operation with a file, a registry line and a test.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (path) => readFileSync(join(root, path), 'utf8');
const findings = [];

const LINES_MAX = 500;
const tracked = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter((path) => path !== '' && existsSync(join(root, path)));

/** Generated tables are exempt, by name. */
const GENERATED = /(^|\/)(tables|known_answers|known-answers)[^/]*\.(rs|ts)$/;

function fileSizes() {
  for (const path of tracked) {
    if (!/^(src|native\/src|test|bench|scripts)\/.*\.(ts|tsx|rs|mjs|js)$/.test(path)) continue;
    if (GENERATED.test(path)) continue;
    const lines = read(path).split('\n').length - 1;
    if (lines > LINES_MAX) findings.push(`${path}: ${lines} lines, more than ${LINES_MAX}`);
  }
}

function fileNames() {
  for (const path of tracked) {
    if (!/^(src|test|bench)\/.*\.tsx?$/.test(path)) continue;
    const name = path.slice(path.lastIndexOf('/') + 1);
    if (!/^[a-z0-9]+(-[a-z0-9]+)*(\.test|\.config)?\.tsx?$/.test(name)) {
      findings.push(`${path}: the name is not in kebab-case`);
    }
    if (/^(utils|helpers|common)\.tsx?$/.test(name)) findings.push(`${path}: the name says nothing`);
  }
}

function topLevel() {
  const allowed = new Set([
    'package.json', 'package-lock.json', 'tsconfig.json', 'native', 'src', 'bench', 'test',
    'scripts', 'binding.gyp', 'docs', 'README.md', 'ARCHITECTURE.md', 'SECURITY.md',
    'CHANGELOG.md', 'LICENSE',
  ]);
  for (const path of tracked) {
    const top = path.split('/')[0];
    if (!top.startsWith('.') && !allowed.has(top)) findings.push(`${path}: does not belong at the top`);
  }
}

function dependencies() {
  const listed = Object.keys(JSON.parse(read('package.json')).dependencies);
  const crates = [...read('native/Cargo.toml').split('[dependencies]')[1].split('\n[')[0]
    .matchAll(/^([a-z0-9-]+) = /gm)].map((match) => match[1]);
  const document = read('docs/dependencies.md');
  const rows = new Set([...document.matchAll(/^\| `([^`]+)` \|/gm)].map((match) => match[1]));
  for (const name of [...listed, ...crates]) {
    if (!rows.has(name)) findings.push(`docs/dependencies.md: no line for ${name}`);
  }
  for (const name of rows) {
    if (![...listed, ...crates].includes(name)) {
      findings.push(`docs/dependencies.md: ${name} is no dependency any more`);
    }
  }
}

const kebab = (name) => name.replaceAll(/([a-z])([A-Z])/g, '$1-$2').toLowerCase();

/** Each operation file stands in the registry, and its AWS name in some test. */
function operations() {
  const registry = read('src/operations/registry.ts');
  const tests = tracked.filter((path) => /^test\/.*\.ts$/.test(path)).map(read).join('\n');
  const folder = join(root, 'src/operations');
  let count = 0;
  for (const family of readdirSync(folder, { withFileTypes: true })) {
    if (!family.isDirectory()) continue;
    for (const file of readdirSync(join(folder, family.name))) {
      const name = /^\s*name: '([A-Z][A-Za-z]+)',$/m.exec(read(`src/operations/${family.name}/${file}`))?.[1];
      if (name === undefined) continue;
      count += 1;
      if (file !== `${kebab(name)}.ts`) findings.push(`${family.name}/${file}: holds ${name}`);
      if (!registry.includes(`'./${family.name}/${kebab(name)}.js'`)) {
        findings.push(`src/operations/registry.ts: ${name} is not registered`);
      }
      if (!new RegExp(`\\b${name}\\b`).test(tests)) findings.push(`${name}: no test names it`);
    }
  }
  if (count === 0) findings.push('no operation was found: the check itself is broken');
}

/** Words that have no place in the product, and tasks left without an issue. */
function words() {
  for (const path of tracked) {
    if (!/^(src|native\/src|test|bench|docs|scripts)\//.test(path) || path === 'scripts/check-house.mjs') continue;
    if (!/\.(ts|rs|md|mjs|js)$/.test(path)) continue;
    read(path).split('\n').forEach((line, i) => {
      if (/\b(TODO|FIXME|XXX)\b(?! \(#\d+\))/.test(line)) findings.push(`${path}:${i + 1}: a task without an issue`);
      if (/\b(describe|it|test)\.(only|skip)\(/.test(line)) findings.push(`${path}:${i + 1}: a test left out`);
    });
  }
}

/** Links between documents lead somewhere. */
function links() {
  for (const path of tracked.filter((name) => name.endsWith('.md'))) {
    for (const [, target] of read(path).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)) {
      const at = join(root, path, '..', target);
      if (!existsSync(at)) findings.push(`${path}: link to ${target}, which is not there`);
    }
  }
}

for (const rule of [fileSizes, fileNames, topLevel, dependencies, operations, words, links]) rule();
for (const finding of findings) console.error(finding);
if (findings.length > 0) process.exit(1);
console.log(`house rules: ${tracked.length} files, none broken`);
