/** Rotation across restarts and processes: versions, each made once, that open everywhere. */
import { describe, expect, test } from 'vitest';
import type { Key } from '../../src/keys/key.js';
import { blobInput, openRig, type Rig } from './rig.js';
import { DAY_MS, days, fresh, rotating, scopeOf } from './rotating.js';

const text = Buffer.from('text');

describe('rotation across restarts and processes', () => {
  test('a clock that jumped over several dates while nothing ran', async () => {
    const before = await openRig();
    const key = await rotating(before, 90);
    const yearly = await rotating(before, 365);
    const asleep = await rotating(before, 90);
    await before.service.disable(asleep);
    const start = before.clock.now();
    const blobs = [await before.service.encrypt(key, text, undefined)];
    before.clock.advance(100 * DAY_MS);
    expect(await before.runDueWork()).toBe(1);
    blobs.push(await before.service.encrypt(await fresh(before, key), text, undefined));
    const { directory } = before;
    const halfway = await openRig({ directory });
    halfway.clock.advance(400 * DAY_MS);
    expect(await halfway.runDueWork()).toBe(3 + 1);
    blobs.push(await halfway.service.encrypt(await fresh(halfway, key), text, undefined));
    await halfway.close();
    const after = await openRig({ directory });
    after.clock.advance(800 * DAY_MS);
    expect(await after.runDueWork()).toBe(4 + 1);
    expect(await after.runDueWork()).toBe(0);
    expect(await days(after, key, start)).toEqual([90, 180, 270, 360, 450, 540, 630, 720]);
    expect(await days(after, yearly, start)).toEqual([365, 730]);
    expect(await days(after, asleep, start)).toEqual([]);
    await after.service.enable(await fresh(after, asleep));
    expect(await days(after, asleep, start)).toEqual([800]);
    const states = (await after.service.listRotations(key, 'all', 1000, undefined)).items;
    expect(states.map((one) => one.state)).toEqual([
      ...Array.from({ length: 8 }, () => 'NON_CURRENT'),
      'CURRENT',
    ]);
    for (const blob of blobs) {
      const found = await after.resolve({ ciphertext: blobInput(blob) });
      const opened = await after.service.decrypt(found, blobInput(blob), undefined);
      expect(opened.plaintext).toEqual(text);
    }
    await after.close();
    await before.close();
  });

  test('two processes that see the same dates make each rotation once', async () => {
    const here = await openRig();
    const there = await openRig({ directory: here.directory });
    const keys: Key[] = [];
    for (let i = 0; i < 12; i += 1) keys.push(await rotating(here));
    const start = here.clock.now();
    for (const rig of [here, there]) rig.clock.advance(200 * DAY_MS);
    const made = await Promise.all([here.runDueWork(), there.runDueWork()]);
    expect(made[0] + made[1]).toBe(24);
    for (const key of keys) {
      expect(await days(here, key, start)).toEqual([90, 180]);
      const all = await here.store.listMaterials(scopeOf(key.record), key.record.keyId);
      expect(all.filter((one) => one.state === 'CURRENT')).toHaveLength(1);
    }
    await there.close();
    await here.close();
  });

  test('a ciphertext of each of 31 versions opens, in caches too small, in both processes', async () => {
    const small = { parts: { cacheMax: 2 } };
    const here = await openRig(small);
    const there = await openRig({ ...small, directory: here.directory });
    const key = await rotating(here);
    // A second key, so that the caches have something else to hold as well.
    const other = await here.create();
    const sealed: { blob: Buffer; materialId: string }[] = [];
    for (let i = 0; i <= 30; i += 1) {
      const current = await here.resolve({ id: key.arn });
      const blob = await here.service.encrypt(current, text, { version: `${i}` });
      sealed.push({ blob, materialId: current.record.currentMaterialId! });
      here.clock.advance(90 * DAY_MS);
      if (i < 30) expect(await here.runDueWork()).toBe(1);
    }
    expect(new Set(sealed.map((one) => one.materialId)).size).toBe(31);
    for (const rig of [here, there, here]) {
      for (const [i, { blob, materialId }] of sealed.entries()) {
        const found = await rig.resolve({ ciphertext: blobInput(blob) });
        const opened = await rig.service.decrypt(found, blobInput(blob), { version: `${i}` });
        expect(opened).toEqual({ plaintext: text, materialId });
        await rig.service.encrypt(await rig.resolve({ id: other.arn }), text, undefined);
        expect(rig.service.cached().materials).toBeLessThanOrEqual(2);
      }
    }
    // All at once, so that loads overlap.
    const opened = await Promise.all(
      sealed.map(async ({ blob }, i) => {
        const found = await there.resolve({ ciphertext: blobInput(blob) });
        return there.service.decrypt(found, blobInput(blob), { version: `${i}` });
      }),
    );
    expect(opened.map((one) => one.materialId)).toEqual(sealed.map((one) => one.materialId));
    await there.close();
    await here.close();
  });

  test('new encryptions use the new version at once, everywhere', async () => {
    const here = await openRig();
    const there = await openRig({ directory: here.directory });
    const key = await here.create();
    const versionOf = async (rig: Rig): Promise<string> => {
      const blob = await rig.service.encrypt(await rig.resolve({ id: key.arn }), text, undefined);
      const found = await rig.resolve({ ciphertext: blobInput(blob) });
      return (await rig.service.decrypt(found, blobInput(blob), undefined)).materialId;
    };
    for (let i = 0; i < 3; i += 1) {
      const old = (await fresh(here, key)).record.currentMaterialId!;
      expect([await versionOf(here), await versionOf(there)]).toEqual([old, old]);
      const rotated = await here.service.rotateOnDemand(await fresh(here, key));
      const current = rotated.record.currentMaterialId!;
      expect(current).not.toBe(old);
      expect(await versionOf(here)).toBe(current);
      const deadline = performance.now() + 10_000;
      while ((await versionOf(there)) !== current) {
        if (performance.now() > deadline) throw new Error('the other process was not told');
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    await there.close();
    await here.close();
  });
});
