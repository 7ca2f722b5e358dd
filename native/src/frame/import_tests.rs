//! IMPORT_KEY: every wrapping of every kind of material, what is damaged or of the wrong size, keys
//! of the wrong kind, a bad job among good ones, and memory afterwards.
use super::test_frames::{One, run_all};
use super::tests::{OK, job, secret};
use super::*;
use crate::arena::{self, Handle, KeyBody};
use crate::ffi::{self, AsymmetricKey, GeneratedPair};
use crate::symmetric::secret_len;
use aws_lc_sys as lc;
use std::sync::LazyLock;
use zeroize::Zeroizing;

const MODULUS: usize = 256;
const KEY_ID: &[u8] = b"key-id";
const AAD: &[u8] = b"domain/key-id";
const OAEP: [u16; 2] = [alg::RSAES_OAEP_SHA_1, alg::RSAES_OAEP_SHA_256];
const HYBRID: [u16; 2] = [alg::RSA_AES_KEY_WRAP_SHA_1, alg::RSA_AES_KEY_WRAP_SHA_256];
const SECRETS: [u16; 5] =
    [spec::SYMMETRIC_DEFAULT, spec::HMAC_224, spec::HMAC_256, spec::HMAC_384, spec::HMAC_512];

/// An RSA_2048 key that opens: its handle, and its public half, which encrypts.
struct Wrapping {
    handle: Handle,
    public: AsymmetricKey,
}

static WRAPPING: LazyLock<Wrapping> = LazyLock::new(|| {
    let made = ffi::generate_rsa(2048).expect("a key");
    let key = AsymmetricKey::from_pkcs8(spec::RSA_2048, &made.pkcs8).expect("own key");
    Wrapping {
        handle: arena::insert(KeyBody::Asymmetric(key)).expect("room"),
        public: AsymmetricKey::from_spki(spec::RSA_2048, &made.spki).expect("own key"),
    }
});

fn domain() -> Handle {
    secret(spec::DOMAIN, &[0xd0; 32])
}

fn hash_of(algorithm: u16) -> ffi::Hash {
    match algorithm {
        alg::RSAES_OAEP_SHA_1 | alg::RSA_AES_KEY_WRAP_SHA_1 => ffi::Hash::Sha1,
        _ => ffi::Hash::Sha256,
    }
}

fn oaep(algorithm: u16, plaintext: &[u8]) -> Vec<u8> {
    let mut out = vec![0u8; MODULUS];
    let len = ffi::oaep_encrypt(&WRAPPING.public, hash_of(algorithm), plaintext, &mut out);
    assert_eq!(len, Ok(MODULUS));
    out
}

/// RFC 5649 under a key of 16, 24 or 32 bytes.
fn wrap_padded(kek: &[u8], plaintext: &[u8]) -> Vec<u8> {
    let mut out = vec![0u8; plaintext.len() + 16];
    let mut len = 0;
    // SAFETY: test code; pointers with their lengths.
    unsafe {
        let mut schedule = std::mem::zeroed::<lc::AES_KEY>();
        assert_eq!(lc::AES_set_encrypt_key(kek.as_ptr(), 8 * kek.len() as u32, &mut schedule), 0);
        let (to, from) = (out.as_mut_ptr(), plaintext.as_ptr());
        let size = out.len();
        let ok = lc::AES_wrap_key_padded(&schedule, to, &mut len, size, from, plaintext.len());
        lc::OPENSSL_cleanse((&raw mut schedule).cast(), size_of::<lc::AES_KEY>());
        assert_eq!(ok, 1);
    }
    out.truncate(len);
    out
}

/// Material as an importer encrypts it.
fn encrypted(algorithm: u16, material: &[u8]) -> Vec<u8> {
    if OAEP.contains(&algorithm) {
        return oaep(algorithm, material);
    }
    let mut kek = Zeroizing::new(vec![0u8; 32]);
    ffi::random(&mut kek);
    [oaep(algorithm, &kek), wrap_padded(&kek, material)].concat()
}

fn import(spec: u16, algorithm: u16, domain: Handle, blob: &[u8]) -> One<'_> {
    One {
        key2: Some(domain),
        param: u32::from(algorithm),
        ..job(op::IMPORT_KEY, spec, Some(WRAPPING.handle), [blob, AAD, KEY_ID])
    }
}

