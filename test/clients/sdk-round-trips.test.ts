/**
 * Every operation and every algorithm through the typed client of @aws-sdk/client-kms against a
 * real server, and that none of them was forgotten.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { API_OPERATIONS } from '../../src/operations/api-operations.js';
import { OPERATIONS } from '../../src/operations/registry.js';
import { MODEL } from '../conformance/cases.js';
import { SPECS_HERE } from '../specs-of-regions.js';
import {
  agreementTrips,
  dataKeyTrips,
  encryptionTrips,
  macTrips,
  signatureTrips,
} from './sdk-cryptography.js';
import { encapsulationTrips } from './sdk-encapsulation.js';
import { errorTrips, refusalTrips, storeTrips } from './sdk-errors.js';
import { importTrips } from './sdk-import.js';
import { aliasTrips, grantTrips, keyTrips, policyTrips, rotationTrips } from './sdk-management.js';
import { multiRegionTrips } from './sdk-multi-region.js';
import { type SdkRig, startSdkRig } from './sdk-rig.js';
import {
  faults,
  losses,
  OUTPUTS,
  SDK_ERRORS,
  SDK_OPERATIONS,
  sdkEnum,
  sdkInput,
  sdkOutput,
  skeleton,
} from './sdk-shapes.js';

/** There are no custom key stores: these are refused, whatever they say. */
const STORE_OPERATIONS = [
  'ConnectCustomKeyStore',
  'CreateCustomKeyStore',
  'DeleteCustomKeyStore',
  'DisconnectCustomKeyStore',
  'UpdateCustomKeyStore',
];

/** Classes of errors that no request brings about: of custom key stores and of faults. */
const NOT_PROVOKED = [
  /^CloudHsm/,
  /^Xks/,
  /^CustomKeyStore(?:HasCMKs|InvalidState|NameInUse)/,
  /^IncorrectTrustAnchor/,
  /^(?:DependencyTimeout|KMSInternal|KeyUnavailable)Exception$/,
];

/** Values that AWS takes elsewhere or no longer, and those of custom key stores. */
const NEVER = new Set([
  ...['SM2', 'SM2DSA', 'SM2PKE', 'RSAES_PKCS1_V1_5'],
  ...['AWS_CLOUDHSM', 'EXTERNAL_KEY_STORE', 'PUBLIC_ENDPOINT', 'VPC_ENDPOINT_SERVICE'],
]);

/** What the table of key specs offers: specs, usages and algorithms. */
const OFFERED: ReadonlySet<string> = new Set(
  SPECS_HERE.flatMap((row) => [row.spec, ...Object.values(row).flat().map(String)]),
);
const OF_SPECS = new Set(
  ['KeySpec', 'KeyUsageType', 'SigningAlgorithmSpec', 'EncryptionAlgorithmSpec'].flatMap(sdkEnum),
);

/** True for a value that some request of this product takes. */
function offers(value: string): boolean {
  if (NEVER.has(value)) return false;
  if (value === 'EXTERNAL_MU') return OFFERED.has('ML_DSA_SHAKE_256');
  if (value.endsWith('capsulate')) return OFFERED.has('ENCAPSULATE_DECAPSULATE');
  return !OF_SPECS.has(value) || OFFERED.has(value);
}

let started: SdkRig;
const rig = () => started;

beforeAll(async () => {
  started = await startSdkRig();
});
afterAll(() => started.stop());

describe('keys', () => keyTrips(rig));
describe('aliases', () => aliasTrips(rig));
describe('policies and tags', () => policyTrips(rig));
describe('grants', () => grantTrips(rig));
describe('rotation', () => rotationTrips(rig));
describe('imported material', () => importTrips(rig));
describe('encryption', () => encryptionTrips(rig));
describe('signatures', () => signatureTrips(rig));
describe('message authentication', () => macTrips(rig));
describe('key agreement', () => agreementTrips(rig));
describe('encapsulation', () => encapsulationTrips(rig));
describe('multi-Region keys', () => multiRegionTrips(rig));
describe('data keys', () => dataKeyTrips(rig));
describe('custom key stores', () => storeTrips(rig));
describe('errors', () => errorTrips(rig));
describe('refused', () => refusalTrips(rig, offers));

