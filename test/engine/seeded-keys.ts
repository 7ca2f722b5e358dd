/** Keys of which the seed is known, loaded into an engine as material is: wrapped by its root key. */
import type { KeyHandle } from '../../src/core/key-handle.js';
import type { KeySpec } from '../../src/core/records.js';
import type { TestEngine } from './support.js';

const AAD = Buffer.from('test');

/** DER before the seed of PKCS#8: RFC 8410, RFC 9881 and RFC 9935. */
const PKCS8_HEADS: Readonly<Partial<Record<KeySpec, string>>> = {
  ECC_NIST_EDWARDS25519: '302e020100300506032b657004220420',
  ML_DSA_44: '3034020100300b060960864801650304031104228020',
  ML_DSA_65: '3034020100300b060960864801650304031204228020',
  ML_DSA_87: '3034020100300b060960864801650304031304228020',
  ML_KEM_512: '3054020100300b060960864801650304040104428040',
  ML_KEM_768: '3054020100300b060960864801650304040204428040',
  ML_KEM_1024: '3054020100300b060960864801650304040304428040',
};

/** DER before the raw key of SPKI, by the same standards. */
const SPKI_HEADS: Readonly<Partial<Record<KeySpec, string>>> = {
  ECC_NIST_EDWARDS25519: '302a300506032b6570032100',
  ML_DSA_44: '30820532300b06096086480165030403110382052100',
  ML_DSA_65: '308207b2300b0609608648016503040312038207a100',
  ML_DSA_87: '30820a32300b060960864801650304031303820a2100',
  ML_KEM_512: '30820332300b06096086480165030404010382032100',
  ML_KEM_768: '308204b2300b0609608648016503040402038204a100',
  ML_KEM_1024: '30820632300b06096086480165030404030382062100',
};

export function pkcs8Of(spec: KeySpec, seed: Buffer): Buffer {
  return Buffer.concat([Buffer.from(PKCS8_HEADS[spec]!, 'hex'), seed]);
}

export function spkiOf(spec: KeySpec, publicKey: Buffer): Buffer {
  return Buffer.concat([Buffer.from(SPKI_HEADS[spec]!, 'hex'), publicKey]);
}

/** Loads a PKCS#8 private key. */
export async function load(t: TestEngine, spec: KeySpec, pkcs8: Buffer): Promise<KeyHandle> {
  return t.engine.loadKey(t.root, spec, await t.engine.wrap(t.root, pkcs8, AAD), AAD);
}

/** 'OK', or the name of the engine's error. */
export function outcome(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'OK',
    (error: unknown) => String((error as { status?: string }).status),
  );
}
