/** SQLite: what is acknowledged is on disk, many at a time, and one failure stays one. */
import { spawn } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { StoredKey } from '../../src/core/records.js';
import { openForReading, openForWriting } from '../../src/store/sqlite/connection.js';
import { GROUP_MUTATIONS_MAX, MUTATIONS_WAITING_MAX } from '../../src/store/sqlite/limits.js';
import { insertKey, keyRecord, NOW, refusal, SCOPE } from './records.js';
import { type Rig, sqliteRig, watchedWriter } from './sqlite-rig.js';

let rig: Rig;
beforeEach(() => {
  rig = sqliteRig();
});
afterEach(() => rig.remove());

describe('durability', () => {
  test('the pragmas that it rests on are in force on the writing connection', () => {
    const db = openForWriting(rig.path);
    const value = (name: string) => db.pragma(name, { simple: true });
    expect(value('journal_mode')).toBe('wal');
    expect(value('synchronous')).toBe(2);
    expect(value('foreign_keys')).toBe(1);
    expect(value('busy_timeout')).toBe(5000);
    expect(value('secure_delete')).toBe(1);
    expect(value('trusted_schema')).toBe(0);
    db.close();
  });

  test('the reading connection cannot write', async () => {
    await rig.open();
    const db = openForReading(rig.path);
    expect(() => db.exec(`insert into meta values ('a', 'b')`)).toThrow(/readonly/);
    db.close();
  });

  test('every file is for its owner alone, under any umask', async () => {
    const before = process.umask(0);
    try {
      await insertKey(await rig.open());
    } finally {
      process.umask(before);
    }
    const files = readdirSync(rig.directory);
    expect(files.sort()).toEqual(['keystrel.db', 'keystrel.db-shm', 'keystrel.db-wal']);
    for (const file of files) expect(statSync(join(rig.directory, file)).mode & 0o777).toBe(0o600);
  });

  test('a process killed while writing loses nothing that it was told', async () => {
    const child = spawn(process.execPath, [
      fileURLToPath(new URL('endless-writer.mjs', import.meta.url)),
      rig.path,
    ]);
    const acknowledged: string[] = [];
    let text = '';
    let complaint = '';
    child.stderr.on('data', (data: Buffer) => {
      complaint += data.toString();
    });
    const gone = new Promise<NodeJS.Signals | null>((resolve) => {
      child.on('close', (_, signal) => resolve(signal));
    });
    child.stdout.on('data', (data: Buffer) => {
      const lines = (text + data.toString()).split('\n');
      text = lines.pop()!;
      acknowledged.push(...lines);
      if (acknowledged.length > 300) child.kill('SIGKILL');
    });
    expect([await gone, complaint]).toEqual(['SIGKILL', '']);
    const store = await rig.open();
    for (const keyId of acknowledged) {
      expect((await store.getKey(SCOPE, keyId))?.description).toBe(`key ${keyId}`);
    }
    expect(acknowledged.length).toBeGreaterThan(300);
  });
});

describe('group commit', () => {
  test('what comes during a commit goes into the next; one conflict stays one', async () => {
    const watched = watchedWriter();
    const store = await rig.open({ openWriter: watched.openWriter });
    const taken = await insertKey(store, { description: 'first' });
    watched.groups.length = 0;
    const keys: StoredKey[] = Array.from({ length: 400 }, () => keyRecord());
    keys[37] = { ...taken, description: 'second' };
    const ended = await Promise.allSettled(keys.map((key) => store.insertKey(key, undefined)));
    expect(watched.groups).toEqual([GROUP_MUTATIONS_MAX, 400 - GROUP_MUTATIONS_MAX]);
    expect(ended.map((end) => end.status === 'rejected')).toEqual(keys.map((_, i) => i === 37));
    expect((ended[37] as PromiseRejectedResult).reason.code).toBe('CONFLICT');
    expect(await store.countKeys(SCOPE)).toBe(400);
    expect((await store.getKey(SCOPE, taken.keyId))!.description).toBe('first');
  });

  test('a mutation that fails halfway leaves nothing, and its neighbours everything', async () => {
    const store = await rig.open();
    const malformed = { ...keyRecord(), description: null as unknown as string };
    const unbindable = { ...keyRecord(), createdAt: true as unknown as number };
    const [a, b] = [keyRecord(), keyRecord()];
    const ended = await Promise.allSettled(
      [a, malformed, unbindable, b].map((key) => store.insertKey(key, undefined)),
    );
    expect(ended.map((end) => end.status)).toEqual([
      'fulfilled',
      'rejected',
      'rejected',
      'fulfilled',
    ]);
    expect(await store.countKeys(SCOPE)).toBe(2);
  });

  test('the order of one caller is kept', async () => {
    const store = await rig.open();
    const key = keyRecord();
    const steps = [
      store.insertKey(key, undefined),
      store.updateKey(key, { state: 'Disabled' }),
      store.deleteKey(SCOPE, key.keyId, 2, NOW),
      store.insertKey({ ...key, description: 'again' }, undefined),
    ];
    await Promise.all(steps);
    expect((await store.getKey(SCOPE, key.keyId))!.description).toBe('again');
  });

  test('the queue is bounded: one more is refused at once, the others are done', async () => {
    const watched = watchedWriter();
    const store = await rig.open({ openWriter: watched.openWriter });
    const release = watched.hold();
    const under = store.insertMeta('under way', '');
    await new Promise((resolve) => setImmediate(resolve));
    expect(watched.groups).toEqual([1]);
    const waiting = Array.from({ length: MUTATIONS_WAITING_MAX }, (_, i) =>
      store.insertMeta(`name ${i}`, ''),
    );
    expect(await refusal(store.insertMeta('too many', ''))).toBe('UNAVAILABLE');
    release();
    await Promise.all([under, ...waiting]);
    expect(await store.getMeta('too many')).toBeUndefined();
    await store.insertMeta('too many', 'no longer');
  });
});
