/** Expiry of imported material, on a clock that jumps and across a restart. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Key } from '../../src/keys/key.js';
import { createExternal, current, expiring, importInto, SCOPE, stored } from './external-keys.js';
import { blobInput, openRig, REGION } from './rig.js';

const DAY_MS = 86_400_000;

describe('expiry', () => {
  const keys: string[] = [];
  const options = {
    parts: {
      onMaterialExpired: (key: Key, materialId: string) => {
        keys.push(`${key.record.keyId} ${materialId}`);
      },
    },
  };

  test('takes material at its end, exactly, over several due dates', async () => {
    const rig = await openRig(options);
    keys.length = 0;
    const key = await createExternal(rig);
    const material = randomBytes(32);
    const end = rig.clock.now() + 3 * DAY_MS;
    const id = await importInto(rig, key, material, expiring(end));
    expect(await stored(rig, key)).toMatchObject({
      state: 'Enabled',
      expirationModel: 'KEY_MATERIAL_EXPIRES',
      validTo: end,
    });
    const later = await createExternal(rig);
    const laterId = await importInto(rig, later, material, expiring(end + 2 * DAY_MS));
    const forever = await createExternal(rig);
    await importInto(rig, forever, material);
    rig.clock.advance(3 * DAY_MS - 1);
    expect(await rig.runDueWork()).toBe(0);
    rig.clock.advance(1);
    expect(await rig.runDueWork()).toBe(1);
    expect(keys).toEqual([`${key.record.keyId} ${id}`]);
    expect(await stored(rig, key)).toMatchObject({
      state: 'PendingImport',
      currentMaterialId: id,
      expirationModel: null,
      validTo: null,
    });
    rig.clock.advance(40 * DAY_MS);
    expect(await rig.runDueWork()).toBe(1);
    expect(await rig.runDueWork()).toBe(0);
    expect(keys).toEqual([`${key.record.keyId} ${id}`, `${later.record.keyId} ${laterId}`]);
    expect(await stored(rig, forever)).toMatchObject({ state: 'Enabled' });
    // It comes back as what it was, with another end.
    const again = rig.clock.now() + DAY_MS;
    expect(await importInto(rig, key, material, expiring(again))).toBe(id);
    expect(await stored(rig, key)).toMatchObject({ state: 'Enabled', validTo: again });
    await rig.close();
  });

  test('is put off by importing the same material with a later end, or none', async () => {
    const rig = await openRig(options);
    keys.length = 0;
    const key = await createExternal(rig);
    const material = randomBytes(32);
    await importInto(rig, key, material, expiring(rig.clock.now() + DAY_MS));
    await importInto(rig, key, material, expiring(rig.clock.now() + 9 * DAY_MS));
    rig.clock.advance(2 * DAY_MS);
    expect(await rig.runDueWork()).toBe(0);
    await importInto(rig, key, material);
    rig.clock.advance(20 * DAY_MS);
    expect(await rig.runDueWork()).toBe(0);
    expect(await stored(rig, key)).toMatchObject({
      state: 'Enabled',
      expirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE',
      validTo: null,
    });
    expect(keys).toEqual([]);
    await rig.close();
  });

  test('happens after a restart that lasted over the end', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'keystrel-expiry-'));
    const before = await openRig({ ...options, directory });
    keys.length = 0;
    const key = await createExternal(before);
    const material = randomBytes(32);
    const end = before.clock.now() + DAY_MS;
    const id = await importInto(before, key, material, expiring(end));
    const pending = await importInto(before, key, randomBytes(32), {
      importType: 'NEW_KEY_MATERIAL',
      ...expiring(end + 1),
    });
    const blob = await before.service.encrypt(
      await current(before, key),
      Buffer.from('x'),
      undefined,
    );
    await before.close();
    const after = await openRig({ ...options, directory });
    after.clock.advance(100 * DAY_MS);
    expect(await after.runDueWork()).toBe(2);
    expect(keys).toEqual([`${key.record.keyId} ${id}`, `${key.record.keyId} ${pending}`]);
    expect(await stored(after, key)).toMatchObject({ state: 'PendingImport', validTo: null });
    expect(await after.store.listMaterials(SCOPE, key.record.keyId)).toHaveLength(1);
    expect(await importInto(after, key, material)).toBe(id);
    const opened = await after.service.decrypt(
      await current(after, key),
      blobInput(blob),
      undefined,
    );
    expect(opened.plaintext.toString()).toBe('x');
    await after.close();
    rmSync(directory, { recursive: true });
  });

  test('leaves the state of keys that are pending deletion, and does not stop at a gone key', async () => {
    const rig = await openRig(options);
    const doomed = await createExternal(rig);
    await importInto(rig, doomed, randomBytes(32), expiring(rig.clock.now() + DAY_MS));
    await rig.service.scheduleDeletion(await current(rig, doomed), 7);
    rig.clock.advance(DAY_MS);
    expect(await rig.runDueWork()).toBe(1);
    expect(await stored(rig, doomed)).toMatchObject({ state: 'PendingDeletion' });
    rig.clock.advance(7 * DAY_MS);
    await rig.runDueWork();
    expect(await stored(rig, doomed)).toBeUndefined();
    await rig.close();
  });

  test('many materials are all taken', async () => {
    const rig = await openRig({ ...options, backend: 'node' });
    keys.length = 0;
    const material = randomBytes(32);
    const made: Key[] = [];
    const parameters = new Map<string, unknown>();
    for (let i = 0; i < 103; i += 1) {
      const key = await createExternal(rig);
      made.push(key);
      parameters.set(key.record.keyId, i);
      const { keyId } = key.record;
      const domain = await rig.domainKeys.current(REGION);
      const wrapped = await rig.keyStore.wrap(domain.handle, material, Buffer.from('any'));
      const row = {
        ...SCOPE,
        keyId,
        materialId: i.toString(16).padStart(64, '0'),
        domainKeyId: domain.id,
        wrapped,
        createdAt: 0,
        state: 'CURRENT',
        rotationType: null,
        rotatedAt: null,
        importState: 'IMPORTED',
        expirationModel: 'KEY_MATERIAL_EXPIRES',
        validTo: rig.clock.now() + 1 + (i % 5),
        description: null,
      } as const;
      const patch = { state: 'Enabled', currentMaterialId: row.materialId } as const;
      await rig.store.updateKeyMaterials(SCOPE, keyId, 1, patch, { put: [row] });
    }
    rig.clock.advance(DAY_MS);
    expect(await rig.runDueWork()).toBe(103);
    expect(new Set(keys).size).toBe(103);
    for (const key of made) expect((await stored(rig, key))!.state).toBe('PendingImport');
    await rig.close();
  });
});
