/**
 * Root key files of the node backend: the format of native/src/vault, byte for byte, so that a
 * deployment may change backends. Here the root key's bytes pass through this process's heap.
 *
 *   plain       "KSRK" | 1 | 0 | 00 00 | root key (32) | first 8 bytes of SHA-256 of all before
 *   passphrase  "KSRK" | 1 | 1 | 00 00 | u32 KiB | u32 passes | u32 lanes | salt (16) | IV (12) |
 *               AES-256-GCM(root key) (32) | tag (16);  key = argon2id, AAD = bytes 0..48
 */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createSecretKey,
  randomBytes,
} from 'node:crypto';
import {
  closeSync,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  readSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { hashRawSync } from '@node-rs/argon2';
import type { KeyHandle } from '../../core/key-handle.js';
import type { PassphraseSource, RootVault } from '../../seal/port.js';
import { SPEC } from '../frame-layout.js';
import type { NodeKeyRegistry } from './node-keys.js';

const PLAIN_BYTES = 48;
const SEALED_BYTES = 96;
const MEMORY_KIB = 65_536;
const PASSES = 3;
const LANES = 1;
const MEMORY_KIB_MAX = 1_048_576;
const PASSES_MAX = 16;
const ARGON2ID = 2;

function readPassphrase(source: PassphraseSource): Buffer {
  let text: Buffer;
  if (source.kind === 'file') text = readFileSync(source.path);
  else {
    const value = process.env[source.name];
    if (value === undefined) throw new Error(`environment variable ${source.name} is not set`);
    text = Buffer.from(value);
  }
  let end = text.length;
  while (end > 0 && (text[end - 1] === 10 || text[end - 1] === 13)) end -= 1;
  if (end < 12) throw new Error('the passphrase is shorter than 12 bytes');
  return text.subarray(0, end);
}

function writeNew(path: string, bytes: Buffer): void {
  const file = openSync(path, 'wx', 0o600);
  try {
    writeSync(file, bytes);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  const directory = openSync(dirname(path), 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

function readPrivate(path: string, bytes: number): Buffer {
  const file = openSync(path, 'r');
  try {
    const stat = fstatSync(file);
    if ((stat.mode & 0o077) !== 0) {
      throw new Error(`${path}: others may read or write it; set mode 0600`);
    }
    const uid = process.geteuid?.() ?? 0;
    if (stat.uid !== uid && uid !== 0) throw new Error(`${path}: it belongs to another user`);
    const content = Buffer.alloc(bytes + 1);
    const read = readSync(file, content, 0, bytes + 1, 0);
    if (read !== bytes || content.toString('latin1', 0, 4) !== 'KSRK' || content[4] !== 1) {
      throw damaged(path);
    }
    return content.subarray(0, bytes);
  } finally {
    closeSync(file);
  }
}

function damaged(path: string): Error {
  return new Error(`${path}: damaged, or sealed in another way`);
}

function checksum(head: Buffer): Buffer {
  return createHash('sha256').update(head).digest().subarray(0, 8);
}

function passphraseKey(source: PassphraseSource, file: Buffer): Buffer {
  const [memoryCost, timeCost, parallelism] = [8, 12, 16].map((at) => file.readUInt32LE(at));
  if (memoryCost! > MEMORY_KIB_MAX || timeCost! > PASSES_MAX || parallelism !== LANES) {
    throw new Error('the root key file asks for more argon2id work than is allowed');
  }
  return hashRawSync(readPassphrase(source), {
    algorithm: ARGON2ID,
    memoryCost: memoryCost!,
    timeCost: timeCost!,
    parallelism,
    outputLen: 32,
    salt: file.subarray(20, 36),
  });
}

export function createNodeVault(registry: NodeKeyRegistry): RootVault {
  const load = (root: Buffer): KeyHandle => {
    const handle = registry.insert({ spec: SPEC.ROOT, key: createSecretKey(root) });
    root.fill(0);
    return handle;
  };
  return {
    createFile(path) {
      const head = Buffer.concat([Buffer.from('KSRK\x01\0\0\0', 'latin1'), randomBytes(32)]);
      writeNew(path, Buffer.concat([head, checksum(head)]));
      return load(head.subarray(8));
    },
    openFile(path) {
      const file = readPrivate(path, PLAIN_BYTES);
      const sound = checksum(file.subarray(0, 40)).equals(file.subarray(40));
      if (!sound || file.readUIntBE(5, 3) !== 0) throw damaged(path);
      return load(file.subarray(8, 40));
    },
    createPassphraseFile(path, source) {
      const file = Buffer.alloc(SEALED_BYTES);
      file.write('KSRK\x01\x01\0\0', 'latin1');
      [MEMORY_KIB, PASSES, LANES].forEach((value, i) => {
        file.writeUInt32LE(value, 8 + 4 * i);
      });
      randomBytes(28).copy(file, 20);
      const root = randomBytes(32);
      const key = passphraseKey(source, file);
      const cipher = createCipheriv('aes-256-gcm', key, file.subarray(36, 48));
      cipher.setAAD(file.subarray(0, 48));
      cipher.update(root).copy(file, 48);
      cipher.final();
      cipher.getAuthTag().copy(file, 80);
      key.fill(0);
      writeNew(path, file);
      return load(root);
    },
    openPassphraseFile(path, source) {
      const file = readPrivate(path, SEALED_BYTES);
      if (file[5] !== 1 || file.readUInt16BE(6) !== 0) throw damaged(path);
      const key = passphraseKey(source, file);
      const decipher = createDecipheriv('aes-256-gcm', key, file.subarray(36, 48));
      key.fill(0);
      decipher.setAAD(file.subarray(0, 48));
      decipher.setAuthTag(file.subarray(80));
      const root = decipher.update(file.subarray(48, 80));
      try {
        decipher.final();
      } catch {
        throw new Error(`${path}: the passphrase is wrong, or the file is damaged`);
      }
      return load(root);
    },
  };
}
