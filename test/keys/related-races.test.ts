/** Related keys against what another process does between a look and a write. */
import { describe, expect, test } from 'vitest';
import type { StoredKey } from '../../src/core/records.js';
import type { Key } from '../../src/keys/key.js';
import type { Store } from '../../src/store/port.js';
import { asked, primary, SECOND, seen, THIRD } from './related-rig.js';
import { ACCOUNT, openRig, overridden, REGION } from './rig.js';

describe('against another process', () => {
  /** Runs `meanwhile` once, between the look at the related keys and the write. */
  async function raced(meanwhile: (store: Store, key: Key) => Promise<unknown>) {
    let armed: Key | undefined;
    const rig = await openRig({
      wrapStore: (inner) =>
        overridden(inner, {
          listRelatedKeys: async (account, keyId) => {
            const found = await inner.listRelatedKeys(account, keyId);
            const key = armed;
            armed = undefined;
            if (key !== undefined) await meanwhile(inner, key);
            return found;
          },
        }),
    });
    const key = await primary(rig);
    const arm = (on: Key): void => {
      armed = on;
    };
    return { rig, key, arm };
  }

  const replicaRecord = ({ record }: Key): StoredKey => ({
    ...record,
    region: THIRD,
    version: 1,
    multiRegionRole: 'REPLICA',
  });

  test('a replica made meanwhile keeps its primary from being deleted', async () => {
    const { rig, key, arm } = await raced((store, { record }) =>
      store.insertReplica(replicaRecord({ record } as Key), [], REGION, record.version),
    );
    arm(key);
    const waiting = await rig.service.scheduleDeletion(key, 7);
    expect(waiting.record).toMatchObject({ state: 'PendingReplicaDeletion', deletionDate: null });
    await rig.close();
  });

  test('a last replica deleted meanwhile does not leave its primary waiting for ever', async () => {
    const { rig, key, arm } = await raced((store, { record }) =>
      store.deleteKey({ account: ACCOUNT, region: THIRD }, record.keyId, 1, 0),
    );
    await rig.store.insertReplica(replicaRecord(key), [], REGION, 1);
    const fresh = await seen(rig, key, REGION);
    arm(fresh);
    const going = await rig.service.scheduleDeletion(fresh, 7);
    expect(going.record.state).toBe('PendingDeletion');
    await rig.close();
  });

  test('a primary disabled meanwhile is not replicated, and one replica wins of two', async () => {
    const { rig, key, arm } = await raced((store, { record }) =>
      store.updateKey(record, { state: 'Disabled' }),
    );
    arm(key);
    await expect(rig.service.replicateKey(key, asked(SECOND))).rejects.toMatchObject({
      code: 'DisabledException',
    });
    expect(await rig.service.relatedKeys(key)).toHaveLength(1);
    const disabled = await seen(rig, key, REGION);
    await rig.service.enable(disabled);
    const enabled = await seen(rig, key, REGION);
    const both = await Promise.allSettled([
      rig.service.replicateKey(enabled, asked(SECOND)),
      rig.service.replicateKey(enabled, asked(SECOND)),
    ]);
    expect(both.map((one) => one.status).sort()).toEqual(['fulfilled', 'rejected']);
    const [lost] = both.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
    expect(lost).toMatchObject({ code: 'AlreadyExistsException' });
    await rig.close();
  });

  test('a row of material that was moved to another Region does not unwrap there', async () => {
    const rig = await openRig();
    const key = await primary(rig);
    const [row] = await rig.store.listMaterials(key.record, key.record.keyId);
    await rig.store.insertReplica(replicaRecord(key), [{ ...row!, region: THIRD }], REGION, 1);
    const moved = await seen(rig, key, THIRD);
    await expect(rig.service.encrypt(moved, Buffer.from('x'), undefined)).rejects.toMatchObject({
      code: 'KMSInternalException',
    });
    await rig.close();
  });
});
