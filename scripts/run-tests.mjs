// Runs the suites, adds their counts, and ends with the line `N passed, N failed`.
//
//   scripts/test [arguments of vitest]   the Rust crate's tests on every CPU class, then vitest
//   scripts/test slow [part ...]         long differential tests (crate, addon), timing, multiply counts,
//                                        valgrind, Miri, sanitizer, CPUs and ARM64
//   scripts/test emulated                AVX-512 IFMA kernels in an emulated CPU
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

let passed = 0;
let failed = 0;
/** Class and how it ran -> comparisons of primitives. */
const classes = new Map();
const CARGO_TEST = ['test', '--locked', '--release', '--no-default-features'];

/** Runs a program whose output has lines of Rust's test harness, and adds up what they count. */
async function counted(name, command, args, { cwd = '.', env = {} } = {}) {
  console.log(`\n== ${name}`);
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk) => {
    text += chunk;
    process.stdout.write(chunk);
  });
  const status = await new Promise((resolve) => {
    child.on('error', (error) => {
      console.error(`${command}: ${error.message}`);
      resolve(1);
    });
    child.on('close', resolve);
  });
  for (const [, cls, how] of text.matchAll(
    /^(?:class agreement|differential) [^:]*: (\w+) \(([^)]*)\).* \.\.\. ok/gm,
  )) {
    classes.set(`${cls} ${how}`, (classes.get(`${cls} ${how}`) ?? 0) + 1);
  }
  let counts = 0;
  let failures = 0;
  for (const match of text.matchAll(/^test result: .*? (\d+) passed; (\d+) failed/gm)) {
    counts += Number(match[1]) + Number(match[2]);
    passed += Number(match[1]);
    failures += Number(match[2]);
  }
  // A part that breaks off, or that ran nothing, must not look like one that passed.
  if (failures === 0 && (status !== 0 || counts === 0)) {
    console.error(`${name}: ${status === 0 ? 'ran no test' : `exit ${status}`}`);
    failures = 1;
  }
  failed += failures;
}

/** The crate's tests; what chooses kernels by class once more with every class forced. */
async function cargoTests() {
  if (!existsSync('native/Cargo.toml')) return;
  await counted('the crate, best CPU class', 'cargo', CARGO_TEST, { cwd: 'native' });
  for (const cpu of ['avx2', 'generic']) {
    const args = [...CARGO_TEST, '--lib', '--test', 'differential', '--', 'frame::', 'selftest::', 'cpu::'];
    const env = { KEYSTREL_CPU: cpu };
    await counted(`the crate, KEYSTREL_CPU=${cpu}`, 'cargo', args, { cwd: 'native', env });
  }
  console.log('\n== classes of CPU that ran: comparisons of a primitive with another implementation');
  for (const [name, count] of [...classes].sort()) console.log(`${name}: ${count}`);
  console.log('generic (AWS-LC alone) forced: frames and self-tests');
  if (!classes.has('ifma natively')) {
    console.log('ifma: not on this CPU; scripts/test emulated runs its kernels in an emulated one');
  }
}

function vitest(args, env = {}) {
  const report = join(tmpdir(), `keystrel-vitest-${process.pid}.json`);
  const run = spawnSync(
    'npx',
    ['vitest', 'run', '--config', 'test/vitest.config.ts', '--reporter=default',
      '--reporter=json', `--outputFile.json=${report}`, ...args],
    { stdio: 'inherit', env: { ...process.env, ...env } },
  );
  if (existsSync(report)) {
    const result = JSON.parse(readFileSync(report, 'utf8'));
    rmSync(report);
    passed += result.numPassedTests;
    failed += result.numFailedTests;
    if (result.numPendingTests > 0) console.log(`${result.numPendingTests} skipped`);
  }
  if (run.status !== 0 && failed === 0) failed += 1;
}

/** Parts of the slow suite: name, command and its options, or vitest and its environment. */
const SLOW = [
  ['differential', 'cargo', [...CARGO_TEST, '--no-fail-fast', 'slow_', '--', '--ignored', '--nocapture'],
    { cwd: 'native' }],
  ['addon', vitest, ['test/engine/differential.test.ts'], { JOBS: '200000' }],
  ['timing', 'cargo', ['run', '--locked', '--release', '--no-default-features', '--example', 'timing'],
    { cwd: 'native' }],
  ['multiply-counts', 'cargo', [...CARGO_TEST, '--features', 'count', '--lib', 'multiply_counts'],
    { cwd: 'native' }],
  ['constant-time', 'scripts/native-constant-time.sh', []],
  ['miri', 'scripts/native-miri.sh', []],
  ['asan', 'scripts/native-asan.sh', []],
  ['cpus', 'scripts/native-cpus.sh', []],
];

async function slow(wanted) {
  for (const name of wanted) {
    if (!SLOW.some((part) => part[0] === name)) throw new Error(`the slow suite has no part ${name}`);
  }
  for (const [name, command, args, options] of SLOW) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    const since = Date.now();
    if (typeof command === 'function') {
      console.log(`\n== slow: ${name}`);
      command(args, options);
    } else {
      await counted(`slow: ${name}`, command, args, options);
    }
    console.log(`slow: ${name} took ${Math.round((Date.now() - since) / 1000)} s`);
  }
}

const [suite, ...rest] = process.argv.slice(2);
if (suite === 'slow') {
  await slow(rest);
} else if (suite === 'emulated') {
  await counted('emulated AVX-512 IFMA', 'scripts/native-emulated.sh', ['--native', '--keep', ...rest]);
} else {
  await cargoTests();
  vitest(process.argv.slice(2));
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