fn status(job: &One<'_>) -> u32 {
    let (status, out) = job.run();
    assert_eq!(out.len(), 0, "a refusal has no output");
    status
}

/// The parts of an answer: material id, material (opened with the domain key), SPKI.
fn parts(domain: Handle, out: &[u8]) -> (Vec<u8>, Vec<u8>, Vec<u8>) {
    let word = |at: usize| u32::from_le_bytes(out[at..at + 4].try_into().expect("4")) as usize;
    let (wrapped, spki) = (word(32), word(36));
    assert_eq!(out.len(), 40 + wrapped + spki);
    let sealed = &out[40..40 + wrapped];
    let (opened, material) = job(op::DECRYPT, 0, Some(domain), [sealed, AAD, &[]]).run();
    assert_eq!(opened, OK);
    (out[..32].to_vec(), material, out[40 + wrapped..].to_vec())
}

/// HMAC-SHA-256 of the key id under the material.
fn name_of(material: &[u8]) -> Vec<u8> {
    let mut out = vec![0u8; 32];
    let mut len = 0;
    // SAFETY: test code; pointers with their lengths.
    unsafe {
        let (key, message) = (material.as_ptr().cast(), KEY_ID.as_ptr());
        let (to, md) = (out.as_mut_ptr(), lc::EVP_sha256());
        lc::HMAC(md, key, material.len(), message, KEY_ID.len(), to, &mut len);
    }
    out
}

fn private_keys() -> Vec<(u16, GeneratedPair)> {
    vec![
        (spec::RSA_2048, ffi::generate_rsa(2048).expect("a key")),
        (spec::ECC_NIST_P256, ffi::generate_ec(spec::ECC_NIST_P256).expect("a key")),
        (spec::ECC_NIST_P384, ffi::generate_ec(spec::ECC_NIST_P384).expect("a key")),
        (spec::ECC_NIST_P521, ffi::generate_ec(spec::ECC_NIST_P521).expect("a key")),
        (spec::ECC_SECG_P256K1, ffi::generate_ec(spec::ECC_SECG_P256K1).expect("a key")),
        (spec::ECC_NIST_EDWARDS25519, ffi::generate_ed25519().expect("a key")),
    ]
}

#[test]
fn secrets_come_under_every_wrapping() {
    let domain = domain();
    for spec in SECRETS {
        let len = secret_len(spec).expect("a secret");
        let material: Vec<u8> = (0..len as u8).map(|i| i ^ spec as u8).collect();
        for algorithm in OAEP.into_iter().chain(HYBRID) {
            let blob = encrypted(algorithm, &material);
            let (answered, out) = import(spec, algorithm, domain, &blob).run();
            assert_eq!(answered, OK, "{spec} {algorithm}");
            let (id, opened, spki) = parts(domain, &out);
            assert_eq!((id, opened), (name_of(&material), material.clone()));
            assert!(spki.is_empty());
        }
    }
}

#[test]
fn private_keys_come_under_both_hybrid_wrappings() {
    let domain = domain();
    for (spec, pair) in private_keys() {
        for algorithm in HYBRID {
            let blob = encrypted(algorithm, &pair.pkcs8);
            let (answered, out) = import(spec, algorithm, domain, &blob).run();
            assert_eq!(answered, OK, "{spec} {algorithm}");
            let (id, opened, spki) = parts(domain, &out);
            assert_eq!(id, name_of(&opened));
            assert_eq!(spki, pair.spki);
            let key = AsymmetricKey::from_pkcs8(spec, &opened).expect("a whole key");
            assert!(key.is_private());
        }
    }
}

#[test]
fn a_blob_that_is_damaged_anywhere_has_one_status() {
    let domain = domain();
    let material = [7u8; 32];
    for algorithm in [alg::RSAES_OAEP_SHA_256, alg::RSA_AES_KEY_WRAP_SHA_1] {
        let good = encrypted(algorithm, &material);
        // RSA: its first, middle and last bytes; behind it each byte: check value, length, material.
        let damaged: Vec<Vec<u8>> = (0..good.len())
            .filter(|at| *at < 16 || at % 16 == 0 || *at >= MODULUS - 16)
            .map(|at| {
                let mut bad = good.clone();
                bad[at] ^= 1 << (at % 8);
                bad
            })
            .collect();
        assert!(damaged.len() > 40);
        let jobs: Vec<One<'_>> = damaged
            .iter()
            .map(|bad| import(spec::SYMMETRIC_DEFAULT, algorithm, domain, bad))
            .collect();
        for (n, (answered, out)) in run_all(&jobs).into_iter().enumerate() {
            assert_eq!(answered, Status::InvalidCiphertext as u32, "{algorithm}, blob {n}");
            assert!(out.is_empty());
        }
        let whole = import(spec::SYMMETRIC_DEFAULT, algorithm, domain, &good);
        assert_eq!(whole.run().0, OK);
    }
}

