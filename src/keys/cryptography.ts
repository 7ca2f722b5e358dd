/**
 * What keys do. Nothing here looks at state or usage: operations have done so before.
 *
 * Every job counts as a use of its material until it ends. When the material is loaded, a request
 * costs one promise besides that of the job.
 */
import type { BlobInput, Payload } from '../core/blob.js';
import { KmsError } from '../core/errors.js';
import { mapped } from '../core/later.js';
import type { KeySpec, MessageType } from '../core/records.js';
import type { EncapsulatedSecret, KeyStore } from '../keystores/port.js';
import { headerText } from './ciphertext.js';
import { canonicalContext } from './encryption-context.js';
import type { Key } from './key.js';
import type { Material } from './material.js';
import type { Materials } from './materials.js';
import { resolved } from './resolved-key.js';
import type { EncryptionContext } from './service.js';

interface Opened {
  plaintext: Buffer;
  materialId: string;
}

export class Cryptography {
  readonly #keyStore: KeyStore;
  readonly #materials: Materials;
  readonly #rethrow: (error: unknown) => never;
  // Ends of a job: the outcome comes with the material that was used for it.
  readonly #released = <T>(result: T, material: Material): T => {
    this.#materials.release(material);
    return result;
  };
  readonly #opened = (plaintext: Buffer, material: Material): Opened => {
    this.#materials.release(material);
    return { plaintext, materialId: material.materialId };
  };
  readonly #failed = (error: unknown, material: Material): never => {
    this.#materials.release(material);
    throw this.#keyStore.failure(error);
  };

  constructor(keyStore: KeyStore, materials: Materials) {
    this.#keyStore = keyStore;
    this.#materials = materials;
    this.#rethrow = (error) => {
      throw keyStore.failure(error);
    };
  }

  encrypt(key: Key, plaintext: Payload, context: EncryptionContext | undefined): Promise<Buffer> {
    const bytes = canonicalContext(context);
    const material = this.#current(key);
    if (material instanceof Promise) {
      return material.then((loaded) => this.#encrypt(loaded, plaintext, bytes));
    }
    return this.#encrypt(material, plaintext, bytes);
  }

  decrypt(key: Key, blob: BlobInput, context: EncryptionContext | undefined): Promise<Opened> {
    const text = headerText(blob);
    if (text === undefined) throw new KmsError('InvalidCiphertextException');
    const bytes = canonicalContext(context);
    const found = this.#materials.ofCiphertext(resolved(key), text);
    if (found instanceof Promise) {
      return found.then((material) => this.#open(material, blob, bytes));
    }
    return this.#open(found, blob, bytes);
  }

  generateDataKey(
    key: Key,
    length: number,
    context: EncryptionContext | undefined,
  ): Promise<{ plaintext: Buffer; blob: Buffer }> {
    const bytes = canonicalContext(context);
    return this.#run(this.#current(key), (material) =>
      this.#keyStore.generateDataKey(material.handle, length, bytes, material.header),
    );
  }

  generateDataKeyPair(
    key: Key,
    pairSpec: KeySpec,
    context: EncryptionContext | undefined,
    withPlaintext: boolean,
  ): Promise<{ privateKey: Buffer | undefined; publicKey: Buffer; blob: Buffer }> {
    const bytes = canonicalContext(context);
    return this.#run(this.#current(key), ({ handle, header }) =>
      this.#keyStore.generateKeyPair(handle, pairSpec, bytes, header, withPlaintext),
    );
  }

  encryptAsymmetric(key: Key, algorithm: string, plaintext: Payload): Promise<Buffer> {
    return this.#run(this.#current(key), ({ handle }) =>
      this.#keyStore.rsaEncrypt(handle, key.record.keySpec, algorithm, plaintext),
    );
  }

  decryptAsymmetric(key: Key, algorithm: string, ciphertext: BlobInput): Promise<Buffer> {
    return this.#run(this.#current(key), ({ handle }) =>
      this.#keyStore.rsaDecrypt(handle, key.record.keySpec, algorithm, ciphertext),
    );
  }

  sign(key: Key, algorithm: string, message: Payload, messageType: MessageType): Promise<Buffer> {
    return this.#run(this.#current(key), ({ handle }) =>
      this.#keyStore.sign(handle, key.record.keySpec, algorithm, message, messageType),
    );
  }

  verify(
    key: Key,
    algorithm: string,
    message: Payload,
    messageType: MessageType,
    signature: Payload,
  ): Promise<void> {
    return this.#run(this.#current(key), ({ handle }) =>
      this.#keyStore.verify(handle, key.record.keySpec, algorithm, message, messageType, signature),
    );
  }

  mac(key: Key, message: Payload): Promise<Buffer> {
    return this.#run(this.#current(key), ({ handle }) =>
      this.#keyStore.mac(handle, key.record.keySpec, message),
    );
  }

  verifyMac(key: Key, message: Payload, mac: Payload): Promise<void> {
    return this.#run(this.#current(key), ({ handle }) =>
      this.#keyStore.verifyMac(handle, key.record.keySpec, message, mac),
    );
  }

  deriveSharedSecret(key: Key, peerSpki: Payload): Promise<Buffer> {
    return this.#run(this.#current(key), ({ handle }) =>
      this.#keyStore.deriveSharedSecret(handle, key.record.keySpec, peerSpki),
    );
  }

  encapsulate(key: Key, algorithm: string): Promise<EncapsulatedSecret> {
    return this.#run(this.#current(key), ({ handle }) =>
      this.#keyStore.encapsulate(handle, key.record.keySpec, algorithm),
    );
  }

  decapsulate(key: Key, algorithm: string, ciphertext: BlobInput): Promise<Buffer> {
    return this.#run(this.#current(key), ({ handle }) =>
      this.#keyStore.decapsulate(handle, key.record.keySpec, algorithm, ciphertext),
    );
  }

  random(bytes: number): Promise<Buffer> {
    return this.#keyStore.random(bytes).catch(this.#rethrow);
  }

  #current(key: Key): Material | Promise<Material> {
    return this.#materials.current(resolved(key));
  }

  #open(material: Material, blob: BlobInput, context: Buffer): Promise<Opened> {
    const job = this.#keyStore.decrypt(material.handle, blob, context, material.header);
    material.uses += 1;
    return mapped(job, material, this.#opened, this.#failed);
  }

  #encrypt(material: Material, plaintext: Payload, context: Buffer): Promise<Buffer> {
    const job = this.#keyStore.encrypt(material.handle, plaintext, context, material.header);
    material.uses += 1;
    return mapped(job, material, this.#released, this.#failed);
  }

  #run<T>(
    material: Material | Promise<Material>,
    job: (material: Material) => Promise<T>,
  ): Promise<T> {
    if (material instanceof Promise) return material.then((loaded) => this.#use(loaded, job));
    return this.#use(material, job);
  }

  #use<T>(material: Material, job: (material: Material) => Promise<T>): Promise<T> {
    const running = job(material);
    material.uses += 1;
    return mapped(running, material, this.#released<T>, this.#failed);
  }
}
