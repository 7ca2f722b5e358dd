/**
 * The request quotas of AWS KMS as data, and the profiles made of them.
 *
 * Source: AWS KMS Developer Guide, "Request quotas" (defaults per account and Region). A quota is
 * named after the operation that it counts; the shared ones are `crypto-symmetric`, `crypto-rsa`,
 * `crypto-ecc`, `crypto-ml-dsa`, `crypto-ml-kem` and, per key pair spec, `GenerateDataKeyPair:<spec>`.
 */
import { KEY_SPECS } from '../specs/key-specs.js';

/** Requests per second of every quota, by Region. Immutable. */
export interface QuotaProfile {
  /** Every quota, in the order of `rates`. */
  readonly names: readonly string[];
  /** Requests per second by index of `names`; Infinity = not limited. Regions alike share it. */
  rates(region: string): readonly number[];
  /** Requests per second of one quota. @throws RangeError for an unknown name */
  rate(region: string, quota: string): number;
  /** State changes of one key per second, sustained; Infinity = not limited. */
  readonly hotKeyRate: number;
}

/** What the setting `quota` may be: a profile, or rates that replace those of the `aws` profile. */
export type QuotaSetting = 'aws' | 'off' | Readonly<Record<string, number>>;

/** Slowest and fastest quota that can be set, requests per second; steps of RATE_MIN. */
export const RATE_MIN = 0.001;
export const RATE_MAX = 1_000_000;

/** Name that sets every quota but the hot key's. */
export const DEFAULT_NAME = 'default';
/** Name of the hot key's rate in a record; no operation draws on it. */
export const HOT_KEY_NAME = 'hot-key';
/** Ours: AWS says that hot keys are throttled, not from which rate on. Below EnableKey's 5. */
const HOT_KEY_RATE = 2;

const CRYPTO_RATES: Readonly<Record<string, number>> = {
  'crypto-symmetric': 10_000,
  'crypto-rsa': 1_000,
  'crypto-ecc': 1_000,
  'crypto-ml-dsa': 1_000,
  // Not on AWS's page: the rate of the other asymmetric classes.
  'crypto-ml-kem': 1_000,
};

/** Operations with a quota of their own, by rate. */
const OPERATION_RATES: readonly (readonly [number, readonly string[]])[] = [
  [1, ['GetParametersForImport']],
  [
    5,
    [
      'CancelKeyDeletion',
      'ConnectCustomKeyStore',
      'CreateAlias',
      'CreateCustomKeyStore',
      'CreateKey',
      'DeleteCustomKeyStore',
      'DescribeCustomKeyStores',
      'DisableKey',
      'DisableKeyRotation',
      'DisconnectCustomKeyStore',
      'EnableKey',
      'GetKeyLastUsage',
      'ReplicateKey',
      'RotateKeyOnDemand',
      'UntagResource',
      'UpdateAlias',
      'UpdateCustomKeyStore',
      'UpdateKeyDescription',
      'UpdatePrimaryRegion',
    ],
  ],
  [10, ['TagResource']],
  [
    15,
    [
      'DeleteAlias',
      'DeleteImportedKeyMaterial',
      'EnableKeyRotation',
      'ImportKeyMaterial',
      'PutKeyPolicy',
      'ScheduleKeyDeletion',
    ],
  ],
  [50, ['CreateGrant', 'RetireGrant', 'RevokeGrant']],
  [100, ['ListGrants', 'ListKeyPolicies', 'ListKeyRotations', 'ListRetirableGrants']],
  [500, ['ListAliases', 'ListKeys']],
  [1_000, ['GetKeyPolicy', 'GetKeyRotationStatus']],
  [2_000, ['DescribeKey', 'GetPublicKey', 'ListResourceTags']],
];

/** A group of Regions whose quotas differ from the common ones. */
export interface RegionGroup {
  readonly regions: readonly string[];
  readonly rates: Readonly<Record<string, number>>;
}

