/** Every list of the domain while rows come and go, and markers of another deployment. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pageOfWhole } from '../../src/keys/markers.js';
import { keyRecord } from '../store/records.js';
import { expectStablePages, type PagedList } from './paging.js';
import { ACCOUNT, CALLER, caller, openRig, REGION, type Rig } from './rig.js';

let rig: Rig;
beforeAll(async () => {
  rig = await openRig({ parts: { quotas: { onDemandRotationsPerKey: 1000 } } });
});
afterAll(() => rig.close());

const SCOPE = { account: ACCOUNT, region: REGION };

/** A Region of its own for each list of keys: an empty one. */
function keys(): PagedList {
  const region = `eu-test-${randomUUID().slice(0, 8)}`;
  const by = caller(ACCOUNT, region);
  return {
    async page(limit, marker) {
      const page = await rig.service.listKeys(by, limit, marker);
      return { ...page, items: page.items.map((key) => key.keyId) };
    },
    async add() {
      const record = keyRecord({ account: ACCOUNT, region });
      await rig.store.insertKey(record, undefined);
      return record.keyId;
    },
    remove: (keyId) => rig.store.deleteKey({ account: ACCOUNT, region }, keyId, 1, rig.clock.now()),
  };
}

async function aliases(): Promise<PagedList> {
  const key = await rig.create();
  return {
    async page(limit, marker) {
      const page = await rig.service.listAliases(CALLER, key, limit, marker);
      return { ...page, items: page.items.map((alias) => alias.name) };
    },
    async add() {
      const name = `alias/${randomUUID()}`;
      await rig.service.createAlias(CALLER, name, key);
      return name;
    },
    remove: (name) => rig.store.deleteAlias(SCOPE, name),
  };
}

const PRINCIPAL = `arn:aws:iam::${ACCOUNT}:user/paged`;
const anyGrant = { name: undefined, operations: ['Decrypt'], constraints: undefined } as const;

async function grants(filtered: boolean): Promise<PagedList> {
  const key = await rig.create();
  const { service, store } = rig;
  let made = 0;
  return {
    async page(limit, marker) {
      const page = await service.listGrants(key, filtered ? PRINCIPAL : undefined, limit, marker);
      return { ...page, items: page.items.map((grant) => grant.grantId) };
    },
    async add() {
      made += 1;
      // Grants to others stand in between.
      const other = {
        ...anyGrant,
        granteePrincipal: `${PRINCIPAL}${made}`,
        retiringPrincipal: undefined,
      };
      if (filtered) await service.createGrant(CALLER, key, other);
      const own = { ...other, granteePrincipal: PRINCIPAL };
      return (await service.createGrant(CALLER, key, own)).grantId;
    },
    remove: (grantId) => store.deleteGrant(SCOPE, key.record.keyId, grantId),
  };
}

async function retirable(): Promise<PagedList> {
  const keys = [await rig.create(), await rig.create()];
  const retiringPrincipal = `arn:aws:iam::${ACCOUNT}:role/${randomUUID()}`;
  const keyOf = new Map<string, string>();
  return {
    async page(limit, marker) {
      const page = await rig.service.listRetirableGrants(
        CALLER,
        retiringPrincipal,
        false,
        limit,
        marker,
      );
      return { ...page, items: page.items.map((grant) => grant.grantId) };
    },
    async add() {
      const key = keys[keyOf.size % 2]!;
      const request = { ...anyGrant, granteePrincipal: PRINCIPAL, retiringPrincipal };
      const { grantId } = await rig.service.createGrant(CALLER, key, request);
      keyOf.set(grantId, key.record.keyId);
      return grantId;
    },
    remove: (grantId) => rig.store.deleteGrant(SCOPE, keyOf.get(grantId)!, grantId),
  };
}

async function tags(): Promise<PagedList> {
  const key = await rig.create();
  return {
    async page(limit, marker) {
      const page = await rig.service.listTags(key, limit, marker);
      return { ...page, items: page.items.map((tag) => tag.key) };
    },
    async add() {
      const name = randomUUID();
      await rig.service.putTags(key, [{ key: name, value: '' }]);
      return name;
    },
    remove: (name) => rig.service.removeTags(key, [name]),
  };
}

/** Rotations of a key stay as long as the key does. */
async function rotations(): Promise<PagedList> {
  const key = await rig.create();
  return {
    async page(limit, marker) {
      const page = await rig.service.listRotations(key, 'rotated', limit, marker);
      return { ...page, items: page.items.map((material) => material.materialId) };
    },
    async add() {
      const found = await rig.resolve({ id: key.arn });
      const { record } = await rig.service.rotateOnDemand(found);
      return record.currentMaterialId!;
    },
    remove: undefined,
  };
}

/** A list that is at hand as a whole. */
function whole(): PagedList {
  const items = new Set<string>();
  const list = ['Whole', randomUUID()];
  return {
    page: (limit, marker) =>
      rig.markers.page(
        list,
        marker,
        (after) => pageOfWhole([...items].sort(), limit, after, (item) => item),
        (item) => item,
      ),
    async add() {
      const name = randomUUID();
      items.add(name);
      return name;
    },
    async remove(name) {
      items.delete(name);
    },
  };
}

const LISTS: readonly (readonly [string, () => Promise<PagedList>])[] = [
  ['ListKeys', async () => keys()],
  ['ListAliases', aliases],
  ['ListGrants', () => grants(false)],
  ['ListGrants of a grantee', () => grants(true)],
  ['ListRetirableGrants', retirable],
  ['ListResourceTags', tags],
  ['ListKeyRotations', rotations],
  ['a list at hand as a whole', async () => whole()],
];

describe.each(LISTS)('%s', (_name, make) => {
  test('pages are stable while rows come and go', () => expectStablePages(make));

  test('a page of exactly the limit, and of the limit and one', async () => {
    const list = await make();
    const names = [await list.add(), await list.add()];
    const all = await list.page(2, undefined);
    expect([...all.items].sort()).toEqual(names.sort());
    expect(all.nextMarker).toBeUndefined();
    const first = await list.page(1, undefined);
    expect(first.items).toHaveLength(1);
    const second = await list.page(1, first.nextMarker);
    expect([...first.items, ...second.items].sort()).toEqual(names);
    expect(second.nextMarker).toBeUndefined();
    for (const name of names) await list.remove?.(name);
  });

  test('a marker outlives the item that it names', async () => {
    const list = await make();
    const names = [await list.add(), await list.add(), await list.add()];
    const { items, nextMarker } = await list.page(1, undefined);
    await list.remove?.(items[0]!);
    const rest = await list.page(10, nextMarker);
    expect([...rest.items].sort()).toEqual(names.filter((name) => name !== items[0]).sort());
    if (list.remove === undefined) return;
    for (const name of rest.items) await list.remove(name);
    expect(await list.page(10, nextMarker)).toEqual({ items: [], nextMarker: undefined });
  });
});

test('a marker of another deployment is refused', async () => {
  const other = await openRig();
  for (const one of [rig, other]) for (let i = 0; i < 2; i += 1) await one.create();
  const { nextMarker } = await other.service.listKeys(CALLER, 1, undefined);
  await expect(rig.service.listKeys(CALLER, 1, nextMarker)).rejects.toMatchObject({
    code: 'InvalidMarkerException',
  });
  await other.close();
});
