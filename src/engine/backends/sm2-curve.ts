/** The curve of SM2 (GM/T 0003.5, "sm2p256v1") for @noble/curves, which has no table of it. */
import { ecdsa, type WeierstrassOpts, weierstrass } from '@noble/curves/abstract/weierstrass.js';
import { sha256 } from '@noble/hashes/sha2.js';

const CURVE: WeierstrassOpts<bigint> = Object.freeze({
  p: 0xfffffffeffffffffffffffffffffffffffffffff00000000ffffffffffffffffn,
  n: 0xfffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123n,
  h: 1n,
  a: 0xfffffffeffffffffffffffffffffffffffffffff00000000fffffffffffffffcn,
  b: 0x28e9fa9e9d9f5e344d5a9e4bcf6509a7f39789f515ab8f92ddbcbd414d940e93n,
  Gx: 0x32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7n,
  Gy: 0xbc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0n,
});

/** DER of the object identifier 1.2.156.10197.1.301. */
export const SM2_OID = '06082a811ccf5501822d';

/** Points, keys and ECDH; its ECDSA, whatever the hash, is used by nobody. */
export const sm2 = ecdsa(weierstrass<bigint>(CURVE), sha256);
