/** Renders docs/quotas.md from the profile. */
import { RESOURCE_QUOTAS } from '../../src/core/limits.js';
import { OPERATIONS } from '../../src/operations/registry.js';
import { quotaProfile, REGION_GROUPS } from '../../src/throttle/quota-profile.js';
import { HOT_KEY_BURST } from '../../src/throttle/token-bucket-throttle.js';

const SHARED: Readonly<Record<string, string>> = {
  'crypto-symmetric':
    'Decrypt, Encrypt, GenerateDataKey, GenerateDataKeyWithoutPlaintext, GenerateMac, GenerateRandom, ReEncrypt, VerifyMac with symmetric and HMAC keys',
  'crypto-rsa': 'Decrypt, Encrypt, ReEncrypt, Sign, Verify with RSA keys',
  'crypto-ecc':
    'DeriveSharedSecret, Sign, Verify with elliptic-curve and SM2 keys; Decrypt, Encrypt, ReEncrypt with SM2 keys',
  'crypto-ml-dsa': 'Sign, Verify with ML-DSA keys',
  'crypto-ml-kem': 'Encapsulate, Decapsulate with ML-KEM keys',
};

/** [what is counted, setting, the answer] */
const resources: readonly (readonly [string, keyof typeof RESOURCE_QUOTAS, string])[] = [
  [
    'Customer managed keys of an account in a Region, in any state; keys that services manage do not count',
    'keys',
    'LimitExceededException (CreateKey, ReplicateKey)',
  ],
  ['Aliases of a key', 'aliasesPerKey', 'LimitExceededException (CreateAlias, UpdateAlias)'],
  ['Grants of a key', 'grantsPerKey', 'LimitExceededException (CreateGrant)'],
  [
    'Tags of a key',
    'tagsPerKey',
    'TagException `Too many tags` (CreateKey, ReplicateKey, TagResource)',
  ],
  [
    'Rotations on demand of a key, over its life',
    'onDemandRotationsPerKey',
    'LimitExceededException (RotateKeyOnDemand)',
  ],
  [
    'Bytes of a key policy',
    'policyBytes',
    'LimitExceededException (CreateKey, PutKeyPolicy, ReplicateKey)',
  ],
];

const number = (rate: number) => rate.toLocaleString('en-US', { maximumFractionDigits: 3 });
const offered = new Set(OPERATIONS.map(({ name }) => name));

function counted(name: string): string {
  const [operation, spec] = name.split(':');
  if (spec !== undefined) return `${operation} and ${operation}WithoutPlaintext of ${spec}`;
  return SHARED[name] ?? (offered.has(name) ? name : `${name} (not offered yet)`);
}

function row(name: string): string {
  const profile = quotaProfile('aws');
  const rate = profile.rate('another-region', name);
  const others = REGION_GROUPS.filter((group) => group.rates[name] !== undefined).map(
    ({ regions, rates }) => `${number(rates[name]!)} in ${regions.join(', ')}`,
  );
  return `| \`${name}\` | ${counted(name)} | ${[number(rate), ...others].join('; ')} |`;
}

function resourceRow([what, setting, over]: (typeof resources)[number]): string {
  return `| ${what} | \`limits.${setting}\` | ${number(RESOURCE_QUOTAS[setting])} | ${over} |`;
}

export function quotasDoc(): string {
  const profile = quotaProfile('aws');
  return `# Quotas

Generated from \`src/throttle/quota-profile.ts\` and \`src/core/limits.ts\`; a test fails when this page
differs (\`UPDATE_DOCS=1\` with that test writes it).

## Request quotas

Requests are counted per account, Region and quota, each on its own. The caller's account is
charged, and a dry run counts like the real request. Over a quota the answer is
\`ThrottlingException\` (HTTP 400), which SDKs retry:

> You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.

The setting \`quota\` is one of

- \`aws\`: the defaults of AWS KMS, below;
- \`off\`: no request quota and no hot-key limit (the engine's queues stay bounded);
- requests per second by the names below: they replace the defaults, in every Region. \`default\`
  sets every quota that is not named, except \`hot-key\`. Values go from 0.001 to 1,000,000, in
  steps of 0.001. An unknown name or any other value is refused at the start.

| Quota | Counts | Requests per second |
|---|---|---|
${profile.names.map(row).join('\n')}

## How requests are counted

- A bucket holds one second's worth of requests, at least one, and fills continuously. After quiet
  a burst of one second's worth goes through at once; over any time T at most rate x T + one
  second's worth does. A quota of 0.1 lets one request through every ten seconds.
- ReEncrypt draws one request on the class of each of its two keys, two when they are of one class.
  A request that draws on several quotas takes all of them or none.
- Buckets count in integers: the rate is exact, however long the process runs.
- **Each process counts for itself.** Several processes on one store let through their number times
  the quota; divide the rates where that matters.
- At most 4,096 pairs of account and Region are counted at a time. Beyond that, one whose buckets are
  full again is forgotten, or else the idlest of a sample, whose account may then burst once more.

## Hot keys

AWS KMS throttles a burst, or a sustained high rate, of requests that change the state of one key
(EnableKey, DisableKey, ScheduleKeyDeletion, CancelKeyDeletion) even below the operations' quotas,
and publishes no figure. Ours: ${HOT_KEY_BURST} changes of one key at once after quiet, then ${profile.hotKeyRate} per second, with the
same answer. The name \`hot-key\` sets the rate. At most 10,000 keys are watched; the one unchanged
for longest is forgotten first.

## Resource quotas

How much an account may have. The defaults are those of AWS KMS; the settings are those of the section
\`limits\` (see [configuration.md](configuration.md)). A quota that is lowered takes nothing away: it
refuses what comes after.

| Quota | Setting | Default | Over it |
|---|---|---|---|
${resources.map(resourceRow).join('\n')}
`;
}