#[test]
fn blobs_of_other_sizes_and_algorithms_do_not_open() {
    let domain = domain();
    let material = [7u8; 32];
    for algorithm in OAEP.into_iter().chain(HYBRID) {
        let good = encrypted(algorithm, &material);
        let mut long = good.clone();
        long.push(0);
        let cuts = [0, 1, MODULUS - 1, MODULUS, MODULUS + 7, MODULUS + 8, MODULUS + 24];
        let mut others: Vec<&[u8]> = cuts
            .into_iter()
            .filter(|len| *len < good.len())
            .chain([good.len() - 1, good.len() - 8])
            .map(|len| &good[..len])
            .collect();
        others.push(&long);
        for other in others {
            let refused = status(&import(spec::SYMMETRIC_DEFAULT, algorithm, domain, other));
            assert_eq!(refused, Status::InvalidCiphertext as u32, "{algorithm}: {}", other.len());
        }
        // The other hash, and the other kind of wrapping.
        for wrong in OAEP.into_iter().chain(HYBRID).filter(|wrong| *wrong != algorithm) {
            let refused = status(&import(spec::SYMMETRIC_DEFAULT, wrong, domain, &good));
            assert_eq!(refused, Status::InvalidCiphertext as u32, "{algorithm} as {wrong}");
        }
    }
    for algorithm in HYBRID {
        for len in [0, 1, 16, 24, 31, 33] {
            let kek = vec![9u8; len];
            let wrapped = wrap_padded(&[9; 32], &material);
            let blob = [oaep(algorithm, &kek), wrapped].concat();
            let refused = status(&import(spec::SYMMETRIC_DEFAULT, algorithm, domain, &blob));
            assert_eq!(refused, Status::InvalidCiphertext as u32, "a KEK of {len} bytes");
        }
    }
    for unknown in [0, 5, u32::from(alg::ECDSA_SHA_256), 0x1_0001] {
        let blob = encrypted(alg::RSAES_OAEP_SHA_1, &material);
        let known = import(spec::SYMMETRIC_DEFAULT, alg::RSAES_OAEP_SHA_1, domain, &blob);
        let refused = status(&One { param: unknown, ..known });
        assert_eq!(refused, Status::Unsupported as u32);
    }
}

#[test]
fn material_that_is_no_key_of_the_spec_is_bad_input() {
    let domain = domain();
    let bad_input = |spec: u16, material: &[u8], why: &str| {
        for algorithm in HYBRID {
            let blob = encrypted(algorithm, material);
            let refused = status(&import(spec, algorithm, domain, &blob));
            assert_eq!(refused, Status::BadInput as u32, "{spec}: {why}");
        }
    };
    for spec in SECRETS {
        let len = secret_len(spec).expect("a secret");
        for other in [1, len - 1, len + 1, 2 * len] {
            bad_input(spec, &vec![1; other], "another length");
        }
        let blob = encrypted(alg::RSAES_OAEP_SHA_256, &[]);
        let refused = status(&import(spec, alg::RSAES_OAEP_SHA_256, domain, &blob));
        assert_eq!(refused, Status::BadInput as u32, "nothing");
    }
    let keys = private_keys();
    for (spec, pair) in &keys {
        for (other, _) in keys.iter().filter(|(other, _)| other != spec) {
            bad_input(*other, &pair.pkcs8, "a key of another spec");
        }
        bad_input(spec::RSA_3072, &pair.pkcs8, "a smaller modulus");
        bad_input(*spec, &pair.spki, "a public key");
        bad_input(*spec, &[0x30; 48], "no DER");
        let mut longer = pair.pkcs8.to_vec();
        longer.push(0);
        bad_input(*spec, &longer, "a byte behind it");
        bad_input(*spec, &pair.pkcs8[..pair.pkcs8.len() - 1], "a byte less");
    }
    let lattice = encrypted(HYBRID[0], &keys[1].1.pkcs8);
    for spec in [spec::ML_DSA_44, spec::ML_KEM_768, spec::ROOT, spec::DOMAIN, 999] {
        let (answered, out) = import(spec, HYBRID[0], domain, &lattice).run();
        assert_ne!(answered, OK, "{spec}");
        assert!(out.is_empty());
    }
}

