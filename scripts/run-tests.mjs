// Runs cargo test and vitest, adds their counts, and ends with the line `N passed, N failed`.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

let passed = 0;
let failed = 0;

function cargoTests() {
  if (!existsSync('native/Cargo.toml')) return;
  const run = spawnSync('cargo', ['test', '--locked', '--release', '--no-default-features'], {
    cwd: 'native',
    stdio: ['inherit', 'pipe', 'inherit'],
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  process.stdout.write(run.stdout ?? '');
  for (const match of (run.stdout ?? '').matchAll(/^test result: .*? (\d+) passed; (\d+) failed/gm)) {
    passed += Number(match[1]);
    failed += Number(match[2]);
  }
  if (run.status !== 0 && failed === 0) failed += 1;
}

function vitest() {
  const report = join(tmpdir(), `keystrel-vitest-${process.pid}.json`);
  const run = spawnSync(
    'npx',
    ['vitest', 'run', '--config', 'test/vitest.config.ts', '--reporter=default',
      '--reporter=json', `--outputFile.json=${report}`, ...process.argv.slice(2)],
    { stdio: 'inherit' },
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

cargoTests();
vitest();
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
