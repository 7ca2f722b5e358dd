/** The native backend: the addon, its arena and its vault. */
import { cpus } from 'node:os';
import { handleGeneration, handleSlot, type KeyHandle, makeHandle } from '../../core/key-handle.js';
import type { PassphraseSource, RootVault } from '../../seal/port.js';
import type { Backend } from './backend.js';
import type { HandleParts, NativeAddon } from './native-addon.js';

function handle(parts: HandleParts): KeyHandle {
  return makeHandle(parts.slot, parts.generation);
}

function from(source: PassphraseSource): string {
  return source.kind === 'file' ? source.path : source.name;
}

function nativeVault(addon: NativeAddon): RootVault {
  return {
    createFile: (path) => handle(addon.vaultCreateFile(path)),
    openFile: (path) => handle(addon.vaultOpenFile(path)),
    createPassphraseFile: (path, source) =>
      handle(addon.vaultCreatePassphraseFile(path, source.kind, from(source))),
    openPassphraseFile: (path, source) =>
      handle(addon.vaultOpenPassphraseFile(path, source.kind, from(source))),
  };
}

/** Algorithms whose short messages have kernels of their own. */
const SHORT: ReadonlySet<string> = new Set(['SYMMETRIC_DEFAULT', 'HMAC_SHA_256']);

export function createNativeBackend(addon: NativeAddon): Backend {
  const info = addon.info();
  const why = `AWS-LC in the native addon, CPU class ${info.cpuClass}${
    info.cpuReason ? ` (${info.cpuReason})` : ''
  }`;
  const lanes = info.cpuClass === 'ifma' || info.cpuClass === 'avx2';
  const whyOf = (algorithm: string): string => {
    if (algorithm.startsWith('SM2')) return why.replace('AWS-LC', "RustCrypto's sm2");
    if (SHORT.has(algorithm)) return `${why}; short messages: ${info.shortMessages}`;
    const batched = lanes && /^(RSA|ECC|ED25519)/.test(algorithm);
    return batched ? `${why}; batches: eight lanes where that pays` : why;
  };
  return {
    name: 'native',
    cpu: info.cpu || (cpus()[0]?.model ?? 'unknown'),
    cpuClass: info.cpuClass,
    vault: nativeVault(addon),
    run: (frame) => {
      addon.runFrame(frame);
    },
    runWith: (frame) => {
      addon.runFrame(frame);
    },
    attachments: () => undefined,
    freeKey: (key) => {
      addon.freeKey(handleSlot(key), handleGeneration(key));
    },
    localKeys: false,
    breakEven: {
      identity: `${info.cpu} | ${info.cpuClass} | ${info.version}`,
      rows: () => addon.breakEvens(),
      set: ({ name, first, further }) => addon.setBreakEven(name, first, further),
      measure: (name) => addon.measureBreakEven(name) ?? undefined,
    },
    selfTest: () =>
      addon.selfTest().map((row) => ({
        operation: row.operation,
        algorithm: row.algorithm,
        backend: row.passed ? ('native' as const) : ('none' as const),
        why: row.passed ? whyOf(row.algorithm) : 'its start-up self-test failed',
      })),
  };
}
