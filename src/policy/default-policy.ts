/** The key policy of a key for which none was given. AWS KMS Developer Guide, "Default key policy". */
import { accountPrincipal } from '../core/ids.js';

const INDENT = '  ';

/** As AWS KMS stores it: the account may delegate everything by its identity policies. */
export function defaultKeyPolicy(region: string, account: string): object {
  return {
    Version: '2012-10-17',
    Id: 'key-default-1',
    Statement: [
      {
        Sid: 'Enable IAM User Permissions',
        Effect: 'Allow',
        Principal: { AWS: accountPrincipal(region, account) },
        Action: 'kms:*',
        Resource: '*',
      },
    ],
  };
}

/**
 * The layout in which GetKeyPolicy shows a policy that AWS KMS wrote itself: two spaces, a space on
 * both sides of colons, brackets of lists on the line of their first and last item.
 */
export function policyText(value: unknown, indent = ''): string {
  if (Array.isArray(value)) {
    const items = value.map((item) => policyText(item, indent)).join(', ');
    return `[ ${items} ]`;
  }
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const inner = indent + INDENT;
  const members = Object.entries(value).map(
    ([name, member]) => `${inner}${JSON.stringify(name)} : ${policyText(member, inner)}`,
  );
  return `{\n${members.join(',\n')}\n${indent}}`;
}
