/**
 * A server and a typed SDK client of which every answer is checked: members and types on the wire,
 * what the SDK makes of them, the class of every error. It remembers which operations were tried
 * with which values, so that a test can tell what was forgotten.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateKeyCommand,
  type CreateKeyCommandInput,
  type KeyMetadata,
  type KMSClient,
  type KMSClientConfig,
  KMSServiceException,
} from '@aws-sdk/client-kms';
import { makePki, type Pki } from '../attestation/documents.js';
import { startServer, type TestServer } from '../harness.js';
import { faults, losses, OUTPUTS, SDK_ERRORS, sdkOutput } from './sdk-shapes.js';

/** Errors of every AWS service: no SDK has classes for them. */
const COMMON: ReadonlySet<string> = new Set([
  'AccessDeniedException',
  'SerializationException',
  'ThrottlingException',
  'ValidationException',
]);

/** Values that were sent, as 'Operation Member VALUE', and 'Operation' for the operation itself. */
export interface Tried {
  readonly answered: Set<string>;
  readonly refused: Set<string>;
  /** Names of the errors that came as the SDK's own classes, with the operation before them. */
  readonly errors: Set<string>;
}

export interface SdkRig {
  readonly server: TestServer;
  readonly kms: KMSClient;
  readonly pki: Pki;
  readonly tried: Tried;
  /** Another client that is checked likewise. */
  client(options: Partial<KMSClientConfig>): KMSClient;
  createKey(input?: CreateKeyCommandInput): Promise<KeyMetadata & { KeyId: string; Arn: string }>;
  stop(): Promise<void>;
}

interface Wire {
  readonly status: number;
  readonly text: string;
}

async function collect(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of body) parts.push(part);
  return Buffer.concat(parts);
}

/** @throws Error when an answer of status 200 is not what the model and the SDK know */
function checkAnswer(operation: string, wire: Wire, output: object): void {
  const facts = OUTPUTS.operations[operation]!;
  if (wire.text === '' || facts.empty === true) {
    if (wire.text !== '' || facts.empty !== true) {
      throw new Error(`${operation}: the body is ${JSON.stringify(wire.text)}`);
    }
    return;
  }
  const body = JSON.parse(wire.text) as object;
  const found = [
    ...faults(facts.output, body, operation),
    ...losses(sdkOutput(operation)!, body, output, operation),
  ];
  if (found.length > 0) throw new Error(found.join('\n'));
}

/** @throws Error when a refusal is no error that the model has for the operation */
function checkRefusal(operation: string, wire: Wire, error: unknown, tried: Tried): void {
  const type = (JSON.parse(wire.text) as { __type: string }).__type;
  const wrong = (what: string) => new Error(`${operation}: ${what}: ${wire.status} ${wire.text}`);
  if (!(error instanceof KMSServiceException)) throw wrong('no exception of the SDK');
  if (error.name !== type) throw wrong(`the SDK calls it ${error.name}`);
  if (error.$metadata.httpStatusCode !== wire.status) throw wrong('another status');
  if (COMMON.has(type)) return;
  const modelled = SDK_ERRORS.get(type);
  if (modelled === undefined || !(error instanceof modelled)) throw wrong('no class of the SDK');
  tried.errors.add(`${operation} ${type}`);
}

function note(into: Set<string>, operation: string, input: object): void {
  into.add(operation);
  for (const [member, value] of Object.entries(input)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (typeof one === 'string') into.add(`${operation} ${member} ${one}`);
    }
  }
}

/** Puts the checks around every command of a client. */
function watch(kms: KMSClient, tried: Tried): KMSClient {
  const wires = new WeakMap<object, Wire>();
  kms.middlewareStack.add(
    (next, context) => async (args) => {
      const result = await next(args);
      const response = result.response as { statusCode: number; body: AsyncIterable<Uint8Array> };
      const bytes = await collect(response.body);
      wires.set(context, { status: response.statusCode, text: bytes.toString() });
      // The SDK reads bytes as well as streams.
      Object.assign(response, { body: bytes });
      return result;
    },
    { name: 'keepWire', step: 'deserialize', priority: 'low' },
  );
  kms.middlewareStack.add(
    (next, context) => async (args) => {
      const operation = context.commandName!.slice(0, -'Command'.length);
      let result: Awaited<ReturnType<typeof next>>;
      try {
        result = await next(args);
      } catch (error) {
        const wire = wires.get(context);
        // Without an answer, the command itself failed.
        if (wire === undefined) throw error;
        checkRefusal(operation, wire, error, tried);
        note(tried.refused, operation, args.input);
        throw error;
      }
      checkAnswer(operation, wires.get(context)!, result.output);
      note(tried.answered, operation, args.input);
      return result;
    },
    { name: 'checkAnswer', step: 'initialize', priority: 'high' },
  );
  return kms;
}

export async function startSdkRig(): Promise<SdkRig> {
  const directory = mkdtempSync(join(tmpdir(), 'keystrel-sdk-'));
  const pki = makePki(Date.now());
  const rootFile = join(directory, 'root.pem');
  writeFileSync(rootFile, pki.rootPem);
  const server = await startServer({ quota: 'off', config: { attestation: { rootFile } } });
  const tried: Tried = { answered: new Set(), refused: new Set(), errors: new Set() };
  const clients: KMSClient[] = [];
  const client = (options: Partial<KMSClientConfig>) => {
    const made = watch(server.kms(options), tried);
    clients.push(made);
    return made;
  };
  const kms = client({});
  return {
    server,
    kms,
    pki,
    tried,
    client,
    createKey: async (input = {}) => {
      const { KeyMetadata } = await kms.send(new CreateKeyCommand(input));
      const { KeyId, Arn } = KeyMetadata!;
      return { ...KeyMetadata, KeyId: KeyId!, Arn: Arn! };
    },
    stop: async () => {
      for (const one of clients) one.destroy();
      await server.stop();
      rmSync(directory, { recursive: true });
    },
  };
}
