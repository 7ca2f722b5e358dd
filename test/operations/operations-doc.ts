/** Renders docs/operations.md from the registry. */
import type { Key } from '../../src/keys/key.js';
import type { Operation } from '../../src/operations/port.js';
import { OPERATIONS, UNSUPPORTED_OPERATIONS } from '../../src/operations/registry.js';
import { keySpecRow } from '../../src/specs/key-specs.js';

const kebab = (name: string) => name.replaceAll(/([a-z])([A-Z])/g, '$1-$2').toLowerCase();

/** Quota drawn on for RSA_2048 keys; a class quota is shown as such. */
function quota(operation: Operation): string {
  const key = { spec: keySpecRow('RSA_2048') } as Key;
  const draws = operation.quota({ KeyPairSpec: 'RSA_2048' }, [key, key]);
  const { quota: name, cost } = draws[0]!;
  if (name === 'crypto-rsa') return cost === 2 ? 'class of each key' : "class of the key's spec";
  if (name.startsWith('GenerateDataKeyPair:')) return 'GenerateDataKeyPair of the pair spec';
  return `\`${name}\``;
}

function row(operation: Operation, folder: (name: string) => string): string {
  const { members, required } = operation.input.kms as {
    members: Record<string, unknown>;
    required: readonly string[];
  };
  const shown = Object.keys(members).map((name) =>
    required.includes(name) ? `**${name}**` : name,
  );
  const cells = [
    `\`${operation.name}\``,
    `\`src/operations/${folder(operation.name)}/${kebab(operation.name)}.ts\``,
    shown.join(', '),
    quota(operation),
    operation.audit.readOnly ? 'yes' : 'no',
  ];
  return `| ${cells.join(' | ')} |`;
}

/** The whole document; `folder` names the family folder that holds an operation's file. */
export function operationsDoc(folder: (name: string) => string): string {
  return `# Operations

Generated from \`src/operations/registry.ts\`; a test fails when this page differs
(\`UPDATE_DOCS=1\` with that test writes it). Members in bold are required.

| Operation | File | Members | Request quota | Read only |
|---|---|---|---|---|
${OPERATIONS.map((operation) => row(operation, folder)).join('\n')}

Not offered yet, though the members are known: an \`Origin\` other than AWS_KMS, and key specs
beyond those of \`src/specs/key-specs.ts\` (UnsupportedOperationException); \`CustomKeyStoreId\`
(CustomKeyStoreNotFoundException).

A dry run (\`DryRun\`) ends after every check and before any effect. Decrypt, ReEncrypt, Verify,
VerifyMac and DeriveSharedSecret run their cryptographic check first, because only that tells
whether the request would have succeeded.

## Answered with UnsupportedOperationException

${UNSUPPORTED_OPERATIONS.map((name) => `- \`${name}\``).join('\n')}
`;
}