export const REGION_GROUPS: readonly RegionGroup[] = Object.freeze([
  {
    regions: ['us-east-1', 'us-west-2', 'eu-west-1'],
    rates: { 'crypto-symmetric': 100_000 },
  },
  {
    regions: [
      'us-east-2',
      'ap-southeast-1',
      'ap-southeast-2',
      'ap-northeast-1',
      'eu-central-1',
      'eu-west-2',
    ],
    rates: { 'crypto-symmetric': 20_000 },
  },
  {
    regions: ['cn-north-1', 'cn-northwest-1'],
    rates: {
      'GenerateDataKeyPair:RSA_2048': 1,
      'GenerateDataKeyPair:RSA_3072': 0.5,
      'GenerateDataKeyPair:RSA_4096': 0.1,
    },
  },
]);

const COMMON: ReadonlyMap<string, number> = new Map([
  ...Object.entries(CRYPTO_RATES),
  ...KEY_SPECS.filter((row) => row.dataKeyPair).map(
    (row) => [`GenerateDataKeyPair:${row.spec}`, row.pairQuotaPerSecond] as const,
  ),
  ...OPERATION_RATES.flatMap(([rate, names]) => names.map((name) => [name, rate] as const)),
]);

const NAMES: readonly string[] = Object.freeze([...COMMON.keys()]);
const INDEX: ReadonlyMap<string, number> = new Map(NAMES.map((name, i) => [name, i]));

/**
 * Makes the profile of a setting.
 * @param label how errors name the setting, e.g. 'quota' or the file that it was read from
 * @throws RangeError naming the setting, for an unknown quota or a rate out of bounds
 */
export function quotaProfile(setting: QuotaSetting, label = 'quota'): QuotaProfile {
  if (setting === 'aws') return profile({});
  if (setting === 'off') return profile({ [DEFAULT_NAME]: Infinity, [HOT_KEY_NAME]: Infinity });
  if (typeof setting !== 'object' || setting === null || Array.isArray(setting)) {
    throw new RangeError(`${label}: must be aws, off, or requests per second by quota name`);
  }
  for (const [name, rate] of Object.entries(setting)) requireRate(label, name, rate);
  return profile(setting);
}

function requireRate(label: string, name: string, rate: unknown): void {
  if (!INDEX.has(name) && name !== DEFAULT_NAME && name !== HOT_KEY_NAME) {
    throw new RangeError(`${label}: there is no quota named ${JSON.stringify(name)}`);
  }
  if (rate === Infinity) return;
  if (typeof rate !== 'number' || !(rate >= RATE_MIN && rate <= RATE_MAX)) {
    throw new RangeError(
      `${label}.${name}: requests per second must be a number from ${RATE_MIN} to ${RATE_MAX}, ` +
        `or Infinity for no limit, and not ${String(rate)}`,
    );
  }
}

function profile(overrides: Readonly<Record<string, number>>): QuotaProfile {
  const set = new Map(Object.entries(overrides));
  const everyRate = set.get(DEFAULT_NAME);
  const ratesWith = (group: Readonly<Record<string, number>>): readonly number[] =>
    Object.freeze(
      NAMES.map((name) =>
        rounded(set.get(name) ?? everyRate ?? group[name] ?? COMMON.get(name) ?? Infinity),
      ),
    );
  const common = ratesWith({});
  const byRegion = new Map<string, readonly number[]>();
  for (const group of REGION_GROUPS) {
    const rates = ratesWith(group.rates);
    for (const region of group.regions) byRegion.set(region, rates);
  }
  const rates = (region: string) => byRegion.get(region) ?? common;
  return Object.freeze({
    names: NAMES,
    rates,
    rate: (region: string, quota: string) => rates(region)[quotaIndex(quota)]!,
    hotKeyRate: rounded(set.get(HOT_KEY_NAME) ?? HOT_KEY_RATE),
  });
}

/** Index of a quota in `names`. @throws RangeError for an unknown name */
export function quotaIndex(quota: string): number {
  const index = INDEX.get(quota);
  if (index === undefined) throw new RangeError(`there is no quota named ${quota}`);
  return index;
}

/** Buckets count in thousandths of a request per second, so that their arithmetic is exact. */
function rounded(rate: number): number {
  return Math.round(rate / RATE_MIN) / Math.round(1 / RATE_MIN);
}
