/**
 * The key state table as a whole, for operations offered and not: each cell as AWS's page "Key
 * states" has it, by the numbers of its notes. test/states asks the server the same.
 */
import { describe, expect, test } from 'vitest';
import { isKmsError } from '../../src/core/errors.js';
import type { KeyOrigin, KeyState } from '../../src/core/records.js';
import type { Key } from '../../src/keys/key.js';
import { requireState, requireUsage, STATEFUL_OPERATIONS } from '../../src/keys/states.js';
import { OPERATIONS } from '../../src/operations/registry.js';
import { keySpecRow } from '../../src/specs/key-specs.js';
import { KEY_OF } from '../operations/requests.js';
import { keyRecord } from '../store/records.js';
import { COLUMNS, PAGE_ROWS as rows } from './key-state-page.js';

const ARN = 'arn:aws:kms:eu-central-1:111122223333:key/k';
/** Error of each note, after the ARN; note 3 differs between the two kinds of pending deletion. */
const NOTES: Readonly<Record<string, readonly [code: string, text: string]>> = {
  1: ['DisabledException', `${ARN} is disabled.`],
  3: ['KMSInvalidStateException', `${ARN} is pending deletion.`],
  4: ['KMSInvalidStateException', `${ARN} is not pending deletion.`],
  5: ['KMSInvalidStateException', `${ARN} is pending import.`],
  6: [
    'UnsupportedOperationException',
    `${ARN} origin is EXTERNAL which is not valid for this operation.`,
  ],
  7: ['UnsupportedOperationException', ''],
  9: [
    'UnsupportedOperationException',
    `${ARN} origin is AWS_KMS which is not valid for this operation.`,
  ],
  11: ['KMSInvalidStateException', `${ARN} is unavailable.`],
  14: ['KMSInvalidStateException', `${ARN} is creating.`],
  15: ['KMSInvalidStateException', `${ARN} is updating.`],
};

function key(state: KeyState, origin: KeyOrigin = 'AWS_KMS'): Key {
  return {
    arn: ARN,
    spec: keySpecRow('SYMMETRIC_DEFAULT'),
    record: keyRecord({ keyId: 'k', origin, state, createdAt: 0 }),
  };
}

function outcome(operation: string, of: Key): readonly [string, string] | 'works' {
  try {
    requireState(operation, of);
    return 'works';
  } catch (error) {
    if (isKmsError(error)) return [error.code, error.message];
    throw error;
  }
}

test('every operation of the page has a row, and no other', () => {
  expect([...STATEFUL_OPERATIONS].sort()).toEqual(rows.map((row) => row.operation).sort());
});

test('every operation on offer that names a key has a row', () => {
  const names = OPERATIONS.map((operation) => operation.name);
  for (const name of names.filter((one) => KEY_OF[one] !== undefined)) {
    expect(STATEFUL_OPERATIONS).toContain(name);
  }
});

describe.each(rows)('$operation', ({ operation, cells }) => {
  test.each(COLUMNS.map((state, i) => [state, cells[i]!] as const))('%s: %s', (state, cell) => {
    const note = cell.replace('?', '');
    const expected = cell === '-' ? 'works' : NOTES[note]!;
    const conditional = cell.startsWith('?');
    const struck = conditional && note === '7' ? key(state, 'AWS_CLOUDHSM') : key(state);
    expect(outcome(operation, struck)).toEqual(expected);
    if (!conditional) return;
    const spared = key(state, note === '7' ? 'AWS_KMS' : 'EXTERNAL');
    const pending = operation === 'GetParametersForImport' && state === 'PendingDeletion';
    expect(outcome(operation, spared)).toEqual(pending ? NOTES[3] : 'works');
  });

  test('PendingReplicaDeletion is as PendingDeletion', () => {
    const deletion = outcome(operation, key('PendingDeletion'));
    const replica = outcome(operation, key('PendingReplicaDeletion'));
    if (deletion === 'works') expect(replica).toBe('works');
    else {
      const text = deletion[1].replace('is pending deletion.', 'is pending replica deletion.');
      expect(replica).toEqual([deletion[0], text]);
    }
  });
});

test('an operation without a row is a mistake of ours', () => {
  expect(() => requireState('Dance', key('Enabled'))).toThrow(RangeError);
});

test('usage', () => {
  expect(() => requireUsage('Encrypt', key('Enabled'), 'ENCRYPT_DECRYPT')).not.toThrow();
  expect(() => requireUsage('Sign', key('Enabled'), 'SIGN_VERIFY')).toThrow(
    expect.objectContaining({
      code: 'InvalidKeyUsageException',
      message: `${ARN} key usage is ENCRYPT_DECRYPT which is not valid for Sign.`,
    }),
  );
});
