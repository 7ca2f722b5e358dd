//! The examples of GM/T 0003.5 (its annexes A and C), and what must be refused.
use super::key::{Sm2Key, random_scalar};
use super::*;
use crate::frame::Status;
use hex_literal::hex;

const PKCS8: [u8; 138] = hex!(
    "308187020100301306072a8648ce3d020106082a811ccf5501822d046d306b0201010420"
    "3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8"
    "a144034200"
    "0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
    "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
);
const ZA: [u8; 32] = hex!("b2e14c5c79c6df5b85f4fe7ed8db7a262b9da7e07ccb0ea9f4747b8ccda8a4f3");
const DIGEST: [u8; 32] = hex!("f0b43e94ba45accaace692ed534382eb17e6ab5a19ce7b31f4486fdfc0d28640");
const SIGNATURE: [u8; 72] = hex!(
    "3046"
    "022100f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3"
    "022100b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa"
);
const CIPHERTEXT: [u8; 126] = hex!(
    "307c"
    "022004ebfc718e8d1798620432268e77feb6415e2ede0e073c0f4f640ecd2e149a73"
    "022100e858f9d81e5430a57b36daab8f950a3c64e6ee6a63094d99283aff767e124df0"
    "042059983c18f809e262923c53aec295d30383b54e39d609d160afcb1908d0bd8766"
    "041321886ca989ca9c7d58087307ca93092d651efa"
);

fn key() -> Sm2Key {
    Sm2Key::from_pkcs8(&PKCS8).unwrap()
}

#[test]
fn the_example_of_signatures_holds() {
    let key = key();
    assert_eq!(*key.identity(), ZA);
    let digest = digest_of(&key, b"message digest", false).unwrap();
    assert_eq!(digest, DIGEST);
    assert_eq!(digest_of(&key, &DIGEST, true), Ok(DIGEST));
    assert_eq!(verify(&key, &digest, &SIGNATURE), Ok(()));
    for at in 0..SIGNATURE.len() {
        let mut spoilt = SIGNATURE;
        spoilt[at] ^= 1;
        assert_eq!(verify(&key, &digest, &spoilt), Err(Status::InvalidSignature), "byte {at}");
    }
    let longer = [&SIGNATURE[..], &[0]].concat();
    assert_eq!(verify(&key, &digest, &longer), Err(Status::InvalidSignature));
}

#[test]
fn the_example_of_encryption_holds() {
    let key = key();
    assert_eq!(&decrypt(&key, &CIPHERTEXT).unwrap()[..], b"encryption standard");
    for at in 0..CIPHERTEXT.len() {
        let mut spoilt = CIPHERTEXT;
        spoilt[at] ^= 1;
        assert_eq!(decrypt(&key, &spoilt).unwrap_err(), Status::InvalidCiphertext, "byte {at}");
        assert_eq!(decrypt(&key, &CIPHERTEXT[..at]).unwrap_err(), Status::InvalidCiphertext);
    }
}

#[test]
fn keys_are_written_as_they_were_read() {
    let pair = key().pair().unwrap();
    assert_eq!(pair.pkcs8[..], PKCS8);
    for _ in 0..20 {
        let pair = generate();
        assert_eq!((pair.pkcs8.len(), pair.spki.len()), (138, 91));
        let key = Sm2Key::from_pkcs8(&pair.pkcs8).unwrap();
        assert_eq!(key.pair().unwrap().pkcs8[..], pair.pkcs8[..]);
        let public = Sm2Key::from_spki(&pair.spki).unwrap();
        assert!(!public.is_private());
        assert_eq!(public.identity(), key.identity());
        assert_eq!(public.pair().err(), Some(Status::BadKey));
        assert_eq!(sign(&public, &DIGEST, &mut [0; 80]), Err(Status::BadKey));
        assert_eq!(decrypt(&public, &CIPHERTEXT).unwrap_err(), Status::BadKey);
        assert_eq!(ecdh(&public, &pair.spki, &mut [0; 32]), Err(Status::BadKey));
    }
}

#[test]
fn other_forms_of_a_private_key_are_read() {
    // Without its public key; then with a compressed one, and with its parameters named twice.
    let scalar = &PKCS8[36..68];
    let head = hex!("301306072a8648ce3d020106082a811ccf5501822d");
    let short = [&hex!("3041020100")[..], &head, &hex!("042730250201010420"), scalar].concat();
    assert_eq!(Sm2Key::from_pkcs8(&short).unwrap().pair().unwrap().pkcs8[..], PKCS8);
    let named = hex!("a00a06082a811ccf5501822d");
    let x = &PKCS8[74..106];
    let bits = [&hex!("a12403220003")[..], x].concat();
    let inner = [&hex!("30570201010420")[..], scalar, &named, &bits].concat();
    let long = [&hex!("3073020100")[..], &head, &hex!("0459"), &inner].concat();
    assert_eq!(Sm2Key::from_pkcs8(&long).unwrap().pair().unwrap().pkcs8[..], PKCS8);
}

