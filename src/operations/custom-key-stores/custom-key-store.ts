/**
 * Members and rules of custom key stores. AWS KMS API reference, CreateCustomKeyStore and
 * UpdateCustomKeyStore. Keystrel has no custom key store, so that none is ever found.
 */
import { KmsError } from '../../core/errors.js';
import { kmsEnum, kmsString, structure } from '../../protocol/schema.js';

export const CustomKeyStoreName = kmsString({ min: 1, max: 256 });
export const CustomKeyStoreType = kmsEnum(['AWS_CLOUDHSM', 'EXTERNAL_KEY_STORE']);

const XksProxyAuthenticationCredential = structure(
  {
    AccessKeyId: kmsString({ min: 20, max: 30, pattern: '^[A-Z2-7]+$', sensitive: true }),
    RawSecretAccessKey: kmsString({
      min: 43,
      max: 64,
      pattern: '^[a-zA-Z0-9\\/+=]+$',
      sensitive: true,
    }),
  },
  { required: ['AccessKeyId', 'RawSecretAccessKey'] },
);

/** What creation and update have in common. */
export const STORE_MEMBERS = {
  CloudHsmClusterId: kmsString({ min: 19, max: 24, pattern: 'cluster-[2-7a-zA-Z]{11,16}' }),
  KeyStorePassword: kmsString({ min: 7, max: 32, sensitive: true }),
  XksProxyUriEndpoint: kmsString({ min: 10, max: 128, pattern: '^https://[a-zA-Z0-9.-]+$' }),
  XksProxyUriPath: kmsString({
    min: 10,
    max: 128,
    pattern: '^(/[a-zA-Z0-9\\/_-]+/kms/xks/v\\d{1,2})$|^(/kms/xks/v\\d{1,2})$',
  }),
  XksProxyVpcEndpointServiceName: kmsString({
    min: 20,
    max: 64,
    pattern: '^(com|eu)\\.amazonaws\\.vpce\\.([a-z]+-){2,3}\\d+\\.vpce-svc-[0-9a-z]+$',
  }),
  XksProxyVpcEndpointServiceOwner: kmsString({ min: 12, max: 12, pattern: '[0-9]{12}' }),
  XksProxyAuthenticationCredential,
  XksProxyConnectivity: kmsEnum(['PUBLIC_ENDPOINT', 'VPC_ENDPOINT_SERVICE']),
} as const;

const CLOUDHSM = ['CloudHsmClusterId', 'TrustAnchorCertificate', 'KeyStorePassword'] as const;
const XKS = [
  'XksProxyUriEndpoint',
  'XksProxyUriPath',
  'XksProxyAuthenticationCredential',
  'XksProxyConnectivity',
] as const;
const XKS_VPC = ['XksProxyVpcEndpointServiceName', 'XksProxyVpcEndpointServiceOwner'] as const;

type StoreInput = Readonly<Record<string, unknown>>;

function refusal(text: string): KmsError {
  return new KmsError('ValidationException', text);
}

/** The members of a new store by its type. @throws ValidationException */
export function requireStoreMembers(input: StoreInput): void {
  const isXks = input.CustomKeyStoreType === 'EXTERNAL_KEY_STORE';
  const type = isXks ? 'EXTERNAL_KEY_STORE' : 'AWS_CLOUDHSM';
  const viaVpc = input.XksProxyConnectivity === 'VPC_ENDPOINT_SERVICE';
  const required: readonly string[] = !isXks
    ? CLOUDHSM
    : viaVpc
      ? [...XKS, 'XksProxyVpcEndpointServiceName']
      : XKS;
  const foreign: readonly string[] = isXks ? CLOUDHSM : [...XKS, ...XKS_VPC];
  for (const name of required) {
    if (input[name] === undefined) {
      throw refusal(`${name} must be specified for the custom key store type ${type}.`);
    }
  }
  for (const name of foreign) {
    if (input[name] !== undefined) {
      throw refusal(`${name} cannot be specified for the custom key store type ${type}.`);
    }
  }
  for (const name of viaVpc ? [] : XKS_VPC) {
    if (input[name] !== undefined) {
      throw refusal(`${name} needs the connectivity VPC_ENDPOINT_SERVICE.`);
    }
  }
}

/** Members of both types of store cannot belong to one. @throws ValidationException */
export function requireOneType(input: StoreInput): void {
  const given = (names: readonly string[]) => names.some((name) => input[name] !== undefined);
  if (given(CLOUDHSM) && given([...XKS, ...XKS_VPC])) {
    throw refusal('Members of CloudHSM and of external key stores cannot be given together.');
  }
}

/** What CloudTrail shows: no password, no credential, no certificate. */
export function auditStore(input: StoreInput): object {
  return {
    customKeyStoreId: input.CustomKeyStoreId,
    customKeyStoreName: input.CustomKeyStoreName,
    newCustomKeyStoreName: input.NewCustomKeyStoreName,
    customKeyStoreType: input.CustomKeyStoreType,
    clusterId: input.CloudHsmClusterId,
    xksProxyUriEndpoint: input.XksProxyUriEndpoint,
    xksProxyUriPath: input.XksProxyUriPath,
    xksProxyConnectivity: input.XksProxyConnectivity,
    xksProxyVpcEndpointServiceName: input.XksProxyVpcEndpointServiceName,
    xksProxyVpcEndpointServiceOwner: input.XksProxyVpcEndpointServiceOwner,
  };
}