#[test]
fn an_elliptic_key_with_the_public_key_of_another_is_bad_input() {
    let domain = domain();
    let spec = spec::ECC_NIST_P256;
    let own = ffi::generate_ec(spec).expect("a key");
    let other = ffi::generate_ec(spec).expect("a key");
    // Both SPKI and PKCS#8 of AWS-LC end with the 65 bytes of the point.
    let point = own.spki.len() - 65;
    let at = own.pkcs8.len() - 65;
    assert_eq!(own.pkcs8[at..], own.spki[point..]);
    let mut mixed = own.pkcs8.to_vec();
    mixed[at..].copy_from_slice(&other.spki[point..]);
    let blob = encrypted(HYBRID[1], &mixed);
    assert_eq!(status(&import(spec, HYBRID[1], domain, &blob)), Status::BadInput as u32);
}

#[test]
fn keys_of_the_wrong_kind_open_and_wrap_nothing() {
    let domain = domain();
    let blob = encrypted(alg::RSAES_OAEP_SHA_256, &[7; 32]);
    let good = || import(spec::SYMMETRIC_DEFAULT, alg::RSAES_OAEP_SHA_256, domain, &blob);
    let asymmetric = |key: AsymmetricKey| arena::insert(KeyBody::Asymmetric(key)).expect("room");
    let ec = ffi::generate_ec(spec::ECC_NIST_P256).expect("a key");
    let spki = ffi::generate_rsa(2048).expect("a key").spki;
    let stale = secret(spec::DOMAIN, &[1; 32]);
    assert!(arena::free(stale.slot, stale.generation));
    let mac = secret(spec::HMAC_256, &[1; 32]);
    let data = secret(spec::SYMMETRIC_DEFAULT, &[1; 32]);
    let opens_nothing = [
        None,
        Some(stale),
        Some(mac),
        Some(domain),
        Some(asymmetric(AsymmetricKey::from_pkcs8(spec::ECC_NIST_P256, &ec.pkcs8).expect("own"))),
        Some(asymmetric(AsymmetricKey::from_spki(spec::RSA_2048, &spki).expect("own"))),
    ];
    for key in opens_nothing {
        assert_eq!(status(&One { key, ..good() }), Status::BadKey as u32);
    }
    for key2 in [None, Some(stale), Some(mac), Some(data), Some(WRAPPING.handle)] {
        assert_eq!(status(&One { key2, ..good() }), Status::BadKey as u32);
    }
    let needed = 40 + 32 + SEAL_OVERHEAD_BYTES;
    assert_eq!(status(&One { cap: needed - 1, ..good() }), Status::OutTooSmall as u32);
    assert_eq!(One { cap: needed, ..good() }.run().0, OK);
}

#[test]
fn a_bad_job_leaves_its_neighbours_alone() {
    let domain = domain();
    let blobs: Vec<Vec<u8>> =
        (0..9u8).map(|i| encrypted(HYBRID[usize::from(i % 2)], &[i; 32])).collect();
    let mut spoiled = blobs.clone();
    spoiled[3][MODULUS + 4] ^= 1;
    spoiled[5].truncate(MODULUS - 1);
    let jobs: Vec<One<'_>> = spoiled
        .iter()
        .enumerate()
        .map(|(i, blob)| {
            let spec = if i == 7 { spec::HMAC_384 } else { spec::HMAC_256 };
            import(spec, HYBRID[i % 2], domain, blob)
        })
        .collect();
    let bad =
        [(3, Status::InvalidCiphertext), (5, Status::InvalidCiphertext), (7, Status::BadInput)];
    for (i, (answered, out)) in run_all(&jobs).into_iter().enumerate() {
        if let Some((_, refusal)) = bad.iter().find(|(at, _)| *at == i) {
            assert_eq!((answered, out.len()), (*refusal as u32, 0), "job {i}");
            continue;
        }
        assert_eq!(answered, OK, "job {i}");
        let (id, opened, _) = parts(domain, &out);
        assert_eq!((id, opened), (name_of(&[i as u8; 32]), vec![i as u8; 32]));
    }
}