#[test]
fn what_is_no_key_is_refused() {
    let spki = key().pair().unwrap().spki;
    // The scalar, and what must belong to it.
    // But the last bit of the version, which is that of RFC 5208 or of RFC 5958.
    for at in (0..PKCS8.len()).filter(|at| *at != 5) {
        let mut spoilt = PKCS8;
        spoilt[at] ^= 1;
        assert_eq!(Sm2Key::from_pkcs8(&spoilt).err(), Some(Status::BadInput), "byte {at}");
    }
    for at in 0..spki.len() {
        let mut spoilt = spki.clone();
        spoilt[at] ^= 1;
        assert_eq!(Sm2Key::from_spki(&spoilt).err(), Some(Status::BadPeerKey), "byte {at}");
    }
    assert_eq!(Sm2Key::from_spki(&[&spki[..], &[0]].concat()).err(), Some(Status::BadPeerKey));
    let order = hex!("fffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123");
    let head = hex!("3041020100301306072a8648ce3d020106082a811ccf5501822d042730250201010420");
    let with = |scalar: &[u8]| Sm2Key::from_pkcs8(&[&head[..], scalar].concat());
    for below in 0..2 {
        let mut scalar = order;
        scalar[31] -= below;
        assert_eq!(with(&scalar).err(), Some(Status::BadInput), "n - {below}");
    }
    assert_eq!(with(&[0; 32]).err(), Some(Status::BadInput));
    let mut last = order;
    last[31] -= 2;
    assert!(with(&last).is_ok());
}

#[test]
fn what_is_made_is_read() {
    let (key, other) = (key(), Sm2Key::from_pkcs8(&generate().pkcs8).unwrap());
    let mut out = [0u8; 8192];
    for len in [1, 2, 31, 32, 33, 127, 128, 255, 256, 1024, 4096, 6144] {
        let plaintext: Vec<u8> = (0..len).map(|i| (i * 7) as u8).collect();
        let digest = digest_of(&key, &plaintext, false).unwrap();
        let signed = sign(&key, &digest, &mut out).unwrap();
        assert_eq!(verify(&key, &digest, &out[..signed]), Ok(()));
        assert_eq!(verify(&other, &digest, &out[..signed]), Err(Status::InvalidSignature));
        let sealed = encrypt(&key, &plaintext, &mut out).unwrap();
        assert_eq!(decrypt(&key, &out[..sealed]).unwrap()[..], plaintext);
        assert_eq!(decrypt(&other, &out[..sealed]).unwrap_err(), Status::InvalidCiphertext);
        assert_eq!(encrypt(&key, &plaintext, &mut out[..len]), Err(Status::OutTooSmall));
    }
    assert_eq!(encrypt(&key, &[], &mut out), Err(Status::BadInput));
    assert_eq!(encrypt(&key, &[0; 6145], &mut out), Err(Status::BadInput));
    assert_eq!(digest_of(&key, &[0; 31], true), Err(Status::BadInput));
    assert_eq!(sign(&key, &DIGEST, &mut out[..60]), Err(Status::OutTooSmall));
}

#[test]
fn a_single_byte_is_never_sent_in_the_clear() {
    // A mask of zero comes once in 256; it must not be used.
    let key = key();
    let mut out = [0u8; 256];
    for _ in 0..2_000 {
        let len = encrypt(&key, &[0x5a], &mut out).unwrap();
        assert_ne!(out[len - 1], 0x5a);
    }
}

#[test]
fn both_sides_agree() {
    let pairs = [generate(), generate()];
    let keys = pairs.each_ref().map(|pair| Sm2Key::from_pkcs8(&pair.pkcs8).unwrap());
    let (mut first, mut second) = ([0u8; 32], [1u8; 32]);
    assert_eq!(ecdh(&keys[0], &pairs[1].spki, &mut first), Ok(32));
    assert_eq!(ecdh(&keys[1], &pairs[0].spki, &mut second), Ok(32));
    assert_eq!(first, second);
    assert_eq!(ecdh(&keys[0], &pairs[1].spki, &mut [0; 31]), Err(Status::OutTooSmall));
    assert_eq!(ecdh(&keys[0], &[], &mut first), Err(Status::BadPeerKey));
}

#[test]
fn nonces_differ() {
    assert!(*random_scalar() != *random_scalar());
    let key = key();
    let mut signatures: Vec<Vec<u8>> = (0..100)
        .map(|_| {
            let mut out = [0u8; 80];
            let len = sign(&key, &DIGEST, &mut out).unwrap();
            out[..len].to_vec()
        })
        .collect();
    signatures.sort_unstable();
    signatures.dedup();
    assert_eq!(signatures.len(), 100);
}
