//! Known answers of the curves on every lane of the kernels in force; nothing where none are.
use super::hex;
use crate::break_even::{BreakEven, forced};
use crate::cpu;
use crate::ec::batch::Kernels;
use crate::ec::ed25519::{DecodeJob, Expanded, PublicJob, PublicKey, SignJob, Variant, VerifyJob};
use crate::ec::{self, EcJob, ed25519};
use crate::ffi::AsymmetricKey;
use crate::frame::Status;
use crate::vec::LANES;

/// An example of RFC 8032: seed, public key, message (for `Prehashed` its digest), signature.
pub(super) type Example = (Variant, &'static str, &'static str, &'static str, &'static str);

const ABC_SHA_512: &str = "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a\
     274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f";

/// RFC 8032, 7.1 (TEST 1, 2, 3, SHA(abc)) and 7.3 (TEST abc).
pub(super) const EXAMPLES: [Example; 5] = [
    (
        Variant::Pure,
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e3970\
         1cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        Variant::Pure,
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613\
         d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        Variant::Pure,
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760\
         984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
    (
        Variant::Pure,
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        ABC_SHA_512,
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c6\
         6431e0303dca179c138ac17ad9bef1177331a704",
    ),
    (
        Variant::Prehashed,
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        ABC_SHA_512,
        "98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae4131f85042463c2a355a2003d0\
         62adf5aaa10b8c61e636062aaad11c2a26083406",
    ),
];

fn bytes<const N: usize>(text: &str) -> [u8; N] {
    let mut out = [0; N];
    let read = hex(text);
    out[..read.len().min(N)].copy_from_slice(&read[..read.len().min(N)]);
    out
}

/// Public keys, signatures and verifications of all examples, each in every lane: as many batches as
/// there are examples, each shifted by one. One lane of each batch has a spoilt signature.
pub(super) fn ed25519(examples: &[Example]) -> bool {
    Kernels::of_class(cpu::class().0).is_none_or(|kernels| ed25519_on(kernels, examples))
}

pub(super) fn ed25519_on(kernels: Kernels, examples: &[Example]) -> bool {
    let keys: Vec<Expanded> = examples
        .iter()
        .map(|example| {
            let mut key = Expanded::default();
            key.set(&bytes(example.1));
            key
        })
        .collect();
    let publics: Vec<[u8; 32]> = examples.iter().map(|example| bytes(example.2)).collect();
    let messages: Vec<Vec<u8>> = examples.iter().map(|example| hex(example.3)).collect();
    let signatures: Vec<[u8; 64]> = examples.iter().map(|example| bytes(example.4)).collect();
    let mut decoded: Vec<_> = publics.iter().map(DecodeJob::new).collect();
    ed25519::batch::decode(kernels, &mut decoded);
    let points: Vec<PublicKey> =
        decoded.iter().map(|job| PublicKey { encoded: *job.encoded, point: job.point }).collect();
    (0..examples.len()).all(|shift| {
        let of: [usize; LANES] = std::array::from_fn(|lane| (lane + shift) % examples.len());
        let mut made = of.map(|i| PublicJob::new(&keys[i]));
        ed25519::batch::public(kernels, &mut made);
        let mut signed =
            of.map(|i| SignJob::new(&keys[i], &publics[i], examples[i].0, &messages[i]));
        ed25519::batch::sign(kernels, &mut signed);
        let wrong = shift % LANES;
        let mut given = of.map(|i| signatures[i]);
        given[wrong][40] ^= 1;
        let mut verified: [VerifyJob<'_>; LANES] = std::array::from_fn(|lane| {
            let i = of[lane];
            VerifyJob::new(&points[i], examples[i].0, &messages[i], &given[lane])
        });
        ed25519::batch::verify(kernels, &mut verified);
        (0..LANES).all(|lane| {
            made[lane].public == publics[of[lane]]
                && signed[lane].signature == signatures[of[lane]]
                && (verified[lane].status == Status::Ok) == (lane != wrong)
        })
    })
}

/// Runs eight jobs on the lanes.
fn eight(
    key: &AsymmetricKey,
    algorithm: u16,
    batch: fn(&mut [EcJob<'_>]),
    input: &[u8],
    signatures: [&[u8]; LANES],
    outs: &mut [[u8; 160]; LANES],
) -> [Result<usize, Status>; LANES] {
    let mut jobs: Vec<EcJob<'_>> = outs
        .iter_mut()
        .zip(signatures)
        .map(|(out, signature)| EcJob {
            key,
            algorithm,
            input,
            is_digest: false,
            signature,
            out,
            result: Err(Status::Pending),
        })
        .collect();
    forced(BreakEven::ALWAYS, || batch(&mut jobs));
    std::array::from_fn(|lane| jobs[lane].result)
}

/// The known signature and own ones are good in every lane but in the one where they are spoilt.
pub(super) fn ecdsa(key: &AsymmetricKey, algorithm: u16, message: &[u8], answer: &[u8]) -> bool {
    let mut outs = [[0; 160]; LANES];
    let signed = eight(key, algorithm, ec::sign_batch, message, [&[]; LANES], &mut outs);
    let own: Vec<&[u8]> =
        outs.iter().zip(signed).map(|(out, len)| &out[..len.unwrap_or(0)]).collect();
    let mut spoilt = answer.to_vec();
    let middle = spoilt.len() / 2 + 8;
    spoilt[middle] ^= 1;
    [0, LANES - 1].into_iter().all(|wrong| {
        let given: [&[u8]; LANES] = std::array::from_fn(|lane| match lane {
            _ if lane == wrong => &spoilt[..],
            _ if lane % 2 == wrong % 2 => answer,
            _ => own[lane],
        });
        let outs = &mut [[0; 160]; LANES];
        let verified = eight(key, algorithm, ec::verify_batch, message, given, outs);
        (0..LANES).all(|lane| verified[lane].is_ok() == (lane != wrong))
    })
}

/// The known secret in every lane.
pub(super) fn agreement(key: &AsymmetricKey, peer: &[u8], answer: &[u8]) -> bool {
    let mut outs = [[0; 160]; LANES];
    let made = eight(key, 0, ec::ecdh_batch, peer, [&[]; LANES], &mut outs);
    outs.iter().zip(made).all(|(out, len)| len.is_ok_and(|len| &out[..len] == answer))
}