/// Bytes that are searched for, kept so that a search does not find what it is looking for here.
struct Masked(Vec<u8>);

const MASK: u8 = 0x5a;

impl Masked {
    fn of(secret: &[u8]) -> Self {
        Self(secret.iter().map(|byte| byte ^ MASK).collect())
    }

    fn is_in(&self, bytes: &[u8]) -> bool {
        let first = self.0[0] ^ MASK;
        let ends = bytes.len().saturating_sub(self.0.len());
        (0..=ends).any(|at| {
            bytes.get(at) == Some(&first)
                && bytes[at..].iter().zip(&self.0).filter(|(a, b)| **a ^ MASK == **b).count()
                    == self.0.len()
        })
    }
}

/// True when the bytes are anywhere in this process's writable memory.
#[cfg(target_os = "linux")]
fn in_memory(wanted: &Masked) -> bool {
    use std::os::unix::fs::FileExt;
    const CHUNK: usize = 1 << 20;
    /// Larger mappings are a sanitizer's own.
    const MAPPING_MAX: u64 = 1 << 32;
    let maps = std::fs::read_to_string("/proc/self/maps").expect("the maps of a process");
    let memory = std::fs::File::open("/proc/self/mem").expect("the memory of a process");
    let mut chunk = vec![0u8; CHUNK + wanted.0.len()];
    for line in maps.lines().filter(|line| line.contains(" rw")) {
        let (range, _) = line.split_once(' ').expect("a range");
        let (start, end) = range.split_once('-').expect("a range");
        let [start, end] = [start, end].map(|hex| u64::from_str_radix(hex, 16).expect("hex"));
        let end = if end - start > MAPPING_MAX { start } else { end };
        for at in (start..end).step_by(CHUNK) {
            let len = chunk.len().min((end - at) as usize);
            // Memory that others have unmapped since is not read.
            let Ok(read) = memory.read_at(&mut chunk[..len], at) else { continue };
            if wanted.is_in(&chunk[..read]) {
                return true;
            }
        }
    }
    false
}

/// False under an emulator, whose file shows the emulator's memory.
#[cfg(target_os = "linux")]
fn is_shown(bytes: &[u8]) -> bool {
    use std::os::unix::fs::FileExt;
    let memory = std::fs::File::open("/proc/self/mem").expect("the memory of a process");
    let mut read = vec![0u8; bytes.len()];
    memory.read_exact_at(&mut read, bytes.as_ptr() as u64).is_ok() && read == bytes
}

#[cfg(target_os = "linux")]
#[test]
fn nothing_of_the_material_stays_in_memory() {
    // The control: what is there is found.
    let kept: Vec<u8> = (0..32).map(|i| i ^ 0xc3).collect();
    if !is_shown(&kept) {
        println!("not searched: /proc/self/mem is not this program's memory");
        return;
    }
    assert!(in_memory(&Masked::of(std::hint::black_box(&kept))));
    let domain = domain();
    for algorithm in OAEP.into_iter().chain(HYBRID) {
        let mut material = Zeroizing::new(vec![0u8; 32]);
        ffi::random(&mut material);
        let wanted = Masked::of(&material);
        let blob = encrypted(algorithm, &material);
        drop(material);
        let good = import(spec::SYMMETRIC_DEFAULT, algorithm, domain, &blob);
        // Also where the spec refuses what was opened.
        let refused = import(spec::HMAC_512, algorithm, domain, &blob);
        assert_eq!((good.run().0, refused.run().0), (OK, Status::BadInput as u32));
        assert!(!in_memory(&wanted), "{algorithm}");
    }
    let mut pair = ffi::generate_ec(spec::ECC_NIST_P256).expect("a key");
    let scalar = {
        let key = AsymmetricKey::from_pkcs8(spec::ECC_NIST_P256, &pair.pkcs8).expect("own key");
        Masked::of(&ffi::private_scalar(&key).expect("a scalar"))
    };
    let blob = encrypted(HYBRID[1], &pair.pkcs8);
    zeroize::Zeroize::zeroize(&mut pair.pkcs8);
    assert_eq!(import(spec::ECC_NIST_P256, HYBRID[1], domain, &blob).run().0, OK);
    assert!(!in_memory(&scalar), "a private key");
}
