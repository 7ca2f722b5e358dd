// Makes the known answers of algorithms whose private keys are seeds (Ed25519, ML-DSA, ML-KEM), once:
// native/src/selftest/seeded_answers.rs and src/engine/backends/seeded-answers.ts. All come from
// @noble; the tests hold them against vectors of other origin. The keys are for tests alone.
// Run: node scripts/make-seeded-answers.mjs
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { ed25519, ed25519ph } from '@noble/curves/ed25519.js';
import { shake256 } from '@noble/hashes/sha3.js';
import { ml_dsa44, ml_dsa65, ml_dsa87 } from '@noble/post-quantum/ml-dsa.js';
import { ml_kem512, ml_kem768, ml_kem1024 } from '@noble/post-quantum/ml-kem.js';

const answers = [];
const add = (name, bytes) => answers.push([name, Buffer.from(bytes)]);
const message = Buffer.from('Keystrel known answer');
const seed = (name, bytes) => createHash('shake256', { outputLength: bytes }).update(name).digest();
const pkcs8 = (head, bytes) => Buffer.concat([Buffer.from(head, 'hex'), bytes]);

const edwards = seed('Ed25519', 32);
const digest = createHash('sha512').update(message).digest();
add('ED25519_PKCS8', pkcs8('302e020100300506032b657004220420', edwards));
add('ED25519_SIGNATURE', ed25519.sign(message, edwards));
add('ED25519_PH_DIGEST', digest);
add('ED25519_PH_SIGNATURE', ed25519ph.sign(digest, edwards));

for (const [name, dsa, oid] of [
  ['44', ml_dsa44, '11'],
  ['65', ml_dsa65, '12'],
  ['87', ml_dsa87, '13'],
]) {
  const own = seed(`ML-DSA-${name}`, 32);
  const { publicKey, secretKey } = dsa.keygen(own);
  const tr = shake256(publicKey, { dkLen: 64 });
  add(`ML_DSA_${name}_PKCS8`, pkcs8(`3034020100300b06096086480165030403${oid}04228020`, own));
  add(`ML_DSA_${name}_MU`, shake256(Buffer.concat([tr, Buffer.alloc(2), message]), { dkLen: 64 }));
  add(`ML_DSA_${name}_SIGNATURE`, dsa.sign(message, secretKey, { extraEntropy: false }));
}

for (const [name, kem, oid] of [
  ['512', ml_kem512, '01'],
  ['768', ml_kem768, '02'],
  ['1024', ml_kem1024, '03'],
]) {
  const own = seed(`ML-KEM-${name}`, 64);
  const { publicKey } = kem.keygen(own);
  const { cipherText, sharedSecret } = kem.encapsulate(publicKey, seed(`ML-KEM-${name} m`, 32));
  add(`ML_KEM_${name}_PKCS8`, pkcs8(`3054020100300b06096086480165030404${oid}04428040`, own));
  add(`ML_KEM_${name}_CIPHERTEXT`, cipherText);
  add(`ML_KEM_${name}_SECRET`, sharedSecret);
}

const head =
  'Known answers of seeded keys for the start-up self-tests, made by scripts/make-seeded-answers.mjs.';
const hexLines = (bytes) => bytes.toString('hex').match(/.{1,92}/g);
writeFileSync(
  'native/src/selftest/seeded_answers.rs',
  `//! ${head}\n\n${answers
    .map(([name, bytes]) => `pub const ${name}: &str = "\\\n${hexLines(bytes).join('\\\n')}";\n`)
    .join('')}`,
);
writeFileSync(
  'src/engine/backends/seeded-answers.ts',
  `// ${head}\n\nconst hex = (text: string): Buffer => Buffer.from(text, 'hex');\n\n${answers
    .map(
      ([name, bytes]) =>
        `export const ${name} = hex(\n${hexLines(bytes)
          .map((l) => `  '${l}'`)
          .join(' +\n')},\n);\n`,
    )
    .join('')}`,
);
