//! The curves: P-256, P-384, P-521 (FIPS 186-5, SP 800-186) and secp256k1 (SEC 2, 2.4.1).
use crate::ffi::Hash;
use crate::field::{Prime, Words, words};

/// A short Weierstrass curve y^2 = x^3 + a*x + b of prime order.
pub trait Curve: Copy + 'static {
    type Field: Prime;
    type Order: Prime;
    /// a is -3; else it is 0.
    const A_IS_MINUS_3: bool;
    const B: Words;
    const GX: Words;
    const GY: Words;
    /// Bytes of a field element and of a scalar.
    const LEN: usize;
    /// Signatures have s <= n / 2, as libsecp256k1 makes them (and Bitcoin wants them).
    const LOW_S: bool = false;
    /// The hash of the curve's ECDSA algorithm in KMS.
    const HASH: Hash;
}

macro_rules! prime {
    ($(#[$doc:meta])* $name:ident, $bits:literal, $hot:literal, $value:literal $(, $terms:expr)?) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub struct $name;
        impl Prime for $name {
            const VALUE: Words = words($value);
            const BITS: u32 = $bits;
            const IS_HOT: bool = $hot;
            $(const NEGATED: &'static [(u32, bool)] = &$terms;)?
        }
    };
}

prime!(
    /// 2^256 - 2^224 + 2^192 + 2^96 - 1
    P256, 256, true, "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff"
);
prime!(
    /// Order of P-256.
    N256, 256, false, "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"
);
prime!(
    /// 2^384 - 2^128 - 2^96 + 2^32 - 1
    P384, 384, false,
    "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000ffffffff",
    [(96, false), (128, false), (384, true)]
);
prime!(
    /// Order of P-384.
    N384, 384, false,
    "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973"
);
prime!(
    /// 2^521 - 1
    P521, 521, false,
    "01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
);
prime!(
    /// Order of P-521.
    N521, 521, false,
    "01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409"
);
prime!(
    /// 2^256 - 2^32 - 977
    K256, 256, true, "fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f"
);
prime!(
    /// Order of secp256k1.
    L256, 256, false, "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"
);

#[derive(Clone, Copy)]
pub struct NistP256;
#[derive(Clone, Copy)]
pub struct NistP384;
#[derive(Clone, Copy)]
pub struct NistP521;
#[derive(Clone, Copy)]
pub struct Secp256k1;

impl Curve for NistP256 {
    type Field = P256;
    type Order = N256;
    const A_IS_MINUS_3: bool = true;
    const B: Words = words("5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b");
    const GX: Words = words("6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296");
    const GY: Words = words("4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5");
    const LEN: usize = 32;
    const HASH: Hash = Hash::Sha256;
}

impl Curve for NistP384 {
    type Field = P384;
    type Order = N384;
    const A_IS_MINUS_3: bool = true;
    const B: Words = words(
        "b3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aef",
    );
    const GX: Words = words(
        "aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7",
    );
    const GY: Words = words(
        "3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f",
    );
    const LEN: usize = 48;
    const HASH: Hash = Hash::Sha384;
}

impl Curve for NistP521 {
    type Field = P521;
    type Order = N521;
    const A_IS_MINUS_3: bool = true;
    const B: Words = words(
        "0051953eb9618e1c9a1f929a21a0b68540eea2da725b99b315f3b8b489918ef109e156193951ec7e937b1652c0bd3bb1bf073573df883d2c34f1ef451fd46b503f00",
    );
    const GX: Words = words(
        "00c6858e06b70404e9cd9e3ecb662395b4429c648139053fb521f828af606b4d3dbaa14b5e77efe75928fe1dc127a2ffa8de3348b3c1856a429bf97e7e31c2e5bd66",
    );
    const GY: Words = words(
        "011839296a789a3bc0045c8a5fb42c7d1bd998f54449579b446817afbd17273e662c97ee72995ef42640c550b9013fad0761353c7086a272c24088be94769fd16650",
    );
    const LEN: usize = 66;
    const HASH: Hash = Hash::Sha512;
}

impl Curve for Secp256k1 {
    type Field = K256;
    type Order = L256;
    const A_IS_MINUS_3: bool = false;
    const B: Words = words("7");
    const GX: Words = words("79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798");
    const GY: Words = words("483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8");
    const LEN: usize = 32;
    const LOW_S: bool = true;
    const HASH: Hash = Hash::Sha256;
}
