/** Which addon is loaded: a prebuilt package, then the built one, else a reason; and the package. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { loadNativeAddon, prebuiltPackage } from '../../src/engine/backends/native-addon.js';
import { selectBackend } from '../../src/engine/backends/select.js';
import { layoutFingerprint } from '../../src/engine/layout-fingerprint.js';
import { nativeMissing } from './support.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'keystrel-addon-'));
/** Inside the project, because @napi-rs/cli writes nowhere else; ignored by git. */
const packages = `prebuilt-test-${process.pid}`;
afterAll(() => {
  rmSync(scratch, { recursive: true, force: true });
  rmSync(join(root, packages), { recursive: true, force: true });
});

/** A module that answers as an addon of some frame layout does. */
function addon(name: string, fingerprint: string): string {
  const path = join(scratch, `${name}.cjs`);
  writeFileSync(path, `exports.layoutFingerprint = () => ${JSON.stringify(fingerprint)};`);
  return path;
}

describe('order of addons', () => {
  const prebuilt = addon('prebuilt', layoutFingerprint());
  const built = addon('built', layoutFingerprint());
  const old = addon('old', 'another layout');
  const missing = join(scratch, 'missing.node');
  const damaged = join(scratch, 'damaged.node');
  writeFileSync(damaged, 'this is no library');

  test('the prebuilt one is preferred to the built one', () => {
    expect(loadNativeAddon('auto', [prebuilt, built])).toMatchObject({ from: prebuilt });
  });

  test.each([
    ['is missing', missing],
    ['is damaged', damaged],
    ['has another frame layout', old],
  ])('the built one is used where the prebuilt one %s', (_why, first) => {
    expect(loadNativeAddon('auto', [first, built])).toMatchObject({ from: built });
  });

  test('without any the node backend serves, and says what was wrong with each', () => {
    const loaded = loadNativeAddon('auto', [old, damaged]);
    expect(loaded.addon).toBeUndefined();
    const selection = selectBackend('auto', () => loaded);
    expect(selection.backend.name).toBe('node');
    expect(selection.nativeReason).toContain(`frame layout another layout`);
    expect(selection.nativeReason).toContain('damaged.node');
    const why = selection.algorithms[0]!.why;
    expect(why).toContain('because: ');
    expect(why).toContain('damaged.node');
  });

  test('an addon that was never built is told as such', () => {
    const told = join(root, 'native', 'keystrel.reason');
    const reason = existsSync(told) ? readFileSync(told, 'utf8').trim() : 'the addon was not built';
    expect(loadNativeAddon('auto', [missing])).toEqual({ addon: undefined, reason });
  });
});

describe('npm run prebuild', () => {
  test('packs the addon so that the loader takes it before any other', {
    timeout: 120_000,
  }, (context) => {
    if (nativeMissing !== undefined) return context.skip(nativeMissing);
    const file = join(root, 'native', 'keystrel.node');
    const told = execFileSync(
      'node',
      ['scripts/prebuild.mjs', '--addon', file, '--out', packages],
      { cwd: root, encoding: 'utf8' },
    );
    const [, archive, name] = /^(\S+\.tgz): (\S+) /m.exec(told)!;
    expect(name).toBe(prebuiltPackage());
    const place = join(scratch, 'node_modules', ...name!.split('/'));
    mkdirSync(place, { recursive: true });
    execFileSync('tar', ['-xzf', join(root, archive!), '-C', place, '--strip-components=1']);
    const resolved = createRequire(join(scratch, 'index.js')).resolve(name!);
    expect(resolved.startsWith(place)).toBe(true);
    const loaded = loadNativeAddon('auto', [resolved, file]);
    expect(loaded).toMatchObject({ from: resolved });
    expect(loaded.addon!.selfTest().every((row) => row.passed)).toBe(true);
  });
});
