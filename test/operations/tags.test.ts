/** Tags through the SDK: CreateKey, TagResource, UntagResource, ListResourceTags. */
import {
  CreateKeyCommand,
  type KMSClient,
  ListResourceTagsCommand,
  paginateListResourceTags,
  ScheduleKeyDeletionCommand,
  type Tag,
  TagResourceCommand,
  UntagResourceCommand,
} from '@aws-sdk/client-kms';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { failure } from '../failure.js';
import { startServer, type TestServer } from '../harness.js';
import { makeKey } from './named-keys.js';

let server: TestServer;
let kms: KMSClient;

beforeAll(async () => {
  server = await startServer({ quota: 'off' });
  kms = server.kms();
});
afterAll(async () => {
  kms.destroy();
  await server.stop();
});

const tag = (TagKey: string, TagValue = ''): Tag => ({ TagKey, TagValue });
const many = (count: number, prefix = 'k') =>
  Array.from({ length: count }, (_, i) => tag(`${prefix}${String(i).padStart(2, '0')}`, 'v'));

async function tagsOf(KeyId: string): Promise<Tag[]> {
  const all: Tag[] = [];
  for await (const page of paginateListResourceTags({ client: kms, pageSize: 7 }, { KeyId })) {
    all.push(...page.Tags!);
  }
  return all;
}

test('come with CreateKey, are added, replaced and removed', async () => {
  const made = await kms.send(new CreateKeyCommand({ Tags: [tag('b', '1'), tag('ä ñ', 'é')] }));
  const { KeyId, Arn } = made.KeyMetadata!;
  expect(await tagsOf(KeyId!)).toEqual([tag('b', '1'), tag('ä ñ', 'é')]);
  const answer = await kms.send(
    new TagResourceCommand({ KeyId: Arn, Tags: [tag('b', '2'), tag('B', '3')] }),
  );
  expect(answer).toEqual({ $metadata: expect.objectContaining({ httpStatusCode: 200 }) });
  expect(await tagsOf(KeyId!)).toEqual([tag('B', '3'), tag('b', '2'), tag('ä ñ', 'é')]);
  const gone = new UntagResourceCommand({ KeyId, TagKeys: ['b', 'absent', 'b'] });
  await kms.send(gone);
  await kms.send(gone);
  expect(await tagsOf(KeyId!)).toEqual([tag('B', '3'), tag('ä ñ', 'é')]);
});

test('pages hold at most 50 tags, and their markers are their own', async () => {
  const KeyId = await makeKey(server);
  await kms.send(new TagResourceCommand({ KeyId, Tags: many(50) }));
  const all = await kms.send(new ListResourceTagsCommand({ KeyId, Limit: 1000 }));
  expect([all.Tags!.length, all.Truncated, all.NextMarker]).toEqual([50, false, undefined]);
  expect(await tagsOf(KeyId)).toEqual(many(50));
  const part = await kms.send(new ListResourceTagsCommand({ KeyId, Limit: 20 }));
  expect([part.Tags!.length, part.Truncated]).toEqual([20, true]);
  const other = await makeKey(server);
  for (const [id, Marker] of [
    [other, part.NextMarker!],
    [KeyId, `${part.NextMarker!}AA`],
    [KeyId, 'forged'],
  ]) {
    const thrown = await failure(kms.send(new ListResourceTagsCommand({ KeyId: id, Marker })));
    expect(thrown.name).toBe('InvalidMarkerException');
  }
});

