/** Lists and their markers: only a marker that this very list gave is taken. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Key } from '../../src/keys/key.js';
import { ACCOUNT, CALLER, caller, openRig, REGION, type Rig } from './rig.js';

let rig: Rig;
let keys: Key[];

beforeAll(async () => {
  rig = await openRig();
  keys = [];
  for (let i = 0; i < 5; i += 1) keys.push(await rig.create());
  for (let i = 0; i < 4; i += 1) {
    await rig.service.createAlias(CALLER, `alias/list-${i}`, keys[i % 2]!);
  }
});
afterAll(() => rig.close());

const INVALID = { code: 'InvalidMarkerException' };

test('pages of keys hold each once', async () => {
  const seen: string[] = [];
  let marker: string | undefined;
  do {
    const page = await rig.service.listKeys(CALLER, 2, marker);
    expect(page.items.length).toBeLessThanOrEqual(2);
    seen.push(...page.items.map((key) => key.arn));
    marker = page.nextMarker;
  } while (marker !== undefined);
  expect(seen.sort()).toEqual(keys.map((key) => key.arn).sort());
});

test('pages of aliases, of all keys and of one', async () => {
  const names = async (target: Key | undefined) => {
    const seen: string[] = [];
    let marker: string | undefined;
    do {
      const page = await rig.service.listAliases(CALLER, target, 1, marker);
      seen.push(...page.items.map((alias) => alias.name));
      marker = page.nextMarker;
    } while (marker !== undefined);
    return seen;
  };
  expect(await names(undefined)).toEqual([0, 1, 2, 3].map((i) => `alias/list-${i}`));
  expect(await names(keys[1])).toEqual(['alias/list-1', 'alias/list-3']);
  expect(await names(keys[4])).toEqual([]);
});

describe('markers', () => {
  test('that were made up or changed', async () => {
    const { nextMarker } = await rig.service.listKeys(CALLER, 2, undefined);
    const bytes = Buffer.from(nextMarker!, 'base64url');
    const damaged = Array.from(bytes, (_, i) => {
      const copy = Buffer.from(bytes);
      copy[i]! ^= 1;
      return copy.toString('base64url');
    });
    const forged = ['x', '', '{}', 'AAAA', Buffer.alloc(40).toString('base64url'), keys[0]!.arn];
    const other = [`${nextMarker}=`, `${nextMarker}A`, nextMarker!.slice(0, -1), ` ${nextMarker}`];
    for (const marker of [...damaged, ...forged, ...other]) {
      await expect(rig.service.listKeys(CALLER, 2, marker)).rejects.toMatchObject(INVALID);
    }
    expect((await rig.service.listKeys(CALLER, 2, nextMarker)).items).toHaveLength(2);
  });

  test('of another list, account, Region or filter', async () => {
    const { service } = rig;
    const ofKeys = (await service.listKeys(CALLER, 2, undefined)).nextMarker;
    const ofAll = (await service.listAliases(CALLER, undefined, 1, undefined)).nextMarker;
    const ofOne = (await service.listAliases(CALLER, keys[0], 1, undefined)).nextMarker;
    const other = caller('444455556666', REGION);
    const elsewhere = caller(ACCOUNT, 'eu-north-1');
    const wrong: (() => Promise<unknown>)[] = [
      () => service.listAliases(CALLER, undefined, 1, ofKeys),
      () => service.listKeys(CALLER, 1, ofAll),
      () => service.listKeys(other, 1, ofKeys),
      () => service.listKeys(elsewhere, 1, ofKeys),
      () => service.listAliases(CALLER, keys[0], 1, ofAll),
      () => service.listAliases(CALLER, undefined, 1, ofOne),
      () => service.listAliases(CALLER, keys[1], 1, ofOne),
    ];
    for (const list of wrong) await expect(list()).rejects.toMatchObject(INVALID);
    for (const marker of [ofKeys, ofAll, ofOne]) expect(marker!.length).toBeLessThanOrEqual(1024);
  });

  test('are read by every process of a deployment', async () => {
    const twin = await openRig({ directory: rig.directory });
    const { nextMarker } = await twin.service.listKeys(CALLER, 3, undefined);
    expect((await rig.service.listKeys(CALLER, 3, nextMarker)).items).toHaveLength(2);
    await twin.close();
  });

  test('have one key, whichever of two new processes is first', async () => {
    const first = await openRig();
    const second = await openRig({ directory: first.directory });
    for (let i = 0; i < 3; i += 1) await first.create();
    const [a, b] = await Promise.all([
      first.service.listKeys(CALLER, 1, undefined),
      second.service.listKeys(CALLER, 1, undefined),
    ]);
    expect((await second.service.listKeys(CALLER, 1, a.nextMarker)).items).toHaveLength(1);
    expect((await first.service.listKeys(CALLER, 1, b.nextMarker)).items).toHaveLength(1);
    await second.close();
    await first.close();
  });
});
