/**
 * What the keys of services say of themselves: description and key policy, fixed by us as they are
 * by AWS. The policy is that of AWS managed keys (AWS KMS Developer Guide, "AWS managed keys"): use
 * through the service for all of the account, sight of the metadata for the account itself.
 */
import type { Caller } from '../auth/port.js';
import { accountPrincipal } from '../core/ids.js';
import { serviceOfPrincipal } from '../core/service-principals.js';
import type { Key } from './key.js';

/** What a service is called, what its default key protects, and its name in kms:ViaService. */
interface ServiceRow {
  readonly title: string;
  readonly protects: string;
  readonly via?: string;
}

/** Services whose default keys AWS describes; others are described by their name. */
const ROWS: Readonly<Record<string, ServiceRow>> = Object.freeze({
  acm: { title: 'ACM', protects: 'ACM private keys' },
  backup: { title: 'Backup', protects: 'Backup data' },
  dynamodb: { title: 'DynamoDB', protects: 'DynamoDB data' },
  ebs: { title: 'EBS', protects: 'EBS volumes', via: 'ec2' },
  elasticfilesystem: { title: 'EFS', protects: 'EFS filesystems' },
  lambda: { title: 'Lambda', protects: 'Lambda functions' },
  rds: { title: 'RDS', protects: 'RDS database volumes' },
  s3: { title: 'S3', protects: 'S3 objects' },
  secretsmanager: { title: 'Secrets Manager', protects: 'Secrets Manager data' },
  ssm: { title: 'SSM', protects: 'SSM parameters' },
});

const USE_ACTIONS = [
  'kms:Encrypt',
  'kms:Decrypt',
  'kms:ReEncrypt*',
  'kms:GenerateDataKey*',
  'kms:CreateGrant',
  'kms:DescribeKey',
];
const VIEW_ACTIONS = ['kms:Describe*', 'kms:Get*', 'kms:List*', 'kms:RevokeGrant'];

function rowOf(service: string): ServiceRow {
  const known = Object.hasOwn(ROWS, service) ? ROWS[service] : undefined;
  return known ?? { title: service, protects: `${service} data` };
}

export function serviceKeyDescription(service: string): string {
  const { protects } = rowOf(service);
  return `Default key that protects my ${protects} when no other key is defined`;
}

/** The key policy, JSON. */
export function serviceKeyPolicy(service: string, account: string, region: string): string {
  const { title, via = service } = rowOf(service);
  const access = `through ${title} for all principals in the account that are authorized to use`;
  const policy = {
    Version: '2012-10-17',
    Id: `auto-${service}-1`,
    Statement: [
      {
        Sid: `Allow access ${access} ${title}`,
        Effect: 'Allow',
        Principal: { AWS: '*' },
        Action: USE_ACTIONS,
        Resource: '*',
        Condition: {
          StringEquals: {
            'kms:CallerAccount': account,
            'kms:ViaService': `${via}.${region}.amazonaws.com`,
          },
        },
      },
      {
        Sid: 'Allow direct access to key metadata to the account',
        Effect: 'Allow',
        Principal: { AWS: accountPrincipal(region, account) },
        Action: VIEW_ACTIONS,
        Resource: '*',
      },
    ],
  };
  return JSON.stringify(policy, null, 2);
}

const matches = (permission: string, actions: readonly string[]): boolean =>
  actions.some((action) =>
    action.endsWith('*') ? permission.startsWith(action.slice(0, -1)) : permission === action,
  );

/** True when the caller signs as the service whose key has the alias `alias/${name}`. */
export function isServiceItself(caller: Caller, name: string): boolean {
  if (caller.kind !== 'service') return false;
  const service = serviceOfPrincipal(caller.name);
  return service !== undefined && name === `aws/${service}`;
}

/** What the fixed policy says of a caller in the account of a service's key. */
export function mayUseServiceKey(caller: Caller, key: Key, permission: string): boolean {
  const { service } = key.record;
  if (service === null || matches(permission, VIEW_ACTIONS)) return true;
  // No policy has a say in who may retire a grant: the grant has.
  if (permission === 'kms:RetireGrant') return true;
  return isServiceItself(caller, service) && matches(permission, USE_ACTIONS);
}