describe('refused, and nothing changed', () => {
  const cases: [string, Tag[], string, string | RegExp][] = [
    ['a key twice', [tag('a'), tag('b'), tag('a', 'x')], 'TagException', 'Duplicate tag keys'],
    ['aws:', [tag('aws:a')], 'TagException', 'Tags beginning with aws: are reserved'],
    ['AWS:', [tag('ok'), tag('AWS:a')], 'TagException', 'Tags beginning with aws: are reserved'],
    ['51 tags', many(51), 'TagException', 'Too many tags'],
    ['a character in a key', [tag('a;b')], 'TagException', /letters, digits, spaces/],
    ['a character in a value', [tag('a', '<b>')], 'TagException', /letters, digits, spaces/],
    [
      'a long key',
      [tag('k'.repeat(129))],
      'ValidationException',
      `1 validation error detected: Value '${'k'.repeat(129)}' at 'tags.1.member.tagKey' failed ` +
        'to satisfy constraint: Member must have length less than or equal to 128',
    ],
    [
      'a long value',
      [tag('k', 'v'.repeat(257))],
      'ValidationException',
      /tags\.1\.member\.tagValue/,
    ],
    ['an empty key', [tag('')], 'ValidationException', /tags\.1\.member\.tagKey/],
  ];
  test.each(cases)('%s', async (_name, Tags, name, message) => {
    const KeyId = await makeKey(server);
    await kms.send(new TagResourceCommand({ KeyId, Tags: [tag('kept', 'as it was')] }));
    for (const command of [
      new TagResourceCommand({ KeyId, Tags }),
      new CreateKeyCommand({ Tags }),
    ]) {
      const thrown = await failure(kms.send(command as TagResourceCommand));
      expect(thrown).toMatchObject({ name, status: 400 });
      expect(thrown.message).toMatch(message);
    }
    expect(await tagsOf(KeyId)).toEqual([tag('kept', 'as it was')]);
  });

  test('the 51st tag of a key', async () => {
    const KeyId = await makeKey(server);
    await kms.send(new TagResourceCommand({ KeyId, Tags: many(49) }));
    const thrown = await failure(
      kms.send(new TagResourceCommand({ KeyId, Tags: [tag('k00', 'new'), ...many(2, 'other')] })),
    );
    expect([thrown.name, thrown.message]).toEqual(['TagException', 'Too many tags']);
    expect(await tagsOf(KeyId)).toEqual(many(49));
    await kms.send(new TagResourceCommand({ KeyId, Tags: [tag('k00', 'v'), tag('last')] }));
    expect(await tagsOf(KeyId)).toHaveLength(50);
  });

  test('an alias instead of a key, and a key that is pending deletion', async () => {
    const KeyId = await makeKey(server);
    const alias = await failure(
      kms.send(new TagResourceCommand({ KeyId: 'alias/any', Tags: [tag('a')] })),
    );
    expect([alias.name, alias.message]).toEqual(['NotFoundException', "Invalid keyId 'alias/any'"]);
    await kms.send(new ScheduleKeyDeletionCommand({ KeyId }));
    for (const command of [
      new TagResourceCommand({ KeyId, Tags: [tag('a')] }),
      new UntagResourceCommand({ KeyId, TagKeys: ['a'] }),
    ]) {
      const thrown = await failure(kms.send(command as TagResourceCommand));
      expect(thrown.name).toBe('KMSInvalidStateException');
    }
    expect((await kms.send(new ListResourceTagsCommand({ KeyId }))).Tags).toEqual([]);
  });
});

test('the audit log has the tags, and the ARN of the key', async () => {
  const KeyId = await makeKey(server);
  const arn = `arn:aws:kms:${server.region}:${server.account}:key/${KeyId}`;
  await kms.send(new TagResourceCommand({ KeyId, Tags: [tag('a', 'b')] }));
  await kms.send(new UntagResourceCommand({ KeyId, TagKeys: ['a'] }));
  const records = server
    .auditLines()
    .slice(-2)
    .map((line) => JSON.parse(line));
  expect(records[0]).toMatchObject({
    eventName: 'TagResource',
    readOnly: false,
    requestParameters: { keyId: KeyId, tags: [{ tagKey: 'a', tagValue: 'b' }] },
    responseElements: { keyId: arn },
    resources: [{ ARN: arn }],
  });
  expect(records[1]).toMatchObject({
    eventName: 'UntagResource',
    requestParameters: { keyId: KeyId, tagKeys: ['a'] },
    responseElements: { keyId: arn },
  });
});