describe('nothing was forgotten', () => {
  test('the SDK and this product know the same operations', () => {
    expect(SDK_OPERATIONS).toEqual([...API_OPERATIONS].sort());
    expect(Object.keys(OUTPUTS.operations)).toEqual(SDK_OPERATIONS);
  });

  test('every operation of the registry was answered', () => {
    const { answered, refused } = started.tried;
    const names = OPERATIONS.map(({ name }) => name).filter(
      (name) => !STORE_OPERATIONS.includes(name),
    );
    expect(SDK_OPERATIONS.filter((name) => answered.has(name))).toEqual([...names].sort());
    expect(STORE_OPERATIONS.filter((name) => !refused.has(name))).toEqual([]);
    console.log(
      `SDK: ${names.length} operations answered, ${STORE_OPERATIONS.length} of custom key stores ` +
        'refused',
    );
  });

  test('every value of every set that an operation takes was sent, and taken where offered', () => {
    const { answered, refused } = started.tried;
    const wanted = OPERATIONS.flatMap(({ name }) =>
      sdkInput(name).flatMap((member) => {
        const fact = MODEL.operations[name]?.[member];
        const values = fact?.enum ?? fact?.of?.enum ?? [];
        return values.map((value) => ({ name, member, value }));
      }),
    );
    expect(wanted.length).toBeGreaterThan(150);
    const isMissing = ({ name, member, value }: (typeof wanted)[number]) => {
      const key = `${name} ${member} ${value}`;
      // A dry run ends as an error by design.
      const isTaken = member === 'DryRunModifiers' ? refused.has(key) : answered.has(key);
      const isOffered = offers(value) && !STORE_OPERATIONS.includes(name);
      return isOffered ? !isTaken : answered.has(key) || !refused.has(key);
    };
    expect(wanted.filter(isMissing)).toEqual([]);
  });

  test('every class of errors came that a request can bring about', () => {
    const came = new Set([...started.tried.errors].map((text) => text.split(' ')[1]!));
    const isExcused = (name: string) => NOT_PROVOKED.some((pattern) => pattern.test(name));
    const missing = [...SDK_ERRORS.keys()].filter((name) => !came.has(name));
    expect(missing.filter((name) => !isExcused(name))).toEqual([]);
    expect([...came].filter(isExcused)).toEqual([]);
  });

  test('every error is one that the model has for its operation', () => {
    const strange = [...started.tried.errors].filter((text) => {
      const [operation = '', error = ''] = text.split(' ');
      return OUTPUTS.operations[operation]?.errors.includes(error) !== true;
    });
    // AWS has custom key stores and so no such refusal.
    expect(strange).toEqual(['CreateCustomKeyStore UnsupportedOperationException']);
  });
});

describe('the checks themselves', () => {
  test('facts and SDK agree on every output and every set of values', () => {
    for (const [name, { output }] of Object.entries(OUTPUTS.operations)) {
      expect([name, skeleton(output)]).toEqual([name, skeleton(sdkOutput(name)!)]);
    }
    for (const [name, values] of Object.entries(OUTPUTS.enums)) {
      expect([name, [...values].sort()]).toEqual([name, [...sdkEnum(name)].sort()]);
    }
  });

  const good = { KeyId: 'k', Plaintext: 'YQ==', EncryptionAlgorithm: 'SYMMETRIC_DEFAULT' };
  test.each([
    ['an unknown member', { ...good, Extra: 1 }, 'Extra'],
    ['a blob that is no base64', { ...good, Plaintext: 'a' }, 'Plaintext'],
    ['a value outside its set', { ...good, EncryptionAlgorithm: 'AES' }, 'EncryptionAlgorithm'],
    ['a text outside its pattern', { ...good, KeyMaterialId: 'X'.repeat(64) }, 'KeyMaterialId'],
    ['a number for a text', { ...good, KeyId: 7 }, 'KeyId'],
  ])('%s is found', (_what, wire, member) => {
    expect(faults(OUTPUTS.operations.Decrypt!.output, good, 'Decrypt')).toEqual([]);
    const [fault, ...others] = faults(OUTPUTS.operations.Decrypt!.output, wire, 'Decrypt');
    expect(fault).toContain(`Decrypt.${member} is no`);
    expect(others).toEqual([]);
  });

  test('a member that the SDK loses or changes is found', () => {
    const members = sdkOutput('DescribeKey')!;
    const KeyMetadata = { KeyId: 'k', CreationDate: 1.5, Enabled: true };
    const shown = { ...KeyMetadata, CreationDate: new Date(1500) };
    const found = (output: object) => losses(members, { KeyMetadata }, { KeyMetadata: output }, '');
    expect(found(shown)).toEqual([]);
    expect(found({ ...shown, KeyId: undefined })).toHaveLength(1);
    expect(found({ ...shown, CreationDate: 1.5 })).toHaveLength(1);
    expect(losses(members, { Other: 1 }, {}, '')).toHaveLength(1);
  });
});
