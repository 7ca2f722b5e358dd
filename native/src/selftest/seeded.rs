//! Known answers of algorithms whose private keys are seeds: Ed25519, ML-DSA, ML-KEM. They run as
//! frames, the way every job does.
use super::known_answers::MESSAGE;
use super::{hex, lanes, seeded_answers as known};
use crate::arena::{self, Handle, KeyBody};
use crate::ffi::{AsymmetricKey, SHARED_SECRET_BYTES};
use crate::frame::{Status, alg, form, op, run_single_with, spec};

/// Bytes of the longest output: a signature of ML-DSA-87.
const OUT_MAX: usize = 4640;

#[derive(Clone, Copy)]
pub(super) struct Test<'a> {
    pub operation: &'static str,
    pub algorithm: &'static str,
    spec: u16,
    alg: u16,
    pkcs8: &'static str,
    /// Signature or shared secret.
    pub answer: &'a str,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    /// What is signed, in the forms that the algorithm takes; true where it has one right signature.
    Sign {
        inputs: &'static [(u32, &'static str)],
        deterministic: bool,
    },
    Decapsulate {
        ciphertext: &'static str,
    },
}

const fn ml_dsa(
    algorithm: &'static str,
    spec: u16,
    pkcs8: &'static str,
    inputs: &'static [(u32, &'static str)],
    answer: &'static str,
) -> Test<'static> {
    let kind = Kind::Sign { inputs, deterministic: false };
    Test { operation: "Sign", algorithm, spec, alg: alg::ML_DSA_SHAKE_256, pkcs8, answer, kind }
}

const fn ml_kem(
    algorithm: &'static str,
    spec: u16,
    pkcs8: &'static str,
    ciphertext: &'static str,
    answer: &'static str,
) -> Test<'static> {
    let kind = Kind::Decapsulate { ciphertext };
    Test { operation: "Encapsulate", algorithm, spec, alg: alg::ML_KEM, pkcs8, answer, kind }
}

const fn ed25519(
    algorithm: &'static str,
    alg: u16,
    inputs: &'static [(u32, &'static str)],
    answer: &'static str,
) -> Test<'static> {
    let (spec, pkcs8) = (spec::ECC_NIST_EDWARDS25519, known::ED25519_PKCS8);
    let kind = Kind::Sign { inputs, deterministic: true };
    Test { operation: "Sign", algorithm, spec, alg, pkcs8, answer, kind }
}

pub(super) const TESTS: [Test<'static>; 8] = [
    ed25519(
        "ED25519_SHA_512",
        alg::ED25519_SHA_512,
        &[(form::MESSAGE, MESSAGE)],
        known::ED25519_SIGNATURE,
    ),
    ed25519(
        "ED25519_PH_SHA_512",
        alg::ED25519_PH_SHA_512,
        &[(form::DIGEST, known::ED25519_PH_DIGEST)],
        known::ED25519_PH_SIGNATURE,
    ),
    ml_dsa(
        "ML_DSA_44",
        spec::ML_DSA_44,
        known::ML_DSA_44_PKCS8,
        &[(form::MESSAGE, MESSAGE), (form::EXTERNAL_MU, known::ML_DSA_44_MU)],
        known::ML_DSA_44_SIGNATURE,
    ),
    ml_dsa(
        "ML_DSA_65",
        spec::ML_DSA_65,
        known::ML_DSA_65_PKCS8,
        &[(form::MESSAGE, MESSAGE), (form::EXTERNAL_MU, known::ML_DSA_65_MU)],
        known::ML_DSA_65_SIGNATURE,
    ),
    ml_dsa(
        "ML_DSA_87",
        spec::ML_DSA_87,
        known::ML_DSA_87_PKCS8,
        &[(form::MESSAGE, MESSAGE), (form::EXTERNAL_MU, known::ML_DSA_87_MU)],
        known::ML_DSA_87_SIGNATURE,
    ),
    ml_kem(
        "ML_KEM_512",
        spec::ML_KEM_512,
        known::ML_KEM_512_PKCS8,
        known::ML_KEM_512_CIPHERTEXT,
        known::ML_KEM_512_SECRET,
    ),
    ml_kem(
        "ML_KEM_768",
        spec::ML_KEM_768,
        known::ML_KEM_768_PKCS8,
        known::ML_KEM_768_CIPHERTEXT,
        known::ML_KEM_768_SECRET,
    ),
    ml_kem(
        "ML_KEM_1024",
        spec::ML_KEM_1024,
        known::ML_KEM_1024_PKCS8,
        known::ML_KEM_1024_CIPHERTEXT,
        known::ML_KEM_1024_SECRET,
    ),
];

impl Test<'_> {
    pub fn run(&self) -> Result<bool, Status> {
        let key = AsymmetricKey::from_pkcs8(self.spec, &hex(self.pkcs8))?;
        let handle = arena::insert(KeyBody::Asymmetric(key))?;
        let answer = hex(self.answer);
        let passed = match self.kind {
            Kind::Sign { inputs, deterministic } => {
                let alone = inputs.iter().all(|(form, input)| {
                    self.signs(handle, *form, &hex(input), &answer, deterministic)
                });
                let batched = self.spec == spec::ECC_NIST_EDWARDS25519;
                alone && (!batched || lanes::ed25519(&lanes::EXAMPLES))
            }
            Kind::Decapsulate { ciphertext } => {
                self.decapsulates(handle, &hex(ciphertext), &answer)
            }
        };
        arena::free(handle.slot, handle.generation);
        Ok(passed)
    }

    fn job(&self, handle: Handle, op: u16, form: u32, inputs: [&[u8]; 3]) -> Result<Vec<u8>, u32> {
        run_single_with(op, self.alg, form, handle, inputs, OUT_MAX)
    }

    /// The known signature is good and its own is, but not of another message.
    fn signs(
        &self,
        handle: Handle,
        form: u32,
        input: &[u8],
        answer: &[u8],
        deterministic: bool,
    ) -> bool {
        let verify = |input: &[u8], signature: &[u8]| {
            self.job(handle, op::VERIFY, form, [input, signature, &[]])
        };
        let Ok(own) = self.job(handle, op::SIGN, form, [input, &[], &[]]) else { return false };
        let mut other = input.to_vec();
        other[0] ^= 1;
        (!deterministic || own == answer)
            && verify(input, &own).is_ok()
            && verify(input, answer).is_ok()
            && verify(&other, answer) == Err(Status::InvalidSignature as u32)
    }

    /// The known ciphertext gives its secret, its own theirs, and a spoilt one another.
    fn decapsulates(&self, handle: Handle, ciphertext: &[u8], answer: &[u8]) -> bool {
        let open = |ciphertext: &[u8]| self.job(handle, op::DECAPSULATE, 0, [ciphertext, &[], &[]]);
        let Ok(own) = self.job(handle, op::ENCAPSULATE, 0, [&[]; 3]) else { return false };
        let (secret, sent) = own.split_at(SHARED_SECRET_BYTES);
        let mut spoilt = ciphertext.to_vec();
        spoilt[0] ^= 1;
        open(ciphertext).as_deref() == Ok(answer)
            && open(sent).as_deref() == Ok(secret)
            && open(&spoilt).is_ok_and(|other| other != answer)
    }
}

#[cfg(test)]
impl<'a> Test<'a> {
    /// The same test with another answer.
    pub fn with_answer<'b>(&self, answer: &'b str) -> Test<'b> {
        Test {
            operation: self.operation,
            algorithm: self.algorithm,
            spec: self.spec,
            alg: self.alg,
            pkcs8: self.pkcs8,
            answer,
            kind: self.kind,
        }
    }
}
