/**
 * Principals of key policies. AWS IAM User Guide, "AWS JSON policy elements: Principal"; AWS KMS
 * Developer Guide, "Key policies in AWS KMS": accounts, users, roles, sessions and services, never
 * groups, and no wildcard inside an ARN.
 */
import type { Principal } from './document.js';

const ACCOUNT = /^\d{12}$/;
/** After `arn:` and the partition. */
const IAM = /^iam::(\d{12}):(root|user\/|role\/)(.*)$/;
const STS = /^sts::(\d{12}):(assumed-role\/[^/]+\/|federated-user\/)(.+)$/;
/** Characters of names and paths of IAM. */
const NAME = /^[\w+=,.@/-]{1,576}$/;
const SERVICE = /^[a-z0-9-]+(\.[a-z0-9-]+)*\.amazonaws\.com(\.cn)?$/;
const EVERYONE: Principal = Object.freeze({ kind: 'everyone' });

function awsPrincipal(text: string, partition: string): Principal | undefined {
  if (text === '*') return EVERYONE;
  if (ACCOUNT.test(text)) return { kind: 'account', account: text };
  const prefix = `arn:${partition}:`;
  if (!text.startsWith(prefix)) return undefined;
  const form = text.slice(prefix.length);
  const iam = IAM.exec(form);
  if (iam !== null) {
    const [, account = '', type, name = ''] = iam;
    if (type === 'root') return name === '' ? { kind: 'account', account } : undefined;
    if (!NAME.test(name) || name.endsWith('/')) return undefined;
    return { kind: type === 'user/' ? 'user' : 'role', account, arn: text };
  }
  const sts = STS.exec(form);
  if (sts === null || !NAME.test(sts[3]!)) return undefined;
  return { kind: 'session', account: sts[1]!, arn: text };
}

function servicePrincipal(text: string): Principal | undefined {
  return SERVICE.test(text) ? { kind: 'service', name: text } : undefined;
}

function federatedPrincipal(text: string): Principal | undefined {
  return /^[\w.:/-]{1,2048}$/.test(text) ? { kind: 'federated', provider: text } : undefined;
}

/** By member of the Principal element; a member that is not here is invalid. */
const KINDS: ReadonlyMap<string, (text: string, partition: string) => Principal | undefined> =
  new Map([
    ['AWS', awsPrincipal],
    ['Service', servicePrincipal],
    ['Federated', federatedPrincipal],
  ]);

/**
 * Undefined for a principal that key policies of that partition do not know. `type`: 'AWS',
 * 'Service', 'Federated'.
 */
export function parsePrincipal(
  type: string,
  text: string,
  partition: string,
): Principal | undefined {
  const principal = KINDS.get(type)?.(text, partition);
  return principal === undefined ? undefined : Object.freeze(principal);
}

export const ANYONE: readonly Principal[] = Object.freeze([EVERYONE]);
