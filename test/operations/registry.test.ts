/** The registry against the list of TrentService operations, and docs/operations.md against it. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { API_OPERATIONS } from '../../src/operations/api-operations.js';
import { OPERATIONS, UNSUPPORTED_OPERATIONS } from '../../src/operations/registry.js';
import { compileInput } from '../../src/protocol/input.js';
import { coverageDoc } from './coverage-doc.js';
import { operationsDoc } from './operations-doc.js';
import { KEY_OF } from './requests.js';

const root = new URL('../..', import.meta.url).pathname;
const FAMILIES = readdirSync(join(root, 'src/operations'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name);
/** Verbs of operations that change something; Retire, Revoke: grants. */
const CHANGES =
  /^(Create|Update|Delete|Enable|Disable|Schedule|Cancel|Tag|Untag|Rotate|Put|Import|Replicate|Retire|Revoke|Connect|Disconnect)/;
const kebab = (name: string) => name.replaceAll(/([a-z])([A-Z])/g, '$1-$2').toLowerCase();
const names = OPERATIONS.map((operation) => operation.name);

test('offered and unsupported operations are the 56 of the API, each once', () => {
  const all = [...names, ...UNSUPPORTED_OPERATIONS];
  expect(new Set(all).size).toBe(all.length);
  expect(all.sort()).toEqual([...API_OPERATIONS].sort());
  expect(API_OPERATIONS).toHaveLength(56);
});

test('every operation file is registered', () => {
  const files = FAMILIES.flatMap((family) =>
    readdirSync(join(root, 'src/operations', family)).map((file) => file.replace('.ts', '')),
  );
  for (const name of names) expect(files).toContain(kebab(name));
  // Files of a family that hold no operation are named here, so that one forgotten is seen.
  const shared = [
    'alias-name',
    'attested',
    'ciphertext-source',
    'custom-key-store',
    'data-key',
    'encapsulation',
    'grant-members',
    'key-policy',
    'mac',
    'principals',
    'signing',
  ];
  const expected = [...names.map(kebab), ...shared].sort();
  expect(files.sort()).toEqual(expected);
});

test('every operation is exercised by the tests that go over all', () => {
  expect(Object.keys(KEY_OF).sort()).toEqual([...names].sort());
});

describe.each(OPERATIONS.map((operation) => [operation.name, operation] as const))(
  '%s',
  (name, operation) => {
    test('is frozen, has a schema that compiles, and an audit shape', () => {
      expect(Object.isFrozen(operation)).toBe(true);
      expect(compileInput(operation.input)).toBeTypeOf('function');
      const readOnly = !CHANGES.test(name);
      expect(operation.audit.readOnly).toBe(readOnly);
      const changes = [
        'EnableKey',
        'DisableKey',
        'ScheduleKeyDeletion',
        'CancelKeyDeletion',
        'UpdatePrimaryRegion',
      ];
      expect(operation.changesKeyState ?? false).toBe(changes.includes(name));
    });
  },
);

test('docs/operations.md is in step with the registry', () => {
  const path = join(root, 'docs/operations.md');
  const text = operationsDoc((name) => {
    const file = `${kebab(name)}.ts`;
    return FAMILIES.find((family) => existsSync(join(root, 'src/operations', family, file)))!;
  });
  if (process.env.UPDATE_DOCS === '1') writeFileSync(path, text);
  expect(readFileSync(path, 'utf8')).toBe(text);
});

test('docs/api-coverage.md is in step with the registry and the tables of the tests', () => {
  const path = join(root, 'docs/api-coverage.md');
  const text = coverageDoc((name) => {
    const file = `${kebab(name)}.ts`;
    const family = FAMILIES.find((one) => existsSync(join(root, 'src/operations', one, file)))!;
    return `src/operations/${family}/${file}`;
  });
  if (process.env.UPDATE_DOCS === '1') writeFileSync(path, text);
  expect(readFileSync(path, 'utf8')).toBe(text);
});
